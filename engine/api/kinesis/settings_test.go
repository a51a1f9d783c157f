package kinesis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// TestRetention lets records expire.
func TestRetention(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	retain := func(hours int32, longer bool) error {
		var err error
		if longer {
			_, err = c.IncreaseStreamRetentionPeriod(t.Context(), &sdk.IncreaseStreamRetentionPeriodInput{StreamName: aws.String("s"), RetentionPeriodHours: &hours})
		} else {
			_, err = c.DecreaseStreamRetentionPeriod(t.Context(), &sdk.DecreaseStreamRetentionPeriodInput{StreamName: aws.String("s"), RetentionPeriodHours: &hours})
		}
		return err
	}
	for _, tt := range []struct {
		hours  int32
		longer bool
	}{{23, false}, {8761, true}, {25, false}} {
		if err := retain(tt.hours, tt.longer); !is[*types.InvalidArgumentException](err) {
			t.Errorf("%d hours: %v", tt.hours, err)
		}
	}
	old := put(t, c, "k", "a")
	read := func() string {
		t.Helper()
		at := iterator(t, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: old.SequenceNumber})
		return texts(get(t, c, at, 0).Records)
	}
	e.clock.Add(int64(23 * time.Hour))
	put(t, c, "k", "b")
	if got := read(); got != "a b" {
		t.Errorf("after 23 hours: %q", got)
	}
	e.clock.Add(int64(2 * time.Hour))
	if got := read(); got != "b" {
		t.Errorf("after 25 hours: %q", got)
	}
	if err := retain(48, true); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "b" {
		t.Errorf("what has expired is back: %q", got)
	}
	e.clock.Add(int64(40 * time.Hour))
	if got := read(); got != "b" {
		t.Errorf("after 42 hours of 48: %q", got)
	}
	if err := retain(24, false); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "" {
		t.Errorf("after 42 hours of 24: %q", got)
	}
	if out, err := c.DescribeStreamSummary(t.Context(), &sdk.DescribeStreamSummaryInput{StreamName: aws.String("s")}); err != nil || *out.StreamDescriptionSummary.RetentionPeriodHours != 24 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestSettings changes what a stream shows of itself, which outlasts a restart.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c := e.client("eu-west-1", "AKID")
	s, arn := aws.String("s"), aws.String(streamARN)
	create(t, c, "s", 2)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.StartStreamEncryption(t.Context(), &sdk.StartStreamEncryptionInput{StreamName: s, EncryptionType: "KMS", KeyId: aws.String("alias/k")}))
	on, err := c.EnableEnhancedMonitoring(t.Context(), &sdk.EnableEnhancedMonitoringInput{StreamARN: arn, ShardLevelMetrics: []types.MetricsName{"ALL"}})
	if err != nil || len(on.CurrentShardLevelMetrics) != 0 || len(on.DesiredShardLevelMetrics) != 7 {
		t.Errorf("%+v, %v", on, err)
	}
	off, err := c.DisableEnhancedMonitoring(t.Context(), &sdk.DisableEnhancedMonitoringInput{StreamARN: arn, ShardLevelMetrics: []types.MetricsName{"IncomingBytes"}})
	if err != nil || len(off.CurrentShardLevelMetrics) != 7 || len(off.DesiredShardLevelMetrics) != 6 {
		t.Errorf("%+v, %v", off, err)
	}
	must(c.UpdateMaxRecordSize(t.Context(), &sdk.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: aws.Int32(2048)}))
	must(c.PutRecord(t.Context(), &sdk.PutRecordInput{StreamName: s, PartitionKey: s, Data: make([]byte, 2000<<10)}))
	must(c.UpdateStreamMode(t.Context(), &sdk.UpdateStreamModeInput{StreamARN: arn, StreamModeDetails: &types.StreamModeDetails{StreamMode: "ON_DEMAND"}}))
	if out, err := c.UpdateStreamWarmThroughput(t.Context(), &sdk.UpdateStreamWarmThroughputInput{StreamName: s, WarmThroughputMiBps: aws.Int32(7)}); err != nil || *out.WarmThroughput.TargetMiBps != 7 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := c.UpdateShardCount(t.Context(), &sdk.UpdateShardCountInput{StreamName: s, TargetShardCount: aws.Int32(4), ScalingType: "UNIFORM_SCALING"}); code(err) != "ValidationException" {
		t.Errorf("scale on demand: %v", err)
	}
	if out := put(t, c, "k", "d"); out.EncryptionType != types.EncryptionTypeKms {
		t.Errorf("encrypted by %s", out.EncryptionType)
	}
	register(t, c, "c")
	e.stop()
	e = start(t, dir)
	c = e.client("eu-west-1", "AKID")
	out, err := c.DescribeStreamSummary(t.Context(), &sdk.DescribeStreamSummaryInput{StreamName: s})
	if err != nil {
		t.Fatal(err)
	}
	d := out.StreamDescriptionSummary
	if d.EncryptionType != types.EncryptionTypeKms || *d.KeyId != "alias/k" || len(d.EnhancedMonitoring[0].ShardLevelMetrics) != 6 || *d.MaxRecordSizeInKiB != 2048 ||
		d.StreamModeDetails.StreamMode != types.StreamModeOnDemand || *d.OpenShardCount != 2 || *d.ConsumerCount != 1 || *d.WarmThroughput.CurrentMiBps != 7 {
		t.Errorf("%+v", d)
	}
	must(c.StopStreamEncryption(t.Context(), &sdk.StopStreamEncryptionInput{StreamName: s, EncryptionType: "KMS", KeyId: aws.String("alias/k")}))
	full, err := c.DescribeStream(t.Context(), &sdk.DescribeStreamInput{StreamName: s})
	if err != nil || full.StreamDescription.EncryptionType != types.EncryptionTypeNone || full.StreamDescription.KeyId != nil {
		t.Errorf("%+v, %v", full, err)
	}
	create(t, c, "t", 3)
	if limits, err := c.DescribeLimits(t.Context(), nil); err != nil || *limits.OpenShardCount != 3 || *limits.OnDemandStreamCount != 1 || *limits.ShardLimit != 500 || *limits.OnDemandStreamCountLimit != 50 {
		t.Errorf("%+v, %v", limits, err)
	}
}

func TestTagsAndPolicies(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	s, arn := aws.String("s"), aws.String(streamARN)
	if _, err := c.CreateStream(t.Context(), &sdk.CreateStreamInput{StreamName: s, ShardCount: aws.Int32(1), Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddTagsToStream(t.Context(), &sdk.AddTagsToStreamInput{StreamName: s, Tags: map[string]string{"b": "3", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RemoveTagsFromStream(t.Context(), &sdk.RemoveTagsFromStreamInput{StreamARN: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	first, err := c.ListTagsForStream(t.Context(), &sdk.ListTagsForStreamInput{StreamName: s, Limit: aws.Int32(1)})
	if err != nil || len(first.Tags) != 1 || *first.Tags[0].Value != "3" || !*first.HasMoreTags {
		t.Errorf("%+v, %v", first, err)
	}
	rest, err := c.ListTagsForStream(t.Context(), &sdk.ListTagsForStreamInput{StreamName: s, ExclusiveStartTagKey: aws.String("b")})
	if err != nil || len(rest.Tags) != 1 || *rest.Tags[0].Key != "c" || *rest.HasMoreTags {
		t.Errorf("%+v, %v", rest, err)
	}
	many := map[string]string{}
	for i := range 49 {
		many[fmt.Sprint(i)] = ""
	}
	if _, err := c.AddTagsToStream(t.Context(), &sdk.AddTagsToStreamInput{StreamName: s, Tags: many}); !is[*types.InvalidArgumentException](err) {
		t.Errorf("51 tags: %v", err)
	}
	for _, resource := range []*string{arn, register(t, c, "c")} {
		if _, err := c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceARN: resource, Tags: map[string]string{"x": "y", "z": "z"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceARN: resource, TagKeys: []string{"z", "b", "c"}}); err != nil {
			t.Fatal(err)
		}
		if out, err := c.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceARN: resource}); err != nil || len(out.Tags) != 1 || *out.Tags[0].Key != "x" {
			t.Errorf("%s: %+v, %v", *resource, out, err)
		}
		policy := func() string {
			out, err := c.GetResourcePolicy(t.Context(), &sdk.GetResourcePolicyInput{ResourceARN: resource})
			if err != nil {
				t.Fatal(err)
			}
			return *out.Policy
		}
		if _, err := c.PutResourcePolicy(t.Context(), &sdk.PutResourcePolicyInput{ResourceARN: resource, Policy: aws.String(`{"Version":"2012-10-17"}`)}); err != nil || policy() != `{"Version":"2012-10-17"}` {
			t.Errorf("policy: %s, %v", policy(), err)
		}
		remove := &sdk.DeleteResourcePolicyInput{ResourceARN: resource}
		if _, err := c.DeleteResourcePolicy(t.Context(), remove); err != nil || policy() != "{}" {
			t.Errorf("policy: %s, %v", policy(), err)
		}
		if _, err := c.DeleteResourcePolicy(t.Context(), remove); !isNotFound(err) {
			t.Errorf("deleted twice: %v", err)
		}
	}
}

func TestConsumers(t *testing.T) {
	e := start(t, t.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(t, c, "s", 1)
	arn := aws.String(streamARN)
	for i := range 20 {
		register(t, c, fmt.Sprintf("c%02d", i))
	}
	if _, err := c.RegisterStreamConsumer(t.Context(), &sdk.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c20")}); !is[*types.LimitExceededException](err) {
		t.Errorf("a 21st: %v", err)
	}
	if _, err := c.RegisterStreamConsumer(t.Context(), &sdk.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c03")}); !is[*types.ResourceInUseException](err) {
		t.Errorf("twice: %v", err)
	}
	one, err := c.DescribeStreamConsumer(t.Context(), &sdk.DescribeStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c03")})
	if err != nil {
		t.Fatal(err)
	}
	d := one.ConsumerDescription
	if *d.ConsumerARN != fmt.Sprintf("%s/consumer/c03:%d", streamARN, d.ConsumerCreationTimestamp.Unix()) || d.ConsumerStatus != types.ConsumerStatusActive || *d.StreamARN != streamARN {
		t.Errorf("%+v", d)
	}
	first, err := c.ListStreamConsumers(t.Context(), &sdk.ListStreamConsumersInput{StreamARN: arn, MaxResults: aws.Int32(15)})
	if err != nil || len(first.Consumers) != 15 || first.NextToken == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	again := &sdk.ListStreamConsumersInput{StreamARN: arn, NextToken: first.NextToken}
	if rest, err := c.ListStreamConsumers(t.Context(), again); err != nil || len(rest.Consumers) != 5 || rest.NextToken != nil || *rest.Consumers[0].ConsumerName != "c15" {
		t.Errorf("%+v, %v", rest, err)
	}
	e.clock.Add(int64(6 * time.Minute))
	if _, err := c.ListStreamConsumers(t.Context(), again); !is[*types.ExpiredNextTokenException](err) {
		t.Errorf("an old token: %v", err)
	}
	if _, err := c.DeregisterStreamConsumer(t.Context(), &sdk.DeregisterStreamConsumerInput{ConsumerARN: d.ConsumerARN}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"describe": func(ctx context.Context) error {
			_, err := c.DescribeStreamConsumer(ctx, &sdk.DescribeStreamConsumerInput{ConsumerARN: d.ConsumerARN})
			return err
		},
		"deregister": func(ctx context.Context) error {
			_, err := c.DeregisterStreamConsumer(ctx, &sdk.DeregisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String("c03")})
			return err
		},
	} {
		if err := call(t.Context()); !isNotFound(err) {
			t.Errorf("%s one that is gone: %v", name, err)
		}
	}
}
