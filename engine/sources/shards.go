package sources

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// How often a mapping looks for new shards. There are none without the end of one that
// is being read, so that it is no more than a safeguard where that is told at once.
const (
	shardInterval    = 10 * time.Second
	ownShardInterval = time.Minute
)

// streamPoller feeds a function from all shards of a stream. The children of a shard
// are read once it has been read to its end (spec usecases §4).
type streamPoller struct {
	*poller
	stream stream
	watch  func(streamARN string) (changed <-chan struct{}, stop func(), err error) // nil if nothing tells of new records

	look chan struct{} // something may have become of the shards

	mu      sync.Mutex
	reading map[string]*reader
}

// run reads every shard until ctx ends.
func (p *streamPoller) run(ctx context.Context) {
	var readers sync.WaitGroup
	defer readers.Wait()
	ended := make(chan string)
	for first := true; ; first = false {
		wait := shardInterval
		if p.watch != nil {
			wait = ownShardInterval
		}
		listing, cancel := context.WithTimeout(ctx, sourceTimeout)
		shards, err := p.stream.shards(listing)
		cancel()
		if err != nil {
			wait = p.failed(ctx, err)
		}
		for _, s := range shards {
			if !p.ready(s, shards) {
				continue
			}
			r, err := p.start(ctx, s, first)
			switch {
			case errors.Is(err, errNotOwner):
				wait = min(wait, p.manager.leases.interval())
			case err != nil:
				wait = min(wait, p.failed(ctx, err))
			case r != nil:
				own, stop := context.WithCancel(ctx)
				r.stop = stop
				p.remember(r)
				readers.Go(func() {
					defer stop()
					r.run(own)
					p.forget(s.id)
					select {
					case ended <- s.id:
					case <-ctx.Done():
					}
				})
			}
		}
		if err == nil {
			p.recovered()
			p.stopOthers(shards)
			p.trim(ctx, shards)
		}
		p.started()
		select {
		case <-ctx.Done():
			return
		case <-ended:
		case <-p.look:
		case <-time.After(wait):
		}
	}
}

func (p *streamPoller) key(shard string) string { return *p.mapping.Config.UUID + "." + shard }

// ready tells whether a shard is to be read from now on.
func (p *streamPoller) ready(s shard, all []shard) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reading[s.id] != nil || p.closed(s) {
		return false
	}
	return !slices.ContainsFunc(all, func(other shard) bool { return slices.Contains(s.parents, other.id) && !p.closed(other) })
}

// closed tells whether all of a shard has been read and handled.
func (p *streamPoller) closed(s shard) bool {
	doc, ok := p.manager.checkpoints.Get(p.key(s.id))
	return ok && doc.Closed && doc.Start == s.start
}

// start makes a reader of a shard, unless another engine has it. first is true of the
// shards that there are when polling begins.
func (p *streamPoller) start(ctx context.Context, s shard, first bool) (*reader, error) {
	doc, err := p.manager.leases.claim(ctx, p.manager.checkpoints, p.key(s.id), s.start)
	if err != nil {
		return nil, err
	}
	return newReader(ctx, p, s, doc, p.beginning(first))
}

func (p *streamPoller) remember(r *reader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading[r.shard] = r
}

// stopOthers ends the readers of shards that are no more.
func (p *streamPoller) stopOthers(shards []shard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, r := range p.reading {
		if !slices.ContainsFunc(shards, func(s shard) bool { return s.id == id && s.start == r.first }) {
			r.stop()
		}
	}
}

func (p *streamPoller) forget(shard string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.reading, shard)
}

// beginning is where the mapping begins in a shard that it has read nothing of. LATEST
// is the time at which the mapping was made, so that nothing is missed that comes before
// it is polled, or while the engine is down. Of other servers, whose clock is not the
// engine's, it is the tip of the shards that there are when polling begins.
func (p *streamPoller) beginning(first bool) position {
	config := p.mapping.Config
	at := position{start: config.StartingPosition}
	switch {
	case config.StartingPosition == types.EventSourcePositionAtTimestamp:
		at.at = aws.ToTime(config.StartingPositionTimestamp)
	case config.StartingPosition != types.EventSourcePositionLatest:
	case first && !p.knownShards() && p.watch == nil:
	default:
		return p.created()
	}
	return at
}

// created is the time at which the mapping was made.
func (p *streamPoller) created() position {
	return position{start: types.EventSourcePositionAtTimestamp, at: p.mapping.Created.Add(time.Millisecond - 1).Truncate(time.Millisecond)}
}

// knownShards tells whether the mapping has ever read anything.
func (p *streamPoller) knownShards() bool {
	for _, doc := range p.manager.checkpoints.Scan(*p.mapping.Config.UUID+".", "") {
		if len(doc.Lanes) > 0 {
			return true
		}
	}
	return false
}

// trim forgets the shards that are no more.
func (p *streamPoller) trim(ctx context.Context, shards []shard) {
	prefix := *p.mapping.Config.UUID + "."
	for key, doc := range p.manager.checkpoints.Scan(prefix, "") {
		id := strings.TrimPrefix(key, prefix)
		if doc.Closed && !slices.ContainsFunc(shards, func(s shard) bool { return s.id == id }) {
			if err := p.manager.checkpoints.Delete(ctx, key); err != nil && ctx.Err() == nil {
				p.log.Warn("forget a shard", "shard", id, "err", err)
			}
		}
	}
}

// lag tells how far each shard has been read.
func (p *streamPoller) lag(context.Context) []Lag {
	p.mu.Lock()
	defer p.mu.Unlock()
	lags := make([]Lag, 0, len(p.reading))
	for id, r := range p.reading {
		l := Lag{Shard: id, Behind: r.lag()}
		l.Position, l.Records = r.progress.position()
		lags = append(lags, l)
	}
	slices.SortFunc(lags, func(a, b Lag) int { return strings.Compare(a.Shard, b.Shard) })
	return lags
}
