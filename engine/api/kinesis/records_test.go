package kinesis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

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

// A stream that takes the largest records of AWS's keeps them.
func TestLargestRecord(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("us-east-1", "AKID")
	if _, err := c.CreateStream(t.Context(), &sdk.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1), MaxRecordSizeInKiB: aws.Int32(10240)}); err != nil {
		t.Fatal(err)
	}
	data := strings.Repeat("x", 10240<<10-1)
	put(t, c, "k", data)
	from := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if got := get(t, c, from, 0).Records; len(got) != 1 || string(got[0].Data) != data {
		t.Errorf("%d records", len(got))
	}
}
