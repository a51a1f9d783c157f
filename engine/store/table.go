package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// Table is a bucket of JSON documents of one type, with a copy of all of them in
// memory, so that a read never touches the disk. Documents that a Table hands out
// are shared: nobody may change them.
type Table[T any] struct {
	store    *Store
	kv       jetstream.KeyValue
	watcher  jetstream.KeyWatcher
	done     chan struct{}
	onChange func(key string, doc T, exists bool)

	mu    sync.RWMutex
	docs  map[string]entry[T]
	order []string // keys of the documents that there are, sorted
	index func(key string, doc T, exists bool)
}

type entry[T any] struct {
	doc      T
	revision uint64
	deleted  bool
}

// OpenTable opens the named bucket and loads it. onChange, which may be nil, is
// called after each change of a document, one call at a time, never before
// OpenTable has returned.
func OpenTable[T any](ctx context.Context, s *Store, name string, onChange func(key string, doc T, exists bool)) (*Table[T], error) {
	kv, err := s.bucket(ctx, name)
	if err != nil {
		return nil, err
	}
	watcher, err := kv.WatchAll(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("watch bucket %s: %w", name, err)
	}
	t := &Table[T]{store: s, kv: kv, watcher: watcher, done: make(chan struct{}), onChange: onChange, docs: map[string]entry[T]{}}
	for e := range watcher.Updates() {
		if e == nil { // all that was there before has been delivered
			break
		}
		if _, err := t.apply(e); err != nil {
			_ = watcher.Stop()
			return nil, err
		}
	}
	go t.follow()
	return t, nil
}

// Close stops following changes.
func (t *Table[T]) Close() {
	_ = t.watcher.Stop()
	<-t.done
}

func (t *Table[T]) follow() {
	defer close(t.done)
	for e := range t.watcher.Updates() {
		if e == nil {
			continue
		}
		doc, err := t.apply(e)
		if err == nil && t.onChange != nil {
			t.onChange(e.Key(), doc, e.Operation() == jetstream.KeyValuePut)
		}
	}
}

func (t *Table[T]) apply(e jetstream.KeyValueEntry) (T, error) {
	t.mu.RLock()
	known := t.docs[e.Key()]
	t.mu.RUnlock()
	if known.revision == e.Revision() && !known.deleted { // a write of this table's own
		return known.doc, nil
	}
	var doc T
	deleted := e.Operation() != jetstream.KeyValuePut
	if !deleted {
		if err := json.Unmarshal(e.Value(), &doc); err != nil {
			return doc, fmt.Errorf("read document %s of bucket %s: %w", e.Key(), e.Bucket(), err)
		}
	}
	t.remember(e.Key(), entry[T]{doc: doc, revision: e.Revision(), deleted: deleted})
	return doc, nil
}

// remember keeps whichever of two versions of a document is newer: a writer sees
// its own write at once, and the watch delivers it again a little later.
func (t *Table[T]) remember(key string, e entry[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.docs[key].revision >= e.revision { // equal: it may have been deleted here since
		return
	}
	t.set(key, e)
}

// set keeps a document, or what is left of one, and the order of the keys. The
// caller holds the lock.
func (t *Table[T]) set(key string, e entry[T]) {
	t.docs[key] = e
	if t.index != nil {
		t.index(key, e.doc, !e.deleted)
	}
	i, listed := slices.BinarySearch(t.order, key)
	switch {
	case e.deleted && listed:
		t.order = slices.Delete(t.order, i, i+1)
	case !e.deleted && !listed:
		t.order = slices.Insert(t.order, i, key)
	}
}

// Index has keep called for every document: now for those that there are, and
// from now on for each change, before anybody can read it. keep must be quick and
// may not use the table.
func (t *Table[T]) Index(keep func(key string, doc T, exists bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.index = keep
	for _, key := range t.order {
		keep(key, t.docs[key].doc, true)
	}
}

// Get returns the document under key.
func (t *Table[T]) Get(key string) (doc T, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	e, ok := t.docs[key]
	return e.doc, ok && !e.deleted
}

// All returns every document, in the order of the keys.
func (t *Table[T]) All() []T {
	t.mu.RLock()
	defer t.mu.RUnlock()
	docs := make([]T, 0, len(t.order))
	for _, key := range t.order {
		docs = append(docs, t.docs[key].doc)
	}
	return docs
}

// Keys returns the keys of every document, sorted.
func (t *Table[T]) Keys() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.order)
}

// chunk is how many documents Scan copies under one lock.
const chunk = 64

// Scan yields the documents whose keys begin with prefix, in the order of the
// keys, from the first key that is not less than from. It costs what it yields,
// not what the table holds. Documents that come and go meanwhile may be missed.
func (t *Table[T]) Scan(prefix, from string) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for next := max(prefix, from); ; {
			keys, docs := t.copyFrom(prefix, next)
			for i, key := range keys {
				if !yield(key, docs[i]) {
					return
				}
			}
			if len(keys) < chunk {
				return
			}
			next = keys[len(keys)-1] + "\x00"
		}
	}
}

func (t *Table[T]) copyFrom(prefix, from string) (keys []string, docs []T) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	start, _ := slices.BinarySearch(t.order, from)
	for _, key := range t.order[start:] {
		if len(keys) == chunk || !strings.HasPrefix(key, prefix) {
			break
		}
		keys, docs = append(keys, key), append(docs, t.docs[key].doc)
	}
	return keys, docs
}

// Put writes doc under key whatever was there before.
func (t *Table[T]) Put(ctx context.Context, key string, doc T) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode document %s: %w", key, err)
	}
	if err := t.store.room(int64(len(raw)), documentReserve); err != nil {
		return err
	}
	revision, err := t.kv.Put(ctx, key, raw)
	if err != nil {
		return fmt.Errorf("write document %s: %w", key, err)
	}
	t.remember(key, entry[T]{doc: doc, revision: revision})
	return nil
}

// Update changes the document under key, atomically: change gets a copy of its own
// (the zero T and false when there is none), and what it leaves in *doc is written
// if nobody else wrote in between; otherwise change is called again on what is
// there now. An error from change is returned as it is, and nothing is written.
func (t *Table[T]) Update(ctx context.Context, key string, change func(doc *T, exists bool) error) (T, error) {
	for {
		t.mu.RLock()
		old := t.docs[key]
		t.mu.RUnlock()
		if err := ctx.Err(); err != nil {
			return old.doc, fmt.Errorf("write document %s: %w", key, err)
		}
		doc, err := clone(old.doc)
		if err != nil {
			return doc, fmt.Errorf("copy document %s: %w", key, err)
		}
		if err := change(&doc, old.revision != 0 && !old.deleted); err != nil {
			return doc, err
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			return doc, fmt.Errorf("encode document %s: %w", key, err)
		}
		if err := t.store.room(int64(len(raw)), documentReserve); err != nil {
			return doc, err
		}
		revision, err := t.kv.Update(ctx, key, raw, old.revision)
		if isConflict(err) {
			if err := t.refresh(ctx, key); err != nil {
				return doc, err
			}
			continue
		}
		if err != nil {
			return doc, fmt.Errorf("write document %s: %w", key, err)
		}
		t.remember(key, entry[T]{doc: doc, revision: revision})
		return doc, nil
	}
}

// Delete removes the document under key; a missing one is no error.
func (t *Table[T]) Delete(ctx context.Context, key string) error {
	before := t.revision(key)
	if err := t.kv.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete document %s: %w", key, err)
	}
	t.forget(key, before)
	return nil
}

func (t *Table[T]) revision(key string) uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.docs[key].revision
}

// forget hides a document at once, if it is still the one of the given revision;
// the watch tells the revision of its deletion.
func (t *Table[T]) forget(key string, revision uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.docs[key]; ok && e.revision == revision {
		t.set(key, entry[T]{revision: revision, deleted: true})
	}
}

// refresh reads what is under key now, past the copy in memory.
func (t *Table[T]) refresh(ctx context.Context, key string) error {
	before := t.revision(key)
	e, err := t.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		t.forget(key, before)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read document %s: %w", key, err)
	}
	_, err = t.apply(e)
	return err
}

func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

func clone[T any](doc T) (T, error) {
	var copied T
	raw, err := json.Marshal(doc)
	if err != nil {
		return copied, err
	}
	err = json.Unmarshal(raw, &copied)
	return copied, err
}
