package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Checkpoint is how far a mapping has come in one shard.
type Checkpoint struct {
	// Owner is the engine that reads the shard; see lease.go.
	Owner string
	// Start is the first sequence number of the shard. A stream that is made anew may have
	// shards of the same names.
	Start string `json:",omitempty"`
	// Lanes are the sequence numbers up to which the records of each lane are done. A
	// mapping has as many lanes in a shard as its ParallelizationFactor says.
	Lanes []string
	// Before are the lanes that the mapping had until its ParallelizationFactor changed,
	// and those before, as long as that still matters.
	Before [][]string `json:",omitempty"`
	// Closed says that the shard has been read to its end, and all is done.
	Closed bool    `json:",omitempty"`
	Window *Window `json:",omitempty"`
}

// Window is a tumbling window that has begun.
type Window struct {
	Start time.Time
	State json.RawMessage `json:",omitempty"`
}

// laneOf is the lane of a key, of n.
func laneOf(key string, n int) int {
	if n == 1 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(n))
}

// with makes a checkpoint have n lanes.
func (c Checkpoint) with(n int) Checkpoint {
	if len(c.Lanes) == n {
		return c
	}
	from := c.from()
	if slices.ContainsFunc(c.Lanes, func(s string) bool { return after(s, from) }) {
		c.Before = append([][]string{c.Lanes}, c.Before...)
	}
	c.Lanes = slices.Repeat([]string{from}, n)
	return c
}

// from is the sequence number behind which there may be records that are not done;
// empty if that may be so of all.
func (c Checkpoint) from() string { return oldest(c.Lanes) }

// oldest is the least of sequence numbers.
func oldest(lanes []string) string {
	if len(lanes) == 0 {
		return ""
	}
	return slices.MinFunc(lanes, func(a, b string) int {
		switch {
		case after(a, b):
			return 1
		case after(b, a):
			return -1
		}
		return 0
	})
}

// has tells whether a record is done.
func (c Checkpoint) has(r *record) bool {
	has := func(lanes []string) bool { return !after(r.sequence, lanes[laneOf(r.key, len(lanes))]) }
	return has(c.Lanes) || slices.ContainsFunc(c.Before, has)
}

// progress moves the checkpoint of a shard on, and keeps it in the store.
type progress struct {
	table  *store.Table[Checkpoint]
	key    string
	engine string

	mu      sync.Mutex
	doc     Checkpoint // what is in the store
	read    string     // last record that was read
	pending []int      // by lane, records that are under way
	moved   bool       // something was read since the last write
}

// errNotOwner says that another engine has taken a shard over.
var errNotOwner = errors.New("another engine reads the shard")

func newProgress(table *store.Table[Checkpoint], key, engine string, doc Checkpoint, lanes int) *progress {
	doc = doc.with(lanes)
	return &progress{table: table, key: key, engine: engine, doc: doc, read: doc.from(), pending: make([]int, lanes)}
}

// begin takes note of a record that a lane has got. It tells false if the record was
// done before.
func (p *progress) begin(r *record, lane int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.read, p.moved = r.sequence, true }()
	if p.doc.has(r) {
		return false
	}
	if p.pending[lane] == 0 && after(p.read, p.doc.Lanes[lane]) {
		p.doc.Lanes[lane] = p.read
	}
	p.pending[lane]++
	return true
}

// skip takes note of a record that nobody gets.
func (p *progress) skip(r *record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read, p.moved = r.sequence, true
}

// done writes down that the oldest records of a lane are done, and what has become of
// the window that they belong to.
func (p *progress) done(ctx context.Context, lane int, records []record, window *Window) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(records); n > 0 {
		p.pending[lane] -= n
		p.doc.Lanes[lane] = records[n-1].sequence
	}
	p.doc.Window = window
	return p.write(ctx)
}

// mark writes down that the shard is being read, if nothing is known of it yet.
func (p *progress) mark(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doc.from() != "" {
		return nil
	}
	return p.write(ctx)
}

// settle writes the checkpoint if only records that nobody gets have moved it.
func (p *progress) settle(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.moved {
		return nil
	}
	return p.write(ctx)
}

// close writes down that the shard has been read to its end.
func (p *progress) close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doc.Closed, p.doc.Window = true, nil
	return p.write(ctx)
}

// write writes the checkpoint, unless another engine has taken the shard over. The
// caller holds the lock.
func (p *progress) write(ctx context.Context) error {
	for lane, n := range p.pending {
		if n == 0 && after(p.read, p.doc.Lanes[lane]) {
			p.doc.Lanes[lane] = p.read
		}
	}
	from := p.doc.from()
	p.doc.Before = slices.DeleteFunc(slices.Clone(p.doc.Before), func(lanes []string) bool {
		return !slices.ContainsFunc(lanes, func(s string) bool { return after(s, from) })
	})
	doc := p.doc
	doc.Lanes = slices.Clone(doc.Lanes)
	_, err := p.table.Update(ctx, p.key, func(stored *Checkpoint, exists bool) error {
		if !exists || stored.Owner != p.engine {
			return errNotOwner
		}
		*stored = doc
		return nil
	})
	if err != nil {
		return fmt.Errorf("write checkpoint %s: %w", p.key, err)
	}
	p.moved = false
	return nil
}

// window is the tumbling window that has begun, if any.
func (p *progress) window() *Window {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.doc.Window
}

// position is what was read last, and how many records are under way.
func (p *progress) position() (read string, pending int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.pending {
		pending += n
	}
	return p.read, pending
}
