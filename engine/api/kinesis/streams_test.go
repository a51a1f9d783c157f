package kinesis_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

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
consumer = c.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
events = c.subscribe_to_shard(ConsumerARN=consumer, ShardId=r["Records"][0]["ShardId"], StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
for shard in c.list_shards(StreamARN=arn)["Shards"]:
    low, high = (int(shard["HashKeyRange"][k]) for k in ("StartingHashKey", "EndingHashKey"))
    c.split_shard(StreamARN=arn, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2))
pushed, children = [], []
for event in events: # until the end of the shard
    pushed += [x["Data"] for x in event["SubscribeToShardEvent"]["Records"]]
    children = event["SubscribeToShardEvent"].get("ChildShards", [])
assert b"0" in pushed and len(children) == 2, (pushed, children)
assert c.update_shard_count(StreamARN=arn, TargetShardCount=2, ScalingType="UNIFORM_SCALING")["CurrentShardCount"] == 4
c.deregister_stream_consumer(ConsumerARN=consumer)
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
