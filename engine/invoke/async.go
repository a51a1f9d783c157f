package invoke

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

const (
	asyncStream = "ASYNC"
	maxEventAge = 6 * time.Hour // AWS's default MaximumEventAgeInSeconds, and its largest
	// inFlight is how many events of one function are handled at the same time.
	inFlight = 100
	// maxRefusedDelay is the longest pause between two attempts that are not let through.
	maxRefusedDelay = 5 * time.Minute
	// eventHeader holds an event without its payload, as JSON.
	eventHeader = "Event"
)

// QueueOptions are the rules of a Queue. The zero value of each is AWS's, or a good choice.
type QueueOptions struct {
	// RetryDelays are the pauses before the second attempt at an event that the
	// function failed at, the third, and so on; default 1, 2 and 3 minutes. How many
	// attempts there are is not theirs to say.
	RetryDelays []time.Duration
	// RefusedDelay is the pause after an attempt, or a delivery to a destination, that
	// failed for a reason outside the function. It doubles each time; default 1 second.
	RefusedDelay time.Duration
	// Clock measures delays and ages; default the system's.
	Clock clock.Clock
	// Destinations sends what has become of events to other places than functions;
	// without it, such deliveries fail.
	Destinations Destinations
	// Observe is told of what the metrics of asynchronous invocation count, by their
	// names at AWS (the constants Metric…); default nobody is.
	Observe func(function catalog.Ref, metric string, value float64)
}

// What a Queue tells QueueOptions.Observe.
const (
	MetricEventsReceived = "AsyncEventsReceived"
	MetricEventAge       = "AsyncEventAge" // milliseconds, before each attempt
	MetricEventsDropped  = "AsyncEventsDropped"
	// MetricThrottles counts events that could not run at once; synchronous calls are
	// not told here.
	MetricThrottles           = "Throttles"
	MetricDestinationFailures = "DestinationDeliveryFailures"
	MetricDeadLetterErrors    = "DeadLetterErrors"
	MetricRecursionsDropped   = "RecursiveInvocationsDropped"
)

func (o QueueOptions) withDefaults() QueueOptions {
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute}
	}
	if o.RefusedDelay == 0 {
		o.RefusedDelay = time.Second
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.Observe == nil {
		o.Observe = func(catalog.Ref, string, float64) {}
	}
	return o
}

// Queue holds the events of asynchronous invocations until a function has handled
// them, or their destinations know that it has not. An accepted event is on disk; so
// is each step that it takes, before the one before is forgotten. What was under way
// when an engine died, the next one does again.
//
// A new event lies in a work queue, and leaves it when it is done. One that has to
// be tried again moves to a second stream, with the count of its attempts and the
// time when it is due (later.go), and so does what a destination is to be told.
// Each function has a lane of its own (lane.go), so that none holds up another.
type Queue struct {
	QueueOptions
	invoker *Invoker
	stream  jetstream.Stream
	js      jetstream.JetStream
	later   *later
	log     *slog.Logger
	ctx     context.Context // of the handling of events; ends with Close
	stop    context.CancelFunc
	tasks   sync.WaitGroup

	mu    sync.Mutex
	lanes map[catalog.Ref]*lane // nil once the queue is closed
}

// event is one event on its way. Its payload is kept beside it.
type event struct {
	Ref       catalog.Ref
	RequestID string
	TraceID   string `json:",omitempty"`
	Accepted  time.Time
	Failed    int `json:",omitempty"` // attempts at which the function ran and failed
	Refused   int `json:",omitempty"` // attempts at which it did not run

	Payload []byte `json:"-"`
}

// message writes an event as it is stored.
func (e *event) message(subject string) (*nats.Msg, error) {
	head, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return &nats.Msg{Subject: subject, Header: nats.Header{eventHeader: {string(head)}}, Data: e.Payload}, nil
}

// readEvent is the reverse of message.
func readEvent(header nats.Header, data []byte) (e event, err error) {
	if err := json.Unmarshal([]byte(header.Get(eventHeader)), &e); err != nil {
		return e, fmt.Errorf("read event: %w", err)
	}
	e.Payload = data
	return e, nil
}

// OpenQueue opens the queue. Events that are in it wait for Start.
func OpenQueue(ctx context.Context, s *store.Store, i *Invoker, o QueueOptions) (*Queue, error) {
	stream, err := s.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:      asyncStream,
		Subjects:  []string{"async.>"},
		Retention: jetstream.WorkQueuePolicy,
		Storage:   jetstream.FileStorage,
	})
	if err != nil {
		return nil, fmt.Errorf("open event queue: %w", err)
	}
	handling, stop := context.WithCancel(context.Background())
	q := &Queue{
		QueueOptions: o.withDefaults(), invoker: i, stream: stream, js: s.JetStream(), log: i.Log,
		ctx: handling, stop: stop, lanes: map[catalog.Ref]*lane{},
	}
	if q.later, err = openLater(ctx, q); err != nil {
		stop()
		return nil, err
	}
	return q, nil
}

// Start takes up what an earlier engine has left. It is called once, before the first
// Enqueue, when everything that functions and destinations need is there.
func (q *Queue) Start(ctx context.Context) error {
	// Consumers know which events that engine had in hand. Without them, these are new.
	for names := q.stream.ConsumerNames(ctx); ; {
		name, open := <-names.Name()
		if !open {
			if names.Err() != nil {
				return fmt.Errorf("inspect event queue: %w", names.Err())
			}
			break
		}
		if err := q.stream.DeleteConsumer(ctx, name); err != nil {
			return fmt.Errorf("clear event queue: %w", err)
		}
	}
	info, err := q.stream.Info(ctx, jetstream.WithSubjectFilter("async.>"))
	if err != nil {
		return fmt.Errorf("inspect event queue: %w", err)
	}
	for subject := range info.State.Subjects {
		ref, ok := refOf(subject)
		if !ok {
			continue
		}
		if _, err := q.lane(ctx, ref); err != nil {
			return err
		}
	}
	q.tasks.Go(q.later.run)
	return nil
}

// Close stops handling events, and waits for those that are being handled. Those
// that are not done stay in the queue.
func (q *Queue) Close() {
	q.mu.Lock()
	q.lanes = nil
	q.mu.Unlock()
	q.stop()
	q.tasks.Wait()
}

// Enqueue accepts an event for a function that exists; once it returns nil, the
// event will be handled.
func (q *Queue) Enqueue(ctx context.Context, r Request) error {
	e := event{Ref: r.Ref, RequestID: r.RequestID, TraceID: r.TraceID, Payload: r.Payload, Accepted: q.Clock.Now()}
	msg, err := e.message("async." + place(r.Ref))
	if err != nil {
		return err
	}
	if _, err := q.lane(ctx, r.Ref); err != nil {
		return err
	}
	if _, err := q.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("queue event: %w", err)
	}
	q.Observe(r.Ref, MetricEventsReceived, 1)
	return nil
}

// lane returns the lane of a function, opened if it has none yet.
func (q *Queue) lane(ctx context.Context, ref catalog.Ref) (*lane, error) {
	ref.Qualifier = ""
	q.mu.Lock()
	if q.lanes == nil {
		q.mu.Unlock()
		return nil, errShutdown
	}
	l := q.lanes[ref]
	if l == nil {
		l = newLane(q, ref)
		q.lanes[ref] = l
	}
	q.mu.Unlock()
	return l, l.open(ctx)
}
