//go:build !linux

package session

import (
	"errors"
	"net"
)

// Listen opens the engine's socket in dir.
func Listen(string) (net.Listener, error) {
	return nil, errors.New("environments of this machine's own are Linux only: use the docker driver")
}
