//go:build linux

package lifecycle

import (
	"encoding/json"
	"slices"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// Reasons of a shutdown, as extensions hear them.
const (
	reasonSpindown = "spindown"
	reasonTimeout  = "timeout"
	reasonFailure  = "failure"
)

// How long the shutdown of an environment may take, and what of it is the runtime's.
const (
	shutdownExternal = 2 * time.Second
	shutdownInternal = 500 * time.Millisecond
	runtimeShare     = 300 * time.Millisecond
	lastFlush        = 200 * time.Millisecond // of the telemetry
)

// fail reports that the init has failed, which is the end.
func (l *Life) fail(failed protocol.InitFailed, payload []byte) {
	l.deadline.Stop()
	failed.Duration, failed.Memory = time.Since(l.started), l.mem.peak()
	reason := reasonFailure
	if failed.TimedOut {
		reason = reasonTimeout
	}
	if l.ext != nil {
		failed.Shutdown = l.ext.patience()
		l.initFailed(failed)
	}
	l.engine.InitFailed(failed, payload)
	l.end(reason)
}

// expire ends the environment at its deadline: of the init, of an invocation, or of
// the extensions after it.
func (l *Life) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	inv := l.inv
	if inv == nil && l.ext != nil {
		inv = l.ext.round
	}
	if l.dead || l.inited && inv == nil {
		return
	}
	if inv != nil && time.Since(inv.start) < inv.Budget-time.Millisecond {
		return // the timer of an invocation before this one, too late to be stopped
	}
	l.dead = true
	l.mem.peak() // while the processes can still be asked
	l.clear()
	l.out.sync()
	if !l.inited {
		l.fail(protocol.InitFailed{ErrorType: "Sandbox.Timedout", TimedOut: true}, nil)
		return
	}
	l.breakOff(protocol.Result{Outcome: protocol.Timeout})
	l.end(reasonTimeout)
}

// breakOff reports that an invocation has ended without an answer, or its
// extensions after the answer.
func (l *Life) breakOff(res protocol.Result) {
	inv, tell := l.take(), func(res protocol.Result) { l.engine.Result(res, nil) }
	if inv == nil {
		inv, tell = l.ext.round, l.engine.Settled
	}
	l.deadline.Stop()
	res.RequestID, res.Duration, res.Memory = inv.RequestID, time.Since(inv.start), l.mem.peak()
	if l.ext != nil {
		l.roundBroke(inv, res)
	}
	tell(res)
}

// clear kills everybody, unless there are extensions, which have time to end.
func (l *Life) clear() {
	if l.ext == nil {
		l.host.Kill(time.Second)
	}
}

// end ends the environment, now or when the extensions have had their time. The
// lifecycle is dead by then: nothing else happens to it.
func (l *Life) end(reason string) {
	if l.ext == nil {
		close(l.done)
		return
	}
	l.tasks.Go(func() { l.shutdown(reason) })
}

// Stop ends a healthy environment.
func (l *Life) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return
	}
	l.dead = true
	l.freezer.Stop()
	l.end(reasonSpindown)
}

// watch waits for the end of the runtime, which is the end of the environment.
func (l *Life) watch() {
	<-l.proc.Exited()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.answering > 0 { // its last words are still on their way
		l.answered.Wait()
	}
	if l.dead {
		return
	}
	l.dead = true
	l.clear()
	l.out.sync()
	l.mem.atLeast(l.proc.Peak()) // it cannot be asked any more
	exit, kind, outcome := l.proc.Exit(), "Runtime.ExitError", protocol.Exited
	if l.mem.exhausted() && l.proc.Status().Signaled() {
		kind, outcome = "Runtime.OutOfMemory", protocol.OutOfMemory
	} else if l.ext != nil && l.ext.fatal != "" { // one inside the runtime
		kind, outcome = l.ext.fatal, protocol.ExtensionFailed
	}
	switch {
	case !l.inited:
		l.fail(protocol.InitFailed{ErrorType: kind, Exit: exit}, nil)
		return
	case l.inv != nil && l.holder == nil:
		l.breakOff(protocol.Result{Outcome: protocol.Gone, Exit: exit})
	case l.inv != nil, l.ext != nil && l.ext.round != nil:
		l.breakOff(protocol.Result{Outcome: outcome, Exit: exit, ErrorType: kind})
	}
	l.end(reasonFailure)
}

// patience is how long the shutdown may take.
func (x *extensions) patience() time.Duration {
	for _, e := range x.all {
		if e.proc != nil || e.state == stateLaunchError {
			return shutdownExternal
		}
	}
	return shutdownInternal
}

// shutdown ends the environment in AWS's order: the runtime, whose last words its
// extensions still hear, then the extensions.
func (l *Life) shutdown(reason string) {
	defer close(l.done)
	l.mu.Lock()
	runtime, all, patience := l.proc, slices.Clone(l.ext.all), l.ext.patience()
	l.thaw()
	l.mu.Unlock()
	deadline := time.Now().Add(patience)
	if runtime != nil {
		share := runtimeShare
		if patience == shutdownInternal {
			share = patience
		}
		l.host.Signal(runtime, syscall.SIGTERM)
		if !runtime.Within(share) {
			l.host.Signal(runtime, syscall.SIGKILL)
			runtime.Within(share)
		}
	}
	l.out.sync()
	l.ext.telemetry.drain(lastFlush)

	event := shutdownEvent(reason, deadline)
	var waiting []*extension
	var calls []call
	l.mu.Lock()
	for _, e := range all {
		switch {
		case e.proc == nil:
		case !slices.Contains(e.events, eventShutdown):
			l.host.Signal(e.proc, syscall.SIGKILL)
		default:
			waiting = append(waiting, e)
			if c, ok := e.post(event); ok {
				calls = append(calls, c)
			}
		}
	}
	l.mu.Unlock()
	for _, c := range calls {
		l.call(c)
	}
	for _, e := range waiting {
		if !e.proc.Within(time.Until(deadline)) {
			l.out.sync()
			return // whoever waits for the end kills what is left
		}
	}
	l.out.sync()
}

func shutdownEvent(reason string, deadline time.Time) []byte {
	body, _ := json.Marshal(struct {
		EventType  string `json:"eventType"`
		DeadlineMS int64  `json:"deadlineMs"`
		Reason     string `json:"shutdownReason"`
	}{eventShutdown, deadline.UnixMilli(), reason})
	return body
}
