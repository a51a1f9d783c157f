package invoke

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
)

const (
	// deliveries is how many destinations of one function are told at the same time.
	deliveries = 16
	// deliveryTimeout bounds one attempt at telling one.
	deliveryTimeout = 30 * time.Second
	// maxDeliveryAge is after which time a destination is given up.
	maxDeliveryAge = 6 * time.Hour
)

// Destinations sends a message to a place that is not a function. A
// [destination.RejectedError] says that there is no use in trying again.
type Destinations func(context.Context, destination.Message) error

// tellSoon hands an outcome to the lane's second half, begun when there is a first.
func (l *lane) tellSoon(subject string) {
	l.opening.Lock()
	if !l.telling {
		l.telling = true
		l.start(l.runTell)
	}
	l.opening.Unlock()
	l.tell.push(subject)
}

// runTell tells the destinations of the function what there is to tell until the
// queue is closed. Events do not wait for them.
func (l *lane) runTell() {
	q := l.queue
	slots := make(chan struct{}, deliveries)
	for {
		subject, ok := l.tell.pop()
		if !ok {
			select {
			case <-l.tell.filled:
				continue
			case <-q.ctx.Done():
				return
			}
		}
		select {
		case slots <- struct{}{}:
		case <-q.ctx.Done():
			return
		}
		q.tasks.Go(func() {
			defer func() { <-slots }()
			if it := q.later.load(q.ctx, subject); it != nil && it.outcome != nil {
				q.deliver(it)
			}
		})
	}
}

// deliver tells each target of an outcome; it is kept until all know.
func (q *Queue) deliver(it *item) {
	o := it.outcome
	log := q.log.With("function", it.Ref.ARN(), "request", it.RequestID)
	o.Targets = slices.DeleteFunc(o.Targets, func(to target) bool {
		err := q.send(&it.event, o, to)
		if err == nil {
			return true
		}
		if q.ctx.Err() != nil {
			return false
		}
		metric := MetricDestinationFailures
		if to.DeadLetter {
			metric = MetricDeadLetterErrors
		}
		q.Observe(it.Ref, metric, 1)
		var rejected *destination.RejectedError
		final := errors.As(err, &rejected) || q.Clock.Now().Sub(o.Ended) > maxDeliveryAge
		log.Warn("tell the destination of an event", "destination", to.ARN, "condition", o.Condition, "given up", final, "err", err)
		return final
	})
	ctx := context.WithoutCancel(q.ctx)
	var err error
	switch {
	case len(o.Targets) == 0:
		err = q.later.remove(ctx, it)
	case q.ctx.Err() == nil:
		o.Tries++
		err = q.later.put(ctx, it, q.refusedDelay(o.Tries))
	}
	if err != nil {
		log.Error("note what a destination was told: it will be told again", "err", err)
		q.later.again(laterSubject(&it.event), kindOutcome)
	}
}

// send tells one target.
func (q *Queue) send(e *event, o *outcome, to target) error {
	ctx, cancel := context.WithTimeout(q.ctx, deliveryTimeout)
	defer cancel()
	m := destination.Message{
		ARN: to.ARN, Function: e.Ref, FunctionARN: qualified(e.Ref), RequestID: e.RequestID, TraceID: e.TraceID,
		Success: o.Condition == succeeded, At: o.Ended, Body: o.Request,
	}
	if to.DeadLetter {
		m.Failure = &o.Failure
	} else {
		var err error
		if m.Body, err = o.record(e); err != nil {
			return fmt.Errorf("encode record: %w", err)
		}
	}
	switch {
	case strings.HasPrefix(to.ARN, "arn:aws:lambda:"):
		return q.sendToFunction(ctx, e, m)
	case q.Destinations == nil:
		return errors.New("this queue reaches no services")
	}
	return q.Destinations(ctx, m)
}

// sendToFunction invokes a function with a record.
func (q *Queue) sendToFunction(ctx context.Context, e *event, m destination.Message) error {
	to, err := catalog.ParseRef(e.Ref.Scope, m.ARN, "")
	if err != nil {
		return err
	}
	if _, err := q.invoker.Catalog.Function(to); err != nil {
		return err
	}
	if limit := q.invoker.Catalog.Limits.MaxEventBytes; int64(len(m.Body)) > limit {
		return &destination.RejectedError{Err: fmt.Errorf("the record has %d bytes, and events of functions may have %d", len(m.Body), limit)}
	}
	// The chain of requests goes on with the function that has ended.
	trace := e.TraceID
	if f, err := q.invoker.Catalog.Function(e.Ref); err == nil {
		if further, err := chain(trace, &f); err == nil {
			trace = further
		}
	}
	// The same record has the same id, should it be sent twice.
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(e.RequestID+" "+m.ARN)).String()
	return q.Enqueue(ctx, Request{Ref: to, RequestID: id, TraceID: trace, Payload: m.Body})
}
