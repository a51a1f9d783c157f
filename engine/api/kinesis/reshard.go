package kinesis

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// SplitShard closes a shard and opens two in its place.
func (s *Service) SplitShard(ctx context.Context, in *kinesis.SplitShardInput) (*kinesis.SplitShardOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.SplitShardOutput{}, s.reshard(ctx, st, func(r *resharding) error {
		i, err := r.openShard(*in.ShardToSplit)
		if err != nil {
			return err
		}
		sh := &r.Shards[i]
		at, ok := parseHashKey(*in.NewStartingHashKey)
		if !ok || at.compare(sh.Low) <= 0 || at.compare(sh.Low.plus(1)) <= 0 || at.compare(sh.High) >= 0 {
			return invalid("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
				*in.NewStartingHashKey, sh.id(), r.Name, r.Account, sh.Low, sh.High)
		}
		r.split(i, at)
		return nil
	})
}

// MergeShards closes two adjacent shards and opens one in their place.
func (s *Service) MergeShards(ctx context.Context, in *kinesis.MergeShardsInput) (*kinesis.MergeShardsOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.MergeShardsOutput{}, s.reshard(ctx, st, func(r *resharding) error {
		i, err := r.openShard(*in.ShardToMerge)
		if err != nil {
			return err
		}
		j, err := r.openShard(*in.AdjacentShardToMerge)
		if err != nil {
			return err
		}
		a, b := &r.Shards[i], &r.Shards[j]
		if i == j || !adjacent(a, b) && !adjacent(b, a) {
			return invalid("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging", a.id(), b.id(), r.Name, r.Account)
		}
		r.merge(i, j)
		return nil
	})
}

// UpdateShardCount makes the shards of a stream that many of the same width. How often
// a day is not limited, unlike on AWS.
func (s *Service) UpdateShardCount(ctx context.Context, in *kinesis.UpdateShardCountInput) (*kinesis.UpdateShardCountOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	var count, target int
	err = s.reshard(ctx, st, func(r *resharding) error {
		count, target = len(r.open()), int(*in.TargetShardCount)
		switch {
		case target > 2*count:
			return invalid("UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: %d Target shard count: %d", count, target)
		case 2*target < count:
			return invalid("UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: %d Target shard count: %d", count, target)
		}
		r.even(target)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateShardCountOutput{
		StreamName: &st.name, StreamARN: aws.String(st.arn()), CurrentShardCount: aws.Int32(int32(count)), TargetShardCount: in.TargetShardCount,
	}, nil
}

// reshard changes the shards of a stream as plan says. The records that are being put
// are in their shards before these close, and those that come meanwhile wait.
func (s *Service) reshard(ctx context.Context, st *stream, plan func(*resharding) error) error {
	ctx = context.WithoutCancel(ctx)
	err := s.change(ctx, st, func(d *document) error {
		if d.Mode == types.StreamModeOnDemand {
			return malformed("Request is invalid. Stream %s under account %s is in On-Demand mode.", d.Name, d.Account)
		}
		now := s.clock.Now()
		r := &resharding{document: d, now: now}
		before := len(r.open())
		d.Shards = slices.DeleteFunc(slices.Clone(d.Shards), func(sh shard) bool { return d.expired(&sh, now) })
		if err := plan(r); err != nil {
			return err
		}
		if more := len(r.open()) - before; more > 0 {
			if err := s.roomForShards(st.streamRef, more); err != nil {
				return err
			}
		}
		if r.step == 0 {
			return nil
		}
		position, err := s.mark(ctx, st)
		if err != nil {
			return err
		}
		r.settle(position)
		return nil
	})
	if err == nil {
		s.watchers.announce(st.streamRef)
	}
	return err
}

// mark stores an empty message behind all that have been sent, and returns its position:
// what is in a shard that closes is before it, what comes to its children behind it.
func (s *Service) mark(ctx context.Context, st *stream) (uint64, error) {
	ack, err := s.js.Publish(ctx, subjectRoot+st.id+".resharded", nil)
	if err != nil {
		return 0, fmt.Errorf("reshard stream %s: %w", st.name, err)
	}
	st.last.Store(ack.Sequence)
	return ack.Sequence, nil
}

// resharding is a document whose shards are being changed.
type resharding struct {
	*document
	now  time.Time
	step uint32
}

// unsettled is the position of a resharding before it has one.
const unsettled = math.MaxUint64

// settle tells the places where shards were closed and opened.
func (r *resharding) settle(position uint64) {
	for i := range r.Shards {
		for _, p := range []*place{&r.Shards[i].Start, &r.Shards[i].End} {
			if p.Position == unsettled {
				p.Position = position
			}
		}
	}
}

// openShard returns the index of an open shard.
func (r *resharding) openShard(id string) (int, error) {
	n, _ := shardNumber(id)
	i := slices.IndexFunc(r.Shards, func(sh shard) bool { return sh.Number == n && sh.id() == id })
	switch {
	case i < 0:
		return 0, notFound("Could not find shard %s in stream %s under account %s.", id, r.Name, r.Account)
	case r.Shards[i].Closed != nil:
		return 0, invalid("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.", id, r.Name, r.Account)
	}
	return i, nil
}

// open returns the indexes of the open shards by hash key.
func (r *resharding) open() []int {
	var open []int
	for i := range r.Shards {
		if r.Shards[i].Closed == nil {
			open = append(open, i)
		}
	}
	slices.SortFunc(open, func(i, j int) int { return r.Shards[i].Low.compare(r.Shards[j].Low) })
	return open
}

func adjacent(lower, upper *shard) bool {
	return lower.High.compare(upper.Low) < 0 && lower.High.plus(1) == upper.Low
}

// split divides the shard at index i.
func (r *resharding) split(i int, at hashKey) {
	parent := r.shut(i)
	r.add(parent.Low, at.plus(-1), parent.Number)
	r.add(at, parent.High, parent.Number)
}

// merge joins two adjacent shards and returns the index of the whole.
func (r *resharding) merge(i, j int) int {
	a, b := r.shut(i), r.shut(j)
	low, high := a.Low, b.High
	if adjacent(&b, &a) {
		low, high = b.Low, a.High
	}
	return r.add(low, high, a.Number, b.Number)
}

func (r *resharding) shut(i int) shard {
	r.step++
	sh := &r.Shards[i]
	sh.Closed, sh.End = &r.now, place{unsettled, r.step}
	return *sh
}

func (r *resharding) add(low, high hashKey, parents ...int) int {
	r.step++
	r.Shards = append(r.Shards, shard{Number: r.Next, Low: low, High: high, Parents: parents, Opened: r.now, Start: place{unsettled, r.step}})
	r.Next++
	return len(r.Shards) - 1
}

// even makes n open shards of the same width: it splits shards where one has to begin,
// and merges those between. Those in between are closed again without a record.
func (r *resharding) even(n int) {
	starts := uniform(n)
	for _, at := range starts {
		for _, i := range r.open() {
			if sh := &r.Shards[i]; sh.Low.compare(at) < 0 && at.compare(sh.High) <= 0 {
				r.split(i, at)
				break
			}
		}
	}
	whole := -1
	for _, i := range r.open() {
		if slices.Contains(starts, r.Shards[i].Low) {
			whole = i
		} else {
			whole = r.merge(whole, i)
		}
	}
}
