package kinesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxRecords is how many records GetRecords returns unless told.
const maxRecords = 10000

// GetRecords returns the records that follow an iterator, and the next iterator.
func (s *Service) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput) (*kinesis.GetRecordsOutput, error) {
	it, err := parseIterator(*in.ShardIterator, s.now())
	if err != nil {
		return nil, err
	}
	r, err := parseARN(it.Stream)
	if err != nil {
		return nil, err
	}
	st, err := s.load(ctx, r)
	if err != nil {
		return nil, err
	}
	if st.created.UnixMilli() != it.Created || it.Shard >= st.shards {
		return nil, st.noShard(shardID(it.Shard))
	}
	request := readRequest{Subject: st.subject(it.Shard), From: max(it.Position, 1), Batch: maxRecords, Bytes: maxBatch}
	if in.Limit != nil {
		request.Batch = int(*in.Limit)
	}
	found, err := s.read(ctx, st, request)
	if err != nil {
		return nil, err
	}
	out := &kinesis.GetRecordsOutput{Records: make([]types.Record, 0, len(found.messages)), MillisBehindLatest: aws.Int64(0)}
	for _, m := range found.messages {
		key, data, err := unframe(m.data)
		if err != nil {
			return nil, fmt.Errorf("read record %d of %s: %w", m.position, st.name, err)
		}
		out.Records = append(out.Records, types.Record{
			SequenceNumber: aws.String(st.sequenceNumber(m.position, it.Shard)), PartitionKey: &key, Data: data,
			ApproximateArrivalTimestamp: &m.stored, EncryptionType: types.EncryptionTypeNone,
		})
		it.Position = m.position + 1
		if found.pending > 0 {
			*out.MillisBehindLatest = max(1, time.Since(m.stored).Milliseconds())
		}
	}
	out.NextShardIterator = it.token(s.now())
	return out, nil
}

// readRequest asks JetStream for a batch of stored messages, without a consumer.
type readRequest struct {
	Subject string     `json:"next_by_subj"`
	From    uint64     `json:"seq,omitempty"`
	Since   *time.Time `json:"start_time,omitempty"`
	Batch   int        `json:"batch"`
	Bytes   int        `json:"max_bytes,omitempty"`
}

type batch struct {
	messages []message
	pending  uint64 // messages that follow
}

type message struct {
	position uint64
	stored   time.Time
	data     []byte
}

// readTimeout bounds a read when the context does not.
const readTimeout = 10 * time.Second

// read gets messages by a direct get, which answers with one message each and an
// empty one at the end.
func (s *Service) read(ctx context.Context, st *stream, request readRequest) (*batch, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	fail := func(err error) (*batch, error) { return nil, fmt.Errorf("read records of %s: %w", st.name, err) }
	body, err := json.Marshal(request)
	if err != nil {
		return fail(err)
	}
	nc := s.js.Conn()
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return fail(err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // it fails only with the connection
	if err := nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+st.storeName(), inbox, body); err != nil {
		return fail(err)
	}
	out, size := &batch{}, 0
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if errors.Is(err, nats.ErrNoResponders) {
			return nil, st.notFound()
		}
		if err != nil {
			return fail(err)
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
		case "404":
			return out, nil
		case "503":
			return nil, st.notFound()
		case "204": // the end of the batch
			pending, err := strconv.ParseUint(msg.Header.Get("Nats-Num-Pending"), 10, 64)
			if err != nil {
				return fail(err)
			}
			out.pending += pending
			return out, nil
		default:
			return fail(errors.New(status + " " + msg.Header.Get("Description")))
		}
		m := message{data: msg.Data}
		var err1, err2 error
		m.position, err1 = strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
		m.stored, err2 = time.Parse(time.RFC3339Nano, msg.Header.Get(jetstream.TimeStampHeaer))
		if err := errors.Join(err1, err2); err != nil {
			return fail(err)
		}
		// JetStream stops behind the message that goes over the limit: leave that one for the next read.
		if size += len(m.data); request.Bytes > 0 && size > request.Bytes && len(out.messages) > 0 {
			out.pending++
			continue
		}
		out.messages = append(out.messages, m)
	}
}

// Watch returns a channel that gets a value after records were put on a stream,
// so that a reader of that stream need not poll often. Values do not queue up.
// The caller calls stop when it is done.
func (s *Service) Watch(streamARN string) (changed <-chan struct{}, stop func(), err error) {
	r, err := parseARN(streamARN)
	if err != nil {
		return nil, nil, err
	}
	ch := make(chan struct{}, 1)
	sub, err := s.js.Conn().Subscribe(r.announcement(), func(*nats.Msg) {
		select {
		case ch <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, nil, fmt.Errorf("watch stream %s: %w", r.name, err)
	}
	return ch, func() { _ = sub.Unsubscribe() }, nil // it fails only with the connection
}

// announcement is the subject that tells of new records. The shard subjects
// would tell before the records can be read.
func (r streamRef) announcement() string { return "kinesis-put." + r.key() }

// announce is a hint: when it fails, readers find the records at their next poll.
func (s *Service) announce(st *stream) {
	_ = s.js.Conn().Publish(st.announcement(), nil)
}
