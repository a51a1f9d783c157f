package protocol

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxFiles is the most files that come with one frame.
const maxFiles = 8

// fileCarrier is a Unix socket that keeps the files that come with the bytes read. The
// kernel delivers them with the first byte that they were sent with or before it, and
// in their order.
type fileCarrier struct {
	*net.UnixConn
	oob      [128]byte // room for maxFiles and more
	received []*os.File
}

// carrier returns nil for what carries no files.
func carrier(rw io.ReadWriteCloser) *fileCarrier {
	if conn, ok := rw.(*net.UnixConn); ok {
		return &fileCarrier{UnixConn: conn}
	}
	return nil
}

// Read implements io.Reader. It is called by one goroutine, which is also the one that
// takes the files.
func (c *fileCarrier) Read(p []byte) (int, error) {
	n, oobn, _, _, err := c.ReadMsgUnix(p, c.oob[:])
	if oobn > 0 {
		if err := c.keep(c.oob[:oobn]); err != nil {
			return 0, err
		}
	}
	return max(n, 0), err // which is -1 with an error
}

func (c *fileCarrier) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("receive files: %w", err)
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fmt.Errorf("receive files: %w", err)
		}
		for _, fd := range fds {
			c.received = append(c.received, os.NewFile(uintptr(fd), "received"))
		}
	}
	if len(c.received) > 4*maxFiles { // which nobody has asked for
		return fmt.Errorf("receive files: %d at once", len(c.received))
	}
	return nil
}

func (c *fileCarrier) take(n int) []*os.File {
	n = min(n, len(c.received))
	files := c.received[:n:n]
	c.received = c.received[n:]
	return files
}

// discard closes the files that nobody has taken.
func (c *fileCarrier) discard() {
	for _, f := range c.take(len(c.received)) {
		_ = f.Close()
	}
}

func (c *fileCarrier) send(frame []byte, files []syscall.Conn) error {
	return c.with(files, nil, func(fds []int) error {
		n, _, err := c.WriteMsgUnix(frame, unix.UnixRights(fds...), nil)
		if err == nil && n < len(frame) {
			_, err = c.Write(frame[n:])
		}
		if err != nil {
			return fmt.Errorf("send files: %w", err)
		}
		return nil
	})
}

// with calls send with the descriptors of files, which stay open as long. (To ask an
// os.File for its descriptor would make it block.)
func (c *fileCarrier) with(files []syscall.Conn, fds []int, send func([]int) error) error {
	if len(files) == 0 {
		return send(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return fmt.Errorf("send files: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = c.with(files[1:], append(fds, int(fd)), send) })
	return errors.Join(err, failed)
}
