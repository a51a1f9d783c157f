//go:build linux

package lifecycle

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
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

// Life is the state of the one runtime in this environment:
//
//	booting ──/next──► idle ──event──► running ──/response, /error──► (idle)
//
// Whoever ends an invocation takes it out of inv first, under the lock; so of a
// response, a deadline and a crash that come together exactly one wins. Extensions
// have states of their own (extensions.go): without any, ext is nil.
type Life struct {
	host    Host
	engine  Engine
	out     *output
	mem     *memory
	proc    *programs.Process // the runtime; nil until it has started
	done    chan struct{}     // closed when the environment has ended
	closing chan struct{}     // closed by Close
	tasks   sync.WaitGroup

	assign protocol.Assign
	added  map[string]string // variables of its own

	mu        sync.Mutex
	ext       *extensions
	started   time.Time
	asked     bool        // the runtime has asked for its first event
	inited    bool        // so have the extensions
	inv       *invocation // handed over by the engine, not answered yet
	holder    waiter      // who has been given inv; nil: it waits for the runtime to ask
	parked    waiter      // who waits for an event
	answering int         // answers whose body is being read
	answered  *sync.Cond
	frozen    bool
	dead      bool
	freezer   *time.Timer
	deadline  *time.Timer
	held      map[io.Closer]struct{} // connections, and the listener for them; nil once closed
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
	produced int  // bytes of the response
}

// New returns an environment in which nothing has happened yet.
func New(host Host, engine Engine, group Group) *Life {
	l := &Life{
		host: host, engine: engine, out: newOutput(engine), mem: newMemory(group),
		done: make(chan struct{}), closing: make(chan struct{}), held: map[io.Closer]struct{}{},
	}
	l.answered = sync.NewCond(&l.mu)
	l.freezer = time.AfterFunc(time.Hour, l.freeze)
	l.freezer.Stop()
	return l
}

// Invoke takes an event. What comes of it the engine is told.
func (l *Life) Invoke(inv protocol.Invoke, payload []byte) {
	l.invoke(&invocation{Invoke: inv, payload: payload})
}

func (l *Life) invoke(inv *invocation) {
	to, calls := l.accept(inv)
	for _, c := range calls {
		l.call(c)
	}
	if to != nil {
		l.deliver(to, inv)
	}
}

// accept takes the event in and returns who waits for it, if anybody does.
// Nobody may write to the runtime under the lock: it may be slow to read.
func (l *Life) accept(inv *invocation) (waiter, []call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead || l.inv != nil || l.ext != nil && l.ext.round != nil {
		l.report(inv, protocol.Result{Outcome: protocol.Gone}, nil)
		return nil, nil
	}
	l.freezer.Stop()
	l.out.begin(inv.RequestID)
	inv.start = time.Now()
	l.inv = inv
	l.deadline = time.AfterFunc(inv.Budget, l.expire)
	l.thaw()
	var calls []call
	if l.ext != nil {
		calls = l.beginRound(inv)
	}
	if l.parked == nil {
		return nil, calls
	}
	l.holder, l.parked = l.parked, nil
	return l.holder, calls
}

// thaw lets everybody run again.
func (l *Life) thaw() {
	if l.frozen {
		l.frozen = false
		l.host.Thaw()
	}
}

// next is the runtime's request for an event. The first one ends its init. The
// event is delivered now or when it comes.
func (l *Life) next(w waiter) error {
	l.mu.Lock()
	if l.holder != nil || l.parked != nil || l.dead {
		l.mu.Unlock()
		return errTransition
	}
	first := !l.asked
	l.asked = true
	if first && l.ext == nil {
		l.initialised(0)
	}
	inv := l.inv
	if inv != nil {
		l.holder = w
	} else {
		l.parked = w
		l.freezer.Reset(grace)
	}
	if l.ext != nil {
		l.runtimeReady(first)
	}
	l.mu.Unlock()
	if inv != nil {
		l.deliver(w, inv)
	}
	return nil
}

// initialised tells the engine that the environment is ready, and how long its end may take.
func (l *Life) initialised(shutdown time.Duration) {
	l.inited = true
	l.deadline.Stop()
	l.out.sync()
	l.engine.Ready(protocol.Ready{Init: time.Since(l.started), Shutdown: shutdown})
}

// deliver sends the event; when that fails, it waits for the runtime to ask again.
func (l *Life) deliver(to waiter, inv *invocation) {
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
func (l *Life) leave(w waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parked == w {
		l.parked = nil
		l.freezer.Stop()
	}
	if l.ext != nil {
		l.ext.leave(w)
	}
}

// begin opens an answer to the invocation id; its body is about to be read. It
// must be followed by finish. An answer that streams is passed on as it comes if
// the engine wants that, which begin tells. What has been passed on cannot be taken
// back: no other answer may come beside it, and only an error after one that broke off.
func (l *Life) begin(id string, outcome protocol.Outcome, streams bool) (bool, error) {
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
func (l *Life) finish(id string, res protocol.Result, req *request, broken error) error {
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
	inv.produced = req.streamed + len(req.body)
	res.Duration = time.Since(inv.start)
	if l.ext == nil || l.ext.round == nil {
		l.out.sync()
		l.deadline.Stop()
	} else {
		l.out.syncLines(l.ext.through())
		res.More = true // the deadline is that of the extensions too
		l.ext.answer = &res
	}
	l.report(inv, res, req.body)
	return nil
}

// take removes the invocation, which makes its taker the one who reports it.
func (l *Life) take() *invocation {
	inv := l.inv
	l.inv, l.holder = nil, nil
	return inv
}

func (l *Life) report(inv *invocation, res protocol.Result, payload []byte) {
	res.RequestID, res.Memory = inv.RequestID, l.mem.peak()
	l.engine.Result(res, payload)
}

// initError is what the runtime posted instead of asking for an event.
func (l *Life) initError(failed protocol.InitFailed, payload []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked || l.dead {
		return errTransition
	}
	l.dead = true
	l.out.sync()
	failed.Posted = true
	l.fail(failed, payload)
	return nil
}

// freeze stops everybody when there is nothing to do.
func (l *Life) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parked == nil || l.inv != nil || l.frozen || l.dead || l.ext != nil && !l.ext.idle() {
		return
	}
	if l.ext != nil && l.ext.telemetry.flush() && l.ext.mayWait() {
		l.freezer.Reset(grace) // for who takes the last events
		return
	}
	l.frozen = true
	l.host.Freeze()
}
