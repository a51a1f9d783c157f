package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// GroupRecord is what is kept of a log group.
type GroupRecord struct {
	Account   string            `json:"account"`
	Region    string            `json:"region"`
	Name      string            `json:"name"`
	Created   time.Time         `json:"created"`
	Class     string            `json:"class,omitempty"`     // STANDARD when empty
	Retention int               `json:"retention,omitempty"` // days; 0: as long as there is room
	Protected bool              `json:"protected,omitempty"` // from deletion
	KMSKey    string            `json:"kmsKey,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
}

// Group names the group.
func (r GroupRecord) Group() Group { return Group{r.Account, r.Region, r.Name} }

// streamRecord is kept of a log stream that somebody has created by name, so that it
// is there without events. Others are there as long as they have any: starting an
// environment costs no document.
type streamRecord struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

// StreamInfo describes a log stream. Times of events are zero while there are none.
type StreamInfo struct {
	Name        string
	Created     time.Time
	First, Last time.Time // of its events
	Ingested    time.Time // the last of them
	Bytes       int64
}

// Errors of operations on groups and streams.
var (
	ErrNoGroup     = errors.New("the log group does not exist")
	ErrNoStream    = errors.New("the log stream does not exist")
	ErrGroupExists = errors.New("the log group exists")
	ErrStreamThere = errors.New("the log stream exists")
)

// ensure makes the group when it is not there.
func (l *Logs) ensure(ctx context.Context, g Group) error {
	if _, ok := l.groups.Get(g.key()); ok {
		return nil
	}
	err := l.CreateGroup(ctx, GroupRecord{Account: g.Account, Region: g.Region, Name: g.Name})
	if errors.Is(err, ErrGroupExists) {
		return nil
	}
	return err
}

// exists returns ErrNoGroup or ErrNoStream when there is no such stream.
func (l *Logs) exists(ctx context.Context, s Source) error {
	if _, err := l.GetGroup(s.group()); err != nil {
		return err
	}
	if _, ok := l.streams.Get(s.key()); ok {
		return nil
	}
	messages, _, err := l.fetch(ctx, fetchRequest{NextFor: s.subject(), Batch: 1, MaxBytes: 1})
	if err == nil && len(messages) == 0 {
		return ErrNoStream
	}
	return err
}

// CreateGroup makes a group. The error is ErrGroupExists when there is one already.
func (l *Logs) CreateGroup(ctx context.Context, r GroupRecord) error {
	r.Created = l.now().UTC().Truncate(time.Millisecond)
	_, err := l.groups.Update(ctx, r.Group().key(), func(doc *GroupRecord, exists bool) error {
		if exists {
			return ErrGroupExists
		}
		*doc = r
		return nil
	})
	return err
}

// GetGroup returns a group. The error is ErrNoGroup when there is none.
func (l *Logs) GetGroup(g Group) (GroupRecord, error) {
	r, ok := l.groups.Get(g.key())
	if !ok {
		return r, ErrNoGroup
	}
	return r, nil
}

// UpdateGroup changes a group.
func (l *Logs) UpdateGroup(ctx context.Context, g Group, change func(*GroupRecord) error) error {
	_, err := l.groups.Update(ctx, g.key(), func(doc *GroupRecord, exists bool) error {
		if !exists {
			return ErrNoGroup
		}
		return change(doc)
	})
	return err
}

// Groups lists the groups of an account and region by name.
func (l *Logs) Groups(account, region string) (groups []GroupRecord) {
	for _, r := range l.groups.Scan(account+"."+region+".", "") {
		groups = append(groups, r)
	}
	slices.SortFunc(groups, func(a, b GroupRecord) int { return strings.Compare(a.Name, b.Name) })
	return groups
}

// GroupBytes is how much a group's events take.
func (l *Logs) GroupBytes(ctx context.Context, g Group) (n int64, err error) {
	spans, _, _, err := l.index(ctx, g)
	for _, s := range spans {
		n += int64(s.size)
	}
	return n, err
}

// DeleteGroup deletes a group with all that was appended to it before. What is
// appended later makes it anew.
func (l *Logs) DeleteGroup(ctx context.Context, g Group, may func(GroupRecord) error) error {
	check := func() error {
		r, err := l.GetGroup(g)
		if err != nil {
			return err
		}
		return may(r)
	}
	next, err := l.Next(ctx)
	if err == nil {
		err = check()
	}
	if err == nil { // most of it here, where nobody waits: the writer does the rest
		err = l.purge(ctx, g, g.subjects(), jetstream.WithPurgeSequence(next))
	}
	if err != nil {
		return err
	}
	return l.run(func() error {
		if err := check(); err != nil {
			return err
		}
		// The group goes last: a crash on the way leaves one with fewer events, and
		// never events that the next group of the name would show.
		if err := l.purgeGroup(ctx, g); err != nil {
			return err
		}
		return l.groups.Delete(ctx, g.key())
	})
}

// purgeGroup deletes the events and streams of a group.
func (l *Logs) purgeGroup(ctx context.Context, g Group) error {
	if err := l.purge(ctx, g, g.subjects()); err != nil {
		return err
	}
	for key := range l.streams.Scan(g.key()+".", "") {
		if err := l.streams.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// purge deletes events by their subject.
func (l *Logs) purge(ctx context.Context, g Group, subject string, options ...jetstream.StreamPurgeOpt) error {
	defer l.reindex(g)
	if err := l.stream.Purge(ctx, append(options, jetstream.WithPurgeSubject(subject))...); err != nil {
		return fmt.Errorf("delete events of log %s: %w", g.Name, err)
	}
	return nil
}

// CreateStream makes a stream of a group.
func (l *Logs) CreateStream(ctx context.Context, s Source) error {
	switch err := l.HasStream(ctx, s); {
	case err == nil:
		return ErrStreamThere
	case !errors.Is(err, ErrNoStream):
		return err
	}
	_, err := l.streams.Update(ctx, s.key(), func(doc *streamRecord, exists bool) error {
		if exists {
			return ErrStreamThere
		}
		*doc = streamRecord{Name: s.Stream, Created: l.now().UTC().Truncate(time.Millisecond)}
		return nil
	})
	return err
}

// DeleteStream deletes a stream with all that was appended to it before.
func (l *Logs) DeleteStream(ctx context.Context, s Source) error {
	return l.run(func() error {
		if err := l.exists(ctx, s); err != nil {
			return err
		}
		if err := l.purge(ctx, s.group(), s.subject()); err != nil {
			return err
		}
		return l.streams.Delete(ctx, s.key())
	})
}

// HasStream returns ErrNoGroup or ErrNoStream when there is no such stream, written
// ones included.
func (l *Logs) HasStream(ctx context.Context, s Source) error {
	l.Flush()
	return l.exists(ctx, s)
}

// Streams describes the streams of a group by name.
func (l *Logs) Streams(ctx context.Context, g Group) ([]StreamInfo, error) {
	l.Flush()
	if _, err := l.GetGroup(g); err != nil {
		return nil, err
	}
	spans, names, _, err := l.index(ctx, g)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]*StreamInfo, len(names))
	for _, r := range l.streams.Scan(g.key()+".", "") {
		seen[r.Name] = &StreamInfo{Name: r.Name, Created: r.Created}
	}
	for _, s := range spans {
		first, last, ingested := time.UnixMilli(s.min).UTC(), time.UnixMilli(s.max).UTC(), time.UnixMilli(s.ingested).UTC()
		i := seen[names[s.stream]]
		if i == nil {
			i = &StreamInfo{Name: names[s.stream], Created: ingested}
			seen[i.Name] = i
		}
		if i.First.IsZero() || first.Before(i.First) {
			i.First = first
		}
		if last.After(i.Last) {
			i.Last = last
		}
		i.Ingested = ingested
		i.Bytes += int64(s.size)
	}
	streams := make([]StreamInfo, 0, len(seen))
	for _, i := range seen {
		streams = append(streams, *i)
	}
	slices.SortFunc(streams, func(a, b StreamInfo) int { return cmp.Compare(a.Name, b.Name) })
	return streams, nil
}
