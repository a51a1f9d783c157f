package sqs

import (
	"context"
	"slices"
	"time"
)

// waiters are the receives that wait for messages, first come first served. Whatever
// happens to a queue wakes one of them, and who goes, with messages or without, wakes the
// next: so there is always one that knows when the next message is due.
type waiters []chan struct{}

func (w *waiters) join() chan struct{} {
	c := make(chan struct{}, 1)
	*w = append(*w, c)
	return c
}

// wake wakes the first.
func (w *waiters) wake() {
	if len(*w) > 0 {
		(*w)[0] <- struct{}{}
		*w = (*w)[1:]
	}
}

func (w *waiters) wakeAll() {
	for len(*w) > 0 {
		w.wake()
	}
}

// part ends a wait.
func (w *waiters) part(c chan struct{}) {
	if i := slices.Index(*w, c); i >= 0 {
		*w = slices.Delete(*w, i, i+1)
	}
}

// await waits until there may be a message, at most until the deadline, and tells whether
// it is worth to look. The caller holds the queue's lock, and does again afterwards.
func (q *queue) await(ctx context.Context, deadline int64) bool {
	now := q.s.millis()
	if deadline <= now || ctx.Err() != nil || q.s.ctx.Err() != nil || q.gone {
		return false
	}
	until := deadline
	if len(q.waiting) > 0 {
		until = min(until, q.waiting[0].due)
	}
	woken := q.waiters.join()
	timer := q.s.clock.NewTimer(time.Duration(until-now) * time.Millisecond)
	q.mu.Unlock()
	select {
	case <-woken:
	case <-timer.C:
	case <-ctx.Done():
	case <-q.s.ctx.Done():
	}
	timer.Stop()
	q.mu.Lock()
	q.waiters.part(woken)
	if ctx.Err() != nil || q.s.ctx.Err() != nil || q.gone {
		q.waiters.wake()
		return false
	}
	return true
}
