package sqs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// writeTimeout is how long a record may take to the disk.
const writeTimeout = 30 * time.Second

// What goes to the disk in one piece at most.
const (
	maxFlightBytes    = 1 << 20
	maxFlightMessages = 1 << slotBits
)

// write is a record on its way to the disk.
type write struct {
	record   []byte
	messages int           // how many are in it
	after    uint64        // its position is behind this one
	launched chan struct{} // closed once flight is set
	flight   *flight
	done     chan struct{} // closed once what follows is set, and applied to the index

	seq  uint64
	part int // of what JetStream has at seq
	slot int // of the first message in it
	err  error
}

// flight is what JetStream is given to write at a time. Records that come meanwhile go
// together with the next: a disk takes many at once as fast as one.
type flight struct {
	writes []*write // the first one's owner sees to it
	future jetstream.PubAckFuture
	err    error
	landed chan struct{}
}

// append sends a record on its way. The order of calls, under the queue's lock, is the
// order of records. Whoever calls it must wait and then call landed.
func (q *queue) append(record []byte, messages int) *write {
	w := &write{record: record, messages: messages, after: q.last, launched: make(chan struct{}), done: make(chan struct{})}
	q.writes = append(q.writes, w)
	q.next = append(q.next, w)
	if q.flight == nil {
		q.launch()
	}
	return w
}

// launch gives what waits to JetStream.
func (q *queue) launch() {
	n, size, messages := 0, 0, 0
	for n < len(q.next) && (n == 0 || size+len(q.next[n].record) <= maxFlightBytes && messages+q.next[n].messages <= maxFlightMessages) {
		w := q.next[n]
		w.part, w.slot = n, messages
		size, messages = size+len(w.record), messages+w.messages
		n++
	}
	f := &flight{writes: slices.Clone(q.next[:n]), landed: make(chan struct{})}
	q.next = slices.Delete(q.next, 0, n)
	records := make([][]byte, n)
	for i, w := range f.writes {
		records[i] = w.record
		w.flight = f
	}
	f.future, f.err = q.s.js.PublishMsgAsync(&nats.Msg{Subject: q.subject(), Data: join(records)})
	q.flight = f
	for _, w := range f.writes { // only now: their owners look at the flight
		close(w.launched)
	}
}

var errSlowDisk = errors.New("the disk did not answer in time")

// wait returns when a record is on disk, or cannot be. Who gave up asking does not
// matter: the queue must know.
func (q *queue) wait(w *write) {
	<-w.launched
	f := w.flight
	if f.writes[0] != w {
		<-f.landed
		return
	}
	seq := uint64(0)
	if f.err == nil {
		timeout := time.NewTimer(writeTimeout)
		defer timeout.Stop()
		select {
		case ack := <-f.future.Ok():
			seq = ack.Sequence
		case f.err = <-f.future.Err():
		case <-timeout.C:
			f.err = errSlowDisk
		}
	}
	q.mu.Lock()
	for _, w := range f.writes {
		w.seq, w.err = seq, f.err
	}
	q.flight = nil
	if len(q.next) > 0 {
		q.launch()
	}
	q.mu.Unlock()
	close(f.landed)
}

// landed is called, under the lock, when a write is known to have succeeded or failed, and
// the index knows too.
func (q *queue) landed(w *write) {
	close(w.done)
	w.record = nil
	if i := slices.Index(q.writes, w); i >= 0 {
		q.writes = slices.Delete(q.writes, i, i+1)
	}
	q.last = max(q.last, w.seq)
}

// forget sends a record on its way that nobody waits for.
func (q *queue) forget(record []byte) {
	if _, err := q.s.js.PublishMsgAsync(&nats.Msg{Subject: q.subject(), Data: record}); err != nil {
		q.s.log.Warn("write journal of queue", "queue", q.arn(), "err", fmt.Sprint(err))
	}
}
