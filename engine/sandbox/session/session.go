// Package session is the engine's end of one supervisor: the part of an
// environment that is the same whether it runs in a container or as a process.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// lateness is how long after a deadline the supervisor's word on it may come,
// before the engine takes the environment for lost.
const lateness = 5 * time.Second

// Session is one supervisor's connections. Its methods but Close, Done and Hello
// may be used once Boot has returned.
type Session struct {
	logger *slog.Logger
	ln     net.Listener
	wg     sync.WaitGroup

	greeted chan struct{} // closed with the hello
	booted  chan error    // one answer to Boot
	results chan result   // one answer to an Invoke
	chunks  chan chunk    // of a streamed response; handed over, not buffered
	hanging chan struct{} // closed by hangUp
	done    chan struct{} // closed when the supervisor has gone
	closing sync.Once

	mu        sync.Mutex
	conn      *protocol.Conn
	lender    lender                // nil: the lifecycle is the supervisor's
	life      life                  // of Boot
	open      map[net.Conn]struct{} // connections that do not yet belong to anybody, or never will
	hung      bool                  // hangUp has been
	closed    bool                  // Close has been
	spec      sandbox.Spec
	memoryCap int
	endpoint  *endpoint
	borrowed  net.Listener // for AWS calls, if it is the engine that listens

	invoking sync.Mutex
	init     time.Duration

	extending sync.Mutex
	shutdown  time.Duration // what the end may take; 0 without extensions
	rest      *sandbox.Rest // of the last invocation
	overrun   *time.Timer   // for a supervisor that says nothing of its end
}

type result struct {
	protocol.Result
	payload []byte
}

var errHungUp = errors.New("the environment is being stopped")

// New serves the connections that a supervisor opens through ln, which it owns
// from now on.
func New(ln net.Listener, logger *slog.Logger) *Session {
	s := &Session{
		logger:  logger,
		ln:      ln,
		greeted: make(chan struct{}),
		booted:  make(chan error, 1),
		results: make(chan result, 1),
		chunks:  make(chan chunk),
		hanging: make(chan struct{}),
		done:    make(chan struct{}),
		open:    map[net.Conn]struct{}{},
	}
	s.wg.Go(s.accept)
	return s
}

// Hello waits until the supervisor has connected.
func (s *Session) Hello(ctx context.Context) error {
	select {
	case <-s.greeted:
		return nil
	case <-s.done:
		return errors.New("the supervisor ended before it was given anything to do")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Boot has the supervisor start a runtime and waits for it to ask for its first
// event. memoryCap is the most memory a result may show, in MB; 0 for no cap.
func (s *Session) Boot(ctx context.Context, assign protocol.Assign, spec sandbox.Spec, memoryCap int) error {
	s.mu.Lock()
	s.spec, s.memoryCap = spec, memoryCap
	conn, lender := s.conn, s.lender
	s.mu.Unlock()
	if assign.InitBudget <= 0 {
		assign.InitBudget = 10 * time.Second
	}
	s.life = remote{conn}
	var err error
	if lender != nil {
		s.life, err = lender.boot(s, assign)
	} else {
		err = conn.Send(protocol.KindAssign, assign, nil)
	}
	switch {
	case errors.Is(err, errSupervisorGone):
		return &sandbox.InitError{ErrorType: "Runtime.ExitError", Exit: "signal: killed"}
	case errors.Is(err, errSilent):
		return &sandbox.InitError{ErrorType: "Sandbox.Timedout", TimedOut: true, Duration: assign.InitBudget}
	case err != nil:
		return fmt.Errorf("assign environment: %w", err)
	}
	late := time.NewTimer(assign.InitBudget + lateness)
	defer late.Stop()
	select {
	case err := <-s.booted:
		return err
	case <-s.done:
		select {
		case err := <-s.booted:
			return err
		default:
		}
		return &sandbox.InitError{ErrorType: "Runtime.ExitError", Exit: "signal: killed"}
	case <-late.C:
		return &sandbox.InitError{ErrorType: "Sandbox.Timedout", TimedOut: true, Duration: assign.InitBudget}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Invoke implements sandbox.Environment.
func (s *Session) Invoke(ctx context.Context, inv sandbox.Invocation) (res sandbox.Result, err error) {
	s.invoking.Lock()
	defer s.invoking.Unlock()
	consumer := consumer{inv: &inv}
	defer func() { res.Streamed = consumer.begun }()
	if err := s.rested(ctx); err != nil {
		return sandbox.Result{}, err
	}
	select {
	case <-s.done:
		return sandbox.Result{}, sandbox.ErrGone
	default:
	}
	budget := time.Until(inv.Deadline)
	start := time.Now()
	late := time.AfterFunc(budget+lateness, s.hangUp)
	defer late.Stop()
	err = s.life.invoke(protocol.Invoke{
		RequestID:       inv.RequestID,
		FunctionARN:     inv.FunctionARN,
		DeadlineMS:      inv.Deadline.UnixMilli(),
		Budget:          budget,
		TraceID:         inv.TraceID,
		ClientContext:   inv.ClientContext,
		CognitoIdentity: inv.CognitoIdentity,
		Stream:          inv.Stream != nil,
	}, inv.Payload)
	if err != nil {
		s.hangUp()
		return sandbox.Result{}, sandbox.ErrGone
	}
	for alive := true; alive; {
		select {
		case r := <-s.results:
			return s.outcome(r, budget)
		case c := <-s.chunks:
			consumer.take(c)
			close(c.taken)
		case <-s.done:
			alive = false
		case <-ctx.Done():
			s.hangUp()
			return sandbox.Result{}, ctx.Err()
		}
	}
	select {
	case r := <-s.results: // its last word
		return s.outcome(r, budget)
	default:
	}
	if !late.Stop() {
		return sandbox.Result{Outcome: sandbox.Timeout, Duration: budget}, nil
	}
	if s.isClosed() {
		return sandbox.Result{}, errStopped
	}
	return sandbox.Result{Outcome: sandbox.Exited, Exit: "signal: killed", Duration: time.Since(start)}, nil
}

// errStopped says that an environment was stopped in the middle of an invocation.
var errStopped = errors.New("the environment was stopped during the invocation")

func (s *Session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

var outcomes = map[protocol.Outcome]sandbox.Outcome{
	protocol.Success:          sandbox.Success,
	protocol.FunctionError:    sandbox.FunctionError,
	protocol.Timeout:          sandbox.Timeout,
	protocol.Exited:           sandbox.Exited,
	protocol.OutOfMemory:      sandbox.OutOfMemory,
	protocol.ResponseTooLarge: sandbox.ResponseTooLarge,
	protocol.ExtensionFailed:  sandbox.ExtensionFailed,
}

func (s *Session) outcome(r result, budget time.Duration) (sandbox.Result, error) {
	if r.Outcome != protocol.Success && r.Outcome != protocol.FunctionError && s.patience() == 0 {
		s.hangUp() // extensions end by themselves
	}
	switch {
	case r.Outcome == protocol.Gone:
		return sandbox.Result{}, sandbox.ErrGone
	case r.Outcome == protocol.Exited && s.isClosed(): // which it did not by itself
		return sandbox.Result{}, errStopped
	}
	res := s.translate(r)
	if r.More {
		res.Rest = s.limitRest(budget + lateness)
	}
	return res, nil
}

// megabytes is what a result shows of so many bytes of memory.
func (s *Session) megabytes(bytes int64, exhausted bool) int {
	const mb = 1 << 20
	used := int((bytes + mb - 1) / mb)
	if s.memoryCap > 0 && (used > s.memoryCap || exhausted) {
		used = s.memoryCap
	}
	return used
}

func (s *Session) translate(r result) sandbox.Result {
	used := s.megabytes(r.Memory, r.Outcome == protocol.OutOfMemory)
	return sandbox.Result{
		Outcome:     outcomes[r.Outcome],
		Payload:     r.payload,
		ErrorType:   r.ErrorType,
		Exit:        r.Exit,
		Duration:    r.Duration,
		MaxMemoryMB: used,
	}
}

// InitDuration implements sandbox.Environment.
func (s *Session) InitDuration() time.Duration { return s.init }

// Done implements sandbox.Environment.
func (s *Session) Done() <-chan struct{} { return s.done }

// Close hangs up, upon which the supervisor ends with all that it started, and
// waits for everything that this session has running.
func (s *Session) Close() {
	s.mu.Lock()
	s.closed = true
	server := s.endpoint
	s.mu.Unlock()
	s.hangUp()
	if server != nil {
		server.close()
	}
	s.wg.Wait()
}

// hangUp closes every connection.
func (s *Session) hangUp() {
	s.closing.Do(func() {
		close(s.hanging)
		_ = s.ln.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hung = true
		for conn := range s.open {
			_ = conn.Close()
		}
		if s.borrowed != nil {
			_ = s.borrowed.Close()
		}
		if s.conn == nil {
			close(s.done)
			return
		}
		_ = s.conn.Close() // receive notices and closes done
	})
}

// receive reads the supervisor's frames until it goes.
func (s *Session) receive(conn *protocol.Conn) {
	defer close(s.done)
	defer s.restEnds(sandbox.Result{Outcome: sandbox.Exited, Exit: "signal: killed"})
	if s.lender != nil {
		defer s.lender.lost()
	}
	defer s.hangUp()
	for {
		frame, err := conn.Receive()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				s.logger.Debug("supervisor connection broke", "error", err)
			}
			return
		}
		if err := s.handle(frame); err != nil {
			s.logger.Error("supervisor sent nonsense", "error", err)
			return
		}
	}
}

func (s *Session) handle(frame protocol.Frame) error {
	switch frame.Kind {
	case protocol.KindLog:
		var line protocol.Log
		if err := frame.Decode(&line); err != nil {
			return err
		}
		events{s}.Log(line, frame.Payload)
	case protocol.KindResult:
		var res protocol.Result
		if err := frame.Decode(&res); err != nil {
			return err
		}
		events{s}.Result(res, frame.Payload)
	case protocol.KindSettled:
		var res protocol.Result
		if err := frame.Decode(&res); err != nil {
			return err
		}
		events{s}.Settled(res)
	case protocol.KindChunk:
		var c protocol.Chunk
		if err := frame.Decode(&c); err != nil {
			return err
		}
		_ = events{s}.Chunk(c, frame.Payload)
	case protocol.KindReady:
		var ready protocol.Ready
		if err := frame.Decode(&ready); err != nil {
			return err
		}
		events{s}.Ready(ready)
	case protocol.KindInitFailed:
		var failed protocol.InitFailed
		if err := frame.Decode(&failed); err != nil {
			return err
		}
		events{s}.InitFailed(failed, frame.Payload)
	default:
		if s.lender == nil {
			return fmt.Errorf("frame of unknown kind %d", frame.Kind)
		}
		return s.lender.handle(frame)
	}
	return nil
}

// settle answers Boot; only the first answer counts.
func (s *Session) settle(err error) {
	select {
	case s.booted <- err:
	default:
	}
}
