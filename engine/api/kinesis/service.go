// Package kinesis is a local Amazon Kinesis Data Streams: enough of it to put
// records on a stream and to read them back shard by shard.
//
// Each Kinesis stream is one JetStream stream, and each shard one subject of it,
// so records are as durable as the store that they live in and every engine of
// a cluster sees the same ones. The package keeps no state of its own.
//
//	streams.go   create, describe, list and delete streams
//	shards.go    partition keys, hash ranges, sequence numbers
//	put.go       PutRecord, PutRecords
//	iterator.go  GetShardIterator and what its tokens hold
//	records.go   GetRecords, Watch
//
// Streams are ACTIVE at once and never resharded. Records are kept for 24 hours.
package kinesis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service implements the operations of Kinesis over the SDK's types.
type Service struct {
	js       jetstream.JetStream
	replicas int
	now      func() time.Time
}

// Option changes how New makes a Service.
type Option func(*Service)

// WithReplicas keeps every stream on n servers of a cluster.
func WithReplicas(n int) Option { return func(s *Service) { s.replicas = n } }

// WithClock sets the time that iterators expire by.
func WithClock(now func() time.Time) Option { return func(s *Service) { s.now = now } }

// New returns a Service that keeps its streams in js.
func New(js jetstream.JetStream, opts ...Option) (*Service, error) {
	if !js.Conn().IsConnected() {
		return nil, fmt.Errorf("open Kinesis: JetStream is not connected: %v", js.Conn().Status())
	}
	s := &Service{js: js, replicas: 1, now: time.Now}
	for _, opt := range opts {
		opt(s)
	}
	return s, nil
}

// Wire binds the operations to the model, for wire.NewServer.
func (s *Service) Wire() (*wire.Service, error) {
	model, err := wire.LoadModel("kinesis")
	if err != nil {
		return nil, err
	}
	return wire.NewService(model, s)
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
	if err == nil && parsed.account != caller.Account {
		err = &types.AccessDeniedException{Message: aws.String("User: " + caller.Name() + " is not authorized to access the resource: " + *arn)}
	}
	return parsed, err
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

func invalid(format string, args ...any) error {
	return &types.InvalidArgumentException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func (r streamRef) notFound() error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf("Stream %s under account %s not found.", r.name, r.account))}
}
