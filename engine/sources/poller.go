package sources

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

const (
	// pollInterval is the pause of a reader whose shard had nothing new.
	pollInterval = 200 * time.Millisecond
	// shardInterval is how often a poller looks for new shards.
	shardInterval = 10 * time.Second
)

// poller feeds the function of one mapping from all shards of its stream.
type poller struct {
	manager *Manager
	mapping catalog.Mapping
	client  *kinesis.Client
	stream  string
	running bool // not told to stop; guarded by the manager's lock
	stop    context.CancelFunc
	done    chan struct{}
}

// startPoller begins to poll once previous, when not nil, is closed: two pollers of
// one mapping would deliver records twice.
func startPoller(m *Manager, mapping catalog.Mapping, previous <-chan struct{}) *poller {
	ctx, stop := context.WithCancel(context.Background())
	p := &poller{manager: m, mapping: mapping, running: true, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if previous != nil {
			<-previous
		}
		p.run(ctx)
	}()
	return p
}

// run reads every shard until ctx ends.
func (p *poller) run(ctx context.Context) {
	log := p.manager.Log.With("mapping", *p.mapping.Config.UUID)
	scope, _, stream, err := parseSource(*p.mapping.Config.EventSourceArn)
	if err != nil {
		log.Error("mapping with a bad source", "err", err)
		return
	}
	p.client, p.stream = p.manager.Kinesis(scope), stream

	var readers sync.WaitGroup
	defer readers.Wait()
	reading := map[string]bool{}
	for {
		shards, err := p.shards(ctx)
		if err != nil && ctx.Err() == nil {
			p.result(problem("cannot list the shards of the stream: %v", err))
			log.Warn("list shards", "stream", stream, "err", err)
		}
		for _, id := range shards {
			if !reading[id] {
				reading[id] = true
				readers.Go(func() { newReader(p, id).run(ctx) })
			}
		}
		if !pause(ctx, shardInterval) {
			return
		}
	}
}

// shards lists the ids of the stream's shards.
func (p *poller) shards(ctx context.Context) ([]string, error) {
	var ids []string
	in := &kinesis.ListShardsInput{StreamName: &p.stream}
	for {
		out, err := p.client.ListShards(ctx, in)
		if err != nil {
			return ids, err
		}
		for _, shard := range out.Shards {
			ids = append(ids, *shard.ShardId)
		}
		if out.NextToken == nil {
			return ids, nil
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func (p *poller) result(text string) { p.manager.results.Store(*p.mapping.Config.UUID, text) }

// startOf is the iterator of a shard that the mapping has not read from yet.
// LATEST means the moment the mapping was created, so that nothing is missed when
// the engine restarts before the first record.
func (p *poller) startOf(in *kinesis.GetShardIteratorInput) {
	config := p.mapping.Config
	in.ShardIteratorType = types.ShardIteratorType(config.StartingPosition)
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeAtTimestamp:
		in.Timestamp = config.StartingPositionTimestamp
	case types.ShardIteratorTypeLatest:
		created := p.mapping.Created.Add(time.Millisecond - 1).Truncate(time.Millisecond)
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &created
	}
}

// pause waits, and tells whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
