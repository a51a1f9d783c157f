//go:build linux

package lifecycle

import (
	"io"
	"net"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// Host is where the programs of an environment run: this process, if it is the
// supervisor, or another one.
type Host interface {
	// Start runs a program; the error is a *programs.StartError if it is the program's.
	Start(programs.Program) (*programs.Process, error)
	// Signal signals the process group of a program.
	Signal(*programs.Process, syscall.Signal)
	// Freeze stops everybody, and Thaw lets them run again.
	Freeze()
	Thaw()
	// Kill ends everybody and waits for that, but not for longer than patience.
	Kill(patience time.Duration)
	// Dial connects to a TCP port of the environment's loopback.
	Dial(port int) (net.Conn, error)
}

// Engine is who gets to know what happens. Log and Flush are called one at a time, and so
// are the others but for Chunk. None may call back.
type Engine interface {
	// Log gets each line of output. All lines of an invocation come before its result.
	// The text is overwritten after the call.
	Log(l protocol.Log, text []byte)
	// Flush follows some calls of Log after which there may be none for a while.
	Flush()
	Ready(protocol.Ready)
	InitFailed(failed protocol.InitFailed, payload []byte)
	Result(res protocol.Result, payload []byte)
	// Chunk gets each piece of a streamed response, and may hold it up. The piece is
	// overwritten after the call.
	Chunk(c protocol.Chunk, piece []byte) error
	Settled(protocol.Result)
}

// Done is closed when the environment has ended. What its programs have left is to be killed then.
func (l *Life) Done() <-chan struct{} { return l.done }

// Close lets go of everything that is still open, and waits for whatever is still
// running. The programs must have ended, or be about to.
func (l *Life) Close() {
	l.mu.Lock()
	l.dead = true
	l.freezer.Stop()
	if l.deadline != nil {
		l.deadline.Stop()
	}
	held := l.held
	l.held = nil
	l.mu.Unlock()
	close(l.closing)
	for c := range held {
		_ = c.Close()
	}
	l.out.close()
	l.tasks.Wait()
}

// hold remembers a connection for Close, and closes it at once if there are too many.
func (l *Life) hold(c io.Closer, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil || len(l.held) > most {
		_ = c.Close()
		return false
	}
	l.held[c] = struct{}{}
	return true
}

func (l *Life) release(c io.Closer) {
	l.mu.Lock()
	delete(l.held, c)
	l.mu.Unlock()
	_ = c.Close()
}
