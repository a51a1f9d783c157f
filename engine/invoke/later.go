package invoke

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	laterStream = "LATER"
	// dueHeader is when a message is due, in nanoseconds since 1970.
	dueHeader = "Due"
	// kindHeader tells events to try again from outcomes to tell.
	kindHeader  = "Kind"
	kindEvent   = "event"
	kindOutcome = "outcome"
	// storeDelay is the pause after a failure of the store.
	storeDelay = 10 * time.Second
)

// later holds what is not to be done before its time: events to be tried again, and
// outcomes that destinations are to be told. It keeps one message for each event, in
// its newest state: a new one takes the place of the old in one step. In memory are
// only their subjects and when they are due.
type later struct {
	queue  *Queue
	stream jetstream.Stream

	mu      sync.Mutex
	known   map[string]bool // by subject
	waiting dues            // first due, first out
	sooner  chan struct{}   // something is due before what run waits for
}

// due is one message that waits.
type due struct {
	subject string
	kind    string
	at      time.Time
}

type dues []due

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(v any)        { *d = append(*d, v.(due)) }
func (d *dues) Pop() (last any) {
	last, *d = (*d)[len(*d)-1], (*d)[:len(*d)-1]
	return last
}

func laterSubject(e *event) string { return "later." + place(e.Ref) + "." + e.RequestID }

// openLater reads what there is.
func openLater(ctx context.Context, q *Queue) (*later, error) {
	stream, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: laterStream, Subjects: []string{"later.>"}, Storage: jetstream.FileStorage,
		MaxMsgsPerSubject: 1, AllowDirect: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open the queue of retries: %w", err)
	}
	l := &later{queue: q, stream: stream, known: map[string]bool{}, sooner: make(chan struct{}, 1)}
	if stream.CachedInfo().State.Msgs == 0 {
		return l, nil
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{HeadersOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read the queue of retries: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return nil, fmt.Errorf("read the queue of retries: %w", err)
	}
	defer messages.Stop()
	// An engine whose clock ran ahead of this one's may have left times that are far away.
	latest := q.Clock.Now().Add(max(maxRefusedDelay, q.RetryDelays[len(q.RetryDelays)-1]))
	for left := uint64(1); left > 0; {
		msg, err := messages.Next()
		if err != nil {
			return nil, fmt.Errorf("read the queue of retries: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return nil, fmt.Errorf("read the queue of retries: %w", err)
		}
		left = meta.NumPending
		nanos, _ := strconv.ParseInt(msg.Headers().Get(dueHeader), 10, 64)
		at := time.Unix(0, nanos)
		if at.After(latest) {
			at = latest
		}
		l.add(due{msg.Subject(), msg.Headers().Get(kindHeader), at})
	}
	return l, nil
}

// has tells whether an event has moved here.
func (l *later) has(e *event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[laterSubject(e)]
}

func (l *later) add(d due) {
	l.mu.Lock()
	l.known[d.subject] = true
	heap.Push(&l.waiting, d)
	first := l.waiting[0] == d
	l.mu.Unlock()
	if first {
		select {
		case l.sooner <- struct{}{}:
		default:
		}
	}
}

// run gives everything to the lane of its function when it is due.
func (l *later) run() {
	ctx := l.queue.ctx
	for {
		l.mu.Lock()
		now := l.queue.Clock.Now()
		for len(l.waiting) > 0 && !l.waiting[0].at.After(now) {
			d := heap.Pop(&l.waiting).(due)
			l.mu.Unlock()
			l.dispatch(ctx, d)
			l.mu.Lock()
		}
		pause := time.Hour
		if len(l.waiting) > 0 {
			pause = l.waiting[0].at.Sub(now)
		}
		l.mu.Unlock()
		timer := l.queue.Clock.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.sooner:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (l *later) dispatch(ctx context.Context, d due) {
	ref, ok := refOf(d.subject)
	if !ok {
		return
	}
	lane, err := l.queue.lane(ctx, ref)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		l.queue.log.Warn("resume the events of a function", "function", ref.ARN(), "err", err)
		l.again(d.subject, d.kind)
	case d.kind == kindOutcome:
		lane.tellSoon(d.subject)
	default:
		lane.due.push(d.subject)
	}
}

// again gives a message another chance after a failure of the store.
func (l *later) again(subject, kind string) {
	l.add(due{subject, kind, l.queue.Clock.Now().Add(storeDelay)})
}

// load reads a message whose time has come. It returns nil when it cannot be had now.
func (l *later) load(ctx context.Context, subject string) *item {
	raw, err := l.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		l.forget(subject)
		return nil
	}
	if err != nil {
		if ctx.Err() == nil {
			l.queue.log.Warn("read an event that is due", "subject", subject, "err", err)
			l.again(subject, kindEvent)
		}
		return nil
	}
	it := &item{seq: raw.Sequence}
	if raw.Header.Get(kindHeader) == kindOutcome {
		it.outcome = &outcome{}
		err = json.Unmarshal(raw.Data, it.outcome)
		raw.Data = it.outcome.Request
	}
	if err == nil {
		it.event, err = readEvent(raw.Header, raw.Data)
	}
	if err != nil {
		l.queue.log.Error("unreadable event dropped", "subject", subject, "err", err)
		l.forget(subject)
		return nil
	}
	return it
}

// put stores the newest state of an item, due after a delay, and takes it from where
// it was.
func (l *later) put(ctx context.Context, it *item, delay time.Duration) error {
	d := due{laterSubject(&it.event), kindEvent, l.queue.Clock.Now().Add(delay)}
	msg, err := it.message(d.subject)
	if err != nil {
		return err
	}
	if it.outcome != nil {
		d.kind = kindOutcome
		it.outcome.Request = it.Payload
		if msg.Data, err = json.Marshal(it.outcome); err != nil {
			return fmt.Errorf("encode outcome: %w", err)
		}
	}
	msg.Header.Set(kindHeader, d.kind)
	msg.Header.Set(dueHeader, strconv.FormatInt(d.at.UnixNano(), 10))
	if err := l.publish(ctx, msg); err != nil {
		return err
	}
	if it.msg != nil {
		l.queue.confirm(ctx, it)
	}
	l.add(d)
	return nil
}

func (l *later) publish(ctx context.Context, msg *nats.Msg) error {
	if _, err := l.queue.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("store event: %w", err)
	}
	return nil
}

// remove forgets an item that is done.
func (l *later) remove(ctx context.Context, it *item) error {
	if err := l.stream.DeleteMsg(ctx, it.seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("remove event: %w", err)
	}
	l.forget(laterSubject(&it.event))
	return nil
}

func (l *later) forget(subject string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, subject)
}

// inbox holds what a lane is to do, without a bound.
type inbox struct {
	*subjects
	filled chan struct{} // has an element when there may be something
}

type subjects struct {
	mu   sync.Mutex
	list []string
}

func newInbox() inbox { return inbox{&subjects{}, make(chan struct{}, 1)} }

func (i inbox) push(subject string) {
	i.mu.Lock()
	i.list = append(i.list, subject)
	i.mu.Unlock()
	select {
	case i.filled <- struct{}{}:
	default:
	}
}

func (i inbox) pop() (subject string, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.list) == 0 {
		return "", false
	}
	subject, i.list = i.list[0], i.list[1:]
	return subject, true
}
