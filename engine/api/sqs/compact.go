package sqs

import (
	"cmp"
	"context"
	"slices"
)

const (
	// maxGarbage is how many bytes of messages that are gone may lie behind one that is not.
	maxGarbage = 8 << 20
	// maxMoved is how many messages are moved at a time.
	maxMoved = 1000
)

// compact moves the oldest messages to the end of the journal when too much of what
// follows them is gone: only what is in front of everything can be cut off.
func (q *queue) compact(ctx context.Context) error {
	q.mu.Lock()
	oldest := q.stuck(q.s.millis())
	q.mu.Unlock()
	if len(oldest) == 0 {
		return nil
	}
	packs := map[*pack][][]byte{}
	messages := map[*entry]*message{}
	for _, e := range oldest {
		m, err := q.body(ctx, e, packs)
		if err != nil {
			continue // it was deleted meanwhile
		}
		messages[e] = m
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var moved []*entry
	var raw [][]byte
	size := 0
	for _, e := range oldest {
		m := messages[e]
		if m == nil || q.index[e.number] != e || e.stage == leaving || size > maxFlightBytes {
			continue
		}
		m.number, m.state = e.number, e.state // as they are now
		encoded := m.append(nil)
		size += len(encoded)
		moved, raw = append(moved, e), append(raw, encoded)
	}
	if len(moved) == 0 {
		return nil
	}
	record := appendPack(raw)
	w := q.append(record, len(moved))
	q.mu.Unlock()
	q.wait(w)
	q.mu.Lock()
	q.landed(w)
	if w.err != nil {
		return w.err
	}
	p := q.newPack(w.seq, w.part, len(moved), record)
	for slot, e := range moved {
		if q.index[e.number] == e {
			q.leave(e.pack)
			q.enter(e, p, slot)
		}
	}
	q.s.tend.soon(q)
	return nil
}

// stuck returns messages of the oldest pack, and of those that follow it, if they hold up
// too much.
func (q *queue) stuck(now int64) []*entry {
	if q.size-q.live < maxGarbage || q.size < 2*q.live || len(q.packs) == 0 || q.packs[0].alive == 0 || q.packs[0].until > now {
		return nil
	}
	old := map[*pack]bool{}
	size, count := int64(0), 0
	for _, p := range q.packs {
		if p.until > now || count+p.alive > maxMoved || size > 0 && size+p.size > maxFlightBytes {
			break
		}
		if p.alive > 0 {
			old[p] = true
			size, count = size+p.size, count+p.alive
		}
	}
	var entries []*entry
	for _, e := range q.index {
		if old[e.pack] && e.stage != leaving {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	return entries
}
