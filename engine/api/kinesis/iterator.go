package kinesis

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// iteratorLife is how long an iterator may be used.
const iteratorLife = 5 * time.Minute

// clockSkew is how far ahead of the engine's clock a starting time may be.
const clockSkew = time.Second

// iterator is a place in a shard. Clients see it in base64.
type iterator struct {
	Stream   string `json:"s"`           // ARN
	Created  int64  `json:"c"`           // of the stream, so that a new one of that name is told apart
	Shard    int    `json:"n"`           //
	Position uint64 `json:"p,omitempty"` // the next record is at or behind it
	Issued   int64  `json:"t"`           // Unix milliseconds
}

func (it iterator) token(now time.Time) *string {
	it.Issued = now.UnixMilli()
	text, _ := json.Marshal(it) // a struct of strings and numbers does marshal
	return aws.String(base64.StdEncoding.EncodeToString(text))
}

func parseIterator(token string, now time.Time) (iterator, error) {
	var it iterator
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, &it) != nil || it.Shard < 0 {
		return it, invalid("Invalid ShardIterator.")
	}
	if issued := time.UnixMilli(it.Issued); now.Sub(issued) > iteratorLife {
		return it, &types.ExpiredIteratorException{Message: aws.String(fmt.Sprintf(
			"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			issued.UTC().Format(time.UnixDate), now.UTC().Format(time.UnixDate), iteratorLife.Milliseconds()))}
	}
	return it, nil
}

// GetShardIterator returns where to begin to read a shard.
func (s *Service) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput) (*kinesis.GetShardIteratorOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	shard, ok := shardIndex(*in.ShardId, st.shards)
	if !ok {
		return nil, st.noShard(*in.ShardId)
	}
	position, err := s.startingPosition(ctx, st, shard, in)
	if err != nil {
		return nil, err
	}
	it := iterator{Stream: st.arn(), Created: st.created.UnixMilli(), Shard: shard, Position: position}
	return &kinesis.GetShardIteratorOutput{ShardIterator: it.token(s.now())}, nil
}

func (s *Service) startingPosition(ctx context.Context, st *stream, shard int, in *kinesis.GetShardIteratorInput) (uint64, error) {
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeTrimHorizon:
		return 1, nil
	case types.ShardIteratorTypeLatest:
		return st.last + 1, nil
	case types.ShardIteratorTypeAtTimestamp:
		return s.positionAt(ctx, st, shard, in.Timestamp)
	}
	after := in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber
	if in.StartingSequenceNumber == nil {
		return 0, invalid("Must specify StartingSequenceNumber if ShardIteratorType is %s.", in.ShardIteratorType)
	}
	position, ok := st.position(*in.StartingSequenceNumber)
	if !ok {
		return 0, invalid("StartingSequenceNumber %s used in GetShardIterator on shard %s in stream %s under account %s is invalid.",
			*in.StartingSequenceNumber, shardID(shard), st.name, st.account)
	}
	if after {
		position++
	}
	return max(position, 1), nil
}

// positionAt finds the first record that arrived at t or later.
func (s *Service) positionAt(ctx context.Context, st *stream, shard int, t *time.Time) (uint64, error) {
	if t == nil {
		return 0, invalid("Must specify Timestamp if ShardIteratorType is AT_TIMESTAMP.")
	}
	if now := s.now(); t.After(now.Add(clockSkew)) {
		return 0, invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d",
			t.UnixMilli(), now.UnixMilli())
	}
	found, err := s.read(ctx, st, readRequest{Subject: st.subject(shard), Since: t, Batch: 1})
	if err != nil {
		return 0, err
	}
	if len(found.messages) == 0 {
		return st.last + 1, nil
	}
	return found.messages[0].position, nil
}

func (st *stream) noShard(id string) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf("Shard %s in stream %s under account %s does not exist", strings.TrimSpace(id), st.name, st.account))}
}
