package sources

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// fanoutStream is a consumer of a Kinesis stream with enhanced fan-out: records are
// pushed instead of being asked for.
type fanoutStream struct {
	*kinesisStream
	consumer string // ARN
}

func (s *fanoutStream) pushes() bool { return true }

func (s *fanoutStream) open(_ context.Context, id string, at position) (cursor, error) {
	c := &fanoutCursor{stream: s, shard: id}
	c.from.Type, c.from.SequenceNumber, c.from.Timestamp = kinesisStart(at)
	return c, nil
}

// fanoutCursor is a subscription, which lasts five minutes and is then made anew.
type fanoutCursor struct {
	stream *fanoutStream
	shard  string
	from   types.StartingPosition
	events *kinesis.SubscribeToShardEventStream // nil: there is no subscription
}

func (c *fanoutCursor) close() {
	if c.events != nil {
		_ = c.events.Close()
		c.events = nil
	}
}

// read waits for the next event.
func (c *fanoutCursor) read(ctx context.Context, _ int) (page, error) {
	if c.events == nil {
		if err := c.subscribe(ctx); err != nil {
			return page{}, err
		}
	}
	for {
		select {
		case <-ctx.Done():
			c.close()
			return page{}, ctx.Err()
		case event, ok := <-c.events.Events():
			if !ok {
				err := c.events.Err()
				c.close()
				return page{}, err // nil at the end of the five minutes
			}
			pushed, ok := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
			if !ok {
				continue
			}
			return c.take(pushed.Value)
		}
	}
}

func (c *fanoutCursor) subscribe(ctx context.Context) error {
	// A client of its own: the event streams of one share a buffer.
	out, err := kinesis.New(c.stream.client.Options()).SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: &c.stream.consumer, ShardId: &c.shard, StartingPosition: &c.from,
	})
	var invalid *types.InvalidArgumentException
	if c.from.SequenceNumber != nil && errors.As(err, &invalid) {
		return errTrimmed
	}
	if err != nil {
		return fmt.Errorf("subscribe to shard %s: %w", c.shard, err)
	}
	c.events = out.GetStream()
	return nil
}

func (c *fanoutCursor) take(event types.SubscribeToShardEvent) (p page, err error) {
	p.records, err = c.stream.source.kinesisRecords(c.shard, event.Records)
	p.behind = time.Duration(aws.ToInt64(event.MillisBehindLatest)) * time.Millisecond
	if next := event.ContinuationSequenceNumber; next != nil {
		c.from = types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: next}
	} else {
		p.end = true
		c.close()
	}
	return p, err
}
