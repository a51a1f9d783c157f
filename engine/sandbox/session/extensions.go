package session

import (
	"context"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// Function is what extensions are told of the function.
func Function(spec sandbox.Spec) protocol.Function {
	return protocol.Function{Account: spec.Account, Handler: spec.Handler, MemoryMB: spec.MemoryMB, BillingStep: spec.BillingStep, BilledInit: spec.BilledInit}
}

// Shutdown lets the extensions of an environment end, which takes them two seconds
// at most. It is followed by Close, and does nothing where there are no extensions.
func (s *Session) Shutdown(ctx context.Context) {
	patience := s.patience()
	if patience == 0 {
		return
	}
	select {
	case <-s.done:
		return
	default:
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.life.stop() != nil {
		return
	}
	late := time.NewTimer(patience + lateness)
	defer late.Stop()
	select {
	case <-s.done:
	case <-late.C:
	case <-ctx.Done():
	}
}

// patience is how long the supervisor may take to end by itself.
func (s *Session) patience() time.Duration {
	s.extending.Lock()
	defer s.extending.Unlock()
	return s.shutdown
}

func (s *Session) expectEnd(within time.Duration) {
	s.extending.Lock()
	defer s.extending.Unlock()
	s.shutdown = within
}

// restBegins has the environment be busy beyond the answer that has just come.
func (s *Session) restBegins() {
	s.extending.Lock()
	defer s.extending.Unlock()
	s.rest = sandbox.NewRest()
}

// restEnds has it be free again, or dead.
func (s *Session) restEnds(how sandbox.Result) {
	s.extending.Lock()
	defer s.extending.Unlock()
	if s.rest == nil {
		return
	}
	select {
	case <-s.rest.Done():
	default:
		s.rest.End(how)
		if s.overrun != nil {
			s.overrun.Stop()
			s.overrun = nil
		}
	}
}

// limitRest returns the rest that has begun. The supervisor ends it in time, if it
// is not lost.
func (s *Session) limitRest(within time.Duration) *sandbox.Rest {
	s.extending.Lock()
	defer s.extending.Unlock()
	select {
	case <-s.rest.Done():
	default:
		s.overrun = time.AfterFunc(within, s.hangUp)
	}
	return s.rest
}

func (s *Session) resting() *sandbox.Rest {
	s.extending.Lock()
	defer s.extending.Unlock()
	return s.rest
}

// rested waits until the extensions are through with the invocation before.
func (s *Session) rested(ctx context.Context) error {
	rest := s.resting()
	if rest == nil {
		return nil
	}
	select {
	case <-rest.Done():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
