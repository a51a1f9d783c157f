package sqs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// writeTimeout is how long a record may take to the disk.
const writeTimeout = 30 * time.Second

// journal is what a queue knows of its own on disk. The queue's lock guards it.
type journal struct {
	packs  []*pack  // that are still there, in their order
	writes []*write // on their way, in their order
	last   uint64   // position of the newest record that is known to be there
	first  uint64   // position of the oldest that has not been cut off
	live   int64    // bytes of messages that are there, about
	size   int64    // bytes of all packs that are there
	cut    time.Time
}

// pack is messages that came together.
type pack struct {
	seq   uint64
	count int                    // of messages in it
	alive int                    // of those that are not gone
	size  int64                  // bytes
	until int64                  // ms since 1970 to when it is kept, for its deduplication ids
	data  atomic.Pointer[[]byte] // while it is recent
}

// write is a record on its way to the disk.
type write struct {
	future jetstream.PubAckFuture
	after  uint64 // its position is behind this one
	done   chan struct{}
	seq    uint64 // once done, if err is nil
	err    error
}

func (q *queue) streamName() string { return "SQS_" + q.incarnation }
func (q *queue) subject() string    { return "sqs." + q.incarnation }

// append sends a record on its way. The order of calls, under the queue's lock, is the
// order of records. Whoever calls it must wait and then call landed.
func (q *queue) append(w *write, record []byte) {
	w.after = q.last
	w.future, w.err = q.s.js.PublishMsgAsync(&nats.Msg{Subject: q.subject(), Data: record})
	q.writes = append(q.writes, w)
}

func newWrite() *write { return &write{done: make(chan struct{})} }

// forget sends a record on its way that nobody waits for.
func (q *queue) forget(record []byte) {
	if _, err := q.s.js.PublishMsgAsync(&nats.Msg{Subject: q.subject(), Data: record}); err != nil {
		q.s.log.Warn("write journal of queue", "queue", q.arn(), "err", err)
	}
}

var errSlowDisk = errors.New("the disk did not answer in time")

// wait returns when a record is on disk, or cannot be. Who gave up asking does not
// matter: the queue must know.
func (w *write) wait() {
	if w.err != nil {
		return
	}
	timeout := time.NewTimer(writeTimeout)
	defer timeout.Stop()
	select {
	case ack := <-w.future.Ok():
		w.seq = ack.Sequence
	case w.err = <-w.future.Err():
	case <-timeout.C:
		w.err = errSlowDisk
	}
}

// landed is called, under the lock, when a write is known to have succeeded or failed.
func (q *queue) landed(w *write) {
	close(w.done)
	if i := slices.Index(q.writes, w); i >= 0 {
		q.writes = slices.Delete(q.writes, i, i+1)
	}
	q.last = max(q.last, w.seq)
}

// newPack registers a pack that is on disk.
func (q *queue) newPack(seq uint64, count int, record []byte) *pack {
	p := &pack{seq: seq, count: count, size: int64(len(record))}
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
	return readPack(msg.Data)
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
