package sources

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// While shards split and merge under it, a mapping handles every record once, and those
// of a key in order: the children of a shard wait for it.
func TestResharding(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stream(2)
	var all tally
	m := s.manager("a", nil, all.add)
	s.mapping(func(c *types.EventSourceMappingConfiguration) {
		c.BatchSize, c.ParallelizationFactor = aws.Int32(7), aws.Int32(2)
	})
	const keys, each = 12, 60
	var producers sync.WaitGroup
	for key := range keys {
		producers.Go(func() {
			for i := range each {
				s.put(fmt.Sprint(key), fmt.Sprintf("%d/%d", key, i))
			}
		})
	}
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's dice
	for range 8 {
		s.reshard(dice)
	}
	producers.Wait()
	s.eventually("all are handled", func() bool { return len(all.seen()) >= keys*each })
	s.eventually("nothing is held in memory any more", func() bool { return m.held.Load() == 0 })
	for key := range keys {
		mine := slices.DeleteFunc(all.seen(), func(text string) bool { return !strings.HasPrefix(text, fmt.Sprintf("%d/", key)) })
		if !slices.Equal(mine, numbered(fmt.Sprintf("%d/", key), each)) {
			t.Errorf("key %d: %v", key, mine)
		}
	}
}

// reshard splits an open shard in the middle, or merges two neighbours.
func (s *site) reshard(dice *rand.Rand) {
	s.Helper()
	out, err := s.streams.ListShards(s.Context(), &kinesis.ListShardsInput{StreamName: aws.String("s")})
	if err != nil {
		s.Fatal(err)
	}
	var open []int
	for i, shard := range out.Shards {
		if shard.SequenceNumberRange.EndingSequenceNumber == nil {
			open = append(open, i)
		}
	}
	if len(open) > 1 && dice.IntN(3) == 0 {
		for _, i := range open {
			for _, j := range open {
				if next(*out.Shards[i].HashKeyRange.EndingHashKey) == *out.Shards[j].HashKeyRange.StartingHashKey {
					_, err = s.streams.MergeShards(s.Context(), &kinesis.MergeShardsInput{StreamName: aws.String("s"), ShardToMerge: out.Shards[i].ShardId, AdjacentShardToMerge: out.Shards[j].ShardId})
					if err != nil {
						s.Fatal(err)
					}
					return
				}
			}
		}
	}
	shard := out.Shards[open[dice.IntN(len(open))]]
	middle := half(*shard.HashKeyRange.StartingHashKey, *shard.HashKeyRange.EndingHashKey)
	if _, err := s.streams.SplitShard(s.Context(), &kinesis.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: shard.ShardId, NewStartingHashKey: &middle}); err != nil {
		s.Fatal(err)
	}
}

func number(text string) *big.Int {
	n, _ := new(big.Int).SetString(text, 10)
	return n
}

func next(hash string) string { return number(hash).Add(number(hash), big.NewInt(1)).String() }

func half(from, to string) string {
	sum := new(big.Int).Add(number(from), number(to))
	return sum.Rsh(sum.Add(sum, big.NewInt(1)), 1).String()
}

// A stream that is made anew under its old name is read from its beginning, although it
// has shards of the names of shards that have been read to their end.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stream(1)
	var all tally
	m := s.manager("a", nil, all.add)
	s.mapping()
	s.put("k", "old")
	s.reshard(rand.New(rand.NewPCG(1, 2))) //nolint:gosec // a test's dice
	s.put("k", "old too")
	s.eventually("the first shard is closed", func() bool {
		closed := 0
		for _, doc := range m.checkpoints.All() {
			if doc.Closed {
				closed++
			}
		}
		return closed == 1 && len(all.seen()) == 2
	})
	if _, err := s.streams.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	s.stream(1)
	s.put("k", "new")
	s.eventually("the new stream is read", func() bool { return len(all.seen()) == 3 })
	if got := all.seen(); !slices.Equal(got, []string{"old", "old too", "new"}) {
		t.Errorf("handled %v", got)
	}
}
