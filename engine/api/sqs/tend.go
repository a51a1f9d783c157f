package sqs

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// tendInterval is how long states of messages may take to the disk: most messages are
// deleted by then.
const tendInterval = 250 * time.Millisecond

// tender knows the queues that have something to be done soon.
type tender struct {
	mu     sync.Mutex
	queues map[*queue]bool
	signal chan struct{}
}

func newTender() tender {
	return tender{queues: map[*queue]bool{}, signal: make(chan struct{}, 1)}
}

func (t *tender) soon(q *queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queues[q] = true
	select {
	case t.signal <- struct{}{}:
	default:
	}
}

func (t *tender) due() []*queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	due := make([]*queue, 0, len(t.queues))
	for q := range t.queues {
		due = append(due, q)
	}
	clear(t.queues)
	return due
}

// run tends queues until the service is closed, and a last time then. It sleeps while
// there is nothing to do.
func (s *Service) run() {
	for running := true; running; {
		select {
		case <-s.tend.signal:
			select {
			case <-time.After(tendInterval):
			case <-s.ctx.Done():
			}
		case <-s.ctx.Done():
			running = false
		}
		for _, q := range s.tend.due() {
			if err := q.tidy(context.WithoutCancel(s.ctx)); err != nil {
				s.log.Warn("tend queue", "queue", q.arn(), "err", err)
			}
		}
	}
}

// cutInterval is how often a journal is cut at most.
const cutInterval = time.Second

// tidy writes what has changed and cuts off what is over.
func (q *queue) tidy(ctx context.Context) error {
	q.mu.Lock()
	if q.gone {
		q.mu.Unlock()
		return nil
	}
	if states := q.states(); states != nil {
		w := q.append(states, 0)
		q.mu.Unlock()
		q.wait(w)
		q.mu.Lock()
		q.landed(w)
	}
	first := q.cutting(q.s.millis())
	grown, now := first > q.first, time.Now()
	soon := grown && now.Sub(q.cut) < cutInterval && q.s.ctx.Err() == nil
	if grown && !soon {
		q.first, q.cut = first, now
	}
	q.mu.Unlock()
	switch {
	case soon:
		q.s.tend.soon(q)
	case grown:
		if err := q.stream.Purge(ctx, jetstream.WithPurgeSequence(first)); err != nil {
			return err
		}
	}
	return q.compact(ctx)
}
