package kinesis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const (
	lowest  = "0"
	middle  = "170141183460469231731687303715884105728" // 2^127
	highest = "340282366920938463463374607431768211455"
)

func id(n int) *string { return aws.String(fmt.Sprintf("shardId-%012d", n)) }

func split(t testing.TB, c *sdk.Client, shard int, at string) {
	t.Helper()
	if _, err := c.SplitShard(t.Context(), &sdk.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: id(shard), NewStartingHashKey: &at}); err != nil {
		t.Fatal(err)
	}
}

func merge(t testing.TB, c *sdk.Client, a, b int) {
	t.Helper()
	if _, err := c.MergeShards(t.Context(), &sdk.MergeShardsInput{StreamName: aws.String("s"), ShardToMerge: id(a), AdjacentShardToMerge: id(b)}); err != nil {
		t.Fatal(err)
	}
}

func scale(t testing.TB, c *sdk.Client, to int32) *sdk.UpdateShardCountOutput {
	t.Helper()
	out, err := c.UpdateShardCount(t.Context(), &sdk.UpdateShardCountInput{StreamName: aws.String("s"), TargetShardCount: &to, ScalingType: types.ScalingTypeUniformScaling})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// list returns the shards of stream s that a filter leaves.
func list(t testing.TB, c *sdk.Client, f *types.ShardFilter) []types.Shard {
	t.Helper()
	out, err := c.ListShards(t.Context(), &sdk.ListShardsInput{StreamName: aws.String("s"), ShardFilter: f})
	if err != nil {
		t.Fatal(err)
	}
	return out.Shards
}

// ids are the numbers of shards.
func ids(shards []types.Shard) string {
	var all []string
	for _, s := range shards {
		all = append(all, strings.TrimLeft((*s.ShardId)[len("shardId-"):len(*s.ShardId)-1], "0")+(*s.ShardId)[len(*s.ShardId)-1:])
	}
	return strings.Join(all, " ")
}

// at puts a record at a hash key of stream s.
func putAt(t testing.TB, c *sdk.Client, hash, data string) *sdk.PutRecordOutput {
	t.Helper()
	out, err := c.PutRecord(t.Context(), &sdk.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), ExplicitHashKey: &hash, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSplitAndMerge(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	putAt(t, c, lowest, "a")
	first := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "LATEST"})
	putAt(t, c, highest, "b")
	changed, stop, err := e.service.Watch("arn:aws:kinesis:eu-west-1:" + account + ":stream/s")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	split(t, c, 0, middle)
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Fatal("not told of a split")
	}
	split(t, c, 2, "255211775190703847597530955573826158592") // without a record in between
	if out := putAt(t, c, lowest, "c"); *out.ShardId != *id(1) {
		t.Errorf("put into %s", *out.ShardId)
	}
	putAt(t, c, middle, "d")
	putAt(t, c, highest, "e")
	merge(t, c, 3, 1) // the upper one first
	if out := putAt(t, c, middle, "f"); *out.ShardId != *id(5) {
		t.Errorf("put into %s", *out.ShardId)
	}

	check := func() {
		t.Helper()
		shards := list(t, c, nil)
		if ids(shards) != "0 1 2 3 4 5" {
			t.Fatalf("shards %s", ids(shards))
		}
		for i, want := range []struct{ low, high, parents, children, records string }{
			{lowest, highest, "-", "1 2", "a b"},
			{lowest, "170141183460469231731687303715884105727", "0", "5", "c"},
			{middle, highest, "0", "3 4", ""},
			{middle, "255211775190703847597530955573826158591", "2", "5", "d"},
			{"255211775190703847597530955573826158592", highest, "2", "", "e"},
			{lowest, "255211775190703847597530955573826158591", "3 1", "", "f"},
		} {
			s := shards[i]
			var parents, children []types.Shard
			for _, p := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
				if p != nil {
					parents = append(parents, types.Shard{ShardId: p})
				}
			}
			got := get(t, c, iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: s.ShardId, ShardIteratorType: "TRIM_HORIZON"}), 0)
			for _, child := range got.ChildShards {
				children = append(children, types.Shard{ShardId: child.ShardId})
				if len(child.ParentShards) == 0 || !slices.Contains(child.ParentShards, *s.ShardId) || child.HashKeyRange.EndingHashKey == nil {
					t.Errorf("child %+v of %s", child, *s.ShardId)
				}
			}
			if *s.HashKeyRange.StartingHashKey != want.low || *s.HashKeyRange.EndingHashKey != want.high || max(ids(parents), "-") != max(want.parents, "-") || ids(children) != want.children || texts(got.Records) != want.records {
				t.Errorf("shard %d: %s to %s of %s, children %s, records %s", i, *s.HashKeyRange.StartingHashKey, *s.HashKeyRange.EndingHashKey, ids(parents), ids(children), texts(got.Records))
			}
			closed := want.children != ""
			end := s.SequenceNumberRange.EndingSequenceNumber
			if (end != nil) != closed || (got.NextShardIterator == nil) != closed {
				t.Errorf("shard %d closed: %v, %v", i, end, got.NextShardIterator)
			}
			for _, r := range got.Records {
				if *r.SequenceNumber < *s.SequenceNumberRange.StartingSequenceNumber || closed && *r.SequenceNumber > *end {
					t.Errorf("record %s is not in %+v", *r.SequenceNumber, s.SequenceNumberRange)
				}
			}
			if closed && *end < *s.SequenceNumberRange.StartingSequenceNumber {
				t.Errorf("shard %d ends at %s, before its start", i, *end)
			}
			for _, p := range parents {
				parent := shards[slices.IndexFunc(shards, func(o types.Shard) bool { return *o.ShardId == *p.ShardId })]
				if *s.SequenceNumberRange.StartingSequenceNumber <= *parent.SequenceNumberRange.EndingSequenceNumber {
					t.Errorf("shard %d begins before %s ends", i, *p.ShardId)
				}
			}
		}
		if got := get(t, c, first, 1); texts(got.Records) != "b" || got.NextShardIterator != nil || len(got.ChildShards) != 2 {
			t.Errorf("behind a: %q, %v, %v", texts(got.Records), got.NextShardIterator, got.ChildShards)
		}
	}
	check()

	// Every way into a closed shard.
	zero := list(t, c, nil)[0].SequenceNumberRange
	for _, tt := range []struct {
		in   sdk.GetShardIteratorInput
		want string
	}{
		{sdk.GetShardIteratorInput{ShardIteratorType: "LATEST"}, ""},
		{sdk.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: zero.StartingSequenceNumber}, "a b"},
		{sdk.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: zero.EndingSequenceNumber}, ""},
		{sdk.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: zero.EndingSequenceNumber}, ""},
		{sdk.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now().Add(-time.Hour))}, "a b"},
		{sdk.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now())}, ""},
	} {
		tt.in.StreamName = aws.String("s")
		got := get(t, c, iterator(t, c, tt.in), 0)
		if texts(got.Records) != tt.want || got.NextShardIterator != nil || len(got.ChildShards) != 2 || *got.MillisBehindLatest != 0 {
			t.Errorf("%s of a closed shard: %q, %v", tt.in.ShardIteratorType, texts(got.Records), got.ChildShards)
		}
	}

	e.stop()
	e = start(t, dir)
	c = e.client("eu-west-1", "AKID")
	check()
	if out := putAt(t, c, lowest, "g"); *out.ShardId != *id(5) {
		t.Errorf("restarted: put into %s", *out.ShardId)
	}
	for shard, want := range map[int]string{0: "already been merged or split", 5: ""} {
		_, err := c.MergeShards(t.Context(), &sdk.MergeShardsInput{StreamName: aws.String("s"), ShardToMerge: id(4), AdjacentShardToMerge: id(shard)})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("merge with %d: %v", shard, err)
		}
	}
}

// TestUpdateShardCount compares the shards with those of a stream that is made like that.
func TestUpdateShardCount(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 3)
	count := int32(3)
	for i, target := range []int32{6, 5, 7, 4, 2, 1, 2} {
		if out := scale(t, c, target); *out.CurrentShardCount != count || *out.TargetShardCount != target {
			t.Errorf("from %d to %d, not from %d", *out.CurrentShardCount, *out.TargetShardCount, count)
		}
		count = target
		like := fmt.Sprintf("like-%d", i)
		create(t, c, like, target)
		fresh, err := c.ListShards(t.Context(), &sdk.ListShardsInput{StreamName: &like})
		if err != nil {
			t.Fatal(err)
		}
		ranges := func(shards []types.Shard) (all []string) {
			for _, s := range shards {
				all = append(all, *s.HashKeyRange.StartingHashKey+" to "+*s.HashKeyRange.EndingHashKey)
			}
			slices.Sort(all)
			return all
		}
		open := list(t, c, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})
		if got, want := ranges(open), ranges(fresh.Shards); !slices.Equal(got, want) {
			t.Errorf("%d shards are %q, want %q", target, got, want)
		}
		if out := putAt(t, c, highest, "x"); !slices.ContainsFunc(open, func(s types.Shard) bool { return *s.ShardId == *out.ShardId }) {
			t.Errorf("put into %s", *out.ShardId)
		}
	}
	if got := len(readAll(t, c, 1)); got != 7 {
		t.Errorf("%d records", got)
	}
}

func TestShardFilters(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 2)
	var times []time.Time // after each change, an hour apart
	tick := func() {
		times = append(times, time.Now().Add(time.Duration(e.clock.Load())+time.Minute))
		e.clock.Add(int64(time.Hour))
	}
	tick()
	merge(t, c, 0, 1) // 2
	tick()
	split(t, c, 2, middle) // 3 4
	tick()
	filter := func(kind types.ShardFilterType, t *time.Time, after *string) *types.ShardFilter {
		return &types.ShardFilter{Type: kind, Timestamp: t, ShardId: after}
	}
	for name, tt := range map[string]struct {
		filter *types.ShardFilter
		want   string
	}{
		"none":                 {nil, "0 1 2 3 4"},
		"after":                {filter("AFTER_SHARD_ID", nil, id(1)), "2 3 4"},
		"latest":               {filter("AT_LATEST", nil, nil), "3 4"},
		"at the horizon":       {filter("AT_TRIM_HORIZON", nil, nil), "0 1"},
		"from the horizon":     {filter("FROM_TRIM_HORIZON", nil, nil), "0 1 2 3 4"},
		"at the first time":    {filter("AT_TIMESTAMP", &times[0], nil), "0 1"},
		"at the second":        {filter("AT_TIMESTAMP", &times[1], nil), "2"},
		"at the third":         {filter("AT_TIMESTAMP", &times[2], nil), "3 4"},
		"from the second":      {filter("FROM_TIMESTAMP", &times[1], nil), "2 3 4"},
		"before there was any": {filter("AT_TIMESTAMP", aws.Time(times[0].Add(-time.Hour)), nil), "0 1"},
	} {
		if got := ids(list(t, c, tt.filter)); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}

	// A filter goes on behind the first page, whose token expires.
	in := &sdk.ListShardsInput{StreamName: aws.String("s"), MaxResults: aws.Int32(1), ShardFilter: filter("FROM_TIMESTAMP", &times[1], nil)}
	first, err := c.ListShards(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := c.ListShards(t.Context(), &sdk.ListShardsInput{NextToken: first.NextToken})
	if err != nil || ids(first.Shards)+ids(rest.Shards) != "23 4" {
		t.Errorf("pages: %v, %v, %v", first, rest, err)
	}
	e.clock.Add(int64(5*time.Minute + time.Second))
	if _, err := c.ListShards(t.Context(), &sdk.ListShardsInput{NextToken: first.NextToken}); !is[*types.ExpiredNextTokenException](err) {
		t.Errorf("an old token: %v", err)
	}

	// Closed shards go when their records have.
	for _, tt := range []struct {
		later time.Duration
		want  string
	}{{22 * time.Hour, "2 3 4"}, {time.Hour, "3 4"}, {24 * time.Hour, "3 4"}} {
		e.clock.Add(int64(tt.later))
		if got := ids(list(t, c, nil)); got != tt.want {
			t.Errorf("%s later: got %s, want %s", tt.later, got, tt.want)
		}
	}
	if got := ids(list(t, c, filter("AT_TRIM_HORIZON", nil, nil))); got != "3 4" {
		t.Errorf("at the horizon of later: %s", got)
	}
	if _, err := c.GetShardIterator(t.Context(), &sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: id(2), ShardIteratorType: "TRIM_HORIZON"}); !isNotFound(err) {
		t.Errorf("an expired shard: %v", err)
	}
	merge(t, c, 3, 4)
	if got := list(t, c, nil); ids(got) != "3 4 5" || *got[0].ParentShardId != *id(2) {
		t.Errorf("after another merge: %s, %v", ids(got), got[0])
	}
}
