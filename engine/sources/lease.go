package sources

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Engines of one cluster share a store, and no two of them may read one shard at the
// same time. Each tells that it lives by a beat in the store; a checkpoint names the
// engine that reads the shard, and another may only take it over once that engine has
// not been heard of for leaseTime. Every checkpoint is written on the condition that
// the shard is still the writer's. An engine that was killed has its old name when it
// is started again, and goes on at once.

// leaseTime is how long an engine that has fallen silent keeps its shards. It tells of
// itself four times in that time.
const leaseTime = 20 * time.Second

func (l *leases) interval() time.Duration { return l.life / 4 }

// leases knows which engines live.
type leases struct {
	engine string // this one
	table  *store.Table[beat]
	log    *slog.Logger
	wake   chan struct{}

	life time.Duration

	mu    sync.Mutex
	heard map[string]time.Time // by engine, on this machine's clock
	told  time.Time            // when this one has told of itself
}

type beat struct{ At time.Time }

func openLeases(ctx context.Context, o Options) (l *leases, err error) {
	l = &leases{engine: o.Engine, log: o.Log, heard: map[string]time.Time{}, wake: make(chan struct{}, 1), life: o.lease}
	l.table, err = store.OpenTable(ctx, o.Store, "engines", func(engine string, _ beat, exists bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.heard[engine] = time.Now(); !exists {
			delete(l.heard, engine)
		}
	})
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, engine := range l.table.Keys() { // they may live: who knows when they wrote
		l.heard[engine] = time.Now()
	}
	return l, nil
}

// run tells of this engine as long as busy says that it has shards to read.
func (l *leases) run(ctx context.Context, busy func() bool) {
	for {
		if busy() {
			if err := l.tell(ctx); err != nil && ctx.Err() == nil {
				l.log.Error("tell the other engines of the cluster that this one lives", "err", err)
			}
		}
		timer := time.NewTimer(l.interval())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (l *leases) tell(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.interval())
	defer cancel()
	began := time.Now()
	if err := l.table.Put(ctx, l.engine, beat{At: began}); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = began
	return nil
}

// close tells the others that they need not wait for this engine.
func (l *leases) close() {
	ctx, cancel := context.WithTimeout(context.Background(), l.interval())
	defer cancel()
	if _, ok := l.table.Get(l.engine); ok {
		if err := l.table.Delete(ctx, l.engine); err != nil {
			l.log.Warn("tell the other engines of the cluster that this one ends", "err", err)
		}
	}
	l.table.Close()
}

// held tells whether the others still take this engine for alive; with a margin.
func (l *leases) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.told) < l.life*3/4
}

// lives tells whether an engine may still read its shards.
func (l *leases) lives(engine string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard, ok := l.heard[engine]
	return ok && time.Since(heard) < l.life
}

// claim makes a shard with that first sequence number this engine's, unless another has
// it, and returns how far it has been read.
func (l *leases) claim(ctx context.Context, checkpoints *store.Table[Checkpoint], key, start string) (Checkpoint, error) {
	if !l.held() {
		if err := l.tell(ctx); err != nil {
			return Checkpoint{}, fmt.Errorf("claim shard %s: %w", key, err)
		}
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	if doc, ok := checkpoints.Get(key); ok && doc.Owner == l.engine && doc.Start == start {
		return doc, nil
	}
	doc, err := checkpoints.Update(ctx, key, func(doc *Checkpoint, exists bool) error {
		if exists && doc.Owner != l.engine && l.lives(doc.Owner) {
			return errNotOwner
		}
		if doc.Start != start {
			*doc = Checkpoint{Start: start}
		}
		doc.Owner = l.engine
		return nil
	})
	if err != nil && !errors.Is(err, errNotOwner) {
		err = fmt.Errorf("claim shard %s: %w", key, err)
	}
	return doc, err
}
