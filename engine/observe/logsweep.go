package observe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	sweepInterval = 10 * time.Minute
	// futureLimit is how far ahead of its ingestion the time of an event may be.
	futureLimit = 2 * time.Hour
)

func (l *Logs) sweepNowAndThen() {
	defer close(l.swept)
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		select {
		case <-tick.C:
			if err := l.Sweep(ctx); err != nil && !errors.Is(err, errClosed) {
				l.log.Warn("clean up logs", "err", err)
			}
		case <-l.quit:
			return
		}
	}
}

// Sweep deletes events whose retention is over, and with them the streams that
// nobody has created by name. Readers do not see these events anyway.
func (l *Logs) Sweep(ctx context.Context) error {
	l.forgetIndexes()
	var errs []error
	for _, r := range l.groups.All() {
		if r.Retention > 0 {
			errs = append(errs, l.expire(ctx, r.Group()))
		}
	}
	return errors.Join(errs...)
}

// expire deletes what was written before the group's horizon.
func (l *Logs) expire(ctx context.Context, g Group) error {
	horizon := time.UnixMilli(l.horizon(g)).Add(-futureLimit)
	messages, _, err := l.fetch(ctx, fetchRequest{StartTime: &horizon, NextFor: g.subjects(), Batch: 1, MaxBytes: 1})
	if err != nil {
		return err
	}
	if len(messages) == 0 { // all there is has expired, unless it is being written now
		info, err := l.stream.Info(ctx)
		if err != nil {
			return fmt.Errorf("read the state of the logs: %w", err)
		}
		last, _, err := l.fetch(ctx, fetchRequest{NextFor: g.subjects(), Batch: 1, MaxBytes: 1})
		if err != nil || len(last) == 0 || !last[0].at.Before(horizon) {
			return err
		}
		return l.purge(ctx, g, g.subjects(), jetstream.WithPurgeSequence(info.State.LastSeq+1))
	}
	first, _, err := l.fetch(ctx, fetchRequest{NextFor: g.subjects(), Batch: 1, MaxBytes: 1})
	if err != nil || len(first) == 0 || first[0].seq >= messages[0].seq {
		return err
	}
	return l.purge(ctx, g, g.subjects(), jetstream.WithPurgeSequence(messages[0].seq))
}

// forgetIndexes drops the indexes of groups that nobody has read for a while.
func (l *Logs) forgetIndexes() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for g, x := range l.indexes {
		if x.mu.TryLock() {
			if l.now().Sub(x.used) > sweepInterval {
				delete(l.indexes, g)
			}
			x.mu.Unlock()
		}
	}
}

// streamOf is the name of the stream that a subject is of.
func streamOf(subject string) string { return untoken(subject[strings.LastIndexByte(subject, '.')+1:]) }
