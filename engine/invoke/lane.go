package invoke

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

const (
	// ahead is how many events of a function are read before they are asked for.
	ahead = 16
	// heartbeat is how often an idle queue gives a sign of life.
	heartbeat = 10 * time.Second
	// pull is how long a request for new events stands.
	pull = 5 * time.Minute
	// inHand is how long an event may be handled: forever, so to speak. No other engine
	// takes it meanwhile, and the next one does not ask (Queue.Start).
	inHand = 24 * time.Hour
)

// lane is the way of one function's events from the queue to its environments, in
// the order in which they came. An event that is throttled waits at its head for a
// call to end; those behind it would fare no better.
type lane struct {
	queue *Queue
	ref   catalog.Ref // unqualified
	fresh chan *item  // new events, from the work queue
	due   inbox       // events that are to be tried again
	tell  inbox       // what destinations are to be told

	opening  sync.Mutex
	isOpen   bool
	consumer jetstream.Consumer
	telling  bool // guarded by opening
}

// item is one event in hand, or what has become of one.
type item struct {
	event
	outcome *outcome      // nil while there are attempts to come
	msg     jetstream.Msg // where it lies in the work queue; nil when in the later one,
	seq     uint64        // and its place there
}

func newLane(q *Queue, ref catalog.Ref) *lane {
	return &lane{queue: q, ref: ref, fresh: make(chan *item), due: newInbox(), tell: newInbox()}
}

// place is the part of a subject that names a function.
func place(r catalog.Ref) string { return r.Account + "." + r.Region + "." + r.Name }

// refOf reads the function out of the subject of an event.
func refOf(subject string) (catalog.Ref, bool) {
	parts := strings.Split(subject, ".")
	if len(parts) < 4 {
		return catalog.Ref{}, false
	}
	return catalog.Ref{Scope: catalog.Scope{Account: parts[1], Region: parts[2]}, Name: parts[3]}, true
}

// open makes sure that the events of the function are being handled.
func (l *lane) open(ctx context.Context) error {
	l.opening.Lock()
	defer l.opening.Unlock()
	if l.isOpen {
		return nil
	}
	consumer, err := l.consume(ctx)
	if err != nil {
		return err
	}
	l.consumer, l.isOpen = consumer, true
	l.start(l.read)
	l.start(l.run)
	return nil
}

// start has the queue wait for a task, unless it is closed.
func (l *lane) start(task func()) {
	q := l.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lanes != nil {
		q.tasks.Go(task)
	}
}

// consume opens the function's own consumer of the work queue. It lives in memory:
// an event costs the disk one write when it comes and one when it goes.
func (l *lane) consume(ctx context.Context) (jetstream.Consumer, error) {
	subject := "async." + place(l.ref)
	consumer, err := l.queue.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Name:              strings.ReplaceAll(subject, ".", "_"),
		FilterSubject:     subject,
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           inHand,
		MaxAckPending:     -1,
		MemoryStorage:     true,
		InactiveThreshold: inHand,
	})
	if err != nil {
		return nil, fmt.Errorf("open the events of %s: %w", l.ref.ARN(), err)
	}
	return consumer, nil
}

// read hands the events of the work queue to run.
func (l *lane) read() {
	ctx := l.queue.ctx
	for ctx.Err() == nil {
		if err := l.readSome(ctx); err != nil && ctx.Err() == nil {
			l.queue.log.Warn("wait for events", "function", l.ref.ARN(), "err", err)
			l.reopen(ctx)
		}
	}
}

func (l *lane) readSome(ctx context.Context) error {
	some, cancel := context.WithTimeout(ctx, pull)
	defer cancel()
	batch, err := l.consumer.Fetch(ahead, jetstream.FetchContext(some), jetstream.FetchHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	for msg := range batch.Messages() {
		it := l.take(msg)
		if it == nil {
			continue
		}
		select {
		case l.fresh <- it:
		case <-ctx.Done():
			return nil // it stays in the queue
		}
	}
	if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoHeartbeat) && some.Err() == nil {
		return err
	}
	return nil
}

// take reads an event of the work queue, unless it has moved on to the later one.
func (l *lane) take(msg jetstream.Msg) *item {
	e, err := readEvent(msg.Headers(), msg.Data())
	if err != nil {
		l.queue.log.Error("unreadable event dropped", "function", l.ref.ARN(), "err", err)
		_ = msg.Term()
		return nil
	}
	if l.queue.later.has(&e) { // an engine has died in between
		_ = msg.Ack()
		return nil
	}
	return &item{event: e, msg: msg}
}

// reopen replaces a consumer that has broken.
func (l *lane) reopen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		consumer, err := l.consume(ctx)
		if err == nil {
			l.consumer = consumer
			return
		}
		l.queue.log.Warn("resume the events of a function", "function", l.ref.ARN(), "err", err)
	}
}

// run handles the events of the function until the queue is closed: those that are
// due again before new ones.
func (l *lane) run() {
	ctx := l.queue.ctx
	slots := make(chan struct{}, inFlight)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		it := l.next(ctx)
		if it == nil {
			return
		}
		admission := l.queue.admit(ctx, &it.event)
		if ctx.Err() != nil {
			admission.leave()
			return
		}
		l.queue.tasks.Go(func() {
			defer func() { <-slots }()
			defer admission.leave()
			l.queue.handle(it, admission)
		})
	}
}

// next waits for an event; it returns nil when ctx ends.
func (l *lane) next(ctx context.Context) *item {
	for {
		if subject, ok := l.due.pop(); ok {
			if it := l.queue.later.load(ctx, subject); it != nil {
				return it
			}
			continue
		}
		select {
		case <-l.due.filled:
		case it := <-l.fresh:
			return it
		case <-ctx.Done():
			return nil
		}
	}
}

// admission says what is to be done with an event whose turn has come.
type admission struct {
	leave  func() // ends the call that was counted for it
	ended  string // the condition under which it is at an end; empty lets it run
	gone   error  // its function does not exist any more
	source catalog.Function
}

// admit waits until one more call of an event's function may run, or the event is too old.
func (q *Queue) admit(ctx context.Context, e *event) admission {
	for told := false; ; told = true {
		f, err := q.invoker.Catalog.Function(e.Ref)
		a := admission{leave: func() {}, source: f, gone: err}
		left := maxAge(config(&f, e.Ref)) - q.Clock.Now().Sub(e.Accepted)
		switch {
		case err != nil:
			return a
		case left <= 0:
			a.ended = ageExceeded
			return a
		case f.Reserved != nil && *f.Reserved == 0 && len(q.targets(&f, e.Ref, "", ageExceeded)) > 0:
			a.ended = zeroReserved
			return a
		}
		counted := admission{leave: func() { q.invoker.running.leave(f.Ref()) }, source: f}
		turn := q.invoker.running.enterOrWait(f)
		if turn == nil {
			return counted
		}
		if !told {
			q.Observe(e.Ref, MetricThrottles, 1)
		}
		timer := q.Clock.NewTimer(left)
		select {
		case entered := <-turn.come:
			timer.Stop()
			if entered {
				return counted
			}
			continue
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		switch {
		case q.invoker.running.abandon(turn):
			return counted
		case ctx.Err() != nil:
			return a
		}
	}
}
