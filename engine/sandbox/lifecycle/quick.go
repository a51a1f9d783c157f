//go:build linux

package lifecycle

import (
	"net"
	"os"
	"syscall"
	"unsafe"
)

// quick writes to a connection without telling Go's scheduler about the system call.
// A write wakes up whoever reads, who often runs first; the scheduler takes that for a
// call that blocks, and gives the only processor to another thread and back.
type quick struct {
	net.Conn
	raw syscall.RawConn
}

// quickly returns conn with such writes if its kind has a file descriptor.
func quickly(conn net.Conn) net.Conn {
	if c, ok := conn.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			return &quick{conn, raw}
		}
	}
	return conn
}

func (q *quick) Write(p []byte) (n int, err error) {
	var failed error
	err = q.raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			wrote, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&p[n])), uintptr(len(p)-n))
			switch errno {
			case 0:
				n += int(wrote)
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false // until there is room
			default:
				failed = os.NewSyscallError("write", errno)
				return true
			}
		}
		return true
	})
	if failed != nil {
		err = failed
	}
	return n, err
}
