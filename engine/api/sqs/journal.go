package sqs

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// journal is what a queue knows of its own on disk. The queue's lock guards it.
type journal struct {
	packs  []*pack  // that are still there, in their order
	writes []*write // on their way, in their order
	flight *flight  // those of them that JetStream has
	next   []*write // those that wait for it
	last   uint64   // position of the newest record that is known to be there
	first  uint64   // position of the oldest that has not been cut off
	live   int64    // bytes of messages that are there, about
	size   int64    // bytes of all packs that are there
	cut    time.Time
}

// pack is messages that came together.
type pack struct {
	seq   uint64
	part  int                    // of the message that JetStream has there
	count int                    // of messages in it
	alive int                    // of those that are not gone
	size  int64                  // bytes
	until int64                  // ms since 1970 to when it is kept, for its deduplication ids
	data  atomic.Pointer[[]byte] // while it is recent
}

func (q *queue) streamName() string { return "SQS_" + q.incarnation }
func (q *queue) subject() string    { return "sqs." + q.incarnation }

// newPack registers a pack that is on disk.
func (q *queue) newPack(seq uint64, part, count int, record []byte) *pack {
	p := &pack{seq: seq, part: part, count: count, size: int64(len(record))}
	i := len(q.packs)
	for i > 0 && q.packs[i-1].seq > seq {
		i--
	}
	q.packs = slices.Insert(q.packs, i, p)
	q.size += p.size
	return p
}

// enter counts a message of a pack.
func (q *queue) enter(e *entry, p *pack, slot int) {
	e.pack, e.slot = p, uint16(slot)
	p.alive++
	q.live += p.size / int64(p.count)
}

// leave counts one less.
func (q *queue) leave(p *pack) {
	p.alive--
	q.live -= p.size / int64(p.count)
	if p.alive == 0 {
		p.data.Store(nil)
		q.s.tend.soon(q)
	}
}

// cutting tells, under the lock, up to which position the journal is not needed any more.
func (q *queue) cutting(now int64) uint64 {
	n := 0
	for n < len(q.packs) && q.packs[n].alive == 0 && q.packs[n].until <= now {
		q.size -= q.packs[n].size
		n++
	}
	q.packs = slices.Delete(q.packs, 0, n)
	first := q.last + 1
	if len(q.packs) > 0 {
		first = q.packs[0].seq
	}
	if len(q.writes) > 0 {
		first = min(first, q.writes[0].after+1)
	}
	return max(first, q.first)
}

// messages reads a pack.
func (q *queue) messages(ctx context.Context, p *pack) ([][]byte, error) {
	if data := p.data.Load(); data != nil {
		return readPack(*data)
	}
	msg, err := q.stream.GetMsg(ctx, p.seq)
	if err != nil {
		return nil, fmt.Errorf("read record %d of queue %s: %w", p.seq, q.name, err)
	}
	records, err := split(msg.Data)
	if err != nil || p.part >= len(records) {
		return nil, errRecord
	}
	return readPack(records[p.part])
}

// openStream makes the stream of the queue, if it is not there yet.
func (q *queue) openStream(ctx context.Context) error {
	q.loading.Lock()
	defer q.loading.Unlock()
	if q.stream != nil {
		return nil
	}
	stream, err := q.s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: q.streamName(), Description: "SQS queue " + q.arn(), Subjects: []string{q.subject()},
		Storage: jetstream.FileStorage, AllowDirect: true,
	})
	if err != nil {
		return fmt.Errorf("make journal of queue %s: %w", q.name, err)
	}
	q.stream = stream
	return nil
}
