package kinesis

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// shard is a range of hash keys for some time: records go to it from when it is opened
// until it is closed.
type shard struct {
	Number  int
	Low     hashKey
	High    hashKey // inclusive
	Parents []int   `json:",omitempty"` // none of the first shards, one after a split, two after a merge
	Opened  time.Time
	Start   place      // no record is before it
	Closed  *time.Time `json:",omitempty"`
	End     place      // of a closed shard: all records are before it
}

func (sh *shard) id() string { return shardID(sh.Number) }

func shardID(number int) string { return fmt.Sprintf("shardId-%012d", number) }

// shardNumber is the reverse of shardID.
func shardNumber(id string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "shardId-"))
	return n, err == nil && n >= 0 && id == shardID(n)
}

// route returns the index of the open shard that a hash key belongs to.
func (s *state) route(h hashKey) int {
	return sort.Search(len(s.open), func(i int) bool { return s.open[i].Low.compare(h) > 0 }) - 1
}

// expired tells whether a shard is closed and all its records are too old.
func (d *document) expired(sh *shard, now time.Time) bool {
	return sh.Closed != nil && sh.Closed.Before(d.horizon(now))
}

// find returns the shard of that id, unless its records have expired.
func (s *state) find(id string, now time.Time) (*liveShard, error) {
	if n, ok := shardNumber(id); ok {
		if sh := s.shard(n); sh != nil && !s.expired(sh.shard, now) {
			return sh, nil
		}
	}
	return nil, notFound("Shard %s in stream %s under account %s does not exist", id, s.Name, s.Account)
}

// visible returns the shards that have not expired.
func (s *state) visible(now time.Time) []*liveShard {
	return slices.DeleteFunc(slices.Clone(s.all), func(sh *liveShard) bool { return s.expired(sh.shard, now) })
}

// children are the shards that a closed one went into.
func (s *state) children(parent int) []types.ChildShard {
	var found []types.ChildShard
	for _, sh := range s.all {
		if !slices.Contains(sh.Parents, parent) {
			continue
		}
		child := types.ChildShard{ShardId: aws.String(sh.id()), HashKeyRange: sh.hashes()}
		for _, p := range sh.Parents {
			child.ParentShards = append(child.ParentShards, shardID(p))
		}
		found = append(found, child)
	}
	return found
}

func (sh *shard) hashes() *types.HashKeyRange {
	return &types.HashKeyRange{StartingHashKey: aws.String(sh.Low.String()), EndingHashKey: aws.String(sh.High.String())}
}

// describe says what a shard is, in AWS's words.
func (st *stream) describe(sh *shard) types.Shard {
	described := types.Shard{
		ShardId: aws.String(sh.id()), HashKeyRange: sh.hashes(),
		SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: aws.String(st.sequenceNumber(sh.Start, sh.Number))},
	}
	if sh.Closed != nil {
		described.SequenceNumberRange.EndingSequenceNumber = aws.String(st.sequenceNumber(sh.End, sh.Number))
	}
	for i, p := range sh.Parents {
		*[]**string{&described.ParentShardId, &described.AdjacentParentShardId}[i] = aws.String(shardID(p))
	}
	return described
}

// shardPage is where a list of shards goes on. Clients see it in base64.
type shardPage struct {
	Stream string             `json:"s"` // id
	Filter *types.ShardFilter `json:"f,omitempty"`
	After  int                `json:"a"` // number of the last shard that was listed
	Issued int64              `json:"t"` // Unix milliseconds
}

// ListShards lists the shards of a stream that a filter leaves.
func (s *Service) ListShards(ctx context.Context, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
	now := s.clock.Now()
	st, from, err := s.listed(ctx, in, now)
	if err != nil {
		return nil, err
	}
	current := st.current.Load()
	wanted, err := current.filter(from.Filter, now)
	if err != nil {
		return nil, err
	}
	shards := slices.DeleteFunc(current.visible(now), func(sh *liveShard) bool { return sh.Number <= from.After || !wanted(sh.shard) })
	shards, more := page(shards, in.MaxResults, 1000, 10000)
	out := &kinesis.ListShardsOutput{Shards: make([]types.Shard, len(shards))}
	for i, sh := range shards {
		out.Shards[i] = st.describe(sh.shard)
	}
	if more {
		from.Stream, from.After, from.Issued = st.id, shards[len(shards)-1].Number, now.UnixMilli()
		out.NextToken, err = encodeToken(from)
	}
	return out, err
}

// listed returns the stream whose shards are asked for, and where to begin.
func (s *Service) listed(ctx context.Context, in *kinesis.ListShardsInput, now time.Time) (*stream, shardPage, error) {
	from := shardPage{Filter: in.ShardFilter, After: -1}
	if in.NextToken == nil {
		st, err := s.find(ctx, in.StreamName, in.StreamARN)
		if err != nil {
			return nil, from, err
		}
		if t := in.StreamCreationTimestamp; t != nil && t.Unix() != st.created.Unix() {
			return nil, from, st.notFound()
		}
		if in.ExclusiveStartShardId != nil {
			n, ok := shardNumber(*in.ExclusiveStartShardId)
			if !ok {
				return nil, from, invalid("ExclusiveStartShardId %s is not the id of a shard.", *in.ExclusiveStartShardId)
			}
			from.After = n
		}
		return st, from, nil
	}
	for _, other := range []struct {
		name  string
		given bool
	}{
		{"StreamName", in.StreamName != nil},
		{"StreamARN", in.StreamARN != nil},
		{"StreamCreationTimestamp", in.StreamCreationTimestamp != nil},
		{"ExclusiveStartShardId", in.ExclusiveStartShardId != nil},
		{"ShardFilter", in.ShardFilter != nil},
	} {
		if other.given {
			return nil, from, invalid("NextToken and %s cannot be provided together.", other.name)
		}
	}
	if err := decodeToken(*in.NextToken, &from); err != nil {
		return nil, from, err
	}
	if err := fresh(from.Issued, now); err != nil {
		return nil, from, err
	}
	st, err := s.findID(ctx, from.Stream)
	return st, from, err
}

func (s *Service) lookup(id string) *stream {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

// findID returns the stream that a token means.
func (s *Service) findID(ctx context.Context, id string) (*stream, error) {
	st := s.lookup(id)
	if st == nil {
		return nil, notFound("The stream does not exist any more.")
	}
	_, err := ref(ctx, nil, aws.String(st.arn()))
	return st, err
}

// filter tells which shards are wanted. Shards that have expired are none of them.
func (s *state) filter(f *types.ShardFilter, now time.Time) (wanted func(*shard) bool, err error) {
	if f == nil {
		return func(*shard) bool { return true }, nil
	}
	horizon := s.horizon(now)
	if horizon.Before(s.Created) {
		horizon = s.Created
	}
	t := horizon
	switch f.Type {
	case types.ShardFilterTypeAtTimestamp, types.ShardFilterTypeFromTimestamp:
		if f.Timestamp == nil {
			return nil, invalid("Timestamp must be specified with the filter type %s.", f.Type)
		}
		if f.Timestamp.After(latest(now, time.Now()).Add(clockSkew)) {
			return nil, invalid("Timestamp cannot be in the future.")
		}
		if f.Timestamp.After(t) {
			t = *f.Timestamp
		}
	}
	since := func(sh *shard) bool { return sh.Closed == nil || sh.Closed.After(t) }
	switch f.Type {
	case types.ShardFilterTypeAfterShardId:
		n, ok := shardNumber(aws.ToString(f.ShardId))
		if !ok {
			return nil, invalid("ShardId must be specified with the filter type AFTER_SHARD_ID.")
		}
		return func(sh *shard) bool { return sh.Number > n }, nil
	case types.ShardFilterTypeAtLatest:
		return func(sh *shard) bool { return sh.Closed == nil }, nil
	case types.ShardFilterTypeAtTrimHorizon, types.ShardFilterTypeAtTimestamp:
		return func(sh *shard) bool { return !sh.Opened.After(t) && since(sh) }, nil
	default: // FROM_TRIM_HORIZON, FROM_TIMESTAMP
		return since, nil
	}
}

// page returns the first limit items, or as many as are usual, and whether there are more.
func page[T any](items []T, limit *int32, usual, most int) ([]T, bool) {
	n := usual
	if limit != nil {
		n = min(int(*limit), most)
	}
	if len(items) > n {
		return items[:n], true
	}
	return items, false
}
