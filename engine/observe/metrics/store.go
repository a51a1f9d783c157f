// Package metrics keeps time series in memory and in JetStream: what functions do,
// and what they have to say of themselves.
//
//	stats.go     statistic sets with a histogram, for percentiles
//	series.go    what a series is called, and its points of a minute each
//	emitter.go   the way in that every call takes: no allocation, no disk
//	block.go     an hour of a group of series, as it is stored
//	group.go     the series that are stored together
//	store.go     what is written when; how long it is kept
//	query.go     the way out
//
// All series of one function are a group, and so are those of one custom metric. A
// group is stored as one block an hour, which is written again as long as its hour
// goes on, at most every two seconds and when the store is closed. Memory holds the
// last hours; a query reads older blocks from JetStream.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Retention is how long points are kept, as long as AWS keeps those of a minute.
const Retention = 15 * 24 * time.Hour

const (
	streamName  = "METRICS"
	streamBytes = 1 << 30
	// flushDelay is how much of the newest points a crash can cost.
	flushDelay = 2 * time.Second
	// hoursInMemory are those before the one that is going on.
	hoursInMemory = 3
	// maxCustom bounds the series that an account makes up in a region.
	maxCustom = 20000
)

// Store holds series of every account and region. It must be closed.
type Store struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	log    *slog.Logger
	now    func() time.Time

	mu     sync.RWMutex
	groups map[catalog.Scope]map[string]*group
	custom map[catalog.Scope]int // series that emitters have not made

	flushing sync.Mutex
	failing  bool          // the last write has failed; of the flush alone
	wake     chan struct{} // has a token when there is something to flush
	stop     context.CancelFunc
	done     chan struct{}
}

// Open opens the store and starts writing. now tells the time of what is old.
func Open(ctx context.Context, s *store.Store, now func() time.Time, log *slog.Logger) (*Store, error) {
	stream, err := s.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Subjects:          []string{"metrics.>"},
		MaxAge:            Retention,
		MaxBytes:          streamBytes,
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardOld,
		Storage:           jetstream.FileStorage,
		PersistMode:       jetstream.AsyncPersistMode,
		AllowDirect:       true,
	})
	if err != nil {
		return nil, fmt.Errorf("open metrics: %w", err)
	}
	running, stop := context.WithCancel(context.Background())
	m := &Store{
		js: s.JetStream(), stream: stream, log: log, now: now,
		groups: map[catalog.Scope]map[string]*group{}, custom: map[catalog.Scope]int{},
		wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("metrics.>"))
	if err != nil {
		stop()
		return nil, fmt.Errorf("list stored metrics: %w", err)
	}
	for subject := range info.State.Subjects {
		m.found(subject)
	}
	go m.run(running)
	return m, nil
}

// found notes a message that was there at the start.
func (m *Store) found(subject string) {
	parts := strings.Split(subject, ".")
	if len(parts) != 5 {
		return
	}
	g := m.group(catalog.Scope{Account: parts[1], Region: parts[2]}, parts[3])
	if parts[4] == indexToken {
		g.indexed = false
		return
	}
	if hour, err := strconv.ParseInt(parts[4], 10, 64); err == nil {
		g.stored[hour] = true
	}
}

// group returns a group, made when missing.
func (m *Store) group(scope catalog.Scope, token string) *group {
	m.mu.RLock()
	g := m.groups[scope][token]
	m.mu.RUnlock()
	if g != nil {
		return g
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.groups[scope][token]; g != nil {
		return g
	}
	if m.groups[scope] == nil {
		m.groups[scope] = map[string]*group{}
	}
	g = newGroup(m, "metrics."+subjectToken(scope.Account)+"."+subjectToken(scope.Region)+"."+token+".")
	m.groups[scope][token] = g
	return g
}

// subjectToken makes a text fit to be part of a subject.
func subjectToken(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, text)
}

// all returns every group.
func (m *Store) all() []*group {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var all []*group
	for _, scope := range m.groups {
		for _, g := range scope {
			all = append(all, g)
		}
	}
	return all
}

// Close writes what has not been written.
func (m *Store) Close() {
	m.stop()
	<-m.done
}

// run writes what emitters leave, a while after they have. Without calls it sleeps,
// but for the hourly look at what has grown old.
func (m *Store) run(ctx context.Context) {
	defer close(m.done)
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		select {
		case <-ctx.Done():
			m.Flush()
			return
		case <-hourly.C:
			m.forget()
			continue
		case <-m.wake:
		}
		delay := time.NewTimer(flushDelay)
		select {
		case <-ctx.Done():
		case <-delay.C:
		}
		delay.Stop()
		m.Flush()
	}
}

// touched asks for a flush.
func (m *Store) touched() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Flush writes what has been recorded. It is not lost any more when it returns, but
// by the power of the machine.
func (m *Store) Flush() {
	m.flushing.Lock()
	defer m.flushing.Unlock()
	ctx := context.Background()
	var errs []error
	for _, g := range m.all() {
		if err := g.flush(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	if err != nil && !m.failing { // once, not every two seconds
		m.log.Error("metrics are not written: they will be tried again", "err", err)
	}
	m.failing = err != nil
}

// forget drops what is older than Retention; JetStream does so by itself. What is stored
// leaves memory much sooner, also of functions that do not run any more.
func (m *Store) forget() {
	oldest := m.now().Add(-Retention)
	for _, g := range m.all() {
		g.forget(oldest)
		g.trim()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for scope, groups := range m.groups {
		m.custom[scope] = 0
		for token, g := range groups {
			if strings.HasPrefix(token, customPrefix) {
				m.custom[scope] += g.size()
			}
		}
	}
}

// get reads the newest message of a subject, nil when there is none.
func (m *Store) get(ctx context.Context, subject string) ([]byte, error) {
	msg, err := m.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return msg.Data, nil
}
