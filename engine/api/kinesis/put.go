package kinesis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go"
)

// maxBatch is how many bytes PutRecords takes and GetRecords returns at most.
const maxBatch = 10 << 20

// PutRecord appends a record to the shard of its key.
func (s *Service) PutRecord(ctx context.Context, in *kinesis.PutRecordInput) (*kinesis.PutRecordOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	msg, shard, err := s.message(st, *in.PartitionKey, in.ExplicitHashKey, in.Data)
	if err != nil {
		return nil, err
	}
	ack, err := s.js.PublishMsg(ctx, msg)
	if err != nil {
		return nil, fmt.Errorf("put record on %s: %w", st.name, err)
	}
	s.announce(st)
	return &kinesis.PutRecordOutput{
		ShardId: aws.String(shardID(shard)), SequenceNumber: aws.String(st.sequenceNumber(ack.Sequence, shard)), EncryptionType: types.EncryptionTypeNone,
	}, nil
}

// PutRecords appends records in their order. Each may fail on its own.
func (s *Service) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	total := 0
	messages, shards := make([]*nats.Msg, len(in.Records)), make([]int, len(in.Records))
	for i, entry := range in.Records {
		total += len(entry.Data) + len(*entry.PartitionKey)
		if messages[i], shards[i], err = s.message(st, *entry.PartitionKey, entry.ExplicitHashKey, entry.Data); err != nil {
			return nil, err
		}
	}
	if total > maxBatch {
		return nil, invalid("Records size exceeds 10 MB limit")
	}
	out := &kinesis.PutRecordsOutput{Records: make([]types.PutRecordsResultEntry, len(messages)), FailedRecordCount: aws.Int32(0), EncryptionType: types.EncryptionTypeNone}
	for i, result := range s.publish(ctx, messages) {
		if result.err != nil {
			*out.FailedRecordCount++
			out.Records[i] = types.PutRecordsResultEntry{ErrorCode: aws.String("InternalFailure"), ErrorMessage: aws.String("Internal service failure.")}
			continue
		}
		out.Records[i] = types.PutRecordsResultEntry{
			ShardId: aws.String(shardID(shards[i])), SequenceNumber: aws.String(st.sequenceNumber(result.sequence, shards[i])),
		}
	}
	s.announce(st)
	return out, nil
}

type published struct {
	sequence uint64
	err      error
}

// publish sends all messages before it waits for the first to be stored.
func (s *Service) publish(ctx context.Context, messages []*nats.Msg) []published {
	results := make([]published, len(messages))
	waits := make([]func(), len(messages))
	for i, msg := range messages {
		future, err := s.js.PublishMsgAsync(msg)
		if err != nil {
			results[i].err = err
			continue
		}
		waits[i] = func() {
			select {
			case ack := <-future.Ok():
				results[i].sequence = ack.Sequence
			case results[i].err = <-future.Err():
			case <-ctx.Done():
				results[i].err = ctx.Err()
			}
		}
	}
	for _, wait := range waits {
		if wait != nil {
			wait()
		}
	}
	return results
}

// message frames a record: the length of its key, its key, its data.
func (s *Service) message(st *stream, key string, explicit *string, data []byte) (*nats.Msg, int, error) {
	if limit := int(st.maxRecord) << 10; len(data)+len(key) > limit {
		return nil, 0, &types.ValidationException{Message: aws.String(fmt.Sprintf(
			"1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to %d", limit))}
	}
	shard, err := shardOf(st.shards, key, explicit)
	if err != nil {
		return nil, 0, err
	}
	frame := make([]byte, 0, 2+len(key)+len(data))
	frame = binary.AppendUvarint(frame, uint64(len(key)))
	frame = append(append(frame, key...), data...)
	if limit := s.js.Conn().MaxPayload(); int64(len(frame)) > limit {
		return nil, 0, invalid("The engine takes records of %d bytes at most.", limit)
	}
	return &nats.Msg{Subject: st.subject(shard), Data: frame}, shard, nil
}

var errFrame = errors.New("damaged record")

// unframe is the reverse of what message does.
func unframe(frame []byte) (key string, data []byte, err error) {
	length, n := binary.Uvarint(frame)
	if n <= 0 || length > uint64(len(frame)-n) {
		return "", nil, errFrame
	}
	return string(frame[n : n+int(length)]), frame[n+int(length):], nil
}
