package kinesis_test

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// TestReshardingUnderLoad has producers put while others split, merge and scale: whoever
// reads parents before children gets every record that was acknowledged, once, and
// those of each key in order. A restart changes nothing.
func TestReshardingUnderLoad(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 2)
	const producers, keys, calls = 4, 5, 40
	var wg sync.WaitGroup
	put := make([]map[string]int, producers) // how many of each key
	numbers := sync.Map{}                    // "key data" → sequence number
	resharded := make(chan struct{})
	done := make(chan struct{})
	for p := range producers {
		put[p] = map[string]int{}
		wg.Go(func() {
			for call := 0; call < calls || !closed(resharded); call++ {
				in := &sdk.PutRecordsInput{StreamName: aws.String("s")}
				for range 1 + rand.IntN(20) {
					key := fmt.Sprintf("%d-%d", p, rand.IntN(keys))
					in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &key, Data: strconv.AppendInt(nil, int64(put[p][key]), 10)})
					put[p][key]++
				}
				out, err := c.PutRecords(context.Background(), in)
				if err != nil || *out.FailedRecordCount > 0 {
					t.Errorf("put: %+v, %v", out, err)
					return
				}
				for i, r := range out.Records {
					numbers.Store(*in.Records[i].PartitionKey+" "+string(in.Records[i].Data), *r.SequenceNumber)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	reshards := 0
	for reshards < 40 && !closed(done) {
		open := list(t, c, &types.ShardFilter{Type: types.ShardFilterTypeAtLatest})
		a := open[rand.IntN(len(open))]
		var err error
		switch n := rand.IntN(3); {
		case n == 0 && len(open) < 8:
			_, err = c.SplitShard(t.Context(), &sdk.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: a.ShardId, NewStartingHashKey: aws.String(between(a.HashKeyRange))})
		case n == 1:
			b := open[rand.IntN(len(open))]
			_, err = c.MergeShards(t.Context(), &sdk.MergeShardsInput{StreamName: aws.String("s"), ShardToMerge: a.ShardId, AdjacentShardToMerge: b.ShardId})
			if is[*types.InvalidArgumentException](err) {
				continue // not neighbours
			}
		default:
			target := max(int32(len(open))/2+1, rand.Int32N(int32(2*len(open)))+1)
			_, err = c.UpdateShardCount(t.Context(), &sdk.UpdateShardCountInput{StreamName: aws.String("s"), TargetShardCount: aws.Int32(min(target, 8)), ScalingType: "UNIFORM_SCALING"})
			if is[*types.InvalidArgumentException](err) {
				continue
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		reshards++
	}
	close(resharded)
	<-done
	check := func(c *sdk.Client) {
		t.Helper()
		seen := map[string]int{}
		for _, r := range readAll(t, c, int32(1+rand.IntN(50))) {
			if string(r.Data) != strconv.Itoa(seen[*r.PartitionKey]) {
				t.Fatalf("key %s: got %s, want %d", *r.PartitionKey, r.Data, seen[*r.PartitionKey])
			}
			seen[*r.PartitionKey]++
			if n, _ := numbers.Load(*r.PartitionKey + " " + string(r.Data)); n != *r.SequenceNumber {
				t.Errorf("key %s, %s: number %s, put as %v", *r.PartitionKey, r.Data, *r.SequenceNumber, n)
			}
		}
		for p := range put {
			for key, n := range put[p] {
				if seen[key] != n {
					t.Errorf("key %s: %d of %d records", key, seen[key], n)
				}
			}
		}
	}
	check(c)
	t.Logf("%d reshardings, %d shards", reshards, len(list(t, c, nil)))
	e.stop()
	e = start(t, dir)
	check(e.client("eu-west-1", "AKID"))
}

// readAll reads stream s shard by shard, children after all of their parents.
func readAll(t *testing.T, c *sdk.Client, limit int32) (all []types.Record) {
	t.Helper()
	shards := list(t, c, nil) // parents come before children
	read := map[string]bool{}
	for _, s := range shards {
		for _, p := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if p != nil && !read[*p] {
				t.Fatalf("%s is listed before its parent %s", *s.ShardId, *p)
			}
		}
		read[*s.ShardId] = true
		next := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: s.ShardId, ShardIteratorType: "TRIM_HORIZON"})
		for next != nil {
			out := get(t, c, next, limit)
			all = append(all, out.Records...)
			if next = out.NextShardIterator; len(out.Records) == 0 {
				break
			}
		}
		if end := s.SequenceNumberRange.EndingSequenceNumber; end != nil && len(all) > 0 && next != nil {
			t.Fatalf("closed shard %s does not end", *s.ShardId)
		}
	}
	return all
}

func closed(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// between is a hash key in the middle of a range.
func between(r *types.HashKeyRange) string {
	low, high := number(*r.StartingHashKey), number(*r.EndingHashKey)
	return low.Add(low, high).Rsh(low, 1).String()
}

func number(text string) *big.Int {
	n, _ := new(big.Int).SetString(text, 10)
	return n
}
