package kinesis

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// iteratorLife is how long an iterator may be used.
const iteratorLife = 5 * time.Minute

// clockSkew is how far ahead of the engine's clock a starting time may be.
const clockSkew = time.Second

// latest is the later of two times. What clients call the present is the machine's time,
// by which records are stamped, or what the service's clock has told them.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// iterator is a place in a shard. Clients see it in base64.
type iterator struct {
	Stream string `json:"s"` // id
	Shard  int    `json:"n"`
	place         // the next record is there or behind it
	Issued int64  `json:"t"` // Unix milliseconds
}

func (it iterator) token(now time.Time) (*string, error) {
	it.Issued = now.UnixMilli()
	text, err := json.Marshal(it)
	if err != nil {
		return nil, fmt.Errorf("encode iterator: %w", err)
	}
	return aws.String(base64.StdEncoding.EncodeToString(text)), nil
}

func parseIterator(token string, now time.Time) (iterator, error) {
	var it iterator
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, &it) != nil {
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
	now := s.clock.Now()
	sh, err := st.current.Load().find(*in.ShardId, now)
	if err != nil {
		return nil, err
	}
	at, err := s.start(ctx, st, sh.shard, types.StartingPosition{Type: in.ShardIteratorType, SequenceNumber: in.StartingSequenceNumber, Timestamp: in.Timestamp})
	if err != nil {
		return nil, err
	}
	token, err := iterator{Stream: st.id, Shard: sh.Number, place: at}.token(now)
	return &kinesis.GetShardIteratorOutput{ShardIterator: token}, err
}

// start returns where a reader begins. What lies before the oldest record means that one.
func (s *Service) start(ctx context.Context, st *stream, sh *shard, from types.StartingPosition) (place, error) {
	switch from.Type {
	case types.ShardIteratorTypeTrimHorizon:
		return sh.Start, nil
	case types.ShardIteratorTypeLatest:
		return s.tip(ctx, st, sh)
	case types.ShardIteratorTypeAtTimestamp:
		return s.placeAt(ctx, st, sh, from.Timestamp)
	}
	if from.SequenceNumber == nil {
		return place{}, invalid("Must specify StartingSequenceNumber if ShardIteratorType is %s.", from.Type)
	}
	at, err := st.locate(*from.SequenceNumber, sh.Number)
	if err == nil && from.Type == types.ShardIteratorTypeAfterSequenceNumber {
		at = at.next()
	}
	return at, err
}

// tip is the place behind everything that is in a shard.
func (s *Service) tip(ctx context.Context, st *stream, sh *shard) (place, error) {
	if sh.Closed != nil {
		return sh.End, nil
	}
	last := st.last.Load()
	if st.unsure.Load() {
		messages, err := s.js.Stream(ctx, st.storeName())
		if err != nil {
			return place{}, fmt.Errorf("look up the latest record of %s: %w", st.name, err)
		}
		last = messages.CachedInfo().State.LastSeq
	}
	return place{Position: last + 1}, nil
}

// placeAt finds the first record that arrived at t or later.
func (s *Service) placeAt(ctx context.Context, st *stream, sh *shard, t *time.Time) (place, error) {
	if t == nil {
		return place{}, invalid("Must specify Timestamp if ShardIteratorType is AT_TIMESTAMP.")
	}
	if now := latest(s.clock.Now(), time.Now()); t.After(now.Add(clockSkew)) {
		return place{}, invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d",
			t.UnixMilli(), now.UnixMilli())
	}
	tip, err := s.tip(ctx, st, sh) // before the search, so that nothing is missed
	if err != nil {
		return place{}, err
	}
	found, _, err := s.get(ctx, st, getRequest{Subject: st.subject(sh.Number), Since: t, Batch: 1})
	if err != nil || len(found) == 0 {
		return tip, err
	}
	return place{Position: found[0].position}, nil
}
