package invoke

import (
	"context"
	"fmt"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// stopTimeout bounds the removal of one environment.
const stopTimeout = 30 * time.Second

// worker is one environment and its log.
type worker struct {
	fleet     *fleet
	env       sandbox.Environment
	release   func() // of its code
	journal   *journal
	idleSince time.Time
	kept      bool // it is one of the fleet's provisioned concurrency
	used      bool // a call has run here, so that the next is no cold start
	spent     bool // the last call has ended the environment, whether or not it has noticed
}

func (w *worker) alive() bool {
	select {
	case <-w.env.Done():
		return false
	default:
		return true
	}
}

func (w *worker) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	defer func() { w.release(); w.fleet.live.Add(-1) }()
	return w.env.Stop(ctx)
}

// run hands one event to the environment, which it gives back to the fleet.
func (w *worker) run(ctx context.Context, r Request) (Response, error) {
	cold := !w.used
	if !cold { // the first call's log begins with that of the init
		w.takeTail()
	}
	return w.call(ctx, 0, cold, r)
}

// call is a run of which some time is spent already. The init of a cold one has a
// time of its own.
func (w *worker) call(ctx context.Context, spent time.Duration, cold bool, r Request) (Response, error) {
	w.used = true
	start := time.Now().Add(-spent)
	version := *w.fleet.version.Config.Version
	w.start(time.Now(), r.RequestID)
	inv := sandbox.Invocation{
		RequestID:     r.RequestID,
		FunctionARN:   r.Ref.ARN(),
		Deadline:      start.Add(w.fleet.timeout()),
		TraceID:       r.TraceID,
		ClientContext: r.ClientContext,
		Payload:       r.Payload,
	}
	if r.Stream != nil {
		inv.Stream = stream{r.Stream, Head{Version: version, Deadline: inv.Deadline}}
	}
	result, err := w.env.Invoke(ctx, inv)
	if err != nil {
		w.spent = true
		w.fleet.release(w)
		return Response{}, fmt.Errorf("the execution environment failed: %w", err)
	}
	result.Duration += spent
	w.spent = result.Outcome != sandbox.Success && result.Outcome != sandbox.FunctionError
	payload, functionError, status := w.answer(r.RequestID, &result)
	response := Response{Payload: payload, Streamed: result.Streamed, Version: version, FunctionError: functionError}
	switch {
	case result.Rest != nil && !r.Tail:
		w.fleet.tasks.Go(func() { w.rest(r, start, result, spent, cold, status); w.fleet.release(w) })
		return response, nil
	case result.Rest != nil:
		w.rest(r, start, result, spent, cold, status)
	default:
		w.measure(r, start, result.Duration, 0, functionError != "", cold)
		w.report(r.RequestID, result, cold, status)
	}
	response.Log = w.takeTail()
	w.fleet.release(w)
	return response, nil
}

// rest waits until the extensions are through, which is when AWS reports.
func (w *worker) rest(r Request, began time.Time, answered sandbox.Result, spent time.Duration, cold bool, status string) {
	requestID, result := r.RequestID, answered.Rest.Wait()
	result.Duration += spent
	w.measure(r, began, answered.Duration, result.Duration-answered.Duration, result.Outcome != sandbox.Success || answered.Outcome != sandbox.Success, cold)
	if result.Outcome != sandbox.Success {
		w.spent = true
		_, _, status = w.answer(requestID, &result)
	}
	w.report(requestID, result, cold, status)
}

// stream tells a consumer what the sandbox does not know.
type stream struct {
	Stream
	head Head
}

func (s stream) Begin(contentType string) {
	s.head.ContentType = contentType
	s.Stream.Begin(s.head)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
