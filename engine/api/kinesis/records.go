package kinesis

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// maxRecords is how many records GetRecords returns unless told.
const maxRecords = 10000

// GetRecords returns the records that follow an iterator, and the next iterator; behind
// the last record of a closed shard its children.
func (s *Service) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput) (*kinesis.GetRecordsOutput, error) {
	now := s.clock.Now()
	it, err := parseIterator(*in.ShardIterator, now)
	if err != nil {
		return nil, err
	}
	st, err := s.findID(ctx, it.Stream)
	if err != nil {
		return nil, err
	}
	current := st.current.Load()
	sh, err := current.find(shardID(it.Shard), now)
	if err != nil {
		return nil, err
	}
	limit := maxRecords
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	got, err := s.read(ctx, st, current, sh, it.place, limit, maxBatch)
	if err != nil {
		return nil, err
	}
	out := &kinesis.GetRecordsOutput{Records: got.records, MillisBehindLatest: aws.Int64(got.behind)}
	if got.end {
		out.ChildShards = got.children
		return out, nil
	}
	it.place = got.next
	out.NextShardIterator, err = it.token(now)
	return out, err
}

// reading is a part of a shard.
type reading struct {
	records  []types.Record
	next     place // where to go on
	behind   int64 // ms from the last record until now, if more follow
	end      bool  // the shard is closed, and nothing follows but its children
	children []types.ChildShard
}

// Bytes of messages that are asked for first, if there are many; then four times as many.
const firstRead = 256 << 10

// read returns at most so many records of a shard, and bytes unless one record is larger,
// from a place on. A shard without news is read without looking into the store.
func (s *Service) read(ctx context.Context, st *stream, current *state, sh *liveShard, from place, limit, bytes int) (*reading, error) {
	got := &reading{records: []types.Record{}, next: from}
	newest := sh.newest.Load()
	if sh.Closed != nil && !from.before(sh.End) || from.Position > newest && !st.unsure.Load() {
		got.finish(current, sh)
		return got, nil
	}
	c := collector{reading: got, st: st, shard: sh.shard, limit: limit, bytes: bytes, horizon: current.horizon(s.clock.Now())}
	c.encryption, _ = current.encryption()
	request := getRequest{Subject: st.subject(sh.Number), From: max(from.Position, 1), Batch: min(limit, firstRead>>10), Bytes: firstRead}
	for {
		messages, more, err := s.get(ctx, st, request)
		if err != nil {
			return nil, err
		}
		full, err := c.add(messages)
		if err != nil {
			return nil, err
		}
		if full || more && len(got.records) == limit {
			got.behind = max(1, time.Since(c.arrived).Milliseconds())
			return got, nil
		}
		if !more {
			break
		}
		request.From = got.next.Position
		request.Batch, request.Bytes = min(4*request.Batch, limit), min(4*request.Bytes, maxBatch)
	}
	// Whatever is stored from now on is behind what was the newest.
	if got.next.Position <= newest && !st.unsure.Load() {
		got.next = place{Position: newest + 1}
	}
	got.finish(current, sh)
	return got, nil
}

// finish is called when nothing follows.
func (r *reading) finish(current *state, sh *liveShard) {
	if sh.Closed != nil {
		r.end, r.children = true, current.children(sh.Number)
	}
}

// collector makes records of messages.
type collector struct {
	*reading
	st         *stream
	shard      *shard
	limit      int // of records
	bytes      int // that are left
	horizon    time.Time
	arrived    time.Time // of the last record
	encryption types.EncryptionType
}

// add tells whether there are records that do not fit any more.
func (c *collector) add(messages []message) (full bool, err error) {
	for _, m := range messages {
		if c.shard.Closed != nil && m.position >= c.shard.End.Position {
			return false, nil
		}
		put, rest, err := cutTime(m.data)
		if err != nil {
			return false, fmt.Errorf("read message %d of %s: %w", m.position, c.st.name, err)
		}
		if put.Before(c.horizon) {
			rest = nil
		}
		for at := (place{Position: m.position}); len(rest) > 0; at = at.next() {
			var key string
			var data []byte
			if key, data, rest, err = cutRecord(rest); err != nil {
				return false, fmt.Errorf("read message %d of %s: %w", m.position, c.st.name, err)
			}
			if at.before(c.next) {
				continue
			}
			c.next = at
			if len(c.records) == c.limit || len(data)+len(key) > c.bytes && len(c.records) > 0 {
				return true, nil
			}
			c.bytes -= len(data) + len(key)
			c.arrived = m.stored
			c.records = append(c.records, types.Record{
				SequenceNumber: aws.String(c.st.sequenceNumber(at, c.shard.Number)), PartitionKey: &key, Data: data,
				ApproximateArrivalTimestamp: &m.stored, EncryptionType: c.encryption,
			})
		}
		c.next = place{Position: m.position + 1}
	}
	return false, nil
}
