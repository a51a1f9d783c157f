// Package sources feeds functions from event sources that are polled: Kinesis streams
// and their consumers, DynamoDB streams, SQS queues (spec behaviour §2, usecases §4, §5).
//
// A Manager runs one poller for each enabled event source mapping. A poller talks to
// its source through the AWS SDK only, so that it cannot tell the engine's own Kinesis
// and SQS from any other.
//
//	manager.go   poller.go   check.go        mappings come, change and go; what a source must be
//	stream.go    kinesis.go  fanout.go  dynamodb.go    sources that have shards
//	shards.go    reader.go   lane.go         a stream's shards; one shard; what is in order in it
//	delivery.go  call.go     window.go  failure.go     a batch until it is done
//	checkpoint.go  lease.go                  how far a shard has been read, and by which engine
//	queue.go     messages.go                 queues
//	meter.go                                 metrics of mappings
//
// Where the reader of a shard stands is kept in the store: after a crash at most the
// batches come again that were being handled.
package sources

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Options says what a Manager works with. All fields but those that say so are required.
type Options struct {
	Engine  string // name of this engine, which it keeps for good
	Catalog *catalog.Catalog
	Invoker Invoker
	Store   *store.Store
	Metrics *metrics.Store
	// Route tells how to reach a service, "kinesis", "dynamodb" or "sqs", for an account
	// and region.
	Route func(ctx context.Context, service string, scope catalog.Scope) (destination.Route, error)
	// Services are the endpoints of services that are other servers', neither the engine's
	// own nor AWS's.
	Services map[string]string
	// Watch tells of new records of a stream, if it is the engine's own; else it is nil.
	Watch func(streamARN string) (changed <-chan struct{}, stop func(), err error)
	// Send tells a destination of records that are given up.
	Send func(ctx context.Context, m destination.Message) error
	// Role returns what is known of a role's policies; nil if nothing is.
	Role  func(arn string) *catalog.RolePolicy
	Clock clock.Clock // of retries, windows and ages; default the system's
	Log   *slog.Logger

	lease time.Duration // default leaseTime
}

// Invoker runs functions, as [invoke.Invoker] does.
type Invoker interface {
	Invoke(ctx context.Context, r invoke.Request) (invoke.Response, error)
	IteratorAge(function catalog.Ref, age time.Duration)
	Observe(function catalog.Ref, metric string, value float64)
}

// Manager polls the sources of all mappings. It must be closed.
type Manager struct {
	Options
	checkpoints *store.Table[Checkpoint]
	leases      *leases
	ctx         context.Context // ends with Close
	cancel      context.CancelFunc
	tasks       sync.WaitGroup
	results     sync.Map     // UUID → how the last batch went
	held        atomic.Int64 // bytes of records that are not done

	mu      sync.Mutex
	closed  bool
	pollers map[string]*poller   // by UUID of the mapping; those too that are stopping
	seen    map[string]time.Time // by UUID, which change of the mapping has been heard of
}

// New returns a Manager that polls nothing yet.
func New(ctx context.Context, o Options) (*Manager, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if o.lease == 0 {
		o.lease = leaseTime
	}
	m := &Manager{Options: o, pollers: map[string]*poller{}, seen: map[string]time.Time{}}
	var err error
	if m.checkpoints, err = store.OpenTable[Checkpoint](ctx, o.Store, "checkpoints", nil); err != nil {
		return nil, err
	}
	if m.leases, err = openLeases(ctx, o); err != nil {
		m.checkpoints.Close()
		return nil, err
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// Start begins to poll the sources of the mappings that there are.
func (m *Manager) Start() {
	mappings := map[string]bool{}
	for _, mapping := range m.Catalog.Mappings() {
		mappings[*mapping.Config.UUID] = true
		m.MappingChanged(*mapping.Config.UUID, mapping, true)
	}
	for _, key := range m.checkpoints.Keys() {
		if id, _, _ := strings.Cut(key, "."); !mappings[id] {
			m.forget(id)
		}
	}
	m.tasks.Go(func() { m.leases.run(m.ctx, m.busy) })
}

// busy tells whether anything is polled.
func (m *Manager) busy() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.pollers {
		if !closed(p.done) {
			return true
		}
	}
	return false
}

// Close stops all pollers and waits for the batches that are being handled.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	for _, p := range m.pollers {
		p.stop()
	}
	m.mu.Unlock()
	for _, p := range m.pollers {
		<-p.done
	}
	m.cancel()
	m.tasks.Wait()
	m.leases.close()
	m.checkpoints.Close()
}

// MappingChanged starts, restarts or stops the poller of a mapping. It does not wait
// for the batches that a stopped poller may still be busy with: the next poller of the
// mapping does, and so does the end of a mapping that is being deleted.
func (m *Manager) MappingChanged(id string, mapping catalog.Mapping, exists bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	p := m.pollers[id]
	if !exists {
		if p != nil {
			p.stop()
			delete(m.pollers, id)
		}
		delete(m.seen, id)
		m.forget(id)
		return
	}
	changed := aws.ToTime(mapping.Config.LastModified)
	if p != nil && mapping.Enabled() && m.seen[id].Equal(changed) {
		return
	}
	m.seen[id] = changed
	var previous <-chan struct{}
	if p != nil {
		p.stop()
		previous = p.done
	}
	switch {
	case mapping.Enabled():
		m.pollers[id] = startPoller(m, mapping, previous)
	case mapping.Deleting():
		m.tasks.Go(func() { m.finish(id, mapping.Scope, previous) })
	}
}

// finish deletes a mapping once its last batch has been handled.
func (m *Manager) finish(id string, scope catalog.Scope, busy <-chan struct{}) {
	if busy != nil {
		<-busy
	}
	if err := m.Catalog.DeleteMapping(m.ctx, scope, id); err != nil && m.ctx.Err() == nil {
		m.Log.Error("delete a mapping: it will be when the engine is started again", "mapping", id, "err", err)
	}
}

// forget drops what a deleted mapping leaves: a new one starts anew.
func (m *Manager) forget(id string) {
	m.results.Delete(id)
	for key := range m.checkpoints.Scan(id+".", "") {
		if err := m.checkpoints.Delete(m.ctx, key); err != nil {
			m.Log.Warn("delete checkpoint", "key", key, "err", err)
		}
	}
}

// Settled tells whether a mapping is in the state that its last change asked for: it is
// polled, or its last batch has been handled.
func (m *Manager) Settled(mapping catalog.Mapping) bool {
	id := *mapping.Config.UUID
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.pollers[id]
	if !mapping.Enabled() {
		return p == nil || closed(p.done)
	}
	return p != nil && p.isReady() && m.seen[id].Equal(aws.ToTime(mapping.Config.LastModified))
}

// Elsewhere tells whether a service is another server's, neither the engine's own nor AWS's.
func (m *Manager) Elsewhere(service string) bool { return m.Services[service] != "" }

// LastResult is how the last batch of a mapping went; empty before the first.
func (m *Manager) LastResult(mapping string) string {
	result, _ := m.results.Load(mapping)
	text, _ := result.(string)
	return text
}

// Lag is how far a mapping is behind, shard by shard.
func (m *Manager) Lag(ctx context.Context, mapping string) []Lag {
	m.mu.Lock()
	p := m.pollers[mapping]
	m.mu.Unlock()
	if p == nil || closed(p.done) {
		return nil
	}
	return p.lag(ctx)
}
