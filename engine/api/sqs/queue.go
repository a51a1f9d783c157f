package sqs

import (
	"container/heap"
	"encoding/binary"
	"sync"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
)

// queue is a queue with the index of its messages.
type queue struct {
	ref
	s           *Service
	incarnation string // no other queue has it, not even one of the same name

	loading sync.Mutex // held while the journal is read or made
	stream  jetstream.Stream
	loaded  bool

	settling sync.Mutex // held while settings are written

	mu      sync.Mutex
	doc     document
	rules   rules
	gone    bool
	index   map[uint64]*entry // by number
	counts  [stages]int
	order   order   // of what is visible
	waiting dues    // for their time: delayed or in flight
	waiters waiters // receives that wait
	dedup   duplicates
	letters map[uuid.UUID]bool // ids of the dead letters that are here
	oldest  int64              // no message was sent before
	changed map[*entry]bool    // states that are not on disk yet
	journal
}

// order is the order in which visible messages are handed out.
type order interface {
	// sent takes a message that was sent just now: it is behind all others.
	sent(e *entry)
	// visible is called when a message has become visible.
	visible(e *entry)
	// left is called when a message is gone.
	left(e *entry)
	// next offers visible messages until that many were taken.
	next(limit int, offer func(*entry) verdict)
}

// verdict is what becomes of a message that is offered.
type verdict int

const (
	taken   verdict = iota
	blocked         // nothing behind it may be handed out now
	aside           // the same, but it does not count
)

// stage is where a message stands.
type stage uint8

const (
	writing  stage = iota // on its way to the disk
	delayed               // not visible yet
	visible               // can be received
	inFlight              // was received, and not deleted yet
	leaving               // on its way out of the queue
	stages
	over stage = 255 // gone
)

// entry is what the index knows of a message.
type entry struct {
	state
	number uint64
	pack   *pack // where its body is
	slot   uint16
	stage  stage
	listed bool // in the order of visible messages
	place  int  // in waiting; -1: not there
	sent   int64
	group  *group     // of a FIFO queue
	letter *uuid.UUID // its id, if it came as a dead letter
	write  *write     // while it is on its way to the disk
}

// move changes the stage of an entry, and what follows from it.
func (q *queue) move(e *entry, to stage) {
	if e.stage < stages {
		q.counts[e.stage]--
	}
	waited := e.place >= 0
	e.stage = to
	if to < stages {
		q.counts[to]++
	}
	switch waits := to == delayed || to == inFlight; {
	case waits && waited:
		heap.Fix(&q.waiting, e.place)
	case waits:
		heap.Push(&q.waiting, e)
	case waited:
		heap.Remove(&q.waiting, e.place)
	}
	switch to {
	case visible:
		q.order.visible(e)
	case over:
		q.order.left(e)
	}
}

// add takes a message that is on disk, and knows its number, into the index.
func (q *queue) add(e *entry, now int64) {
	q.index[e.number] = e
	if len(q.index) == 1 || e.sent < q.oldest {
		q.oldest = e.sent
	}
	if e.letter != nil {
		q.letters[*e.letter] = true
	}
	switch {
	case e.due <= now:
		q.move(e, visible)
	case e.count > 0:
		q.move(e, inFlight)
	default:
		q.move(e, delayed)
	}
}

// drop takes a message out of the index for good.
func (q *queue) drop(e *entry) {
	q.move(e, over)
	delete(q.index, e.number)
	delete(q.changed, e)
	if e.letter != nil {
		delete(q.letters, *e.letter)
	}
	if e.pack != nil {
		q.leave(e.pack)
		e.pack = nil
	}
}

// promote makes visible what is due.
func (q *queue) promote(now int64) {
	for len(q.waiting) > 0 && q.waiting[0].due <= now {
		q.move(q.waiting[0], visible)
	}
}

// expired tells whether a message has been here for too long.
func (q *queue) expired(e *entry, now int64) bool {
	return e.sent+q.rules.retention <= now
}

// expire drops what has been here for too long, and tells the journal, without waiting:
// a queue's retention may be extended later.
func (q *queue) expire(now int64) {
	if len(q.index) == 0 || q.oldest+q.rules.retention > now {
		return
	}
	oldest := now
	var numbers []uint64
	for _, e := range q.index {
		switch {
		case e.stage == leaving:
		case q.expired(e, now):
			numbers = append(numbers, e.number)
			q.drop(e)
		default:
			oldest = min(oldest, e.sent)
		}
	}
	q.oldest = oldest
	if len(numbers) > 0 {
		q.forget(deletion(numbers))
	}
}

// dues are entries by when they become visible, and in the order in which they were sent.
type dues []*entry

func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	return d[i].due < d[j].due || d[i].due == d[j].due && d[i].number < d[j].number
}

func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d *dues) Push(v any) {
	e := v.(*entry)
	e.place = len(*d)
	*d = append(*d, e)
}

func (d *dues) Pop() any {
	last := len(*d) - 1
	e := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	e.place = -1
	return e
}

// note has the state of a message written before long.
func (q *queue) note(e *entry) {
	q.changed[e] = true
	q.s.tend.soon(q)
}

// states is a record of what has changed.
func (q *queue) states() []byte {
	if len(q.changed) == 0 {
		return nil
	}
	b := binary.AppendUvarint([]byte{recordStates}, uint64(len(q.changed)))
	for e := range q.changed {
		b = e.append(binary.AppendUvarint(b, e.number))
	}
	clear(q.changed)
	return b
}
