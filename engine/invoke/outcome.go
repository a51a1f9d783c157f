package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
)

// Conditions under which an event leaves the queue, as records of it name them.
const (
	succeeded        = "Success"
	retriesExhausted = "RetriesExhausted"
	ageExceeded      = "EventAgeExceeded"
	zeroReserved     = "ZeroReservedConcurrency"
	recursive        = "RecursiveInvocation"
)

// outcome is what has become of an event, and who is still to be told.
type outcome struct {
	Condition string
	Attempts  int    // that ran the function
	Request   []byte // the event's payload
	// Of the last attempt, if that ran the function.
	Version       string `json:",omitempty"`
	FunctionError string `json:",omitempty"`
	Response      []byte `json:",omitempty"`

	Failure destination.Failure // of an event that has failed
	Ended   time.Time
	Targets []target
	Tries   int `json:",omitempty"` // deliveries that failed
}

// target is where an outcome is to go.
type target struct {
	ARN        string
	DeadLetter bool `json:",omitempty"` // it wants the event itself, not a record of it
}

// record is what a destination gets to know of an event, in AWS's shape.
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"` // qualified
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// record makes the record of an outcome.
func (o *outcome) record(e *event) ([]byte, error) {
	r := record{
		Version: "1.0", Timestamp: o.Ended.UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: text(o.Request),
		RequestContext: requestContext{RequestID: e.RequestID, FunctionARN: qualified(e.Ref), Condition: o.Condition, ApproximateInvokeCount: o.Attempts},
	}
	if o.Version != "" {
		r.ResponseContext = &responseContext{StatusCode: http.StatusOK, ExecutedVersion: o.Version, FunctionError: o.FunctionError}
		r.ResponsePayload = text(o.Response)
	}
	return json.Marshal(r)
}

// text is a payload as JSON, which a runtime's answer need not be.
func text(payload []byte) json.RawMessage {
	if json.Valid(payload) {
		return payload
	}
	quoted, _ := json.Marshal(string(payload))
	return quoted
}

// qualified is the ARN of what was called, $LATEST spelled out.
func qualified(r catalog.Ref) string {
	if r.Qualifier == "" {
		r.Qualifier = catalog.LatestVersion
	}
	return r.ARN()
}

// config is what is set for the ARN that an event was sent to.
func config(f *catalog.Function, r catalog.Ref) catalog.EventInvoke {
	c, _ := f.EventInvokeOf(r.Qualifier) // the zero value is AWS's default
	return c
}

// maxAge is how old an event may become before an attempt.
func maxAge(c catalog.EventInvoke) time.Duration {
	if c.MaximumEventAgeInSeconds != nil {
		return time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
	}
	return maxEventAge
}

// targets are whom the outcome of an event concerns. version is the one that was
// run, if any was.
func (q *Queue) targets(f *catalog.Function, r catalog.Ref, version, condition string) (to []target) {
	c := config(f, r)
	if condition == succeeded {
		if c.OnSuccess != "" {
			to = append(to, target{ARN: c.OnSuccess})
		}
		return to
	}
	if c.OnFailure != "" {
		to = append(to, target{ARN: c.OnFailure})
	}
	if version == "" {
		version, _ = f.VersionOf(r.Qualifier)
	}
	if v, err := q.invoker.Catalog.Version(*f, version); err == nil && v.Config.DeadLetterConfig != nil {
		to = append(to, target{ARN: *v.Config.DeadLetterConfig.TargetArn, DeadLetter: true})
	}
	return to
}

// handle runs one attempt at an event, and settles what is to be done next.
func (q *Queue) handle(it *item, a admission) {
	ctx := context.WithoutCancel(q.ctx) // what has happened is to be written
	var response Response
	err := a.gone
	if err == nil && a.ended == "" {
		q.Observe(it.Ref, MetricEventAge, float64(q.Clock.Now().Sub(it.Accepted).Milliseconds()))
		response, err = q.invoker.Invoke(q.ctx, Request{Ref: it.Ref, RequestID: it.RequestID, TraceID: it.TraceID, Payload: it.Payload, admitted: true})
		if q.ctx.Err() != nil && (err != nil || response.FunctionError != "") {
			return // cut short by the engine's own end: the next one tries again
		}
	}
	n := q.next(it, a, response, err)
	switch {
	case n.gone:
		q.log.Warn("event dropped: the function is gone", "function", it.Ref.ARN(), "request", it.RequestID, "err", err)
		q.Observe(it.Ref, MetricEventsDropped, 1)
		err = q.done(ctx, it)
	case n.condition == "":
		if err = q.later.put(ctx, it, n.delay); err == nil {
			q.log.Debug("event is to be tried again", "function", it.Ref.ARN(), "request", it.RequestID, "failed", it.Failed, "refused", it.Refused, "delay", n.delay)
		}
	default:
		err = q.conclude(ctx, it, a, n.condition, response, err)
	}
	if err != nil {
		q.log.Error("settle an event: it will be handled again", "function", it.Ref.ARN(), "request", it.RequestID, "err", err)
		q.keep(it)
	}
}

// next is what is to be done with an event after an attempt.
type next struct {
	gone      bool
	condition string        // under which it ends; empty tries again,
	delay     time.Duration // after this
}

// next decides what becomes of an event: failures of the engine are tried again
// until the event is too old, the function's own as often as is set for it.
func (q *Queue) next(it *item, a admission, response Response, err error) next {
	var missing *types.ResourceNotFoundException
	var loop *types.RecursiveInvocationException
	var delay time.Duration
	c := config(&a.source, it.Ref)
	switch {
	case errors.As(err, &missing):
		return next{gone: true}
	case a.ended != "":
		return next{condition: a.ended}
	case errors.As(err, &loop):
		q.Observe(it.Ref, MetricRecursionsDropped, 1)
		return next{condition: recursive}
	case err != nil:
		it.Refused++
		delay = q.refusedDelay(it.Refused)
	case response.FunctionError == "":
		return next{condition: succeeded}
	default:
		it.Failed++
		retries := q.invoker.Catalog.Limits.EventRetries
		if c.MaximumRetryAttempts != nil {
			retries = min(retries, int(*c.MaximumRetryAttempts))
		}
		if it.Failed > retries {
			return next{condition: retriesExhausted}
		}
		delay = q.RetryDelays[min(it.Failed, len(q.RetryDelays))-1]
	}
	if q.Clock.Now().Sub(it.Accepted)+delay > maxAge(c) {
		return next{condition: ageExceeded}
	}
	return next{delay: delay}
}

// refusedDelay is the pause after so many failures outside the function.
func (q *Queue) refusedDelay(failures int) time.Duration {
	return min(q.RefusedDelay<<min(failures-1, 20), maxRefusedDelay)
}

// conclude ends an event under a condition. It goes once whoever is to be told is
// written down in its place.
func (q *Queue) conclude(ctx context.Context, it *item, a admission, condition string, response Response, cause error) error {
	attempts := it.Failed
	if condition == succeeded {
		attempts++
	} else {
		q.log.Warn("event dropped", "function", it.Ref.ARN(), "request", it.RequestID, "condition", condition, "attempts", attempts)
		q.Observe(it.Ref, MetricEventsDropped, 1)
	}
	to := q.targets(&a.source, it.Ref, response.Version, condition)
	if len(to) == 0 {
		return q.done(ctx, it)
	}
	it.outcome = &outcome{
		Condition: condition, Attempts: attempts, Ended: q.Clock.Now(), Targets: to, Failure: reason(condition, response, cause),
		Version: response.Version, FunctionError: response.FunctionError, Response: response.Payload,
	}
	err := q.later.put(ctx, it, 0)
	if err != nil {
		it.outcome = nil
	}
	return err
}

// reason says why an event has failed, for a dead-letter queue.
func reason(condition string, response Response, cause error) destination.Failure {
	var loop *types.RecursiveInvocationException
	var body struct{ ErrorMessage string }
	switch {
	case condition == zeroReserved:
		return destination.Failure{Code: http.StatusTooManyRequests, Message: "Function not invoked. Function is configured with zero reserved concurrent executions"}
	case errors.As(cause, &loop):
		return destination.Failure{Code: http.StatusBadRequest, Message: loop.ErrorMessage()}
	case cause != nil:
		return destination.Failure{Code: http.StatusInternalServerError, Message: cause.Error()}
	case response.Version == "":
		return destination.Failure{Code: http.StatusTooManyRequests, Message: "Rate Exceeded."}
	}
	if err := json.Unmarshal(response.Payload, &body); err != nil || body.ErrorMessage == "" {
		body.ErrorMessage = string(response.Payload)
	}
	return destination.Failure{Code: http.StatusOK, Message: body.ErrorMessage}
}

// done forgets an event, wherever it lies.
func (q *Queue) done(ctx context.Context, it *item) error {
	if it.msg == nil {
		return q.later.remove(ctx, it)
	}
	q.confirm(ctx, it)
	return nil
}

// confirm takes an event out of the work queue.
func (q *Queue) confirm(ctx context.Context, it *item) {
	if err := it.msg.DoubleAck(ctx); err != nil {
		q.log.Error("confirm event: it may be handled again", "function", it.Ref.ARN(), "request", it.RequestID, "err", err)
	}
}

// keep has an event come again which could not be settled: the store has failed.
func (q *Queue) keep(it *item) {
	if it.msg == nil {
		q.later.again(laterSubject(&it.event), kindEvent)
		return
	}
	_ = it.msg.NakWithDelay(storeDelay)
}
