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

// Times of leases.
const (
	beatInterval = 5 * time.Second
	leaseTime    = 20 * time.Second
)

// leases knows which engines live.
type leases struct {
	engine string // this one
	table  *store.Table[beat]
	log    *slog.Logger
	wake   chan struct{}

	mu    sync.Mutex
	heard map[string]time.Time // by engine, on this machine's clock
	told  time.Time            // when this one has told of itself
}

type beat struct{ At time.Time }

func openLeases(ctx context.Context, s *store.Store, engine string, log *slog.Logger) (l *leases, err error) {
	l = &leases{engine: engine, log: log, heard: map[string]time.Time{}, wake: make(chan struct{}, 1)}
	l.table, err = store.OpenTable(ctx, s, "engines", func(engine string, _ beat, exists bool) {
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
		wait := beatInterval
		if busy() {
			if err := l.tell(ctx); err != nil && ctx.Err() == nil {
				l.log.Error("tell the other engines of the cluster that this one lives", "err", err)
			}
		}
		timer := time.NewTimer(wait)
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
	ctx, cancel := context.WithTimeout(ctx, beatInterval)
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
	ctx, cancel := context.WithTimeout(context.Background(), beatInterval)
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
	return time.Since(l.told) < leaseTime-beatInterval
}

// lives tells whether an engine may still read its shards.
func (l *leases) lives(engine string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	heard, ok := l.heard[engine]
	return ok && time.Since(heard) < leaseTime
}

// claim makes a shard this engine's, unless another has it, and returns how far it has
// been read.
func (l *leases) claim(ctx context.Context, checkpoints *store.Table[Checkpoint], key string) (Checkpoint, error) {
	if !l.held() {
		if err := l.tell(ctx); err != nil {
			return Checkpoint{}, fmt.Errorf("claim shard %s: %w", key, err)
		}
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	if doc, ok := checkpoints.Get(key); ok && doc.Owner == l.engine {
		return doc, nil
	}
	doc, err := checkpoints.Update(ctx, key, func(doc *Checkpoint, exists bool) error {
		if exists && doc.Owner != l.engine && l.lives(doc.Owner) {
			return errNotOwner
		}
		doc.Owner = l.engine
		return nil
	})
	if err != nil && !errors.Is(err, errNotOwner) {
		err = fmt.Errorf("claim shard %s: %w", key, err)
	}
	return doc, err
}
