//go:build unix

package instance

import (
	"errors"
	"os"
	"syscall"
)

// canRemoveOpen tells whether a file can be removed while it is open.
const canRemoveOpen = true

func hold(f *os.File, wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	err := syscall.Flock(int(f.Fd()), how)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
