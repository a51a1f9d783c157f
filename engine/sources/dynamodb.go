package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	lambda "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sources/filter"
)

// dynamoRetention is how long DynamoDB keeps the records of a stream.
const dynamoRetention = 24 * time.Hour

// dynamoLimit is how many records DynamoDB returns at once.
const dynamoLimit = 1000

// dynamoStream is the stream of changes of a DynamoDB table (spec usecases §5).
type dynamoStream struct {
	client *streams.Client
	source recordSource
}

func (s *dynamoStream) pushes() bool { return false }

func (s *dynamoStream) retention() time.Duration { return dynamoRetention }

func (s *dynamoStream) shards(ctx context.Context) ([]shard, error) {
	var all []shard
	in := &streams.DescribeStreamInput{StreamArn: &s.source.arn}
	for {
		out, err := s.client.DescribeStream(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("describe the stream: %w", err)
		}
		for _, found := range out.StreamDescription.Shards {
			sh := shard{id: *found.ShardId}
			if found.ParentShardId != nil {
				sh.parents = []string{*found.ParentShardId}
			}
			all = append(all, sh)
		}
		if out.StreamDescription.LastEvaluatedShardId == nil {
			return all, nil
		}
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
	}
}

// open begins to read. DynamoDB cannot begin at a time: a mapping that began at the
// tip, and has been stopped since, reads all and leaves out what is older than itself.
func (s *dynamoStream) open(ctx context.Context, id string, at position) (cursor, error) {
	in := &streams.GetShardIteratorInput{StreamArn: &s.source.arn, ShardId: &id, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	c := &dynamoCursor{stream: s, shard: id}
	switch {
	case at.after != "":
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &at.after
	case at.start == lambda.EventSourcePositionLatest:
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	case at.start == lambda.EventSourcePositionAtTimestamp:
		c.since = at.at.Truncate(time.Second) // as exact as the records are
	}
	out, err := s.client.GetShardIterator(ctx, in)
	if err != nil {
		return nil, dynamoError(fmt.Errorf("get an iterator of shard %s: %w", id, err))
	}
	c.iterator = out.ShardIterator
	return c, nil
}

func dynamoError(err error) error {
	var trimmed *types.TrimmedDataAccessException
	var expired *types.ExpiredIteratorException
	switch {
	case errors.As(err, &trimmed):
		return errTrimmed
	case errors.As(err, &expired):
		return errExpired
	}
	return err
}

type dynamoCursor struct {
	stream   *dynamoStream
	shard    string
	iterator *string
	since    time.Time
}

func (c *dynamoCursor) close() {}

func (c *dynamoCursor) read(ctx context.Context, limit int) (page, error) {
	if c.iterator == nil {
		return page{end: true}, nil
	}
	out, err := c.stream.client.GetRecords(ctx, &streams.GetRecordsInput{ShardIterator: c.iterator, Limit: aws.Int32(int32(min(limit, dynamoLimit)))})
	if err != nil {
		return page{}, dynamoError(fmt.Errorf("get records of shard %s: %w", c.shard, err))
	}
	c.iterator = out.NextShardIterator
	p := page{end: c.iterator == nil}
	for _, found := range out.Records {
		if found.Dynamodb.ApproximateCreationDateTime.Before(c.since) {
			continue
		}
		r, err := c.stream.source.dynamoRecord(found)
		if err != nil {
			return p, err
		}
		p.records = append(p.records, r)
	}
	return p, nil
}

// dynamoEvent is a change as functions get it (spec usecases §5.3).
type dynamoEvent struct {
	EventID        string        `json:"eventID"`
	EventName      string        `json:"eventName"`
	EventVersion   string        `json:"eventVersion"`
	EventSource    string        `json:"eventSource"`
	AWSRegion      string        `json:"awsRegion"`
	UserIdentity   *dynamoUser   `json:"userIdentity,omitempty"`
	Change         *dynamoChange `json:"dynamodb"`
	EventSourceARN string        `json:"eventSourceARN"`
}

type dynamoUser struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

type dynamoChange struct {
	Created        float64    `json:"ApproximateCreationDateTime"`
	Keys           attributes `json:"Keys"`
	NewImage       attributes `json:"NewImage,omitempty"`
	OldImage       attributes `json:"OldImage,omitempty"`
	SequenceNumber string     `json:"SequenceNumber"`
	SizeBytes      int64      `json:"SizeBytes"`
	StreamViewType string     `json:"StreamViewType"`
}

func (s recordSource) dynamoRecord(found types.Record) (record, error) {
	change := found.Dynamodb
	event := dynamoEvent{
		EventID: aws.ToString(found.EventID), EventName: string(found.EventName), EventVersion: aws.ToString(found.EventVersion), EventSource: "aws:dynamodb",
		AWSRegion: s.region, EventSourceARN: s.arn, Change: &dynamoChange{
			Created: float64(change.ApproximateCreationDateTime.UnixMilli()) / 1e3,
			Keys:    change.Keys, NewImage: change.NewImage, OldImage: change.OldImage,
			SequenceNumber: *change.SequenceNumber, SizeBytes: aws.ToInt64(change.SizeBytes), StreamViewType: string(change.StreamViewType),
		},
	}
	if who := found.UserIdentity; who != nil {
		event.UserIdentity = &dynamoUser{aws.ToString(who.Type), aws.ToString(who.PrincipalId)}
	}
	raw, err := json.Marshal(event)
	if err != nil {
		return record{}, fmt.Errorf("encode record %s: %w", *change.SequenceNumber, err)
	}
	key, err := json.Marshal(attributes(change.Keys))
	if err != nil {
		return record{}, fmt.Errorf("encode the key of record %s: %w", *change.SequenceNumber, err)
	}
	return record{
		sequence: *change.SequenceNumber, key: string(key), arrival: *change.ApproximateCreationDateTime, event: raw,
		passes: func(f *filter.Filter) bool { return matches(f, raw) },
	}, nil
}

// attributes are those of an item, which the SDK does not encode.
type attributes map[string]types.AttributeValue

// MarshalJSON writes attributes with their types, as DynamoDB does.
func (a attributes) MarshalJSON() ([]byte, error) {
	typed := make(map[string]any, len(a))
	for name, value := range a {
		typed[name] = typedValue(value)
	}
	return json.Marshal(typed)
}

func typedValue(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": v.Value}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": attributes(v.Value)}
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, element := range v.Value {
			list[i] = typedValue(element)
		}
		return map[string]any{"L": list}
	}
	return nil // a kind that the SDK does not know
}

// matches tells whether a record that is encoded passes.
func matches(f *filter.Filter, raw []byte) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var decoded any
	return d.Decode(&decoded) == nil && f.Match(decoded)
}
