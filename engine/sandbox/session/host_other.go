//go:build !linux

package session

import "github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"

func newLender(*protocol.Conn, protocol.Hello) lender { return nil }
