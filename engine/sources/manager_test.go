package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	kinesisapi "github.com/lambdaform/terraform-provider-lambda/engine/api/kinesis"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

var here = catalog.Scope{Account: "000000000000", Region: "us-east-1"}

// lease is how long engines keep their shards here.
const lease = 400 * time.Millisecond

// site is a store with streams, which managers of several engines share.
type site struct {
	testing.TB
	store   *store.Store
	catalog *catalog.Catalog
	streams *kinesis.Client
	config  aws.Config
	url     string
	service *kinesisapi.Service

	mu       sync.Mutex
	managers []*Manager
	told     []destination.Message
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{TB: t}
	var err error
	if s.store, err = store.Open(t.TempDir(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.store.Close)
	s.catalog, err = catalog.Open(t.Context(), s.store, catalog.Today(), catalog.Listener{
		Mapping: func(id string, m catalog.Mapping, exists bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, manager := range s.managers {
				manager.MappingChanged(id, m, exists)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.catalog.Close)
	if s.service, err = kinesisapi.Open(t.Context(), s.store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.service.Close)
	api, err := s.service.Wire()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(wire.NewServer(wire.ServerConfig{}, api))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.config = aws.Config{Region: here.Region, Credentials: credentials.NewStaticCredentialsProvider(here.Account, "s", "")}
	s.streams = kinesis.NewFromConfig(s.config, func(o *kinesis.Options) { o.BaseEndpoint = &s.url })
	return s
}

// manager makes a manager of an engine that runs functions by handle.
func (s *site) manager(engine string, c clock.Clock, handle function) *Manager {
	s.Helper()
	m, err := New(s.Context(), Options{
		Engine: engine, Catalog: s.catalog, Invoker: handle, Store: s.store, Clock: c, Log: slog.New(slog.DiscardHandler), lease: lease,
		Route: func(context.Context, string, catalog.Scope) (destination.Route, error) {
			return destination.Route{Config: s.config, Endpoint: func(*string) *string { return &s.url }}, nil
		},
		Watch: s.service.Watch,
		Send: func(_ context.Context, m destination.Message) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, m)
			return nil
		},
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(m.Close)
	m.Start()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.managers = append(s.managers, m)
	return m
}

// function stands for an Invoker. It gets the texts of a batch, and fails if it returns
// an error.
type function func(texts []string) error

func (f function) Invoke(_ context.Context, r invoke.Request) (invoke.Response, error) {
	var event struct {
		Records []struct{ Kinesis struct{ Data []byte } }
	}
	if err := json.Unmarshal(r.Payload, &event); err != nil {
		return invoke.Response{}, err
	}
	var texts []string
	for _, record := range event.Records {
		texts = append(texts, string(record.Kinesis.Data))
	}
	response := invoke.Response{Version: "$LATEST"}
	if f(texts) != nil {
		response.FunctionError = "Unhandled"
	}
	return response, nil
}

func (function) IteratorAge(catalog.Ref, time.Duration) {}
func (function) Observe(catalog.Ref, string, float64)   {}

type edit func(*types.EventSourceMappingConfiguration)

// put puts a record on the stream s.
func (s *site) put(key, text string) {
	s.Helper()
	if _, err := s.streams.PutRecord(s.Context(), &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: &key, Data: []byte(text)}); err != nil {
		s.Fatal(err)
	}
}

// stream makes the stream s.
func (s *site) stream(shards int32) {
	s.Helper()
	if _, err := s.streams.CreateStream(s.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: &shards}); err != nil {
		s.Fatal(err)
	}
}

// mapping maps the stream s to the function.
func (s *site) mapping(edits ...edit) {
	s.Helper()
	id := uuid.NewString()
	now := time.Now().UTC()
	m := catalog.Mapping{Scope: here, Created: now, Config: types.EventSourceMappingConfiguration{
		UUID: &id, EventSourceArn: aws.String("arn:aws:kinesis:" + here.Region + ":" + here.Account + ":stream/s"),
		FunctionArn: aws.String(catalog.Ref{Scope: here, Name: "f"}.ARN()), StartingPosition: types.EventSourcePositionTrimHorizon,
		BatchSize: aws.Int32(100), ParallelizationFactor: aws.Int32(1), MaximumRetryAttempts: aws.Int32(-1), MaximumRecordAgeInSeconds: aws.Int32(-1),
		State: aws.String(catalog.MappingEnabled), LastModified: &now,
	}}
	for _, e := range edits {
		e(&m.Config)
	}
	if err := s.catalog.CreateMapping(s.Context(), m); err != nil {
		s.Fatal(err)
	}
}

func (s *site) eventually(what string, ok func() bool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			s.Fatalf("waited in vain until %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// tally is what a function has handled.
type tally struct {
	mu  sync.Mutex
	all []string
}

func (c *tally) add(texts []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, texts...)
	return nil
}

func (c *tally) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

func numbered(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s%d", prefix, i))
	}
	return all
}

// Two engines of one cluster share the shards of a mapping: no record is handled twice.
// When one ends, the other takes its shards over; when one falls silent, after a while.
func TestEnginesShareShards(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stream(4)
	var one, two tally
	a := s.manager("a", nil, one.add)
	s.manager("b", nil, two.add)
	s.mapping()
	all := func() []string { return append(one.seen(), two.seen()...) }
	put := func(prefix string) (want []string) {
		for i, text := range numbered(prefix, 40) {
			s.put(fmt.Sprint(i), text)
		}
		return numbered(prefix, 40)
	}
	want := put("x")
	s.eventually("all are handled", func() bool { return len(all()) >= 40 })
	a.Close()
	want = append(want, put("y")...)
	s.eventually("those behind are handled", func() bool { return len(all()) >= 80 })
	got := all()
	if slices.Sort(got); !slices.Equal(got, sorted(want)) {
		t.Errorf("handled %v", got)
	}
	if n := len(two.seen()); n < 40 {
		t.Errorf("the engine that is left has handled %d", n)
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// A checkpoint is refused to an engine whose shard has been taken over.
func TestOvertakenEngine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := s.manager("a", nil, func([]string) error { return nil })
	if err := m.leases.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	doc, err := m.leases.claim(t.Context(), m.checkpoints, "shard", "")
	if err != nil {
		t.Fatal(err)
	}
	p := newProgress(m.checkpoints, "shard", "a", doc, 1)
	r := record{sequence: "1"}
	p.begin(&r, 0)
	if err := p.done(t.Context(), 0, []record{r}, nil); err != nil {
		t.Fatal(err)
	}
	other := s.manager("b", nil, func([]string) error { return nil })
	s.eventually("the shard can be taken over", func() bool {
		doc, err = other.leases.claim(t.Context(), other.checkpoints, "shard", "")
		return err == nil
	})
	if doc.from() != "1" {
		t.Errorf("taken over at %q", doc.from())
	}
	r.sequence = "2"
	p.begin(&r, 0)
	if err := p.done(t.Context(), 0, []record{r}, nil); err == nil {
		t.Error("the engine that has lost the shard has written a checkpoint")
	}
}

// Records that are too old for the mapping, or have expired, are given up, also while
// they are being tried; retries wait longer and longer.
func TestRecordAge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.stream(1)
	var failing, other tally
	hands := clock.NewManual(time.Now())
	s.manager("a", hands, func(texts []string) error {
		if slices.Contains(texts, "good") {
			return other.add(texts)
		}
		_ = failing.add(texts)
		return fmt.Errorf("no")
	})
	s.mapping(func(c *types.EventSourceMappingConfiguration) {
		c.MaximumRecordAgeInSeconds = aws.Int32(60)
		c.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}}
	})
	s.put("k", "bad")
	attempts := 0
	var waited time.Duration
	for len(s.messages()) == 0 {
		s.eventually("another attempt", func() bool { return len(failing.seen()) > attempts || len(s.messages()) > 0 })
		attempts = len(failing.seen())
		s.eventually("a pause", func() bool { _, ok := hands.Next(); return ok || len(s.messages()) > 0 })
		if d, ok := hands.Next(); ok && d < time.Hour && len(s.messages()) == 0 {
			hands.Advance(d)
			waited += d
		}
	}
	if attempts < 6 || attempts > 8 || waited < time.Minute {
		t.Errorf("%d attempts in %s", attempts, waited)
	}
	var m message
	if err := json.Unmarshal(s.messages()[0].Body, &m); err != nil || m.RequestContext.Condition != ageExceeded || m.RequestContext.ApproximateInvokeCount != attempts || m.Kinesis.BatchSize != 1 {
		t.Errorf("told %+v, %v", m, err)
	}
	s.put("k", "good")
	s.eventually("the shard goes on", func() bool { return len(other.seen()) == 1 })
}

func (s *site) messages() []destination.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}
