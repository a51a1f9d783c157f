// Package sources feeds functions from event sources.
//
// A Manager runs one poller for each enabled event source mapping, and one reader
// for each shard of its stream. A poller talks to its source through the AWS SDK
// only, so that it cannot tell the engine's own Kinesis from any other. Where a
// shard's reader stands is kept in the store: it goes on from there after a
// restart (spec usecases §4).
package sources

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Options says what a Manager works with. All fields are required.
type Options struct {
	Catalog *catalog.Catalog
	Invoker *invoke.Invoker
	Store   *store.Store
	// Kinesis returns a client for the streams of an account and region.
	Kinesis func(catalog.Scope) *kinesis.Client
	Log     *slog.Logger
}

// Manager polls the sources of all mappings. It must be closed.
type Manager struct {
	Options
	checkpoints *store.Table[Checkpoint]

	mu      sync.Mutex
	closed  bool
	pollers map[string]*poller // by UUID of the mapping
	results sync.Map           // UUID → how the last batch went
}

// Checkpoint is the last record of a shard that a mapping is done with.
type Checkpoint struct{ SequenceNumber string }

// New returns a Manager that polls nothing yet.
func New(ctx context.Context, o Options) (*Manager, error) {
	checkpoints, err := store.OpenTable[Checkpoint](ctx, o.Store, "checkpoints", nil)
	if err != nil {
		return nil, err
	}
	return &Manager{Options: o, checkpoints: checkpoints, pollers: map[string]*poller{}}, nil
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
	m.checkpoints.Close()
}

// MappingChanged starts, restarts or stops the poller of a mapping. It does not
// wait for the batch that a stopped poller may still be busy with: the next
// poller of the mapping does.
func (m *Manager) MappingChanged(id string, mapping catalog.Mapping, exists bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	var previous <-chan struct{}
	if p := m.pollers[id]; p != nil {
		if p.running && exists && mapping.Enabled() && sameSettings(p.mapping, mapping) {
			return
		}
		p.stop()
		p.running = false
		previous = p.done
	}
	switch {
	case !exists:
		m.forget(id)
	case mapping.Enabled():
		m.pollers[id] = startPoller(m, mapping, previous)
	}
}

// forget drops what a deleted mapping leaves: a new one starts anew.
func (m *Manager) forget(id string) {
	m.results.Delete(id)
	for _, key := range m.checkpoints.Keys() {
		if strings.HasPrefix(key, id+".") {
			if err := m.checkpoints.Delete(context.Background(), key); err != nil {
				m.Log.Warn("delete checkpoint", "key", key, "err", err)
			}
		}
	}
}

func sameSettings(a, b catalog.Mapping) bool {
	return aws.ToString(a.Config.FunctionArn) == aws.ToString(b.Config.FunctionArn) &&
		aws.ToTime(a.Config.LastModified).Equal(aws.ToTime(b.Config.LastModified))
}

// LastResult is how the last batch of a mapping went; empty before the first.
func (m *Manager) LastResult(mapping string) string {
	result, _ := m.results.Load(mapping)
	text, _ := result.(string)
	return text
}

// Check returns the error that AWS gives for a source which does not exist, or
// says that the engine cannot poll a source of this kind.
func (m *Manager) Check(ctx context.Context, arn string) error {
	scope, kind, stream, err := parseSource(arn)
	if err != nil {
		return err
	}
	if kind != "kinesis" {
		return catalog.Invalid("Event sources of the kind %s are not supported by the local engine yet: it polls Kinesis streams. Source: %s", kind, arn)
	}
	if _, err := m.Kinesis(scope).DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &stream}); err != nil {
		return catalog.Invalid("Stream not found: %s", arn)
	}
	return nil
}

// parseSource takes apart arn:aws:KIND:REGION:ACCOUNT:RESOURCE; of a stream's
// resource only the name is returned.
func parseSource(arn string) (scope catalog.Scope, kind, name string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return scope, "", "", catalog.Invalid("Unrecognized event source: %s is no ARN.", arn)
	}
	name = parts[5]
	if stream, ok := strings.CutPrefix(name, "stream/"); ok {
		name = stream
	}
	return catalog.Scope{Region: parts[3], Account: parts[4]}, parts[2], name, nil
}

// problem is the LastProcessingResult of a batch that failed.
func problem(format string, args ...any) string { return "PROBLEM: " + fmt.Sprintf(format, args...) }

// backoff is the pause before attempt n (1, 2, …) at a batch that failed before.
func backoff(n int) time.Duration { return min(500*time.Millisecond<<min(n-1, 8), time.Minute) }
