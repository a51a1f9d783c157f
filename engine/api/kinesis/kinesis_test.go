package kinesis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/api/kinesis"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const account = "123456789012"

// engine is a Kinesis on an embedded JetStream, behind the wire.
type engine struct {
	*httptest.Server
	service *kinesis.Service
	clock   atomic.Int64 // how far ahead the service's clock is
	stop    func()
}

func start(t testing.TB, dir string) *engine {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, MaxPayload: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("embedded server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	now := func() time.Time { return time.Now().Add(time.Duration(e.clock.Load())) }
	if e.service, err = kinesis.New(js, kinesis.WithClock(now)); err != nil {
		t.Fatal(err)
	}
	bound, err := e.service.Wire()
	if err != nil {
		t.Fatal(err)
	}
	e.Server = httptest.NewServer(wire.NewServer(wire.ServerConfig{Account: account}, bound))
	e.stop = sync.OnceFunc(func() {
		e.Close()
		nc.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	t.Cleanup(e.stop)
	return e
}

func (e *engine) client(region, key string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &e.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
	})
}

func create(t testing.TB, c *sdk.Client, name string, shards int32) {
	t.Helper()
	if _, err := c.CreateStream(t.Context(), &sdk.CreateStreamInput{StreamName: &name, ShardCount: &shards}); err != nil {
		t.Fatal(err)
	}
}

// put puts a record on stream s.
func put(t testing.TB, c *sdk.Client, key, data string) *sdk.PutRecordOutput {
	t.Helper()
	out, err := c.PutRecord(t.Context(), &sdk.PutRecordInput{StreamName: aws.String("s"), PartitionKey: &key, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func iterator(t testing.TB, c *sdk.Client, in sdk.GetShardIteratorInput) *string {
	t.Helper()
	if in.ShardId == nil {
		in.ShardId = aws.String("shardId-000000000000")
	}
	out, err := c.GetShardIterator(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ShardIterator
}

func get(t testing.TB, c *sdk.Client, iterator *string, limit int32) *sdk.GetRecordsOutput {
	t.Helper()
	in := &sdk.GetRecordsInput{ShardIterator: iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := c.GetRecords(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func texts(records []types.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Data))
	}
	return strings.Join(all, " ")
}

func TestStreams(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "a.b", 3)
	create(t, c, "a-b", 1)
	create(t, c, "A-b", 1)
	name := aws.String("a.b")
	arn := "arn:aws:kinesis:eu-west-1:" + account + ":stream/a.b"

	described, err := c.DescribeStream(t.Context(), &sdk.DescribeStreamInput{StreamARN: &arn, Limit: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	d := described.StreamDescription
	if *d.StreamARN != arn || *d.StreamName != "a.b" || d.StreamStatus != types.StreamStatusActive || !*d.HasMoreShards || len(d.Shards) != 2 ||
		d.StreamModeDetails.StreamMode != types.StreamModeProvisioned || *d.RetentionPeriodHours != 24 || time.Since(*d.StreamCreationTimestamp) > time.Minute {
		t.Errorf("described as %+v", d)
	}
	described, err = c.DescribeStream(t.Context(), &sdk.DescribeStreamInput{StreamName: name, ExclusiveStartShardId: d.Shards[1].ShardId})
	if err != nil || len(described.StreamDescription.Shards) != 1 || *described.StreamDescription.HasMoreShards {
		t.Errorf("second page: %+v, %v", described, err)
	}
	last := described.StreamDescription.Shards[0]
	if *last.ShardId != "shardId-000000000002" || *last.HashKeyRange.EndingHashKey != "340282366920938463463374607431768211455" {
		t.Errorf("last shard is %s with %+v", *last.ShardId, *last.HashKeyRange)
	}
	summary, err := c.DescribeStreamSummary(t.Context(), &sdk.DescribeStreamSummaryInput{StreamName: name})
	if err != nil || *summary.StreamDescriptionSummary.OpenShardCount != 3 {
		t.Errorf("summary: %+v, %v", summary, err)
	}

	first, err := c.ListShards(t.Context(), &sdk.ListShardsInput{StreamName: name, MaxResults: aws.Int32(2)})
	if err != nil || len(first.Shards) != 2 || first.NextToken == nil {
		t.Fatalf("shards: %+v, %v", first, err)
	}
	rest, err := c.ListShards(t.Context(), &sdk.ListShardsInput{NextToken: first.NextToken})
	if err != nil || len(rest.Shards) != 1 || *rest.Shards[0].ShardId != *last.ShardId || rest.NextToken != nil {
		t.Errorf("more shards: %+v, %v", rest, err)
	}
	for member, in := range map[string]sdk.ListShardsInput{
		"StreamName": {StreamName: name}, "StreamARN": {StreamARN: &arn}, "ExclusiveStartShardId": {ExclusiveStartShardId: last.ShardId},
		"ShardFilter": {ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}},
	} {
		in.NextToken = first.NextToken
		var refused *types.InvalidArgumentException
		if _, err := c.ListShards(t.Context(), &in); !errors.As(err, &refused) || *refused.Message != "NextToken and "+member+" cannot be provided together." {
			t.Errorf("a token with %s: %v", member, err)
		}
	}

	page, err := c.ListStreams(t.Context(), &sdk.ListStreamsInput{Limit: aws.Int32(2)})
	if err != nil || !slices.Equal(page.StreamNames, []string{"A-b", "a-b"}) || !*page.HasMoreStreams {
		t.Fatalf("streams: %+v, %v", page, err)
	}
	page, err = c.ListStreams(t.Context(), &sdk.ListStreamsInput{NextToken: page.NextToken})
	if err != nil || !slices.Equal(page.StreamNames, []string{"a.b"}) || *page.HasMoreStreams {
		t.Errorf("more streams: %+v, %v", page, err)
	}

	for _, other := range []*sdk.Client{e.client("us-east-1", "AKID"), e.client("eu-west-1", "111122223333")} {
		if page, err := other.ListStreams(t.Context(), nil); err != nil || len(page.StreamNames) != 0 {
			t.Errorf("elsewhere: %+v, %v", page, err)
		}
		if _, err := other.DescribeStream(t.Context(), &sdk.DescribeStreamInput{StreamName: name}); !isNotFound(err) {
			t.Errorf("elsewhere: %v", err)
		}
	}

	if _, err := c.DeleteStream(t.Context(), &sdk.DeleteStreamInput{StreamName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeStream(t.Context(), &sdk.DescribeStreamInput{StreamName: name})
	if !isNotFound(err) || !strings.Contains(err.Error(), "Stream a.b under account "+account+" not found.") {
		t.Errorf("deleted: %v", err)
	}
	if _, err := c.DeleteStream(t.Context(), &sdk.DeleteStreamInput{StreamName: name}); !isNotFound(err) {
		t.Errorf("deleted twice: %v", err)
	}
}

func isNotFound(err error) bool {
	var e *types.ResourceNotFoundException
	return errors.As(err, &e)
}

func TestRefusals(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	ctx, s, shard := t.Context(), aws.String("s"), aws.String("shardId-000000000000")
	tests := map[string]struct {
		call func() error
		code string
	}{
		"exists": {func() error {
			_, err := c.CreateStream(ctx, &sdk.CreateStreamInput{StreamName: s, ShardCount: aws.Int32(1)})
			return err
		}, "ResourceInUseException"},
		"no shards": {func() error {
			_, err := c.CreateStream(ctx, &sdk.CreateStreamInput{StreamName: aws.String("x"), ShardCount: aws.Int32(0)})
			return err
		}, "ValidationException"},
		"too many shards": {func() error {
			_, err := c.CreateStream(ctx, &sdk.CreateStreamInput{StreamName: aws.String("x"), ShardCount: aws.Int32(501)})
			return err
		}, "LimitExceededException"},
		"no name": {func() error {
			_, err := c.DescribeStream(ctx, &sdk.DescribeStreamInput{})
			return err
		}, "InvalidArgumentException"},
		"put nowhere": {func() error {
			_, err := c.PutRecord(ctx, &sdk.PutRecordInput{StreamName: aws.String("x"), PartitionKey: s, Data: []byte("d")})
			return err
		}, "ResourceNotFoundException"},
		"large record": {func() error {
			_, err := c.PutRecord(ctx, &sdk.PutRecordInput{StreamName: s, PartitionKey: s, Data: make([]byte, 1<<20)})
			return err
		}, "ValidationException"},
		"hash key": {func() error {
			_, err := c.PutRecord(ctx, &sdk.PutRecordInput{StreamName: s, PartitionKey: s, Data: []byte("d"), ExplicitHashKey: aws.String("340282366920938463463374607431768211456")})
			return err
		}, "InvalidArgumentException"},
		"no such shard": {func() error {
			_, err := c.GetShardIterator(ctx, &sdk.GetShardIteratorInput{StreamName: s, ShardId: aws.String("shardId-000000000001"), ShardIteratorType: "LATEST"})
			return err
		}, "ResourceNotFoundException"},
		"no sequence number": {func() error {
			_, err := c.GetShardIterator(ctx, &sdk.GetShardIteratorInput{StreamName: s, ShardId: shard, ShardIteratorType: "AT_SEQUENCE_NUMBER"})
			return err
		}, "InvalidArgumentException"},
		"strange sequence number": {func() error {
			_, err := c.GetShardIterator(ctx, &sdk.GetShardIteratorInput{StreamName: s, ShardId: shard, ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: aws.String("12")})
			return err
		}, "InvalidArgumentException"},
		"the future": {func() error {
			_, err := c.GetShardIterator(ctx, &sdk.GetShardIteratorInput{StreamName: s, ShardId: shard, ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now().Add(time.Hour))})
			return err
		}, "InvalidArgumentException"},
		"strange iterator": {func() error {
			_, err := c.GetRecords(ctx, &sdk.GetRecordsInput{ShardIterator: aws.String("AAAA")})
			return err
		}, "InvalidArgumentException"},
		"operation": {func() error {
			_, err := c.SplitShard(ctx, &sdk.SplitShardInput{StreamName: s, ShardToSplit: shard, NewStartingHashKey: aws.String("1")})
			return err
		}, "NotImplementedException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var api smithy.APIError
			if err := tt.call(); !errors.As(err, &api) || api.ErrorCode() != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	name := aws.String("s")
	latest := iterator(t, c, sdk.GetShardIteratorInput{StreamName: name, ShardIteratorType: "LATEST"})
	for i := range 3 {
		put(t, c, "ключ\n", fmt.Sprint(i))
	}
	between := time.Now()
	var sequence []string
	for i := range 3 {
		sequence = append(sequence, *put(t, c, "k", fmt.Sprint(3+i)).SequenceNumber)
	}
	if len(sequence[0]) != 56 || !slices.IsSorted(sequence) {
		t.Errorf("sequence numbers %q", sequence)
	}
	check := func(when string, c *sdk.Client) {
		t.Helper()
		for _, tt := range []struct {
			in   sdk.GetShardIteratorInput
			want string
		}{
			{sdk.GetShardIteratorInput{ShardIteratorType: "TRIM_HORIZON"}, "0 1 2 3 4 5"},
			{sdk.GetShardIteratorInput{ShardIteratorType: "LATEST"}, ""},
			{sdk.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: &sequence[1]}, "4 5"},
			{sdk.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: &sequence[1]}, "5"},
			{sdk.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: &sequence[2]}, ""},
			{sdk.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(between.Add(-time.Hour))}, "0 1 2 3 4 5"},
			{sdk.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: aws.Time(time.Now().Add(100 * time.Millisecond))}, ""},
		} {
			tt.in.StreamName = name
			got := get(t, c, iterator(t, c, tt.in), 0)
			if texts(got.Records) != tt.want || *got.MillisBehindLatest != 0 || got.NextShardIterator == nil {
				t.Errorf("%s, %s: got %q, %d ms behind; want %q", when, tt.in.ShardIteratorType, texts(got.Records), *got.MillisBehindLatest, tt.want)
			}
		}
	}
	check("fresh", c)
	all := get(t, c, latest, 0).Records
	if texts(all) != "0 1 2 3 4 5" || *all[0].PartitionKey != "ключ\n" || *all[4].SequenceNumber != sequence[1] {
		t.Errorf("from the latest of before: %q", texts(all))
	}
	if when := all[0].ApproximateArrivalTimestamp; when.After(time.Now()) || time.Since(*when) > time.Minute {
		t.Errorf("arrived at %v", when)
	}
	at := sdk.GetShardIteratorInput{StreamName: name, ShardIteratorType: "AT_TIMESTAMP", Timestamp: all[3].ApproximateArrivalTimestamp}
	if got := texts(get(t, c, iterator(t, c, at), 0).Records); !strings.HasSuffix(got, "3 4 5") && !strings.HasSuffix(got, "4 5") {
		t.Errorf("at the time of record 3: %q", got)
	}

	// Page by page.
	next, got := latest, []types.Record(nil)
	for i := range 4 {
		out := get(t, c, next, 2)
		got, next = append(got, out.Records...), out.NextShardIterator
		if behind := *out.MillisBehindLatest > 0; behind != (i < 2) {
			t.Errorf("page %d is %d ms behind", i, *out.MillisBehindLatest)
		}
	}
	if texts(got) != "0 1 2 3 4 5" {
		t.Errorf("in pages: %q", texts(got))
	}

	// After a restart, the same records, and iterators go on.
	e.stop()
	e = start(t, dir)
	c = e.client("eu-west-1", "AKID")
	check("restarted", c)
	more := put(t, c, "k", "6")
	if *more.SequenceNumber <= sequence[2] {
		t.Errorf("%s does not follow %s", *more.SequenceNumber, sequence[2])
	}
	if got := texts(get(t, c, next, 0).Records); got != "6" {
		t.Errorf("old iterator reads %q", got)
	}

	// Iterators expire.
	e.clock.Store(int64(5*time.Minute + time.Second))
	var expired *types.ExpiredIteratorException
	if _, err := c.GetRecords(t.Context(), &sdk.GetRecordsInput{ShardIterator: next}); !errors.As(err, &expired) {
		t.Errorf("expired: %v", err)
	}
	e.clock.Store(0)

	// A stream made again is another one: iterators of the old end, numbers precede.
	if _, err := c.DeleteStream(t.Context(), &sdk.DeleteStreamInput{StreamName: name}); err != nil {
		t.Fatal(err)
	}
	create(t, c, "s", 1)
	put(t, c, "k", "new")
	if _, err := c.GetRecords(t.Context(), &sdk.GetRecordsInput{ShardIterator: next}); !isNotFound(err) {
		t.Errorf("iterator of a deleted stream: %v", err)
	}
	old := sdk.GetShardIteratorInput{StreamName: name, ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: more.SequenceNumber}
	if got := texts(get(t, c, iterator(t, c, old), 0).Records); got != "new" {
		t.Errorf("behind an old number: %q", got)
	}
}

func TestShards(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 2)
	entries := []types.PutRecordsRequestEntry{
		{PartitionKey: aws.String("a"), Data: []byte("low"), ExplicitHashKey: aws.String("170141183460469231731687303715884105727")},
		{PartitionKey: aws.String("a"), Data: []byte("high"), ExplicitHashKey: aws.String("170141183460469231731687303715884105728")},
		{PartitionKey: aws.String("a"), Data: []byte("top"), ExplicitHashKey: aws.String("340282366920938463463374607431768211455")},
		{PartitionKey: aws.String("a"), Data: []byte("a")}, // MD5 0cc1…
		{PartitionKey: aws.String("b"), Data: []byte("b")}, // MD5 92eb…
	}
	for i := range 400 {
		entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: aws.String("b"), Data: []byte(fmt.Sprint(i))})
	}
	out, err := c.PutRecords(t.Context(), &sdk.PutRecordsInput{StreamName: aws.String("s"), Records: entries})
	if err != nil || *out.FailedRecordCount != 0 || len(out.Records) != len(entries) {
		t.Fatalf("got %+v, %v", out, err)
	}
	var want [2][]string
	for i, r := range out.Records {
		shard := int((*r.ShardId)[len(*r.ShardId)-1] - '0')
		want[shard] = append(want[shard], string(entries[i].Data))
	}
	if got := strings.Join(want[0], " "); got != "low a" {
		t.Errorf("first shard holds %q", got)
	}
	for i := range want {
		from := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: out.Records[i].ShardId, ShardIteratorType: "TRIM_HORIZON"})
		if got := texts(get(t, c, from, 0).Records); got != strings.Join(want[i], " ") {
			t.Errorf("shard %d: got %q, want %q", i, got, want[i])
		}
	}
}

// TestLargeRecords reads more than a response may hold.
func TestLargeRecords(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	data := strings.Repeat("x", 1000<<10)
	for range 12 {
		put(t, c, "k", data)
	}
	next := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "TRIM_HORIZON"})
	for _, want := range []int{10, 2, 0} {
		out := get(t, c, next, 0)
		if len(out.Records) != want || (*out.MillisBehindLatest > 0) != (want == 10) {
			t.Errorf("got %d records, %d ms behind; want %d records", len(out.Records), *out.MillisBehindLatest, want)
		}
		next = out.NextShardIterator
	}
}

func TestWatch(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	changed, stop, err := e.service.Watch("arn:aws:kinesis:eu-west-1:" + account + ":stream/s")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	next := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "LATEST"})
	for i := range 20 {
		put(t, c, "k", fmt.Sprint(i))
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatal("not told of a record")
		}
		out := get(t, c, next, 0)
		if texts(out.Records) != fmt.Sprint(i) {
			t.Fatalf("told of record %d, read %q", i, texts(out.Records))
		}
		next = out.NextShardIterator
	}
	if _, _, err := e.service.Watch("arn:aws:sqs:eu-west-1:1:q"); err == nil {
		t.Error("watches a queue")
	}
}

// TestConcurrent creates one stream from many sides, and puts on it.
func TestConcurrent(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	var created atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := c.CreateStream(context.Background(), &sdk.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)})
			if err == nil {
				created.Add(1)
			}
			for range 20 {
				if _, err := c.PutRecord(context.Background(), &sdk.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: []byte("x")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	out := get(t, c, iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "TRIM_HORIZON"}), 0)
	if created.Load() != 1 || len(out.Records) != 160 {
		t.Errorf("created %d times, %d records", created.Load(), len(out.Records))
	}
}

// TestBoto3 runs the Python SDK over the same path, where it is installed.
func TestBoto3(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed")
	}
	e := start(t, t.TempDir())
	const script = `
import boto3, sys
c = boto3.client("kinesis", region_name="eu-west-1", endpoint_url=sys.argv[1], aws_access_key_id="AKID", aws_secret_access_key="s")
c.create_stream(StreamName="s", ShardCount=2)
c.get_waiter("stream_exists").wait(StreamName="s")
arn = c.describe_stream(StreamName="s")["StreamDescription"]["StreamARN"]
try:
    c.create_stream(StreamName="s", ShardCount=2)
except c.exceptions.ResourceInUseException as e:
    assert "already exists" in str(e), e
else:
    raise SystemExit("created twice")
r = c.put_records(StreamARN=arn, Records=[{"Data": str(i).encode(), "PartitionKey": str(i)} for i in range(10)])
assert r["FailedRecordCount"] == 0, r
got = []
for s in c.list_shards(StreamARN=arn)["Shards"]:
    it = c.get_shard_iterator(StreamARN=arn, ShardId=s["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    got += [x["Data"] for x in c.get_records(ShardIterator=it)["Records"]]
assert sorted(got) == [str(i).encode() for i in range(10)], got
assert list(p["StreamNames"] for p in c.get_paginator("list_streams").paginate()) == [["s"]]
c.delete_stream(StreamName="s")
c.get_waiter("stream_not_exists").wait(StreamName="s")
print("ok")
`
	cmd := exec.CommandContext(t.Context(), "python3", "-c", script, e.URL)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("%s %v\n%s", out, err, stderr.String())
	}
}

func BenchmarkPutRecord(b *testing.B) {
	e := start(b, b.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(b, c, "s", 1)
	for b.Loop() {
		put(b, c, "k", "data")
	}
}

func BenchmarkGetRecords(b *testing.B) {
	e := start(b, b.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(b, c, "s", 1)
	for range 1000 {
		put(b, c, "k", "data")
	}
	from := iterator(b, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "TRIM_HORIZON"})
	for b.Loop() {
		if n := len(get(b, c, from, 1000).Records); n != 1000 {
			b.Fatal(n)
		}
	}
}
