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
	maxEventAge = 6 * time.Hour // AWS's default MaximumEventAgeInSeconds, and its largest
	// inFlight is how many events of one function are handled at the same time.
	inFlight = 100
	// maxPending is how many events of one function may be in hand, those included
	// that wait for their next attempt.
	maxPending = 10000
	// heartbeat is how often an idle queue gives a sign of life.
	heartbeat = 10 * time.Second
	// forgotten is after which time nothing is left of a function without events.
	forgotten = time.Hour
)

// QueueOptions are the times of a Queue. The zero value of each is AWS's, or a good choice.
type QueueOptions struct {
	// RetryDelays are the pauses before the second attempt at an event that the
	// function failed at, the third, and so on; default 1 and 2 minutes.
	RetryDelays []time.Duration
	// RefusedDelay is the pause after an attempt that was not let through, because
	// of throttling or a failure of the engine. It doubles each time; default 1 second.
	RefusedDelay time.Duration
	// AckWait is after which time an event whose engine was killed is delivered again;
	// default 10 seconds.
	AckWait time.Duration
}

// maxRefusedDelay is the longest pause between two attempts that are not let through.
const maxRefusedDelay = 5 * time.Minute

func (o QueueOptions) withDefaults() QueueOptions {
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if o.RefusedDelay == 0 {
		o.RefusedDelay = time.Second
	}
	if o.AckWait == 0 {
		o.AckWait = 10 * time.Second
	}
	return o
}

// Queue holds the events of asynchronous invocations until a function has handled
// them. An accepted event is on disk; it is delivered again after a crash.
type Queue struct {
	QueueOptions
	invoker *Invoker
	stream  jetstream.Stream
	js      jetstream.JetStream
	room    func(size int) error
	log     *slog.Logger
	ctx     context.Context // of the handling of events; ends with Close
	stop    context.CancelFunc
	tasks   sync.WaitGroup

	mu        sync.Mutex
	consumers map[string]bool  // by subject; nil once the queue is closed
	tries     map[string]tries // by request id, of events that have failed
}

// tries counts what came of the attempts at one event. A new engine starts anew.
type tries struct {
	failed  int // the function ran and failed
	refused int // the function did not run
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
func OpenQueue(ctx context.Context, s *store.Store, i *Invoker, o QueueOptions) (*Queue, error) {
	stream, err := s.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:      asyncStream,
		Subjects:  []string{"async.>"},
		Retention: jetstream.WorkQueuePolicy,
		Storage:   jetstream.FileStorage,
		MaxAge:    maxEventAge + maxRefusedDelay, // older ones have been ended, or should have been
	})
	if err != nil {
		return nil, fmt.Errorf("open event queue: %w", err)
	}
	handling, stop := context.WithCancel(context.Background())
	q := &Queue{
		QueueOptions: o.withDefaults(), invoker: i, stream: stream, js: s.JetStream(), room: s.Room, log: i.Log,
		ctx: handling, stop: stop, consumers: map[string]bool{}, tries: map[string]tries{},
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

// Close stops handling events, and waits for those that are being handled. Those
// that are not done stay in the queue.
func (q *Queue) Close() {
	q.mu.Lock()
	q.consumers = nil
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
	if err := q.room(len(raw)); err != nil {
		return err
	}
	if err := q.consume(ctx, subject); err != nil {
		return err
	}
	if _, err := q.js.Publish(ctx, subject, raw); err != nil {
		return fmt.Errorf("queue event: %w", err)
	}
	q.invoker.meter.event(r.Ref, asyncEventsReceived, 1)
	return nil
}

// consume makes sure that the events of one function are being handled. Each
// function has a consumer of its own, so that one that fails holds up no other.
func (q *Queue) consume(ctx context.Context, subject string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.consumers == nil {
		return errShutdown
	}
	if q.consumers[subject] {
		return nil
	}
	consumer, err := q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:           strings.ReplaceAll(subject, ".", "_"),
		FilterSubject:     subject,
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           q.AckWait,
		MaxAckPending:     maxPending,
		InactiveThreshold: forgotten,
	})
	if err != nil {
		return fmt.Errorf("open consumer of %s: %w", subject, err)
	}
	q.consumers[subject] = true
	q.tasks.Go(func() { q.deliver(subject, consumer) })
	return nil
}

// deliver handles the events of one function until the queue is closed. It asks
// for one event at a time: what is not asked for yet waits in the store.
func (q *Queue) deliver(subject string, consumer jetstream.Consumer) {
	slots := make(chan struct{}, inFlight)
	for {
		select {
		case slots <- struct{}{}:
		case <-q.ctx.Done():
			return
		}
		msg, err := receive(q.ctx, consumer)
		switch {
		case q.ctx.Err() != nil:
			if msg != nil {
				_ = msg.Nak() // for the next engine
			}
			return
		case err != nil:
			q.log.Warn("wait for events", "subject", subject, "err", err)
			q.resume(subject)
			return
		}
		q.tasks.Go(func() {
			q.handle(msg)
			<-slots
		})
	}
}

// receive waits for an event. (The library's own iterator over messages can lose
// its place when it is to hold one message only, and then stalls for a minute.)
func receive(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	for {
		batch, err := consumer.Fetch(1, jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(heartbeat))
		if err != nil {
			return nil, err
		}
		for msg := range batch.Messages() {
			return msg, nil
		}
		if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoHeartbeat) {
			return nil, err
		}
	}
}

// resume replaces a consumer that has broken.
func (q *Queue) resume(subject string) {
	for {
		q.mu.Lock()
		delete(q.consumers, subject)
		q.mu.Unlock()
		select {
		case <-q.ctx.Done():
			return
		case <-time.After(time.Second):
		}
		err := q.consume(q.ctx, subject)
		if err == nil || errors.Is(err, errShutdown) {
			return
		}
		q.log.Warn("resume the events of a function", "subject", subject, "err", err)
	}
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
	q.invoker.meter.event(event.Ref, asyncEventAge, milliseconds(max(0, time.Since(event.Accepted))))
	response, err := q.invoker.Invoke(q.ctx, Request{Ref: event.Ref, RequestID: event.RequestID, TraceID: event.TraceID, Payload: event.Payload})
	close(done)
	beating.Wait()

	if q.ctx.Err() != nil && (err != nil || response.FunctionError != "") {
		_ = msg.Nak() // cut short by the engine's own end
		return
	}
	if delay, again := q.next(event, response, err); again {
		_ = msg.NakWithDelay(delay)
		return
	}
	q.mu.Lock()
	delete(q.tries, event.RequestID)
	q.mu.Unlock()
	if err := msg.DoubleAck(context.WithoutCancel(q.ctx)); err != nil {
		q.log.Error("confirm event: it will be handled again", "function", event.Ref.ARN(), "request", event.RequestID, "err", err)
	}
}

// keepAlive tells the queue that an event is still being handled.
func (q *Queue) keepAlive(msg jetstream.Msg, done <-chan struct{}) {
	tick := time.NewTicker(q.AckWait / 3)
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

// next decides what becomes of an event after an attempt: throttled and internal
// failures are tried again until the event is too old, the function's own as often
// as is set for the function.
func (q *Queue) next(event queued, response Response, err error) (delay time.Duration, again bool) {
	log := q.log.With("function", event.Ref.ARN(), "request", event.RequestID)
	config := q.config(event.Ref)
	end := func(condition string, attempts int) (time.Duration, bool) {
		if condition != succeeded {
			log.Warn("event dropped", "condition", condition, "attempts", attempts)
			q.invoker.meter.event(event.Ref, asyncEventsDropped, 1)
		}
		if err := q.ended(q.ctx, event, config, condition, attempts, response); err != nil {
			log.Error("tell the destination of an event", "condition", condition, "err", err)
			q.invoker.meter.event(event.Ref, destinationDeliveryFailures, 1)
		}
		return 0, false
	}
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		log.Warn("event dropped: the function is gone", "err", err)
		q.invoker.meter.event(event.Ref, asyncEventsDropped, 1)
		return 0, false
	case err != nil:
		n := q.tried(event.RequestID, tries{refused: 1})
		delay = min(q.RefusedDelay<<min(n.refused-1, 20), maxRefusedDelay)
		if tooOld(event, config, delay) {
			return end(ageExceeded, n.failed)
		}
		return delay, true
	case response.FunctionError == "":
		return end(succeeded, q.tried(event.RequestID, tries{}).failed+1)
	}
	n := q.tried(event.RequestID, tries{failed: 1}).failed
	retries := len(q.RetryDelays)
	if config.MaximumRetryAttempts != nil {
		retries = min(retries, int(*config.MaximumRetryAttempts))
	}
	if n > retries {
		return end(retriesExhausted, n)
	}
	if delay = q.RetryDelays[n-1]; tooOld(event, config, delay) {
		return end(ageExceeded, n)
	}
	return delay, true
}

// config is what is set for the ARN that an event was sent to.
func (q *Queue) config(r catalog.Ref) catalog.EventInvoke {
	f, err := q.invoker.Catalog.Function(r)
	if err != nil {
		return catalog.EventInvoke{}
	}
	config, _ := f.EventInvokeOf(r.Qualifier) // the zero value is AWS's default
	return config
}

// tooOld tells whether an event may not be tried again after a delay.
func tooOld(event queued, config catalog.EventInvoke, delay time.Duration) bool {
	age := maxEventAge
	if config.MaximumEventAgeInSeconds != nil {
		age = time.Duration(*config.MaximumEventAgeInSeconds) * time.Second
	}
	return time.Since(event.Accepted)+delay > age
}

// tried adds to the count of an event's attempts.
func (q *Queue) tried(requestID string, more tries) tries {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.tries[requestID]
	n.failed += more.failed
	n.refused += more.refused
	q.tries[requestID] = n
	return n
}
