// Package observe keeps what functions leave behind for people to look at: log
// events here, metrics and alarms in the packages below.
//
// Logs are CloudWatch's: events in streams, streams in groups, groups in an account
// and region. Events are written in batches to one JetStream stream, a subject for
// each log stream; groups and streams are documents beside it.
//
//	logs.go       Append: from many writers to one, which publishes batches
//	logname.go    groups, streams and the subjects they are kept under
//	loggroups.go  creating, describing and deleting groups and streams
//	logbatch.go   how a batch is stored
//	logindex.go   where in time each batch of a group lies
//	logfetch.go   reading batches out of JetStream
//	logread.go    events in the order of time, page by page
//	logfollow.go  events as they come
//	logsweep.go   retention
package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

const (
	logStream = "LOGS"
	// logBytes bounds all logs together: the oldest events go first.
	logBytes = 1 << 30

	flushInterval = 50 * time.Millisecond
	flushBytes    = 256 << 10
	// logBacklog bounds what is waiting to be written. Beyond it Append waits: a
	// line is never dropped.
	logBacklog = 4096
)

// Event is one event of a log.
type Event struct {
	Time    time.Time `json:"timestamp"` // to the millisecond
	Message string    `json:"message"`
	Stream  string    `json:"stream"`

	ID       string    `json:"-"` // stable, and in the order of the events
	Ingested time.Time `json:"-"`
}

// Logs is every log there is. Events are written in batches, asynchronously.
type Logs struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	groups  *store.Table[GroupRecord]
	streams *store.Table[streamRecord]
	log     *slog.Logger
	now     func() time.Time
	in      chan record
	tasks   chan func() // run by the writer, after all that was appended before
	quit    chan struct{}
	done    chan struct{} // the writer has ended
	swept   chan struct{} // and the sweeper
	closed  sync.Once
	failing bool                 // the last batch was lost; of the writer alone
	batches map[Source]*newBatch // of the writer alone
	waiting int                  // bytes in batches

	mu      sync.Mutex
	indexes map[Group]*logIndex
	written chan struct{} // closed, and made anew, when something has been written
}

type record struct {
	source  Source
	time    int64 // Unix milliseconds
	message string
}

// LogOption changes how OpenLogs opens the logs.
type LogOption func(*Logs)

// WithLogClock sets the time that retention goes by.
func WithLogClock(now func() time.Time) LogOption { return func(l *Logs) { l.now = now } }

// OpenLogs opens the logs and starts writing.
func OpenLogs(ctx context.Context, s *store.Store, log *slog.Logger, options ...LogOption) (*Logs, error) {
	stream, err := s.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        logStream,
		Subjects:    []string{subjectRoot + ">"},
		MaxBytes:    logBytes,
		Discard:     jetstream.DiscardOld,
		Storage:     jetstream.FileStorage,
		PersistMode: jetstream.AsyncPersistMode,
		AllowDirect: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open log stream: %w", err)
	}
	groups, err := store.OpenTable[GroupRecord](ctx, s, "log-groups", nil)
	if err != nil {
		return nil, fmt.Errorf("open log groups: %w", err)
	}
	streams, err := store.OpenTable[streamRecord](ctx, s, "log-streams", nil)
	if err != nil {
		groups.Close()
		return nil, fmt.Errorf("open log streams: %w", err)
	}
	l := &Logs{
		js: s.JetStream(), stream: stream, groups: groups, streams: streams, log: log, now: time.Now,
		in: make(chan record, logBacklog), tasks: make(chan func()),
		quit: make(chan struct{}), done: make(chan struct{}), swept: make(chan struct{}),
		batches: map[Source]*newBatch{}, indexes: map[Group]*logIndex{}, written: make(chan struct{}),
	}
	for _, o := range options {
		o(l)
	}
	go l.write()
	go l.sweepNowAndThen()
	return l, nil
}

// Close writes what is waiting. What is appended later is lost.
func (l *Logs) Close() {
	l.closed.Do(func() {
		close(l.quit)
		<-l.done
		<-l.swept
		l.groups.Close()
		l.streams.Close()
	})
	<-l.done
}

// Append adds one line to a log. Its stream comes to be with it, and its group too
// unless the source says otherwise.
func (l *Logs) Append(s Source, at time.Time, message string) {
	select {
	case l.in <- record{s, at.UnixMilli(), message}:
	case <-l.done:
	}
}

// write collects events and publishes them, one message per stream and batch.
func (l *Logs) write() {
	defer close(l.done)
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	for {
		select {
		case r := <-l.in:
			l.collect(r)
		case <-tick.C:
			l.publish()
		case task := <-l.tasks:
			l.drain()
			task()
		case <-l.quit:
			l.drain()
			return
		}
	}
}

func (l *Logs) collect(r record) {
	b := l.batches[r.source]
	if b == nil {
		b = &newBatch{}
		l.batches[r.source] = b
	}
	b.add(r.time, r.message)
	if l.waiting += len(r.message); l.waiting >= flushBytes {
		l.publish()
	}
}

func (l *Logs) drain() {
	for range len(l.in) {
		l.collect(<-l.in)
	}
	l.publish()
}

func (l *Logs) publish() {
	if len(l.batches) == 0 {
		return
	}
	for source, b := range l.batches {
		err := l.publishBatch(context.Background(), source, b)
		if err != nil && !l.failing { // once, not for every line
			l.log.Error("log events are lost", "group", source.Group, "err", err)
		}
		l.failing = err != nil
	}
	clear(l.batches)
	l.waiting = 0
}

// publishBatch is for the writer alone.
func (l *Logs) publishBatch(ctx context.Context, source Source, b *newBatch) error {
	if _, ok := l.groups.Get(source.group().key()); !ok && source.Existing {
		return nil
	}
	if err := l.ensure(ctx, source.group()); err != nil {
		return err
	}
	if _, err := l.js.Publish(ctx, source.subject(), b.encode()); err != nil {
		return fmt.Errorf("write to log %s: %w", source.Group, err)
	}
	l.mu.Lock()
	close(l.written)
	l.written = make(chan struct{})
	l.mu.Unlock()
	return nil
}

var errClosed = errors.New("the logs are closed")

// run has the writer do something when all that was appended before has been written.
func (l *Logs) run(task func() error) error {
	reply := make(chan error, 1)
	select {
	case l.tasks <- func() { reply <- task() }:
		return <-reply
	case <-l.done:
		return errClosed
	}
}

// Flush returns once everything appended before is in the log.
func (l *Logs) Flush() { _ = l.run(func() error { return nil }) }

// Put adds events to a stream, which has to exist, and returns when they are written.
func (l *Logs) Put(ctx context.Context, s Source, events []Event) error {
	return l.run(func() error {
		if err := l.exists(ctx, s); err != nil {
			return err
		}
		var b newBatch
		for _, e := range events {
			b.add(e.Time.UnixMilli(), e.Message)
		}
		return l.publishBatch(ctx, s, &b)
	})
}
