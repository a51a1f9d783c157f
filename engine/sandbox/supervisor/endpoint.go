//go:build linux

package main

import (
	"io"
	"net"

	"golang.org/x/net/netutil"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// serveEndpoint carries each connection of the function's AWS clients to the
// engine, byte for byte, until the listener closes.
func serveEndpoint(ln net.Listener, dial dialer) {
	ln = netutil.LimitListener(ln, protocol.MaxCalls)
	for {
		inside, err := protocol.Accept(ln)
		if err != nil {
			return
		}
		go carry(inside, dial)
	}
}

func carry(inside net.Conn, dial dialer) {
	defer func() { _ = inside.Close() }()
	outside, err := dial.open(protocol.Endpoint)
	if err != nil {
		return
	}
	defer func() { _ = outside.Close() }()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(outside, inside)
		closeWrite(outside)
	}()
	_, _ = io.Copy(inside, outside)
	closeWrite(inside)
	<-sent
}

func closeWrite(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = conn.Close()
}
