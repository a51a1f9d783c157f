//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/lifecycle"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// The main goroutine stays on the main thread, which is the one that may start
// programs (see programs.Family.Serve).
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: supervisor unix:PATH | stdio\nThe engine starts it; there is nothing to run by hand.")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "supervisor:", err)
		os.Exit(1)
	}
}

func run(address string) error {
	runtime.GOMAXPROCS(1)          // it only ever hands things on: a second thread to wake is what costs
	debug.SetMemoryLimit(32 << 20) // payloads are garbage soon, and the function needs the room
	adopt()
	dial, err := newDialer(address)
	if err != nil {
		return err
	}
	conn, err := dial.control()
	if err != nil {
		return fmt.Errorf("reach the engine: %w", err)
	}
	defer func() { _ = conn.Close() }()
	var group lifecycle.Group
	if os.Getpid() == 1 { // a process of the host shares its group with others
		group = lifecycle.OwnGroup()
	}
	hello := protocol.Hello{Version: protocol.Version, PID: os.Getpid(), Measured: group.Peak != nil}
	if err := conn.Send(protocol.KindHello, hello, nil); err != nil {
		return fmt.Errorf("greet the engine: %w", err)
	}
	frame, err := conn.Receive()
	if err != nil {
		return fmt.Errorf("wait for work: %w", err)
	}
	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the runtime: %w", err)
	}
	endpoint, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for AWS calls: %w", err)
	}
	family := programs.NewFamily()
	ended := newEnd()
	switch frame.Kind {
	case protocol.KindAssign:
		var assign protocol.Assign
		if err := frame.Decode(&assign); err != nil {
			return err
		}
		go serveEndpoint(endpoint, dial)
		go manage(conn, lifecycle.New(host{family}, &engine{conn: conn}, group), assign, api, endpoint.Addr().String(), ended)
	case protocol.KindOpen:
		var open protocol.Open
		if err := frame.Decode(&open); err != nil {
			return err
		}
		go lend(conn, family, open, api, endpoint, group, ended)
	default:
		return fmt.Errorf("wait for work: got frame %d", frame.Kind)
	}
	family.Serve(ended.reached)
	family.Kill(5 * time.Second)
	return nil
}

// adopt makes the supervisor the parent of its descendants' orphans, and keeps
// the function, which is the same user, from looking into it.
func adopt() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// end is the end of the environment, which has several reasons to come: the runtime
// ends, the engine goes away, or somebody wants it to.
type end struct {
	reached chan struct{}
	once    sync.Once
}

func newEnd() *end {
	e := &end{reached: make(chan struct{})}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		e.come()
	}()
	return e
}

func (e *end) come() { e.once.Do(func() { close(e.reached) }) }

// manage runs the lifecycle here: it feeds the runtime with events until it ends or the
// engine goes away.
func manage(conn *protocol.Conn, life *lifecycle.Life, assign protocol.Assign, api net.Listener, endpoint string, ended *end) {
	go func() {
		<-life.Done()
		ended.come()
	}()
	life.Boot(assign, programs.Executables(assign.Extensions), api, endpoint)
	defer ended.come()
	for {
		frame, err := conn.Receive()
		if err != nil {
			return
		}
		if frame.Kind == protocol.KindShutdown {
			life.Stop()
			continue
		}
		var inv protocol.Invoke
		if frame.Kind != protocol.KindInvoke || frame.Decode(&inv) != nil {
			return
		}
		life.Invoke(inv, frame.Payload)
	}
}
