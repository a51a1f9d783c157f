package sources

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	lambda "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// Intervals between two reads of one shard.
const (
	ownInterval  = 5 * time.Millisecond   // at least, where something tells of new records: so that they come in batches
	safeInterval = 30 * time.Second       // at most
	busyInterval = 200 * time.Millisecond // at least, where nothing does: AWS allows five reads a second
	idleInterval = time.Second            // at most
	saveInterval = 10 * time.Second       // between checkpoints of what no function gets
	// sourceTimeout is how long a source may take to answer.
	sourceTimeout = 30 * time.Second
)

// reader reads one shard, and hands its records to lanes.
type reader struct {
	*streamPoller
	shard    string
	first    string             // sequence number of the shard
	stop     context.CancelFunc // ends the reader
	start    position           // where the mapping begins
	progress *progress
	cursor   cursor // nil: to be opened
	lanes    []*lane
	space    chan struct{} // a lane has taken something

	size   int // of the records of the last page, in bytes each
	mu     sync.Mutex
	behind time.Duration
	seen   time.Time // when behind was true
}

// newReader opens a shard at its checkpoint.
func newReader(ctx context.Context, p *streamPoller, s shard, doc Checkpoint, begin position) (*reader, error) {
	lanes := int(max(1, aws.ToInt32(p.mapping.Config.ParallelizationFactor)))
	r := &reader{
		streamPoller: p, shard: s.id, first: s.start, start: begin, space: make(chan struct{}, 1),
		progress: newProgress(p.manager.checkpoints, p.key(s.id), p.manager.Engine, doc, lanes),
	}
	for i := range lanes {
		r.lanes = append(r.lanes, newLane(r, i))
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if begin.start == lambda.EventSourcePositionLatest { // the tip moves on
		r.start = p.created()
	}
	return r, r.progress.mark(ctx)
}

// run reads until ctx ends, another engine has the shard, or there is nothing more.
func (r *reader) run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	var lanes sync.WaitGroup
	for _, l := range r.lanes {
		lanes.Go(func() {
			if err := l.run(ctx); errors.Is(err, errNotOwner) {
				stop()
			}
		})
	}
	end := r.read(ctx)
	for _, l := range r.lanes {
		l.finish()
	}
	if !end {
		stop()
	}
	lanes.Wait()
	for _, l := range r.lanes {
		l.hold(-int(l.held.Load()))
	}
	if end && ctx.Err() == nil {
		if err := r.progress.close(ctx); err != nil {
			r.log.Warn("close a shard", "shard", r.shard, "err", err)
		}
	}
	stop()
	if r.cursor != nil {
		r.cursor.close()
	}
}

// read reads until ctx ends, or until the shard does, which it tells.
func (r *reader) read(ctx context.Context) (end bool) {
	var changed <-chan struct{}
	if r.watch != nil {
		told, stop, err := r.watch(*r.mapping.Config.EventSourceArn)
		if err == nil {
			changed = told
			defer stop()
		}
	}
	interval, saved := busyInterval, time.Now()
	for ctx.Err() == nil {
		if !r.manager.leases.held() {
			pause(ctx, r.manager.leases.interval())
			continue
		}
		p, err := r.next(ctx)
		if err != nil {
			notify(r.look)
			pause(ctx, r.failed(ctx, err))
			continue
		}
		r.recovered()
		got := r.hand(p)
		if p.end {
			return ctx.Err() == nil
		}
		if time.Since(saved) > saveInterval {
			saved = time.Now()
			if err := r.progress.settle(ctx); errors.Is(err, errNotOwner) {
				return false
			}
		}
		if !r.roomy(ctx) {
			return false
		}
		switch {
		case r.stream.pushes():
			continue
		case changed != nil:
			pause(ctx, ownInterval)
		case got:
			pause(ctx, busyInterval)
		}
		if got {
			interval = busyInterval
			continue
		}
		interval = r.await(ctx, changed, interval)
	}
	return false
}

// await waits for new records, and returns how long to wait next time.
func (r *reader) await(ctx context.Context, changed <-chan struct{}, interval time.Duration) time.Duration {
	next := min(interval*3/2, idleInterval)
	if changed != nil {
		interval = safeInterval
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	}
	return next
}

// next reads once.
func (r *reader) next(ctx context.Context) (page, error) {
	if r.cursor == nil {
		if err := r.open(ctx); err != nil {
			return page{}, err
		}
	}
	if !r.stream.pushes() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, sourceTimeout)
		defer cancel()
	}
	p, err := r.cursor.read(ctx, r.limit())
	switch {
	case errors.Is(err, errExpired):
		r.reopen()
		return page{}, nil
	case errors.Is(err, errTrimmed):
		r.reopen()
		r.start = position{start: lambda.EventSourcePositionTrimHorizon}
		return page{}, r.openAt(ctx, r.start)
	case throttled(err):
		pause(ctx, idleInterval)
		return page{}, nil
	case err != nil:
		r.reopen()
		return page{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind, r.seen = p.behind, time.Now()
	return p, nil
}

// throttled tells whether a source is read too often, perhaps by others too.
func throttled(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains([]string{"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"}, api.ErrorCode())
}

// limit is how many records are asked for: enough for every lane to go on with, and no
// more than memory should hold.
func (r *reader) limit() int {
	n := min(10000, max(minLaneRecords, 2*int(aws.ToInt32(r.mapping.Config.BatchSize))*len(r.lanes)))
	return max(1, min(n, maxBatchBytes/max(1, r.size)))
}

func (r *reader) reopen() {
	r.cursor.close()
	r.cursor = nil
}

// open goes on behind what was read last, or where the mapping begins.
func (r *reader) open(ctx context.Context) error {
	at := r.start
	at.after, _ = r.progress.position()
	err := r.openAt(ctx, at)
	if errors.Is(err, errTrimmed) {
		err = r.openAt(ctx, position{start: lambda.EventSourcePositionTrimHorizon})
	}
	return err
}

func (r *reader) openAt(ctx context.Context, at position) (err error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	r.cursor, err = r.stream.open(ctx, r.shard, at)
	return err
}

// hand gives records to their lanes, and tells whether there were any.
func (r *reader) hand(p page) bool {
	r.meter.polled(len(p.records))
	filtered, bytes := 0, 0
	for i := range p.records {
		rec := &p.records[i]
		bytes += len(rec.event)
		rec.aged = r.manager.Clock.Now().Add(-time.Since(rec.arrival))
		passes := r.filter == nil || rec.passes(r.filter)
		rec.passes = nil // what it was made of need not be kept
		if !passes {
			filtered++
			r.progress.skip(rec)
			continue
		}
		lane := laneOf(rec.key, len(r.lanes))
		if r.progress.begin(rec, lane) {
			r.lanes[lane].add(*rec)
		}
	}
	r.meter.filtered(filtered)
	if n := len(p.records); n > 0 {
		r.size = bytes / n
	}
	return len(p.records) > 0
}

// roomy waits until every lane has room for more records, and memory too.
func (r *reader) roomy(ctx context.Context) bool {
	for {
		full, held := false, int64(0)
		for _, l := range r.lanes {
			full, held = full || l.full(), held+l.held.Load()
		}
		if !full && (held == 0 || r.manager.held.Load() < maxHeld) {
			return true
		}
		timer := time.NewTimer(busyInterval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-r.space:
		case <-timer.C: // others may have let go
		}
		timer.Stop()
	}
}

// lag is how far the function is behind: the age of the oldest record that is under
// way, or what the source says.
func (r *reader) lag() time.Duration {
	var age time.Duration
	for _, l := range r.lanes {
		if oldest := l.oldest(); !oldest.IsZero() {
			age = max(age, time.Since(oldest))
		}
	}
	if age > 0 {
		return age
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.behind
}

// pause waits in real time, and tells whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool { return clock.Wait(ctx, clock.System(), d) }
