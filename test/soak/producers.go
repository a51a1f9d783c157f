//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Pauses of those who put records, and of whoever changes shards. Each message that is
// poison holds up its group for seconds.
const (
	recordPause   = 60 * time.Millisecond
	standardPause = 30 * time.Millisecond
	fifoPause     = 300 * time.Millisecond
	shardPause    = 1500 * time.Millisecond
)

// poisonous is how many records there are for each that is poison.
const poisonous = 200

// keysOfBatches is how many keys a producer of batches has.
const keysOfBatches = 12

// mostShards is how many shards there are at most.
const mostShards = 5

// producers put records. Each key is one producer's, who puts a number until it is
// acknowledged, and only then the next.
type producers struct {
	*sources
	report *report
}

// numbers hand out the items of keys.
type numbers map[string]item

// next is the item of a key that is to be put.
func (n numbers) next(key string) item {
	i, ok := n[key]
	if !ok || i.Key == "" {
		i = item{Key: key, N: i.N + 1, Poison: rand.IntN(poisonous) == 0} //nolint:gosec // a test's dice
		n[key] = i
	}
	return i
}

// done says that the item of a key was acknowledged.
func (n numbers) done(key string) { n[key] = item{N: n[key].N} }

func (i item) encode() []byte {
	text, _ := json.Marshal(i)
	return text
}

// answered takes the outcome of a call that may fail only when the site is disturbed.
func (p *producers) answered(what string, begin time.Time, err error) {
	switch {
	case err == nil:
		p.report.answered(what, time.Since(begin))
	case p.site.disturbedSince(begin):
		p.report.answered(what+", an error when disturbed", time.Since(begin))
	default:
		p.report.violated("%s at %s: %v", what, begin.Format("15:04:05.000"), err)
	}
}

func (p *producers) ackRecord(i item, shard, sequence *string) {
	at := place{*shard, *sequence}
	p.bisecting.ack(i, at)
	p.reporting.ack(i, at)
}

// putRecords puts a record of each of some keys at once.
func (p *producers) putRecords(ctx context.Context) {
	numbers := numbers{}
	for ctx.Err() == nil {
		in := &kinesis.PutRecordsInput{StreamName: aws.String(streamName)}
		var items []item
		for n := range keysOfBatches {
			if rand.IntN(2) == 0 { //nolint:gosec // a test's dice
				i := numbers.next(fmt.Sprintf("b%d", n))
				items = append(items, i)
				in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{PartitionKey: aws.String(i.Key), Data: i.encode()})
			}
		}
		if len(items) == 0 {
			continue
		}
		begin := time.Now()
		out, err := p.site.streams.PutRecords(context.WithoutCancel(ctx), in)
		if err == nil {
			for n, result := range out.Records {
				if result.SequenceNumber == nil {
					err = fmt.Errorf("a record was refused: %s", aws.ToString(result.ErrorCode))
					continue
				}
				p.ackRecord(items[n], result.ShardId, result.SequenceNumber)
				numbers.done(items[n].Key)
			}
		}
		p.answered("put of records", begin, err)
		time.Sleep(recordPause)
	}
}

// putOne puts the records of one key, one after the other.
func (p *producers) putOne(ctx context.Context) {
	numbers := numbers{}
	for ctx.Err() == nil {
		i := numbers.next("one")
		begin := time.Now()
		out, err := p.site.streams.PutRecord(context.WithoutCancel(ctx), &kinesis.PutRecordInput{StreamName: aws.String(streamName), PartitionKey: &i.Key, Data: i.encode()})
		if err == nil {
			p.ackRecord(i, out.ShardId, out.SequenceNumber)
			numbers.done(i.Key)
		}
		p.answered("put of a record", begin, err)
		time.Sleep(recordPause)
	}
}

// send sends messages of some groups. A message that is sent again has the deduplication
// id that it had.
func (p *producers) send(ctx context.Context, c *course, groups int, pause time.Duration) {
	numbers := numbers{}
	for ctx.Err() == nil {
		in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(p.urls[c.name])}
		var items []item
		for n := range groups {
			i := numbers.next(fmt.Sprintf("g%d", n))
			items = append(items, i)
			entry := sqstypes.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), MessageBody: aws.String(string(i.encode()))}
			if c.ordered {
				entry.MessageGroupId, entry.MessageDeduplicationId = aws.String(i.Key), aws.String(fmt.Sprintf("%s-%d", i.Key, i.N))
			}
			in.Entries = append(in.Entries, entry)
		}
		begin := time.Now()
		out, err := p.site.queues.SendMessageBatch(context.WithoutCancel(ctx), in)
		if err == nil {
			for _, sent := range out.Successful {
				n, _ := strconv.Atoi(*sent.Id)
				c.ack(items[n], place{})
				numbers.done(items[n].Key)
			}
			if len(out.Failed) > 0 {
				err = fmt.Errorf("a message was refused: %s", aws.ToString(out.Failed[0].Code))
			}
		}
		p.answered("messages sent to "+c.name, begin, err)
		time.Sleep(pause)
	}
}

// reshard splits and merges shards.
func (p *producers) reshard(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(shardPause)
		begin := time.Now()
		what, err := p.change(context.WithoutCancel(ctx))
		p.answered(what, begin, err)
	}
}

// change splits a shard or merges two, by chance.
func (p *producers) change(ctx context.Context) (what string, err error) {
	out, err := p.site.streams.ListShards(ctx, &kinesis.ListShardsInput{
		StreamName: aws.String(streamName), ShardFilter: &kinesistypes.ShardFilter{Type: kinesistypes.ShardFilterTypeAtLatest},
	})
	if err != nil {
		return "list of shards", err
	}
	low := func(s kinesistypes.Shard) *big.Int { return hashKey(s.HashKeyRange.StartingHashKey) }
	high := func(s kinesistypes.Shard) *big.Int { return hashKey(s.HashKeyRange.EndingHashKey) }
	n := len(out.Shards)
	one := out.Shards[rand.IntN(n)]                    //nolint:gosec // a test's dice
	if n == 1 || n < mostShards && rand.IntN(2) == 0 { //nolint:gosec // a test's dice
		middle := new(big.Int).Add(low(one), high(one))
		_, err = p.site.streams.SplitShard(ctx, &kinesis.SplitShardInput{
			StreamName: aws.String(streamName), ShardToSplit: one.ShardId, NewStartingHashKey: aws.String(middle.Rsh(middle, 1).String()),
		})
		return "split of a shard", err
	}
	for _, other := range out.Shards {
		if gap := new(big.Int).Sub(low(other), high(one)); gap.Cmp(big.NewInt(1)) != 0 {
			continue
		}
		_, err = p.site.streams.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: aws.String(streamName), ShardToMerge: one.ShardId, AdjacentShardToMerge: other.ShardId})
		break
	}
	return "merge of shards", err
}

func hashKey(text *string) *big.Int {
	n, _ := new(big.Int).SetString(aws.ToString(text), 10)
	return n
}
