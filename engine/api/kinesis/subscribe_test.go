package kinesis_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

func register(t testing.TB, c *sdk.Client, name string) *string {
	t.Helper()
	out, err := c.RegisterStreamConsumer(t.Context(), &sdk.RegisterStreamConsumerInput{StreamARN: aws.String(streamARN), ConsumerName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.Consumer.ConsumerARN
}

// subscription is what a client has of one.
type subscription struct {
	*sdk.SubscribeToShardEventStream
	testing.TB
}

// subscribe takes a client of its own: version 1.56 of the SDK has all streams of a client
// share a buffer.
func subscribe(t testing.TB, c *sdk.Client, consumer *string, shard int, from types.StartingPosition) subscription {
	t.Helper()
	c = sdk.New(c.Options())
	out, err := c.SubscribeToShard(t.Context(), &sdk.SubscribeToShardInput{ConsumerARN: consumer, ShardId: id(shard), StartingPosition: &from})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.GetStream().Close() })
	return subscription{out.GetStream(), t}
}

// next is the next event, or nil at the end.
func (s subscription) next() *types.SubscribeToShardEvent {
	s.Helper()
	select {
	case e := <-s.Events():
		if e == nil {
			return nil
		}
		return &e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
	case <-time.After(20 * time.Second):
		s.Fatal("no event")
		return nil
	}
}

// read reads records until there are so many, or the end.
func (s subscription) read(n int) (got string, last *types.SubscribeToShardEvent) {
	s.Helper()
	var all []types.Record
	for len(all) < n {
		e := s.next()
		if e == nil {
			break
		}
		all, last = append(all, e.Records...), e
	}
	return texts(all), last
}

func TestSubscribe(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	consumer := register(t, c, "c")
	first := put(t, c, "k", "a")
	sub := subscribe(t, c, consumer, 0, types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon})
	got, last := sub.read(1)
	if got != "a" || last == nil || *last.MillisBehindLatest != 0 || last.Records == nil {
		t.Fatalf("first: %q, %+v, %v", got, last, sub.Err())
	}
	if r := last.Records[0]; *r.SequenceNumber != *first.SequenceNumber || *r.PartitionKey != "k" || time.Since(*r.ApproximateArrivalTimestamp) > time.Minute {
		t.Errorf("record %+v", r)
	}
	for i := range 20 { // each as it comes
		put(t, c, "k", fmt.Sprint(i))
		if got, _ := sub.read(1); got != fmt.Sprint(i) {
			t.Fatalf("pushed %q, want %d: %v", got, i, sub.Err())
		}
	}
	many := make([]types.PutRecordsRequestEntry, 500)
	for i := range many {
		many[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: []byte(strings.Repeat("x", 10000))}
	}
	if _, err := c.PutRecords(t.Context(), &sdk.PutRecordsInput{StreamName: aws.String("s"), Records: many}); err != nil {
		t.Fatal(err)
	}
	if got, _ := sub.read(500); len(strings.Fields(got)) != 500 {
		t.Errorf("of many: %d", len(strings.Fields(got)))
	}

	// The end of the shard.
	split(t, c, 0, middle)
	got, last = sub.read(1)
	if got != "" || last == nil || len(last.ChildShards) != 2 || last.ContinuationSequenceNumber != nil || sub.Err() != nil {
		t.Errorf("at the end: %q, %+v, %v", got, last, sub.Err())
	}
	if e := sub.next(); e != nil {
		t.Errorf("behind the end: %+v", e)
	}
}

func TestSubscribeFrom(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	var entries []types.PutRecordsRequestEntry
	for _, data := range []string{"a", "b", "c"} {
		entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: []byte(data)})
	}
	out, err := c.PutRecords(t.Context(), &sdk.PutRecordsInput{StreamName: aws.String("s"), Records: entries})
	if err != nil {
		t.Fatal(err)
	}
	b := out.Records[1].SequenceNumber
	consumer := register(t, c, "c")
	for _, tt := range []struct {
		from types.StartingPosition
		want string
	}{
		{types.StartingPosition{Type: "TRIM_HORIZON"}, "a b c"},
		{types.StartingPosition{Type: "LATEST"}, ""},
		{types.StartingPosition{Type: "AT_SEQUENCE_NUMBER", SequenceNumber: b}, "b c"},
		{types.StartingPosition{Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: b}, "c"},
		{types.StartingPosition{Type: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now().Add(-time.Minute))}, "a b c"},
		{types.StartingPosition{Type: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now().Add(500 * time.Millisecond))}, ""},
	} {
		e.clock.Add(int64(time.Minute))
		if got := texts(subscribe(t, c, consumer, 0, tt.from).next().Records); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.from.Type, got, tt.want)
		}
	}

	// Behind the number to go on at there is neither a gap nor a record that was there.
	e.clock.Add(int64(time.Minute))
	begun := subscribe(t, c, consumer, 0, types.StartingPosition{Type: "LATEST"}).next()
	put(t, c, "k", "next")
	for _, kind := range []types.ShardIteratorType{"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"} {
		e.clock.Add(int64(time.Minute))
		sub := subscribe(t, c, consumer, 0, types.StartingPosition{Type: kind, SequenceNumber: begun.ContinuationSequenceNumber})
		if got, _ := sub.read(1); got != "next" {
			t.Errorf("%s of the continuation: %q", kind, got)
		}
	}

	for name, tt := range map[string]struct {
		in   sdk.SubscribeToShardInput
		code string
	}{
		"stream":   {sdk.SubscribeToShardInput{ConsumerARN: aws.String(streamARN + "x/consumer/c:1"), ShardId: id(0)}, "ResourceNotFoundException"},
		"consumer": {sdk.SubscribeToShardInput{ConsumerARN: aws.String(streamARN + "/consumer/c:1"), ShardId: id(0)}, "ResourceNotFoundException"},
		"shard":    {sdk.SubscribeToShardInput{ConsumerARN: consumer, ShardId: id(7)}, "ResourceNotFoundException"},
		"ARN":      {sdk.SubscribeToShardInput{ConsumerARN: aws.String(streamARN), ShardId: id(0)}, "InvalidArgumentException"},
		"number":   {sdk.SubscribeToShardInput{ConsumerARN: consumer, ShardId: id(0), StartingPosition: &types.StartingPosition{Type: "AT_SEQUENCE_NUMBER", SequenceNumber: aws.String("1")}}, "InvalidArgumentException"},
		"type":     {sdk.SubscribeToShardInput{ConsumerARN: consumer, ShardId: id(0), StartingPosition: &types.StartingPosition{Type: "SOMEWHERE"}}, "ValidationException"},
		"account":  {sdk.SubscribeToShardInput{ConsumerARN: aws.String(strings.Replace(*consumer, account, "999999999999", 1)), ShardId: id(0)}, "AccessDeniedException"},
	} {
		if tt.in.StartingPosition == nil {
			tt.in.StartingPosition = &types.StartingPosition{Type: "LATEST"}
		}
		if _, err := c.SubscribeToShard(t.Context(), &tt.in); code(err) != tt.code {
			t.Errorf("no such %s: %v", name, err)
		}
	}
}

// TestSubscriptionsCompete has several of one consumer and shard.
func TestSubscriptionsCompete(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	consumer, other := register(t, c, "c"), register(t, c, "d")
	latest := types.StartingPosition{Type: "LATEST"}
	first := subscribe(t, c, consumer, 0, latest)
	first.next()
	subscribe(t, c, other, 0, latest).next()
	again := &sdk.SubscribeToShardInput{ConsumerARN: consumer, ShardId: id(0), StartingPosition: &latest}
	e.clock.Add(int64(4 * time.Second))
	if _, err := c.SubscribeToShard(t.Context(), again); !is[*types.ResourceInUseException](err) {
		t.Errorf("at once: %v", err)
	}
	e.clock.Add(int64(time.Second))
	second := subscribe(t, c, consumer, 0, latest)
	second.next()
	if e := first.next(); e != nil || !is[*types.ResourceInUseException](first.Err()) {
		t.Errorf("taken over: %+v, %v", e, first.Err())
	}
	if _, err := c.DeregisterStreamConsumer(t.Context(), &sdk.DeregisterStreamConsumerInput{ConsumerARN: consumer}); err != nil {
		t.Fatal(err)
	}
	if e := second.next(); e != nil || !isNotFound(second.Err()) {
		t.Errorf("deregistered: %+v, %v", e, second.Err())
	}
	third := subscribe(t, c, register(t, c, "e"), 0, latest)
	third.next()
	if _, err := c.DeleteStream(t.Context(), &sdk.DeleteStreamInput{StreamName: aws.String("s")}); !is[*types.ResourceInUseException](err) {
		t.Errorf("deleted with consumers: %v", err)
	}
	if _, err := c.DeleteStream(t.Context(), &sdk.DeleteStreamInput{StreamName: aws.String("s"), EnforceConsumerDeletion: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	if e := third.next(); e != nil || !isNotFound(third.Err()) {
		t.Errorf("deleted: %+v, %v", e, third.Err())
	}
}

// TestSubscriptionEnds after five minutes, when the client goes, and with the engine.
func TestSubscriptionEnds(t *testing.T) {
	hands := clock.NewManual(time.Now())
	e := startWith(t, t.TempDir(), hands)
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 3)
	consumer := register(t, c, "c")
	latest := types.StartingPosition{Type: "LATEST"}
	old := subscribe(t, c, consumer, 0, latest)
	begun := old.next()
	for range 59 {
		tick(hands)
		if beat := old.next(); beat == nil || len(beat.Records) != 0 || *beat.ContinuationSequenceNumber != *begun.ContinuationSequenceNumber {
			t.Fatalf("beat: %+v", beat)
		}
	}
	tick(hands)
	if beat := old.next(); beat != nil && old.next() != nil { // the last beat may win over the end
		t.Error("goes on after five minutes")
	}
	if err := old.Err(); err != nil {
		t.Errorf("after five minutes: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, err := e.client("eu-west-1", "AKID").SubscribeToShard(ctx, &sdk.SubscribeToShardInput{ConsumerARN: consumer, ShardId: id(1), StartingPosition: &latest})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = out.GetStream().Close()
	stopped := subscribe(t, c, consumer, 2, latest)
	stopped.next()
	e.stopping()
	if e := stopped.next(); e != nil || stopped.Err() != nil {
		t.Errorf("stopped: %+v, %v", e, stopped.Err())
	}
	e.stop() // waits for all requests
}

// tick turns a clock on by five seconds, once a subscription waits for that.
func tick(c *clock.Manual) {
	for d, ok := c.Next(); !ok || d > 5*time.Second; d, ok = c.Next() {
		runtime.Gosched()
	}
	c.Advance(5 * time.Second)
}

func code(err error) string {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
