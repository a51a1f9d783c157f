package sources

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// maxBatchBytes keeps an event below the limit of a synchronous call of 6 MB.
	maxBatchBytes = 6<<20 - 64<<10
	// minLaneRecords is how many records wait in a lane before no more is read, at least;
	// otherwise it is two batches of them, or one of maxBatchBytes.
	minLaneRecords = 500
	// maxHeld is how many bytes of records all mappings hold before those read no more that
	// have something to go on with.
	maxHeld = 256 << 20
)

// lane delivers those records of a shard that share it, in order, a batch at a time.
type lane struct {
	*reader
	index   int
	size    int           // of a batch, at most
	window  time.Duration // to wait for more records
	arrived chan struct{}
	held    atomic.Int64 // bytes of records that are not done

	mu       sync.Mutex
	reserved int // bytes of an event that its records do not have
	queue    []record
	bytes    int
	under    []record  // the batch that is being delivered
	since    time.Time // when the first of the queue came, by the manager's clock
	finished bool      // no more will come
}

func newLane(r *reader, index int) *lane {
	c := r.mapping.Config
	return &lane{
		reader: r, index: index, size: int(aws.ToInt32(c.BatchSize)),
		window: time.Duration(aws.ToInt32(c.MaximumBatchingWindowInSeconds)) * time.Second, arrived: make(chan struct{}, 1),
	}
}

// add puts a record behind the others.
func (l *lane) add(r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.since = l.manager.Clock.Now()
	}
	l.queue = append(l.queue, r)
	l.bytes += len(r.event)
	l.hold(len(r.event))
	notify(l.arrived)
}

// hold counts bytes that are held, or no more.
func (l *lane) hold(bytes int) {
	l.held.Add(int64(bytes))
	l.manager.held.Add(int64(bytes))
}

// finish says that no more records will come.
func (l *lane) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finished = true
	notify(l.arrived)
}

// notify wakes who waits on a channel with room for one value.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// full tells whether enough waits here. A lane always has room for a batch.
func (l *lane) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) >= max(minLaneRecords, 2*l.size) || l.bytes >= maxBatchBytes
}

// oldest is when the oldest record arrived that is not done; zero if all are.
func (l *lane) oldest() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.under) > 0:
		return l.under[0].arrival
	case len(l.queue) > 0:
		return l.queue[0].arrival
	}
	return time.Time{}
}

// run delivers batches until ctx ends, or until all is done of a shard that is closed.
func (l *lane) run(ctx context.Context) error {
	if l.mapping.Windowed() {
		return l.tumble(ctx)
	}
	for {
		batch, err := l.next(ctx, time.Time{}, func(_, _ *record) bool { return true })
		if err != nil || batch == nil {
			return err
		}
		if err := l.deliver(ctx, batch, nil); err != nil {
			return err
		}
	}
}

// next waits for a batch of records that belong together, and takes it. It is nil once
// there will be no more, and empty when until comes first, if that is set.
func (l *lane) next(ctx context.Context, until time.Time, belongs func(first, r *record) bool) ([]record, error) {
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		over := !until.IsZero() && !time.Now().Before(until)
		batch, wait, more := l.take(belongs, over)
		if len(batch) > 0 || !more {
			notify(l.space)
			return batch, nil
		}
		if over {
			return []record{}, nil
		}
		timer := l.manager.Clock.NewTimer(wait)
		var ending <-chan time.Time
		if !until.IsZero() {
			ending = time.After(time.Until(until))
		}
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-l.arrived:
		case <-timer.C:
		case <-ending:
		}
		timer.Stop()
	}
}

// take takes a batch if it is large enough, has waited long enough, or is wanted now;
// otherwise it tells how long to wait, and whether anything may come.
func (l *lane) take(belongs func(first, r *record) bool, now bool) (batch []record, wait time.Duration, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.under = nil
	if len(l.queue) == 0 {
		return nil, time.Hour, !l.finished
	}
	n, complete := l.fitting(belongs)
	at := l.manager.Clock.Now()
	if wait = l.since.Add(l.window).Sub(at); !complete && !l.finished && !now && wait > 0 {
		return nil, wait, true
	}
	batch = l.queue[:n:n]
	l.queue, l.since = l.queue[n:], at
	for i := range batch {
		l.bytes -= len(batch[i].event)
	}
	l.under = batch
	return batch, 0, true
}

// fitting is how many records make a batch, and whether no more could be added to it.
// The caller holds the lock.
func (l *lane) fitting(belongs func(first, r *record) bool) (n int, complete bool) {
	bytes := 0
	for n = range l.queue {
		if n == l.size || n > 0 && (bytes+len(l.queue[n].event) > maxBatchBytes-l.reserved || !belongs(&l.queue[0], &l.queue[n])) {
			return n, true
		}
		bytes += len(l.queue[n].event) + 1
	}
	n = len(l.queue)
	return n, n == l.size
}

// complete writes down that the records of a batch are done.
func (l *lane) complete(ctx context.Context, records []record, window *Window) error {
	for i := range records {
		l.hold(-len(records[i].event))
	}
	// Also when the poller is being stopped: what is done is done.
	err := l.progress.done(context.WithoutCancel(ctx), l.index, records, window)
	for err != nil && !errors.Is(err, errNotOwner) {
		l.log.Error("write a checkpoint: the batch will come again after a restart", "shard", l.shard, "err", err)
		if !pause(ctx, time.Second) {
			return ctx.Err()
		}
		err = l.progress.done(context.WithoutCancel(ctx), l.index, nil, window)
	}
	return err
}
