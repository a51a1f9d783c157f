// Package observe keeps what functions leave behind for people to look at: log
// events here, metrics and alarms in the packages below.
package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

const (
	logStream    = "LOGS"
	logRetention = 7 * 24 * time.Hour
	logBytes     = 1 << 30

	flushInterval = 50 * time.Millisecond
	flushBytes    = 256 << 10
	// logBacklog bounds what is waiting to be written. Beyond it Append waits: a
	// line is never dropped.
	logBacklog = 4096

	releaseTimeout = 5 * time.Second
)

// Source says whose log an event belongs to.
type Source struct {
	Account, Region, Function string
	Stream                    string // one per environment, such as 2026/11/22/[$LATEST]0123…
}

// Event is one line of a function's log.
type Event struct {
	Time    time.Time `json:"timestamp"`
	Message string    `json:"message"`
	Stream  string    `json:"stream"`
}

// Logs is the log of every function. Events are written in batches, asynchronously.
type Logs struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	log     *slog.Logger
	failing bool // the last batch was lost; of the writer alone
	in      chan record
	flush   chan chan struct{}
	quit    chan struct{}
	done    chan struct{}
	closed  sync.Once
}

type record struct {
	subject string
	event   Event
}

// OpenLogs opens the log and starts writing.
func OpenLogs(ctx context.Context, s *store.Store, log *slog.Logger) (*Logs, error) {
	stream, err := s.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        logStream,
		Subjects:    []string{"logs.>"},
		MaxAge:      logRetention,
		MaxBytes:    logBytes,
		Discard:     jetstream.DiscardOld,
		Storage:     jetstream.FileStorage,
		PersistMode: jetstream.AsyncPersistMode,
		AllowDirect: true,
	})
	if err != nil {
		return nil, fmt.Errorf("open log stream: %w", err)
	}
	l := &Logs{
		js: s.JetStream(), stream: stream, log: log,
		in: make(chan record, logBacklog), flush: make(chan chan struct{}), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go l.write()
	return l, nil
}

// Close writes what is waiting. What is appended later is lost.
func (l *Logs) Close() {
	l.closed.Do(func() { close(l.quit) })
	<-l.done
}

// Append adds one line to a log.
func (l *Logs) Append(s Source, at time.Time, message string) {
	r := record{subject: subject(s.Account, s.Region, s.Function), event: Event{Time: at, Message: message, Stream: s.Stream}}
	select {
	case l.in <- r:
	case <-l.done:
	}
}

func subject(account, region, function string) string {
	return "logs." + account + "." + region + "." + function
}

// write collects events and publishes them, one message per function and batch.
func (l *Logs) write() {
	defer close(l.done)
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	batches, size := map[string][]Event{}, 0
	publish := func() {
		for subject, events := range batches {
			l.publish(subject, events)
		}
		clear(batches)
		size = 0
	}
	collect := func(r record) {
		batches[r.subject] = append(batches[r.subject], r.event)
		if size += len(r.event.Message); size >= flushBytes {
			publish()
		}
	}
	drain := func() {
		for range len(l.in) {
			collect(<-l.in)
		}
		publish()
	}
	for {
		select {
		case r := <-l.in:
			collect(r)
		case <-tick.C:
			publish()
		case reply := <-l.flush:
			drain()
			close(reply)
		case <-l.quit:
			drain()
			return
		}
	}
}

func (l *Logs) publish(subject string, events []Event) {
	raw, err := json.Marshal(events)
	if err == nil {
		_, err = l.js.Publish(context.Background(), subject, raw)
	}
	if err != nil && !l.failing { // once, not for every line
		l.log.Error("log events are lost", "subject", subject, "err", err)
	}
	l.failing = err != nil
}

// Read calls each for the events of one function since a time, oldest first. With
// follow it goes on with new ones until ctx ends or each returns an error, which
// Read then returns.
func (l *Logs) Read(ctx context.Context, account, region, function string, since time.Time, follow bool, each func(Event) error) error {
	l.Flush()
	config := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject(account, region, function)},
		DeliverPolicy:  jetstream.DeliverByStartTimePolicy,
		OptStartTime:   &since,
	}
	if since.IsZero() {
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverAllPolicy, nil
	}
	consumer, err := l.stream.OrderedConsumer(ctx, config)
	if err != nil {
		return fmt.Errorf("read log of %s: %w", function, err)
	}
	defer l.release(consumer)
	info, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("read log of %s: %w", function, err)
	}
	if info.NumPending == 0 && !follow {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read log of %s: %w", function, err)
	}
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	defer messages.Stop()
	for {
		msg, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read log of %s: %w", function, err)
		}
		if err := deliver(msg, since, each); err != nil {
			return err
		}
		if meta, err := msg.Metadata(); err == nil && meta.NumPending == 0 && !follow {
			return nil
		}
	}
}

// release removes a consumer at once: the server would keep it for minutes, and has
// room for so many only.
func (l *Logs) release(consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	info := consumer.CachedInfo()
	if info == nil {
		return
	}
	if err := l.stream.DeleteConsumer(ctx, info.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		l.log.Debug("release the reader of a log", "err", err)
	}
}

// deliver hands on the events of one batch. The first batch may have begun before since.
func deliver(msg jetstream.Msg, since time.Time, each func(Event) error) error {
	var events []Event
	if err := json.Unmarshal(msg.Data(), &events); err != nil {
		return fmt.Errorf("read log batch: %w", err)
	}
	for _, e := range events {
		if e.Time.Before(since) {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

// Flush returns once everything appended before is in the log.
func (l *Logs) Flush() {
	reply := make(chan struct{})
	select {
	case l.flush <- reply:
		<-reply
	case <-l.done:
	}
}
