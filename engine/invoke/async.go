package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

const (
	asyncStream = "ASYNC"
	// A delivery that is not confirmed for this long is taken for lost; running
	// ones are confirmed three times as often.
	ackWait   = 30 * time.Second
	heartbeat = ackWait / 3

	maxEventAge = 6 * time.Hour // AWS's default MaximumEventAgeInSeconds
	// inFlight is how many events of one function are handled at the same time.
	inFlight = 100
)

// retryDelays are AWS's pauses before the second and the third attempt.
var retryDelays = []time.Duration{time.Minute, 2 * time.Minute}

// Queue holds the events of asynchronous invocations until a function has handled
// them. An accepted event is on disk; it is delivered again after a crash.
type Queue struct {
	invoker *Invoker
	stream  jetstream.Stream
	js      jetstream.JetStream
	log     *slog.Logger
	ctx     context.Context // of the handling of events; ends with Close
	stop    context.CancelFunc
	tasks   sync.WaitGroup

	mu        sync.Mutex
	consumers map[string]jetstream.ConsumeContext // by subject
}

// queued is one event on its way.
type queued struct {
	Ref       catalog.Ref
	RequestID string
	TraceID   string `json:",omitempty"`
	Payload   []byte
	Accepted  time.Time
}

// OpenQueue opens the queue and takes up the events that are in it.
func OpenQueue(ctx context.Context, s *store.Store, i *Invoker) (*Queue, error) {
	stream, err := s.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:      asyncStream,
		Subjects:  []string{"async.>"},
		Retention: jetstream.WorkQueuePolicy,
		Storage:   jetstream.FileStorage,
		MaxAge:    maxEventAge,
	})
	if err != nil {
		return nil, fmt.Errorf("open event queue: %w", err)
	}
	handling, stop := context.WithCancel(context.Background())
	q := &Queue{
		invoker: i, stream: stream, js: s.JetStream(), log: i.Log,
		ctx: handling, stop: stop, consumers: map[string]jetstream.ConsumeContext{},
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("async.>"))
	if err != nil {
		stop()
		return nil, fmt.Errorf("inspect event queue: %w", err)
	}
	for subject := range info.State.Subjects {
		if err := q.consume(ctx, subject); err != nil {
			q.Close()
			return nil, err
		}
	}
	return q, nil
}

// Close stops handling events; those that are not done stay in the queue.
func (q *Queue) Close() {
	q.mu.Lock()
	for _, c := range q.consumers {
		c.Stop()
	}
	q.mu.Unlock()
	q.stop()
	q.tasks.Wait()
}

// Enqueue accepts an event for a function that exists; once it returns nil, the
// event will be handled.
func (q *Queue) Enqueue(ctx context.Context, r Request) error {
	raw, err := json.Marshal(queued{Ref: r.Ref, RequestID: r.RequestID, TraceID: r.TraceID, Payload: r.Payload, Accepted: time.Now()})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	subject := "async." + r.Ref.Account + "." + r.Ref.Region + "." + r.Ref.Name
	if err := q.consume(ctx, subject); err != nil {
		return err
	}
	if _, err := q.js.Publish(ctx, subject, raw); err != nil {
		return fmt.Errorf("queue event: %w", err)
	}
	return nil
}

// consume makes sure that the events of one function are being handled. Each
// function has a consumer of its own, so that one that fails holds up no other.
func (q *Queue) consume(ctx context.Context, subject string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.consumers[subject] != nil {
		return nil
	}
	consumer, err := q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       strings.ReplaceAll(subject, ".", "_"),
		FilterSubject: subject,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: inFlight,
	})
	if err != nil {
		return fmt.Errorf("open consumer of %s: %w", subject, err)
	}
	consuming, err := consumer.Consume(func(msg jetstream.Msg) {
		q.tasks.Go(func() { q.handle(msg) })
	})
	if err != nil {
		return fmt.Errorf("consume %s: %w", subject, err)
	}
	q.consumers[subject] = consuming
	return nil
}

// handle runs one delivery of an event, and says when the next is due if it failed.
func (q *Queue) handle(msg jetstream.Msg) {
	var event queued
	if err := json.Unmarshal(msg.Data(), &event); err != nil {
		q.log.Error("unreadable event dropped", "subject", msg.Subject(), "err", err)
		_ = msg.Term()
		return
	}
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() { q.keepAlive(msg, done) })
	response, err := q.invoker.Invoke(q.ctx, Request{Ref: event.Ref, RequestID: event.RequestID, TraceID: event.TraceID, Payload: event.Payload})
	close(done)
	beating.Wait()

	switch delay, retry := q.retry(msg, event, response, err); {
	case q.ctx.Err() != nil && (err != nil || response.FunctionError != ""):
		_ = msg.Nak() // cut short by the engine's own end: it does not count
	case retry:
		_ = msg.NakWithDelay(delay)
	default:
		_ = msg.DoubleAck(context.WithoutCancel(q.ctx))
	}
}

// keepAlive tells the queue that an event is still being handled.
func (q *Queue) keepAlive(msg jetstream.Msg, done <-chan struct{}) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			_ = msg.InProgress()
		}
	}
}

// retry decides what becomes of an event: throttled and internal failures are tried
// again until the event is too old, the function's own twice.
func (q *Queue) retry(msg jetstream.Msg, event queued, response Response, err error) (delay time.Duration, again bool) {
	log := q.log.With("function", event.Ref.ARN(), "request", event.RequestID)
	attempt := 1
	if meta, err := msg.Metadata(); err == nil {
		attempt = int(meta.NumDelivered)
	}
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		log.Warn("event dropped: the function is gone", "err", err)
		return 0, false
	case err != nil:
		return min(time.Second<<min(attempt-1, 9), 5*time.Minute), true
	case response.FunctionError == "":
		return 0, false
	case attempt > len(retryDelays):
		log.Warn("event dropped: every attempt failed", "attempts", attempt)
		return 0, false
	}
	return retryDelays[attempt-1], true
}
