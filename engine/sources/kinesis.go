package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	lambda "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sources/filter"
)

// kinesisStream is a Kinesis stream that is polled.
type kinesisStream struct {
	client *kinesis.Client
	name   string
	source recordSource
	kept   atomic.Int64 // hours
}

// recordSource is what records tell of where they come from.
type recordSource struct {
	arn, region string
	role        func() string // of the function
}

func (s *kinesisStream) shards(ctx context.Context) ([]shard, error) {
	if out, err := s.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &s.name}); err == nil {
		s.kept.Store(int64(aws.ToInt32(out.StreamDescriptionSummary.RetentionPeriodHours)))
	}
	var all []shard
	in := &kinesis.ListShardsInput{StreamName: &s.name}
	for {
		out, err := s.client.ListShards(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list the shards of stream %s: %w", s.name, err)
		}
		for _, found := range out.Shards {
			sh := shard{id: *found.ShardId, start: aws.ToString(found.SequenceNumberRange.StartingSequenceNumber)}
			for _, parent := range []*string{found.ParentShardId, found.AdjacentParentShardId} {
				if parent != nil {
					sh.parents = append(sh.parents, *parent)
				}
			}
			all = append(all, sh)
		}
		if out.NextToken == nil {
			return all, nil
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func (s *kinesisStream) pushes() bool { return false }

func (s *kinesisStream) retention() time.Duration { return time.Duration(s.kept.Load()) * time.Hour }

func (s *kinesisStream) open(ctx context.Context, id string, at position) (cursor, error) {
	in := &kinesis.GetShardIteratorInput{StreamName: &s.name, ShardId: &id}
	in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp = kinesisStart(at)
	out, err := s.client.GetShardIterator(ctx, in)
	var invalid *types.InvalidArgumentException
	if at.after != "" && errors.As(err, &invalid) { // of a stream that has been made anew
		return nil, errTrimmed
	}
	if err != nil {
		return nil, fmt.Errorf("get an iterator of shard %s: %w", id, err)
	}
	return &kinesisCursor{stream: s, shard: id, iterator: out.ShardIterator}, nil
}

// kinesisStart is a position as Kinesis names it.
func kinesisStart(at position) (kind types.ShardIteratorType, after *string, since *time.Time) {
	switch {
	case at.after != "":
		return types.ShardIteratorTypeAfterSequenceNumber, &at.after, nil
	case at.start == lambda.EventSourcePositionTrimHorizon:
		return types.ShardIteratorTypeTrimHorizon, nil, nil
	case at.start == lambda.EventSourcePositionLatest:
		return types.ShardIteratorTypeLatest, nil, nil
	default:
		return types.ShardIteratorTypeAtTimestamp, nil, &at.at
	}
}

type kinesisCursor struct {
	stream   *kinesisStream
	shard    string
	iterator *string
}

func (c *kinesisCursor) close() {}

func (c *kinesisCursor) read(ctx context.Context, limit int) (page, error) {
	out, err := c.stream.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: c.iterator, Limit: aws.Int32(int32(limit))})
	var expired *types.ExpiredIteratorException
	if errors.As(err, &expired) {
		return page{}, errExpired
	}
	if err != nil {
		return page{}, fmt.Errorf("get records of shard %s: %w", c.shard, err)
	}
	c.iterator = out.NextShardIterator
	p := page{end: c.iterator == nil, behind: time.Duration(aws.ToInt64(out.MillisBehindLatest)) * time.Millisecond}
	p.records, err = c.stream.source.kinesisRecords(c.shard, out.Records)
	return p, err
}

// kinesisEvent is a record as functions get it (spec usecases §4.3).
type kinesisEvent struct {
	Kinesis           kinesisData `json:"kinesis"`
	EventSource       string      `json:"eventSource"`
	EventVersion      string      `json:"eventVersion"`
	EventID           string      `json:"eventID"`
	EventName         string      `json:"eventName"`
	InvokeIdentityARN string      `json:"invokeIdentityArn"`
	AWSRegion         string      `json:"awsRegion"`
	EventSourceARN    string      `json:"eventSourceARN"`
}

type kinesisData struct {
	SchemaVersion  string  `json:"kinesisSchemaVersion"`
	PartitionKey   string  `json:"partitionKey"`
	SequenceNumber string  `json:"sequenceNumber"`
	Data           []byte  `json:"data"`
	Arrival        float64 `json:"approximateArrivalTimestamp"`
}

func (s recordSource) kinesisRecords(shard string, found []types.Record) ([]record, error) {
	if len(found) == 0 {
		return nil, nil
	}
	role := s.role()
	records := make([]record, len(found))
	for i, r := range found {
		data := kinesisData{
			SchemaVersion: "1.0", PartitionKey: *r.PartitionKey, SequenceNumber: *r.SequenceNumber, Data: r.Data,
			Arrival: float64(r.ApproximateArrivalTimestamp.UnixMilli()) / 1e3,
		}
		event, err := json.Marshal(kinesisEvent{
			Kinesis: data, EventSource: "aws:kinesis", EventVersion: "1.0", EventName: "aws:kinesis:record", EventID: shard + ":" + *r.SequenceNumber,
			InvokeIdentityARN: role, AWSRegion: s.region, EventSourceARN: s.arn,
		})
		if err != nil {
			return nil, fmt.Errorf("encode record %s: %w", *r.SequenceNumber, err)
		}
		records[i] = record{
			sequence: *r.SequenceNumber, key: *r.PartitionKey, arrival: *r.ApproximateArrivalTimestamp, event: event,
			passes: func(f *filter.Filter) bool { return data.passes(f) },
		}
	}
	return records, nil
}

// passes tells whether a record is for the function, whose filter sees it less what it
// has in common with all others (AWS's page on filtering Kinesis records).
func (d kinesisData) passes(f *filter.Filter) bool {
	return f.MatchData(map[string]any{
		"kinesisSchemaVersion": d.SchemaVersion, "partitionKey": d.PartitionKey, "sequenceNumber": d.SequenceNumber,
		"approximateArrivalTimestamp": json.Number(strconv.FormatFloat(d.Arrival, 'f', -1, 64)), "data": d.Data,
	}, "data")
}
