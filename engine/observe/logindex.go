package observe

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"
)

// span is where a batch is, and what of time it covers.
type span struct {
	seq      uint64
	min, max int64 // of its events, Unix milliseconds
	ingested int64
	stream   uint32 // of logIndex.names
	count    uint32
	size     uint32 // bytes
}

// logIndex knows the span of every batch of one group, so that a reader reads only
// what lies in its window of time. It is made when a group is first read, and keeps
// up by reading what has been written since it was last used.
type logIndex struct {
	mu    sync.Mutex
	names []string
	ids   map[string]uint32
	spans []span // in the order of seq
	next  uint64 // what has not been looked at
	used  time.Time
}

// index returns an up to date copy of what is known of a group. The spans may not be changed.
func (l *Logs) index(ctx context.Context, g Group) (spans []span, names []string, next uint64, err error) {
	l.mu.Lock()
	x := l.indexes[g]
	if x == nil {
		x = &logIndex{ids: map[string]uint32{}, next: 1}
		l.indexes[g] = x
	}
	l.mu.Unlock()

	x.mu.Lock()
	defer x.mu.Unlock()
	x.used = l.now()
	info, err := l.stream.Info(ctx)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read the state of the logs: %w", err)
	}
	x.forget(info.State.FirstSeq)
	for more := true; more && x.next <= info.State.LastSeq; {
		var messages []stored
		messages, more, err = l.fetch(ctx, fetchRequest{Seq: x.next, NextFor: g.subjects()})
		if err != nil {
			return nil, nil, 0, err
		}
		for _, m := range messages {
			x.add(m)
		}
	}
	x.next = max(x.next, info.State.LastSeq+1)
	return x.spans, x.names, x.next, nil
}

// add takes a batch in. One that cannot be read is as good as not there.
func (x *logIndex) add(m stored) {
	x.next = m.seq + 1
	head, _, err := decodeHead(m.raw)
	if err != nil {
		return
	}
	name := streamOf(m.subject)
	id, known := x.ids[name]
	if !known {
		id = uint32(len(x.names))
		x.ids[name] = id
		x.names = append(x.names, name)
	}
	x.spans = append(x.spans, span{m.seq, head.min, head.max, m.at.UnixMilli(), id, uint32(head.count), uint32(len(m.raw))})
}

// forget drops what is before seq.
func (x *logIndex) forget(seq uint64) {
	gone := sort.Search(len(x.spans), func(i int) bool { return x.spans[i].seq >= seq })
	x.spans = x.spans[gone:]
}

// reindex drops the index of a group, of which some has been deleted.
func (l *Logs) reindex(g Group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.indexes, g)
}

// errGone says that a batch has been deleted since it was indexed.
var errGone = errors.New("the batch is gone")

// loader reads batches by their numbers, and those that are likely wanted next with
// them: the more, the more it has been asked for.
type loader struct {
	logs    *Logs
	subject string
	ahead   map[uint64][]byte
	count   int // how many to read at once
}

func newLoader(l *Logs, subject string) *loader {
	return &loader{logs: l, subject: subject, ahead: map[uint64][]byte{}, count: 8}
}

// load returns the events of a batch. It may read on from an earlier one.
func (r *loader) load(ctx context.Context, seq, from uint64) ([]line, error) {
	raw, ok := r.ahead[seq]
	if !ok && from < seq {
		if err := r.read(ctx, from); err != nil {
			return nil, err
		}
		raw, ok = r.ahead[seq]
	}
	if !ok {
		if err := r.read(ctx, seq); err != nil {
			return nil, err
		}
		if raw, ok = r.ahead[seq]; !ok {
			return nil, errGone
		}
	}
	delete(r.ahead, seq)
	return decodeBatch(raw)
}

func (r *loader) read(ctx context.Context, from uint64) error {
	if len(r.ahead) > 4*fetchCount {
		clear(r.ahead)
	}
	messages, _, err := r.logs.fetch(ctx, fetchRequest{Seq: from, NextFor: r.subject, Batch: r.count, MaxBytes: fetchBytes})
	r.count = min(2*r.count, fetchCount)
	for _, m := range messages {
		r.ahead[m.seq] = m.raw
	}
	return err
}
