// Package kinesis is a local Amazon Kinesis Data Streams.
//
// What a stream is, its shards above all, is one document. Its records are in a
// JetStream stream of its own, in which each shard is a subject; the records of one
// call that go to the same shard are one message. A Service keeps the documents in
// memory and is the only one to change them, so there must be one for each store.
//
//	service.go    Service, the names of streams
//	stream.go     documents, and how they change
//	streams.go    create, describe, list and delete streams
//	hashkey.go    partition keys to hash keys
//	shards.go     shards: what they are, ListShards
//	reshard.go    SplitShard, MergeShards, UpdateShardCount
//	sequence.go   sequence numbers
//	put.go        PutRecord, PutRecords
//	frame.go      records in messages
//	iterator.go   GetShardIterator and what its tokens hold
//	read.go       reading messages
//	records.go    GetRecords
//	watch.go      Watch
//	consumers.go  consumers of enhanced fan-out
//	subscribe.go  SubscribeToShard
//	settings.go   retention, mode, sizes, encryption, monitoring, limits
//	tags.go       tags
//	policy.go     resource policies
//	token.go      tokens of pages
//
// Changes are complete when they are answered: a stream is never CREATING or UPDATING.
package kinesis

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service implements the operations of Kinesis over the SDK's types. It must be closed.
type Service struct {
	js            jetstream.JetStream
	docs          *store.Table[document]
	clock         clock.Clock
	stopping      context.Context // ends when no more is to be pushed
	watchers      watchers
	subscriptions subscriptions

	creating sync.Mutex // held while streams are created, one at a time: they share a name and limits
	mu       sync.RWMutex
	streams  map[streamRef]*stream
	byID     map[string]*stream
}

// Option changes how Open makes a Service.
type Option func(*Service)

// WithClock sets the time that iterators, tokens and retention go by; records are
// stamped by JetStream.
func WithClock(c clock.Clock) Option { return func(s *Service) { s.clock = c } }

// WithStopping ends all subscriptions when ctx ends.
func WithStopping(ctx context.Context) Option { return func(s *Service) { s.stopping = ctx } }

// Open returns a Service of the streams in a store.
func Open(ctx context.Context, st *store.Store, opts ...Option) (*Service, error) {
	docs, err := store.OpenTable[document](ctx, st, "streams", nil)
	if err != nil {
		return nil, err
	}
	s := &Service{
		js: st.JetStream(), docs: docs, clock: clock.System(), stopping: context.Background(),
		streams: map[streamRef]*stream{}, byID: map[string]*stream{},
	}
	for _, opt := range opts {
		opt(s)
	}
	if err := s.load(ctx); err != nil {
		docs.Close()
		return nil, fmt.Errorf("open Kinesis: %w", err)
	}
	return s, nil
}

// Close ends the Service, which nobody may be using any more.
func (s *Service) Close() { s.docs.Close() }

// Wire binds the operations to the model, for wire.NewServer.
func (s *Service) Wire() (*wire.Service, error) {
	model, err := wire.LoadModel("kinesis")
	if err != nil {
		return nil, err
	}
	return wire.NewService(model, s, wire.WithRaw("SubscribeToShard", s.subscribeToShard))
}

// streamRef names a stream.
type streamRef struct {
	account, region, name string
}

func (r streamRef) arn() string {
	return "arn:aws:kinesis:" + r.region + ":" + r.account + ":stream/" + r.name
}

// ref resolves the two ways in which a request names a stream.
func ref(ctx context.Context, name, arn *string) (streamRef, error) {
	caller := wire.CallerFrom(ctx)
	r := streamRef{caller.Account, caller.Region, aws.ToString(name)}
	if arn == nil {
		if r.name == "" {
			return r, invalid("Either StreamName or StreamARN must be given.")
		}
		return r, nil
	}
	parsed, err := parseARN(*arn)
	if err == nil && r.name != "" && r.name != parsed.name {
		err = invalid("StreamName %s and StreamARN %s do not name the same stream.", r.name, *arn)
	}
	if err == nil {
		err = permit(caller, parsed, *arn)
	}
	return parsed, err
}

// permit keeps accounts apart.
func permit(caller wire.Caller, r streamRef, resource string) error {
	if r.account == caller.Account {
		return nil
	}
	return &types.AccessDeniedException{Message: aws.String("User: " + caller.Name() + " is not authorized to access the resource: " + resource)}
}

func parseARN(arn string) (streamRef, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[2] == "kinesis" {
		if name, ok := strings.CutPrefix(parts[5], "stream/"); ok && name != "" {
			return streamRef{account: parts[4], region: parts[3], name: name}, nil
		}
	}
	return streamRef{}, invalid("%s is not the ARN of a stream.", arn)
}

// find returns the stream that a request names.
func (s *Service) find(ctx context.Context, name, arn *string) (*stream, error) {
	r, err := ref(ctx, name, arn)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if st := s.streams[r]; st != nil {
		return st, nil
	}
	return nil, r.notFound()
}

func invalid(format string, args ...any) error {
	return &types.InvalidArgumentException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func inUse(format string, args ...any) error {
	return &types.ResourceInUseException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func tooMany(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func (r streamRef) notFound() error {
	return notFound("Stream %s under account %s not found.", r.name, r.account)
}

func malformed(format string, args ...any) error {
	return &types.ValidationException{Message: aws.String(fmt.Sprintf(format, args...))}
}
