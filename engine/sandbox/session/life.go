package session

import (
	"errors"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// Errors of a supervisor that the lifecycle needs.
var (
	errSupervisorGone = errors.New("the supervisor has gone")
	errSilent         = errors.New("the supervisor does not answer")
)

// life is the lifecycle of the environment, wherever it runs.
type life interface {
	invoke(inv protocol.Invoke, payload []byte) error
	stop() error
}

// lender is a supervisor that lets the engine run the lifecycle.
type lender interface {
	// boot begins the lifecycle. What comes of it the Session is told.
	boot(s *Session, assign protocol.Assign) (life, error)
	// handle takes in what the supervisor says.
	handle(protocol.Frame) error
	// lost ends everything once the supervisor has gone.
	lost()
}

// remote is a life in the supervisor.
type remote struct{ conn *protocol.Conn }

func (r remote) invoke(inv protocol.Invoke, payload []byte) error {
	return r.conn.Send(protocol.KindInvoke, inv, payload)
}

func (r remote) stop() error { return r.conn.Send(protocol.KindShutdown, struct{}{}, nil) }

// events takes in what happens in the environment: as the lifecycle.Engine of a life in
// this process or, by way of handle, from one in the supervisor.
type events struct{ *Session }

// Log implements lifecycle.Engine.
func (s events) Log(l protocol.Log, text []byte) {
	s.spec.Log(sandbox.Line{Time: time.Unix(0, l.Time), RequestID: l.RequestID, Text: string(text)})
}

// Flush implements lifecycle.Engine.
func (s events) Flush() {}

// Ready implements lifecycle.Engine.
func (s events) Ready(ready protocol.Ready) {
	s.init = ready.Init
	s.expectEnd(ready.Shutdown)
	s.settle(nil)
}

// InitFailed implements lifecycle.Engine.
func (s events) InitFailed(failed protocol.InitFailed, payload []byte) {
	initError := &sandbox.InitError{
		ErrorType: failed.ErrorType, Exit: failed.Exit, Problem: failed.Problem,
		TimedOut: failed.TimedOut, Duration: failed.Duration,
		MaxMemoryMB: s.megabytes(failed.Memory, failed.ErrorType == "Runtime.OutOfMemory"),
	}
	if failed.Posted {
		initError.Payload = payload
	}
	s.expectEnd(failed.Shutdown)
	s.settle(initError)
}

// Result implements lifecycle.Engine.
func (s events) Result(res protocol.Result, payload []byte) {
	if res.More {
		s.restBegins()
	}
	select {
	case s.results <- result{Result: res, payload: payload}:
	default:
		s.logger.Error("a result that nobody waits for", "request", res.RequestID)
	}
}

// Settled implements lifecycle.Engine.
func (s events) Settled(res protocol.Result) {
	s.restEnds(s.translate(result{Result: res}))
}

// Chunk implements lifecycle.Engine. It returns once the piece has been taken.
func (s events) Chunk(c protocol.Chunk, piece []byte) error {
	taken := make(chan struct{})
	select {
	case s.chunks <- chunk{Chunk: c, payload: piece, taken: taken}:
	case <-s.hanging: // nobody waits for the rest
		return errHungUp
	}
	select {
	case <-taken:
	case <-s.hanging:
		return errHungUp
	}
	return nil
}
