//go:build linux

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// grace is how long an idle runtime may still run before it is frozen. Under
// load the next invocation comes sooner, and freezing costs nothing at all.
const grace = 10 * time.Millisecond

// Errors of the Runtime API's callers.
var (
	errTransition = errors.New("state transition is not allowed")
	errRequestID  = errors.New("invalid request ID")
)

// lifecycle is the state of the one runtime in this environment:
//
//	booting ──/next──► idle ──event──► running ──/response, /error──► (idle)
//
// Whoever ends an invocation takes it out of inv first, under the lock; so of a
// response, a deadline and a crash that come together exactly one wins.
type lifecycle struct {
	conn *protocol.Conn
	out  *output
	mem  *memory
	proc *process
	done chan struct{} // closed when the environment has ended

	mu        sync.Mutex
	started   time.Time
	inited    bool
	inv       *invocation // handed over by the engine, not answered yet
	holder    waiter      // who has been given inv; nil: it waits for the runtime to ask
	parked    waiter      // who waits for an event
	answering int         // answers whose body is being read
	answered  *sync.Cond
	frozen    bool
	dead      bool
	freezer   *time.Timer
	deadline  *time.Timer
}

// waiter is a request for an event.
type waiter interface {
	deliver(inv *invocation) error
}

// invocation is one event on its way through the runtime.
type invocation struct {
	protocol.Invoke
	payload  []byte
	start    time.Time
	streamed bool // the engine has been sent the beginning of a response
}

func newLifecycle(conn *protocol.Conn, out *output, mem *memory) *lifecycle {
	l := &lifecycle{conn: conn, out: out, mem: mem, done: make(chan struct{})}
	l.answered = sync.NewCond(&l.mu)
	l.freezer = time.AfterFunc(time.Hour, l.freeze)
	l.freezer.Stop()
	return l
}

// boot starts the runtime.
func (l *lifecycle) boot(a protocol.Assign, added map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = time.Now()
	proc, err := l.launch(a, added)
	if err != nil {
		l.dead = true
		problem := err.Error()
		if failed := (*startError)(nil); errors.As(err, &failed) && errors.Is(err, syscall.ENOENT) {
			problem = fmt.Sprintf("Couldn't find valid bootstrap(s): [%s]", failed.path)
		}
		l.fail(protocol.InitFailed{ErrorType: "Runtime.InvalidEntrypoint", Problem: problem}, nil)
		return
	}
	l.proc, l.mem.pid = proc, proc.pid
	l.deadline = time.AfterFunc(a.InitBudget, l.expire)
	l.out.watch()
	go l.watch()
}

func (l *lifecycle) launch(a protocol.Assign, added map[string]string) (*process, error) {
	stdout, err := l.out.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = stdout.Close() }()
	stderr, err := l.out.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	return start(a.Command, a.Dir, environment(a, added), stdout, stderr)
}

// environment assembles the runtime's variables: those it is given and the two
// addresses that only the supervisor knows. An AWS_ENDPOINT_URL that the user has
// set stays.
func environment(a protocol.Assign, added map[string]string) []string {
	vars := maps.Clone(added)
	for k, v := range a.Env {
		if k != "AWS_LAMBDA_RUNTIME_API" {
			vars[k] = v
		}
	}
	env := make([]string, 0, len(vars))
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	slices.Sort(env)
	return env
}

// invoke takes an event from the engine.
func (l *lifecycle) invoke(inv *invocation) {
	if to := l.accept(inv); to != nil {
		l.deliver(to, inv)
	}
}

// accept takes the event in and returns who waits for it, if anybody does.
// Nobody may write to the runtime under the lock: it may be slow to read.
func (l *lifecycle) accept(inv *invocation) waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead || l.inv != nil {
		l.report(inv, protocol.Result{Outcome: protocol.Gone}, nil)
		return nil
	}
	l.freezer.Stop()
	l.out.begin(inv.RequestID)
	inv.start = time.Now()
	l.inv = inv
	l.deadline = time.AfterFunc(inv.Budget, l.expire)
	if l.frozen {
		l.frozen = false
		l.proc.signal(syscall.SIGCONT)
	}
	if l.parked == nil {
		return nil
	}
	l.holder, l.parked = l.parked, nil
	return l.holder
}

// next is the runtime's request for an event. The first one ends its init. The
// event is delivered now or when it comes.
func (l *lifecycle) next(w waiter) error {
	l.mu.Lock()
	if l.holder != nil || l.parked != nil || l.dead {
		l.mu.Unlock()
		return errTransition
	}
	if !l.inited {
		l.inited = true
		l.deadline.Stop()
		l.out.sync()
		_ = l.conn.Send(protocol.KindReady, protocol.Ready{Init: time.Since(l.started)}, nil)
	}
	inv := l.inv
	if inv != nil {
		l.holder = w
	} else {
		l.parked = w
		l.freezer.Reset(grace)
	}
	l.mu.Unlock()
	if inv != nil {
		l.deliver(w, inv)
	}
	return nil
}

// deliver sends the event; when that fails, it waits for the runtime to ask again.
func (l *lifecycle) deliver(to waiter, inv *invocation) {
	if to.deliver(inv) == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inv == inv && l.holder == to {
		l.holder = nil
	}
}

// leave forgets a connection that has ended. If it waited for an event, it does
// no longer; what has already been sent to it may be answered on another.
func (l *lifecycle) leave(w waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parked == w {
		l.parked = nil
		l.freezer.Stop()
	}
}

// begin opens an answer to the invocation id; its body is about to be read. It
// must be followed by finish. An answer that streams is passed on as it comes if
// the engine wants that, which begin tells. What has been passed on cannot be taken
// back: no other answer may come beside it, and only an error after one that broke off.
func (l *lifecycle) begin(id string, outcome protocol.Outcome, streams bool) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inv != nil && l.inv.RequestID != id {
		return false, errRequestID
	}
	if l.inv == nil || l.holder == nil {
		return false, errTransition
	}
	streams = streams && l.inv.Stream && outcome == protocol.Success
	if l.inv.streamed && outcome == protocol.Success || (l.inv.streamed || streams) && l.answering > 0 {
		return false, errTransition
	}
	l.inv.streamed = l.inv.streamed || streams
	l.answering++
	return streams, nil
}

// finish ends the invocation with the runtime's answer, or drops the answer
// when its body could not be read.
func (l *lifecycle) finish(id string, res protocol.Result, payload []byte, broken error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answering--; l.answering == 0 {
		l.answered.Broadcast()
	}
	if broken != nil {
		return broken
	}
	if l.inv == nil || l.inv.RequestID != id || l.holder == nil {
		return errTransition
	}
	inv := l.take()
	res.Duration = time.Since(inv.start)
	l.out.sync()
	l.report(inv, res, payload)
	return nil
}

// take removes the invocation, which makes its taker the one who reports it.
func (l *lifecycle) take() *invocation {
	inv := l.inv
	l.inv, l.holder = nil, nil
	l.deadline.Stop()
	return inv
}

func (l *lifecycle) report(inv *invocation, res protocol.Result, payload []byte) {
	res.RequestID, res.Memory = inv.RequestID, l.mem.peak()
	_ = l.conn.Send(protocol.KindResult, res, payload)
}

// initError is what the runtime posted instead of asking for an event.
func (l *lifecycle) initError(failed protocol.InitFailed, payload []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inited || l.dead {
		return errTransition
	}
	l.dead = true
	l.deadline.Stop()
	l.out.sync()
	failed.Posted = true
	l.fail(failed, payload)
	return nil
}

func (l *lifecycle) fail(failed protocol.InitFailed, payload []byte) {
	failed.Duration = time.Since(l.started)
	_ = l.conn.Send(protocol.KindInitFailed, failed, payload)
	close(l.done)
}

// expire kills the runtime at its deadline, of the init or of an invocation.
func (l *lifecycle) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead || (l.inited && l.inv == nil) {
		return
	}
	if inv := l.inv; inv != nil && time.Since(inv.start) < inv.Budget-time.Millisecond {
		return // the timer of an invocation before this one, too late to be stopped
	}
	l.dead = true
	if !l.inited {
		l.proc.kill(time.Second)
		l.out.sync()
		l.fail(protocol.InitFailed{ErrorType: "Sandbox.Timedout", TimedOut: true}, nil)
		return
	}
	inv := l.take()
	res := protocol.Result{Outcome: protocol.Timeout, Duration: time.Since(inv.start)}
	l.mem.peak() // while the processes can still be asked
	l.proc.kill(time.Second)
	l.out.sync()
	l.report(inv, res, nil)
	close(l.done)
}

// watch waits for the end of the runtime, which is the end of the environment.
func (l *lifecycle) watch() {
	<-l.proc.exited
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.answering > 0 { // its last words are still on their way
		l.answered.Wait()
	}
	if l.dead {
		return
	}
	l.dead = true
	l.proc.kill(time.Second)
	l.out.sync()
	l.mem.atLeast(l.proc.peak) // it cannot be asked any more
	exit, exhausted := l.proc.exit(), l.mem.exhausted() && l.proc.status.Signaled()
	switch inv := l.inv; {
	case !l.inited:
		failed := protocol.InitFailed{ErrorType: "Runtime.ExitError", Exit: exit}
		if exhausted {
			failed.ErrorType = "Runtime.OutOfMemory"
		}
		l.fail(failed, nil)
		return
	case inv != nil && l.holder != nil:
		res := protocol.Result{Outcome: protocol.Exited, Exit: exit, Duration: time.Since(inv.start)}
		if exhausted {
			res.Outcome = protocol.OutOfMemory
		}
		l.report(l.take(), res, nil)
	case inv != nil:
		l.report(l.take(), protocol.Result{Outcome: protocol.Gone, Exit: exit}, nil)
	}
	close(l.done)
}

// freeze stops a runtime that has nothing to do.
func (l *lifecycle) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parked == nil || l.inv != nil || l.frozen || l.dead {
		return
	}
	l.frozen = true
	l.proc.signal(syscall.SIGSTOP)
}
