package sources

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// Conditions under which records are given up, as destinations are told.
const (
	retriesExhausted = "RetryAttemptsExhausted"
	ageExceeded      = "RecordAgeExceeded"
)

// deliver has the function handle a batch: until it succeeds, or until the mapping or
// the source says to give up. Every record is done, or at its destination, when deliver
// returns without an error. w is the tumbling window that the batch belongs to, which
// deliver changes; nil if there is none.
func (l *lane) deliver(ctx context.Context, batch []record, w *window) error {
	c := l.mapping.Config
	b := batchRun{lane: l, id: uuid.NewString(), window: w}
	most := int(aws.ToInt32(c.MaximumRetryAttempts))
	for {
		for !l.manager.leases.held() {
			if !pause(ctx, time.Second) {
				return ctx.Err()
			}
		}
		var err error
		if batch, err = b.dropOld(ctx, batch); err != nil || len(batch) == 0 && !w.ends() {
			return err
		}
		b.last = l.call(ctx, b.id, batch, w)
		switch v := &b.last; {
		case v.problem == "":
			l.result("OK")
			return l.complete(ctx, batch, w.keep(v))
		case ctx.Err() != nil:
			return ctx.Err()
		case !v.ran: // throttled, or there is no function: not its fault
			b.refused++
			l.result(problem("%s", v.problem))
			if !l.wait(ctx, min(backoff(b.refused), maxRefused)) {
				return ctx.Err()
			}
			continue
		}
		l.result(problem("%s", b.last.problem))
		b.failed++
		if n := b.last.done; n > 0 { // the function says how far it has come
			if err := l.complete(ctx, batch[:n], w.keep(&b.last)); err != nil {
				return err
			}
			batch, b.failed = batch[n:], 1
			if aws.ToBool(c.BisectBatchOnFunctionError) {
				b.failed = 0 // splitting a batch is no retry
			}
		} else if aws.ToBool(c.BisectBatchOnFunctionError) && len(batch) > 1 {
			half := (len(batch) + 1) / 2
			if err := l.deliver(ctx, batch[:half], w); err != nil {
				return err
			}
			return l.deliver(ctx, batch[half:], w)
		}
		if most >= 0 && b.failed > most {
			return b.drop(ctx, batch, retriesExhausted)
		}
		if !l.wait(ctx, backoff(max(1, b.failed))) {
			return ctx.Err()
		}
	}
}

// batchRun is what is known of the attempts at a batch.
type batchRun struct {
	*lane
	id      string // of the request, the same for every attempt
	window  *window
	failed  int // attempts that the function has failed at
	refused int // attempts that did not reach it
	last    verdict
}

// dropOld gives up the records that are too old for the mapping, or have expired.
func (b *batchRun) dropOld(ctx context.Context, batch []record) ([]record, error) {
	age := b.stream.retention()
	if most := time.Duration(aws.ToInt32(b.mapping.Config.MaximumRecordAgeInSeconds)) * time.Second; most > 0 && (age == 0 || most < age) {
		age = most
	}
	if age == 0 {
		return batch, nil
	}
	limit, n := b.manager.Clock.Now().Add(-age), 0
	for n < len(batch) && batch[n].aged.Before(limit) {
		n++
	}
	if n == 0 {
		return batch, nil
	}
	return batch[n:], b.drop(ctx, batch[:n], ageExceeded)
}

// drop gives records up, once their destination has been told.
func (b *batchRun) drop(ctx context.Context, batch []record, condition string) error {
	b.log.Warn("records given up", "shard", b.shard, "records", len(batch), "condition", condition, "attempts", b.failed, "problem", b.last.problem)
	if to := b.mapping.Destination(); to != "" && len(batch) > 0 {
		if err := b.tell(ctx, to, batch, condition); err != nil {
			return err
		}
	} else {
		b.meter.dropped(len(batch))
	}
	return b.complete(ctx, batch, b.window.keep(nil))
}

// wait waits on the manager's clock, and tells whether ctx is still good.
func (l *lane) wait(ctx context.Context, d time.Duration) bool {
	return clock.Wait(ctx, l.manager.Clock, d)
}

// maxRefused is the longest pause before the next attempt to reach a function: others
// may end a call of it at any time.
const maxRefused = time.Second

// backoff is the pause before attempt n+1 at a batch that failed n times.
func backoff(n int) time.Duration { return min(500*time.Millisecond<<min(n-1, 8), time.Minute) }
