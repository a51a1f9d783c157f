package sqs

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// maxVisibility is the longest that a message can be invisible, in ms. An engine whose
// clock ran ahead of this one's, as one with a clock_speed does, may have left times that
// are farther away.
const maxVisibility = 12 * 60 * 60 * 1000

// load reads the journal of a queue when it is first used.
func (q *queue) load(ctx context.Context) error {
	q.loading.Lock()
	defer q.loading.Unlock()
	if q.loaded {
		return nil
	}
	stream, err := q.s.js.Stream(ctx, q.streamName())
	if errors.Is(err, jetstream.ErrStreamNotFound) { // nothing was ever sent
		q.loaded = true
		return nil
	}
	if err == nil {
		q.stream = stream
		err = q.replay(ctx, stream)
	}
	if err != nil {
		return fmt.Errorf("read journal of queue %s: %w", q.name, err)
	}
	q.loaded = true
	return nil
}

// replay makes the index of what the journal says.
func (q *queue) replay(ctx context.Context, stream jetstream.Stream) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	info := stream.CachedInfo().State
	q.first, q.last = info.FirstSeq, info.LastSeq
	if info.Msgs == 0 {
		return nil
	}
	found := &replayed{queue: q, messages: map[uint64]*entry{}}
	if err := found.read(ctx, stream); err != nil {
		return err
	}
	now := q.s.millis()
	entries := found.inOrder()
	ahead := max(0, found.newest-now) // that clock ran, before it was set back
	for _, e := range entries {
		e.due = min(e.due-ahead, now+maxVisibility)
		q.order.sent(e)
	}
	for _, e := range entries {
		q.counts[e.stage]++
		q.add(e, now)
	}
	return nil
}

// replayed is what has been read of a journal.
type replayed struct {
	*queue
	messages map[uint64]*entry // that are there
	numbers  []uint64          // in the order in which they came
	newest   int64             // ms since 1970, at which anything was sent or received
}

func (r *replayed) inOrder() []*entry {
	entries := make([]*entry, 0, len(r.messages))
	for _, number := range r.numbers {
		if e := r.messages[number]; e != nil {
			entries = append(entries, e)
			delete(r.messages, number) // it may have come again
		}
	}
	return entries
}

func (r *replayed) read(ctx context.Context, stream jetstream.Stream) error {
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(5000))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for left := uint64(1); left > 0; {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		left = meta.NumPending
		if err := r.apply(meta.Sequence.Stream, msg.Data()); err != nil {
			return fmt.Errorf("record %d: %w", meta.Sequence.Stream, err)
		}
	}
	return nil
}

// apply takes one record.
func (r *replayed) apply(seq uint64, record []byte) error {
	records, err := split(record)
	if err != nil {
		return err
	}
	slot := 0
	for part, record := range records {
		if slot, err = r.applyPart(seq, part, slot, record); err != nil {
			return err
		}
	}
	return nil
}

// applyPart takes one of several records, whose first message has that slot, and returns
// the slot of the next.
func (r *replayed) applyPart(seq uint64, part, slot int, record []byte) (int, error) {
	if len(record) == 0 {
		return slot, errRecord
	}
	in := &reader{b: record[1:]}
	switch record[0] {
	case recordMessages:
		return r.pack(seq, part, slot, record)
	case recordDeleted:
		for range in.count() {
			r.gone(in.uint())
		}
	case recordPurged:
		last := in.uint()
		for number := range r.messages {
			if number <= last {
				r.gone(number)
			}
		}
	case recordStates:
		for range in.count() {
			number, state := in.uint(), in.state()
			r.newest = max(r.newest, state.first)
			if e := r.messages[number]; e != nil {
				e.state = state
			}
		}
	default:
		return slot, errRecord
	}
	return slot, in.err
}

func (r *replayed) pack(seq uint64, part, first int, record []byte) (int, error) {
	messages, err := readPack(record)
	if err != nil {
		return first, err
	}
	p := r.newPack(seq, part, len(messages), record)
	for slot, raw := range messages {
		in := &reader{b: raw}
		m := in.message(false)
		if in.err != nil {
			return first, in.err
		}
		r.newest = max(r.newest, m.sent, m.first)
		moved := m.number != 0
		if !moved {
			m.number = numberOf(seq, first+slot)
		}
		if moved && r.messages[m.number] != nil { // its first place is still there
			r.gone(m.number)
		}
		e := r.newEntry(m)
		r.messages[m.number] = e
		r.numbers = append(r.numbers, m.number)
		r.enter(e, p, slot)
		if r.fifo() && !moved && m.source == "" {
			r.dedup.add(r.rules.key(m.group, m.dedup), duplicate{id: m.id, number: m.number, until: m.sent + dedupInterval}, r.s.millis())
			p.until = m.sent + dedupInterval
		}
	}
	return first + len(messages), nil
}

func (r *replayed) gone(number uint64) {
	if e := r.messages[number]; e != nil {
		r.leave(e.pack)
		delete(r.messages, number)
	}
}

// newEntry makes the entry of a message.
func (q *queue) newEntry(m *message) *entry {
	e := &entry{state: m.state, number: m.number, sent: m.sent, place: -1}
	if m.source != "" {
		id := m.id
		e.letter = &id
	}
	if o, ok := q.order.(*fifo); ok {
		e.group = o.in(m.group)
	}
	return e
}
