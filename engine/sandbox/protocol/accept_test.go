package protocol_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// starved fails as a listener without descriptors does, and then takes a connection.
type starved struct {
	net.Listener
	left int
}

func (s *starved) Accept() (net.Conn, error) {
	if s.left--; s.left >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	if s.left == -1 {
		return &net.TCPConn{}, nil
	}
	return nil, net.ErrClosed
}

// A lack of descriptors passes, and a closed listener does not.
func TestAccept(t *testing.T) {
	ln := &starved{left: 3}
	if conn, err := protocol.Accept(ln); err != nil || conn == nil {
		t.Errorf("%v, %v", conn, err)
	}
	if _, err := protocol.Accept(ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}
