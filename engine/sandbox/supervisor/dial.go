//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/hashicorp/yamux"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// dialer opens connections to the engine.
type dialer func() (net.Conn, error)

// newDialer reads an address: "unix:PATH", or "stdio" when the engine is
// attached to the container's standard streams, which then carry all connections.
func newDialer(address string) (dialer, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return func() (net.Conn, error) { return net.Dial("unix", path) }, nil
	}
	if address != "stdio" {
		return nil, fmt.Errorf("unknown address %q", address)
	}
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	config.EnableKeepAlive = false
	config.MaxStreamWindowSize = 1 << 20
	session, err := yamux.Client(stdio{}, config)
	if err != nil {
		return nil, err
	}
	return session.Open, nil
}

// stdio is the pair of standard streams as one.
type stdio struct{}

func (stdio) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (stdio) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdio) Close() error                { _ = os.Stdin.Close(); return os.Stdout.Close() }

// open dials and says what the connection is for.
func (d dialer) open(kind byte) (net.Conn, error) {
	conn, err := d()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte{kind}); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (d dialer) control() (*protocol.Conn, error) {
	conn, err := d.open(protocol.Control)
	if err != nil {
		return nil, err
	}
	return protocol.NewConn(conn), nil
}
