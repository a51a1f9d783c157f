package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// lookAgain is how soon a reader who waits looks again, whatever it has been told.
const lookAgain = time.Second

// Read calls each for the events of a group since a time, oldest first. With
// follow it goes on with new ones, in the order in which they are written, until
// ctx ends or each returns an error, which Read then returns.
func (l *Logs) Read(ctx context.Context, g Group, since time.Time, follow bool, each func(Event) error) error {
	l.Flush()
	_, _, next, err := l.index(ctx, g)
	if err != nil {
		return err
	}
	var failed error
	err = l.scan(ctx, Query{Group: g, Start: since, before: next}, func(stream string, at Position, ingested int64, message string) bool {
		failed = each(Event{Time: time.UnixMilli(at.Time).UTC(), Message: message, Stream: stream, ID: at.String(), Ingested: time.UnixMilli(ingested).UTC()})
		return failed == nil
	})
	if failed != nil || err != nil || !follow {
		return cmp.Or(failed, err)
	}
	return l.Follow(ctx, []Group{g}, since, next, func(_ Group, e Event) error { return each(e) })
}

// Next is the number of what will be written next, to Follow from.
func (l *Logs) Next(ctx context.Context) (uint64, error) {
	l.Flush()
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the state of the logs: %w", err)
	}
	return info.State.LastSeq + 1, nil
}

// Follow calls each for the events of groups that are written from now on, or from
// what Next has told before, until ctx ends or each returns an error.
func (l *Logs) Follow(ctx context.Context, groups []Group, since time.Time, next uint64, each func(Group, Event) error) error {
	from := make([]uint64, len(groups))
	for i := range from {
		from[i] = next
	}
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		l.mu.Lock()
		written := l.written
		l.mu.Unlock()
		for i, g := range groups {
			events, next, err := l.writtenSince(ctx, g, from[i])
			if err != nil {
				return cmp.Or(ctx.Err(), err)
			}
			from[i] = next
			for _, e := range events {
				if e.Time.Before(since) {
					continue
				}
				if err := each(g, e); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-written:
		case <-look.C:
		}
	}
}

// writtenSince returns the events of a group that were written from next on.
func (l *Logs) writtenSince(ctx context.Context, g Group, next uint64) (events []Event, after uint64, err error) {
	for more := true; more; {
		var messages []stored
		messages, more, err = l.fetch(ctx, fetchRequest{Seq: next, NextFor: g.subjects()})
		if err != nil {
			return nil, next, err
		}
		for _, m := range messages {
			next = m.seq + 1
			lines, err := decodeBatch(m.raw)
			if err != nil {
				continue
			}
			name := streamOf(m.subject)
			for i, line := range lines {
				events = append(events, Event{
					Time: time.UnixMilli(line.time).UTC(), Message: line.message, Stream: name,
					ID: Position{line.time, m.seq, uint32(i)}.String(), Ingested: m.at,
				})
			}
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return events, next, nil
}
