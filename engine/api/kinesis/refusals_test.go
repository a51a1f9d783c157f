package kinesis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

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
			_, err := c.UpdateAccountSettings(ctx, &sdk.UpdateAccountSettingsInput{
				MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: "ENABLED"},
			})
			return err
		}, "NotImplementedException"},
		"split at the start": {func() error {
			_, err := c.SplitShard(ctx, &sdk.SplitShardInput{StreamName: s, ShardToSplit: shard, NewStartingHashKey: aws.String("1")})
			return err
		}, "InvalidArgumentException"},
		"split nothing": {func() error {
			_, err := c.SplitShard(ctx, &sdk.SplitShardInput{StreamName: s, ShardToSplit: aws.String("shardId-000000000007"), NewStartingHashKey: aws.String("9")})
			return err
		}, "ResourceNotFoundException"},
		"merge with itself": {func() error {
			_, err := c.MergeShards(ctx, &sdk.MergeShardsInput{StreamName: s, ShardToMerge: shard, AdjacentShardToMerge: shard})
			return err
		}, "InvalidArgumentException"},
		"more than double": {func() error {
			_, err := c.UpdateShardCount(ctx, &sdk.UpdateShardCountInput{StreamName: s, TargetShardCount: aws.Int32(3), ScalingType: "UNIFORM_SCALING"})
			return err
		}, "InvalidArgumentException"},
		"filter without time": {func() error {
			_, err := c.ListShards(ctx, &sdk.ListShardsInput{StreamName: s, ShardFilter: &types.ShardFilter{Type: "AT_TIMESTAMP"}})
			return err
		}, "InvalidArgumentException"},
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
