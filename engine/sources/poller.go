package sources

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources/filter"
)

// poller feeds the function of one mapping.
type poller struct {
	manager *Manager
	mapping catalog.Mapping
	target  catalog.Ref
	filter  *filter.Filter // nil: everything passes
	meter   *meter
	log     *slog.Logger

	stop  context.CancelFunc
	done  chan struct{}
	ready chan struct{} // closed once the source has been looked at
	once  sync.Once

	troubles atomic.Int64 // errors of the source, one after the other

	mu   sync.Mutex
	work work // nil: not begun
}

// work is what a poller does: read the shards of a stream, or receive from a queue.
type work interface {
	run(ctx context.Context)
	lag(ctx context.Context) []Lag
}

// Lag is how far a mapping is behind in one shard of its source.
type Lag struct {
	Shard    string        `json:"shard,omitempty"`
	Position string        `json:"position,omitempty"` // sequence number that was read last
	Records  int           `json:"records"`            // read and not done; or messages that wait in a queue
	InFlight int           `json:"in_flight,omitempty"`
	Behind   time.Duration `json:"behind_ns"` // age of the oldest record that is not done
}

// startPoller begins to poll once previous, when not nil, is closed: two pollers of
// one mapping would deliver records twice.
func startPoller(m *Manager, mapping catalog.Mapping, previous <-chan struct{}) *poller {
	ctx, stop := context.WithCancel(context.Background())
	p := &poller{
		manager: m, mapping: mapping, stop: stop, done: make(chan struct{}), ready: make(chan struct{}),
		log: m.Log.With("mapping", *mapping.Config.UUID),
	}
	go func() {
		defer close(p.done)
		defer p.started()
		if previous != nil {
			<-previous
		}
		p.run(ctx)
	}()
	return p
}

// started says that the source has been looked at.
func (p *poller) started() { p.once.Do(func() { close(p.ready) }) }

// run polls until ctx ends.
func (p *poller) run(ctx context.Context) {
	for {
		w, err := p.begin(ctx)
		if err == nil {
			p.mu.Lock()
			p.work = w
			p.mu.Unlock()
			w.run(ctx)
			return
		}
		wait := p.failed(ctx, err)
		p.started()
		if !pause(ctx, wait) {
			return
		}
	}
}

// begin makes what is to be done for the mapping.
func (p *poller) begin(ctx context.Context) (work, error) {
	var err error
	if p.target, err = p.mapping.Target(); err != nil {
		return nil, fmt.Errorf("read the function of the mapping: %w", err)
	}
	p.meter = newMeter(p.manager.Metrics, &p.mapping)
	if p.filter, err = filter.Compile(p.mapping.Patterns()); err != nil {
		return nil, err
	}
	if p.filter.All() {
		p.filter = nil
	}
	if err := p.manager.permitted(p.target, *p.mapping.Config.EventSourceArn); err != nil {
		return nil, err
	}
	return p.manager.open(ctx, p)
}

// role is the ARN of the function's role.
func (p *poller) role() string {
	f, err := p.manager.Catalog.Function(p.target)
	if err != nil {
		return ""
	}
	return aws.ToString(f.Latest.Config.Role)
}

// result is the LastProcessingResult from now on.
func (p *poller) result(text string) { p.manager.results.Store(*p.mapping.Config.UUID, text) }

// lag is how far the mapping is behind.
func (p *poller) lag(ctx context.Context) []Lag {
	p.mu.Lock()
	w := p.work
	p.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.lag(ctx)
}

// isReady tells whether the source has been looked at.
func (p *poller) isReady() bool { return closed(p.ready) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// maxTrouble is the longest pause after errors of a source.
const maxTrouble = 15 * time.Second

// failed tells of an error of the source, and how long to wait: longer and longer.
func (p *poller) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	p.result(problem("%v", err))
	n := p.troubles.Add(1)
	if n == 1 {
		p.log.Warn("poll an event source", "err", err)
	}
	return min(time.Second<<min(n-1, 10), maxTrouble)
}

// recovered says that the source answers.
func (p *poller) recovered() {
	if p.troubles.Load() != 0 {
		p.troubles.Store(0)
	}
}

// problem is the LastProcessingResult of a batch that failed.
func problem(format string, args ...any) string { return "PROBLEM: " + fmt.Sprintf(format, args...) }
