package kinesis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxBatch is how many bytes PutRecords takes and GetRecords returns at most.
	maxBatch = 10 << 20
	// maxMessage is how long a message of several records becomes.
	maxMessage = 1 << 20
	// writeTimeout is how long a put waits until it is on disk.
	writeTimeout = 30 * time.Second
)

// PutRecord appends a record to the shard of its key. Records are in the order in which
// they were put anyway: SequenceNumberForOrdering is checked, and changes nothing.
func (s *Service) PutRecord(ctx context.Context, in *kinesis.PutRecordInput) (*kinesis.PutRecordOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if n := in.SequenceNumberForOrdering; n != nil {
		if seq, ok := parseSequenceNumber(*n); !ok || seq.created.After(st.created) {
			return nil, invalid("ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.", *n, st.name, st.account)
		}
	}
	r, err := s.record(st, *in.PartitionKey, in.ExplicitHashKey, in.Data)
	if err != nil {
		return nil, err
	}
	results, err := s.append(st, []record{r})
	if err != nil {
		return nil, err
	}
	if err := results[0].err; err != nil {
		return nil, fmt.Errorf("put record on %s: %w", st.name, err)
	}
	encryption, _ := st.current.Load().encryption()
	return &kinesis.PutRecordOutput{
		ShardId: aws.String(shardID(results[0].shard)), SequenceNumber: aws.String(st.sequenceNumber(results[0].place, results[0].shard)),
		EncryptionType: encryption,
	}, nil
}

// PutRecords appends records in their order. Those of each shard may fail by themselves.
func (s *Service) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	total := 0
	records := make([]record, len(in.Records))
	for i, entry := range in.Records {
		total += len(entry.Data) + len(*entry.PartitionKey)
		if records[i], err = s.record(st, *entry.PartitionKey, entry.ExplicitHashKey, entry.Data); err != nil {
			return nil, err
		}
	}
	if total > maxBatch {
		return nil, invalid("Records size exceeds 10 MB limit")
	}
	results, err := s.append(st, records)
	if err != nil {
		return nil, err
	}
	out := &kinesis.PutRecordsOutput{Records: make([]types.PutRecordsResultEntry, len(records)), FailedRecordCount: aws.Int32(0)}
	out.EncryptionType, _ = st.current.Load().encryption()
	for i, r := range results {
		if r.err != nil {
			*out.FailedRecordCount++
			out.Records[i] = types.PutRecordsResultEntry{ErrorCode: aws.String("InternalFailure"), ErrorMessage: aws.String("Internal service failure.")}
			continue
		}
		out.Records[i] = types.PutRecordsResultEntry{ShardId: aws.String(shardID(r.shard)), SequenceNumber: aws.String(st.sequenceNumber(r.place, r.shard))}
	}
	return out, nil
}

// record checks what a client puts.
func (s *Service) record(st *stream, key string, explicit *string, data []byte) (record, error) {
	if limit := int(st.current.Load().MaxRecord) << 10; len(data)+len(key) > limit {
		return record{}, malformed("1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to %d", limit)
	}
	if limit := s.js.Conn().MaxPayload(); int64(len(data)) > limit-maxFrame {
		return record{}, invalid("The engine takes records of %d bytes at most.", limit-maxFrame)
	}
	hash, err := hashOf(key, explicit)
	return record{key: key, hash: hash, data: data}, err
}

// result is what became of a record.
type result struct {
	place
	shard int
	err   error
}

// outgoing is a message on its way into a shard.
type outgoing struct {
	shard   *liveShard
	data    []byte
	records []int // indexes into what is put
}

// append stores records in the shards that are open now, and returns once they are on
// disk. It ignores that a client goes away: what has been sent is stored.
func (s *Service) append(st *stream, records []record) ([]result, error) {
	st.changing.RLock()
	defer st.changing.RUnlock()
	if st.gone {
		return nil, st.notFound()
	}
	messages := pack(st.current.Load(), records, s.clock.Now())
	acks := make([]jetstream.PubAckFuture, len(messages))
	results := make([]result, len(records))
	fail := func(m outgoing, err error) {
		for _, i := range m.records {
			results[i].err = err
		}
	}
	for i, m := range messages { // all are sent before the first is waited for
		ack, err := s.js.PublishMsgAsync(&nats.Msg{Subject: st.subject(m.shard.Number), Data: m.data})
		if err != nil {
			fail(m, err)
			continue
		}
		acks[i] = ack
	}
	timeout := time.NewTimer(writeTimeout)
	defer timeout.Stop()
	for i, m := range messages {
		if acks[i] == nil {
			continue
		}
		position, err := await(acks[i], timeout.C)
		if err != nil {
			st.unsure.Store(true)
			fail(m, err)
			continue
		}
		raise(m.shard.newest, position)
		raise(&st.last, position)
		for index, of := range m.records {
			results[of] = result{place: place{position, uint32(index)}, shard: m.shard.Number}
		}
	}
	s.watchers.announce(st.streamRef)
	return results, nil
}

var errTimeout = errors.New("the record was not stored in time")

func await(ack jetstream.PubAckFuture, timeout <-chan time.Time) (position uint64, err error) {
	select {
	case stored := <-ack.Ok():
		return stored.Sequence, nil
	case err := <-ack.Err():
		return 0, err
	case <-timeout:
		return 0, errTimeout
	}
}

// raise makes n at least that large.
func raise(n *atomic.Uint64, to uint64) {
	for {
		old := n.Load()
		if old >= to || n.CompareAndSwap(old, to) {
			return
		}
	}
}

// pack makes messages of records: those of a shard are together, and in order.
func pack(current *state, records []record, now time.Time) []outgoing {
	var messages []outgoing
	latest := make([]int, len(current.open)) // index of the message that is being filled, plus one
	for i, r := range records {
		to := current.route(r.hash)
		if n := latest[to]; n == 0 || len(messages[n-1].data)+len(r.data)+maxFrame > maxMessage {
			messages = append(messages, outgoing{shard: current.open[to], data: newMessage(now)})
			latest[to] = len(messages)
		}
		m := &messages[latest[to]-1]
		m.data = appendRecord(m.data, r)
		m.records = append(m.records, i)
	}
	return messages
}
