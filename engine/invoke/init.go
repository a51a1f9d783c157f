package invoke

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// What a runtime may take to start: of its own, before the call that it is started
// for, and ahead of any call.
const (
	initTimeout        = 10 * time.Second
	provisionedTimeout = 130 * time.Second // or the function's timeout, if that is more
)

// startWorker boots an environment of f's version.
func startWorker(ctx context.Context, f *fleet, kept bool) (*worker, error) {
	w := &worker{fleet: f, kept: kept, journal: newJournal(f)}
	budget := initTimeout
	if kept {
		budget = max(provisionedTimeout, f.timeout())
	}
	w.initBegan()
	err := w.boot(ctx, budget)
	if err == nil {
		w.initDone()
	}
	return w, err
}

// boot starts the environment. The error is an *initFailure when the function's own
// code has failed to start.
func (w *worker) boot(ctx context.Context, budget time.Duration) error {
	f := w.fleet
	spec := f.spec()
	spec.InitTimeout = budget
	spec.Env = environment(f, w.journal.source.Stream)
	if w.kept {
		spec.Env["AWS_LAMBDA_INITIALIZATION_TYPE"] = "provisioned-concurrency"
		spec.BilledInit = false
	}
	spec.Log = func(l sandbox.Line) { w.printed(l.Time, l.Text) }
	release, err := f.invoker.Code.ready(ctx, f.version)
	if err != nil {
		return err
	}
	env, err := f.invoker.Driver.Start(ctx, spec)
	if err != nil {
		release()
		if failed := (*sandbox.InitError)(nil); errors.As(err, &failed) {
			return &initFailure{failed, w}
		}
		return err
	}
	f.live.Add(1)
	w.env, w.release = env, release
	return nil
}

// initFailure is the function's own failure to start, and the environment, dead by
// now, whose log says more.
type initFailure struct {
	*sandbox.InitError
	worker *worker
}

func (e *initFailure) Unwrap() error { return e.InitError }

// initAgain repeats, within a call, the init that has failed before it. What the
// function may take for both, and is billed for, is its timeout.
func (w *worker) initAgain(ctx context.Context, r Request, first *sandbox.InitError) (Response, error) {
	w.initReport("init", first)
	began := time.Now()
	release := w.fleet.bootSlot()
	err := w.boot(ctx, w.fleet.timeout())
	release()
	var failed *initFailure
	switch {
	case errors.As(err, &failed):
		w.initReport("invoke", failed.InitError)
		return w.initFailed(r, failed.InitError), nil
	case err != nil:
		return Response{}, err
	}
	return w.call(ctx, time.Since(began), false, r)
}

// initReport logs an init that has failed.
func (w *worker) initReport(phase string, e *sandbox.InitError) {
	status := "error\tError Type: " + initErrorType(e)
	if e.TimedOut {
		status = "timeout"
	}
	w.initEnded(e.Duration, phase, status)
}

func initErrorType(e *sandbox.InitError) string {
	switch {
	case e.TimedOut:
		return "Sandbox.Timedout"
	case e.ErrorType == "":
		return "Runtime.ExitError"
	}
	return e.ErrorType
}

// initFailed composes the answer to a call whose environment did not come up, and
// logs what a call would have logged.
func (w *worker) initFailed(r Request, e *sandbox.InitError) Response {
	kind, payload, status := initErrorType(e), e.Payload, ""
	var lines []string
	switch {
	case payload != nil: // the runtime has said and logged it
		status = "error\tError Type: " + kind
	case e.TimedOut:
		var message string
		message, status = timeoutMessage(w.fleet.timeout()), "timeout"
		payload = failure(kind, fmt.Sprintf("RequestId: %s Error: %s", r.RequestID, message))
		lines = []string{timeoutLine(time.Now(), r.RequestID, message)}
	default:
		message := exitMessage(r.RequestID, e.Exit)
		if e.Problem != "" {
			message = fmt.Sprintf("RequestId: %s Error: %s", r.RequestID, e.Problem)
		}
		payload, lines, status = failure(kind, message), []string{message, kind}, "error\tError Type: "+kind
	}
	w.fleet.invoker.meter.finished(r.Ref, *w.fleet.version.Config.Version, time.Now(), measured{failed: true})
	w.start(time.Now(), r.RequestID)
	for _, line := range lines {
		w.line(time.Now(), line)
	}
	w.end(r.RequestID, sandbox.Result{Duration: e.Duration, MaxMemoryMB: e.MaxMemoryMB}, 0, 0, status)
	return Response{Payload: payload, Version: *w.fleet.version.Config.Version, FunctionError: unhandled, Log: w.takeTail()}
}
