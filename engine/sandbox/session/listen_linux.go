package session

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// socketName is the engine's socket in the directory that it shares with an environment.
const socketName = "engine.sock"

// longestSocket is the longest path that fits into a socket address.
const longestSocket = 107

// Listen opens the engine's socket in dir. The path of a socket must be short;
// that of dir need not be.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketName)
	if len(path) > longestSocket {
		d, err := os.Open(dir)
		if err != nil {
			return nil, fmt.Errorf("listen for supervisor: %w", err)
		}
		defer func() { _ = d.Close() }()
		path = fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), socketName)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for supervisor: %w", err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // the directory goes as a whole
	// The supervisor may be another user; the directory above keeps others out.
	if err := os.Chmod(filepath.Join(dir, socketName), 0o666); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("listen for supervisor: %w", err)
	}
	return ln, nil
}
