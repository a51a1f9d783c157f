//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// The main goroutine stays on the main thread, which is the one that may start
// the runtime (see start).
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
	if err := conn.Send(protocol.KindHello, protocol.Hello{Version: protocol.Version, PID: os.Getpid()}, nil); err != nil {
		return fmt.Errorf("greet the engine: %w", err)
	}
	assign, err := receiveAssign(conn)
	if err != nil {
		return err
	}

	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the runtime: %w", err)
	}
	endpoint, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for AWS calls: %w", err)
	}
	life := newLifecycle(conn, newOutput(conn), newMemory(os.Getpid() == 1))
	go serveRuntimeAPI(api, life)
	go serveEndpoint(endpoint, dial)
	registered := life.boot(assign, map[string]string{
		"AWS_LAMBDA_RUNTIME_API": api.Addr().String(),
		"AWS_ENDPOINT_URL":       "http://" + endpoint.Addr().String(),
	})
	wait(conn, life, registered)
	life.family.kill(5 * time.Second)
	return nil
}

func receiveAssign(conn *protocol.Conn) (protocol.Assign, error) {
	var assign protocol.Assign
	frame, err := conn.Receive()
	if err != nil {
		return assign, fmt.Errorf("wait for an assignment: %w", err)
	}
	if frame.Kind != protocol.KindAssign {
		return assign, fmt.Errorf("wait for an assignment: got frame %d", frame.Kind)
	}
	return assign, frame.Decode(&assign)
}

// wait feeds the runtime with events until it ends, the engine goes away, or
// somebody wants the environment to end. It starts the runtime once all extensions
// have registered: the main thread must.
func wait(conn *protocol.Conn, life *lifecycle, registered <-chan struct{}) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		for {
			frame, err := conn.Receive()
			if err != nil {
				return
			}
			if frame.Kind == protocol.KindShutdown {
				life.stop()
				continue
			}
			inv := &invocation{payload: frame.Payload}
			if frame.Kind != protocol.KindInvoke || frame.Decode(&inv.Invoke) != nil {
				return
			}
			life.invoke(inv)
		}
	}()
	for {
		select {
		case <-registered:
			registered = nil
			life.launch()
		case <-life.done:
			return
		case <-lost:
			return
		case <-signals:
			return
		}
	}
}
