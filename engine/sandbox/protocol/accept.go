package protocol

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// acceptPause is the pause after a connection that could not be taken.
const acceptPause = 50 * time.Millisecond

// MaxCalls is how many connections for AWS calls one environment may have at a time.
// Further ones wait: the engine's files are for all environments.
const MaxCalls = 256

// Accept takes a connection from ln as ln does, but where files or memory have run out
// it waits until there are some again: callers wait in line, instead of for ever.
func Accept(ln net.Listener) (net.Conn, error) {
	for {
		conn, err := ln.Accept()
		if err == nil || !passing(err) {
			return conn, err
		}
		time.Sleep(acceptPause)
	}
}

func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
