package kinesis

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const (
	// subscriptionLife is how long a subscription lasts.
	subscriptionLife = 5 * time.Minute
	// subscriptionHold is how long one keeps others of its consumer and shard away.
	subscriptionHold = 5 * time.Second
	// heartbeat is how often a subscription hears at least.
	heartbeat = 5 * time.Second
	// pushBytes is how much an event holds, unless a record is larger.
	pushBytes = 1 << 20
	// headDelay is how long a subscription takes to begin. The SDK for Go closes a request
	// as soon as its answer begins; if that is before its transport has seen the end of
	// the request, the connection is lost.
	headDelay = 25 * time.Millisecond
	// slowest is how long a client may take to read an event.
	slowest = 30 * time.Second
)

type subscribeRequest struct {
	ConsumerARN      string
	ShardID          string `json:"ShardId"`
	StartingPosition struct {
		Type           types.ShardIteratorType
		SequenceNumber *string
		Timestamp      *float64 // seconds
	}
}

// subscribeToShard implements SubscribeToShard: records of a shard as they come.
func (s *Service) subscribeToShard(w http.ResponseWriter, r *http.Request, _ wire.Labels) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	sub, err := s.subscribe(ctx, r)
	if err != nil {
		return err
	}
	defer s.subscriptions.end(sub)
	sub.w, sub.events = w, wire.NewEventStream(w)
	changed := make(chan struct{}, 1)
	s.watchers.add(sub.st.streamRef, changed)
	defer s.watchers.remove(sub.st.streamRef, changed)
	if !pause(ctx, headDelay) {
		return ctx.Err()
	}
	sub.events.Begin()
	err = sub.events.SendJSON("initial-response", struct{}{})
	if err == nil {
		err = s.push(ctx, sub, changed)
	}
	var api smithy.APIError
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.As(err, &api):
		_ = sub.events.Fail(api.ErrorCode(), api.ErrorMessage())
	default:
		_ = sub.events.Fail("InternalFailureException", "Internal service failure.")
		return err
	}
	return nil // whatever it was, the answer has begun
}

// subscribe checks a request and makes a subscription of it.
func (s *Service) subscribe(ctx context.Context, r *http.Request) (*subscription, error) {
	body, err := wire.ReadBody(r, 1<<20, "SubscribeToShard")
	if err != nil {
		return nil, err
	}
	var in subscribeRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, &wire.Error{Code: "SerializationException", Status: http.StatusBadRequest, Message: err.Error()}
	}
	st, key, err := s.findConsumer(ctx, nil, nil, &in.ConsumerARN)
	if err != nil {
		return nil, err
	}
	current := st.current.Load()
	if current.consumer(key) == nil {
		return nil, noConsumer(key, st.account)
	}
	if !slices.Contains(in.StartingPosition.Type.Values(), in.StartingPosition.Type) {
		return nil, malformed("1 validation error detected: Value '%s' at 'startingPosition.type' failed to satisfy constraint: Member must satisfy enum value set: %v",
			in.StartingPosition.Type, in.StartingPosition.Type.Values())
	}
	now := s.clock.Now()
	sh, err := current.find(in.ShardID, now)
	if err != nil {
		return nil, err
	}
	from := types.StartingPosition{Type: in.StartingPosition.Type, SequenceNumber: in.StartingPosition.SequenceNumber}
	if t := in.StartingPosition.Timestamp; t != nil {
		from.Timestamp = aws.Time(time.UnixMicro(int64(*t * 1e6)))
	}
	at, err := s.start(ctx, st, sh.shard, from)
	if err != nil {
		return nil, err
	}
	sub := &subscription{subscriptionKey: subscriptionKey{st.id, key, sh.Number}, st: st, next: at, begun: now, taken: make(chan struct{})}
	return sub, s.subscriptions.begin(sub)
}

// pause waits, and tells whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool { return clock.Wait(ctx, clock.System(), d) }

// subscriptionKey is what two subscriptions compete for.
type subscriptionKey struct {
	stream   string // id
	consumer string // key
	shard    int
}

type subscription struct {
	subscriptionKey
	st    *stream
	next  place
	begun time.Time
	taken chan struct{} // closed when another one takes over

	w      http.ResponseWriter
	events *wire.EventStream
}

// subscriptions are the newest of each consumer and shard.
type subscriptions struct {
	mu sync.Mutex
	of map[subscriptionKey]*subscription
}

// begin makes sub take over from the one of before, unless that is too young.
func (s *subscriptions) begin(sub *subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[subscriptionKey]*subscription{}
	}
	for key, old := range s.of {
		if old.st == nil && sub.begun.Sub(old.begun) >= subscriptionHold {
			delete(s.of, key)
		}
	}
	old := s.of[sub.subscriptionKey]
	if old != nil && sub.begun.Sub(old.begun) < subscriptionHold {
		return inUse("Another active subscription exists for this consumer: %s:%s:%s", sub.st.account, sub.st.name, sub.consumer)
	}
	if old != nil {
		close(old.taken)
	}
	s.of[sub.subscriptionKey] = sub
	return nil
}

// end remembers only when a subscription began.
func (s *subscriptions) end(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[sub.subscriptionKey] == sub {
		s.of[sub.subscriptionKey] = &subscription{subscriptionKey: sub.subscriptionKey, begun: sub.begun, taken: make(chan struct{})}
	}
}

// push sends what comes until the subscription is over: nil after its time and at the
// end of the shard.
func (s *Service) push(ctx context.Context, sub *subscription, changed <-chan struct{}) error {
	over := s.clock.NewTimer(subscriptionLife)
	defer over.Stop()
	beat := s.clock.NewTimer(heartbeat)
	defer func() { beat.Stop() }()
	now := make(chan struct{})
	close(now)
	due := true // the first event comes at once
	for {
		got, err := s.readOn(ctx, sub)
		if err != nil {
			return err
		}
		if len(got.records) > 0 || got.end || due {
			beat.Stop()
			beat, due = s.clock.NewTimer(heartbeat), false
			_ = http.NewResponseController(sub.w).SetWriteDeadline(time.Now().Add(slowest))
			if err := sub.events.SendJSON("SubscribeToShardEvent", sub.event(got)); err != nil {
				return err
			}
		}
		if got.end {
			return nil
		}
		var more chan struct{}
		if got.behind > 0 {
			more = now
		}
		select {
		case <-more:
		case <-changed:
		case <-beat.C:
			due = true
		case <-over.C:
			return nil
		case <-sub.taken:
			return inUse("Another subscription of this consumer to the shard has taken over.")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readOn reads what is next, if stream, consumer and shard are still there.
func (s *Service) readOn(ctx context.Context, sub *subscription) (*reading, error) {
	if s.lookup(sub.stream) == nil {
		return nil, sub.st.notFound()
	}
	current := sub.st.current.Load()
	if current.consumer(sub.consumer) == nil {
		return nil, noConsumer(sub.consumer, sub.st.account)
	}
	sh, err := current.find(shardID(sub.shard), s.clock.Now())
	if err != nil {
		return nil, err
	}
	got, err := s.read(ctx, sub.st, current, sh, sub.next, maxRecords, pushBytes)
	if err != nil {
		return nil, err
	}
	sub.next = got.next
	return got, nil
}

type pushedEvent struct {
	Records                    []pushedRecord
	ContinuationSequenceNumber *string `json:",omitempty"` // missing at the end of a shard
	MillisBehindLatest         int64
	ChildShards                []types.ChildShard `json:",omitempty"`
}

type pushedRecord struct {
	SequenceNumber, PartitionKey *string
	Data                         []byte
	ApproximateArrivalTimestamp  float64 // seconds
	EncryptionType               types.EncryptionType
}

func (sub *subscription) event(got *reading) pushedEvent {
	e := pushedEvent{Records: make([]pushedRecord, len(got.records)), MillisBehindLatest: got.behind, ChildShards: got.children}
	for i, r := range got.records {
		e.Records[i] = pushedRecord{r.SequenceNumber, r.PartitionKey, r.Data, float64(r.ApproximateArrivalTimestamp.UnixMilli()) / 1e3, r.EncryptionType}
	}
	if !got.end {
		e.ContinuationSequenceNumber = aws.String(sub.st.sequenceNumber(got.next.previous(), sub.shard))
	}
	return e
}
