package metrics

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"sync"
	"time"
)

// Namespace is that of what the engine says of functions.
const Namespace = "AWS/Lambda"

// functionDimension tells functions apart.
const functionDimension = "FunctionName"

// indexToken ends the subject of a group's list of series.
const indexToken = "index"

// customPrefix begins the names of groups of metrics that are not the engine's own.
const customPrefix = "c-"

// tokenOf names the group of a series.
func tokenOf(id ID) string {
	if id.Namespace == Namespace {
		for _, d := range id.Dimensions {
			if d.Name == functionDimension {
				return "f-" + subjectToken(d.Value)
			}
		}
		return "account"
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(id.Namespace + "\x00" + id.Name))
	return customPrefix + hex.EncodeToString(sum.Sum(nil))
}

// group is the series that are stored together, under subjects of one prefix.
type group struct {
	store  *Store
	prefix string

	mu     sync.Mutex
	series map[string]*series // by key
	stored map[int64]bool     // hours that there are blocks of
	// complete are the hours of which memory holds all. Of others it holds what has
	// come since the engine started, or nothing.
	complete map[int64]bool
	dirty    []int64 // hours to write
	indexed  bool    // series has all that the stored index has
	newIndex bool    // the index is to be written
}

func newGroup(m *Store, prefix string) *group {
	return &group{store: m, prefix: prefix, series: map[string]*series{}, stored: map[int64]bool{}, complete: map[int64]bool{}, indexed: true}
}

// lookup returns the series of an ID, made when missing. The caller holds the lock.
func (g *group) lookup(id ID) *series {
	key := id.key()
	s := g.series[key]
	if s == nil {
		s = &series{id: id}
		g.series[key] = s
	}
	return s
}

// touch notes that a minute of a series is about to change. The caller holds the lock.
func (g *group) touch(s *series, minute int64) {
	hour := minute / 60
	if s.last/60 < hour { // new, or not heard of for a while
		g.newIndex = true
	}
	for _, d := range g.dirty {
		if d == hour {
			return
		}
	}
	g.dirty = append(g.dirty, hour)
	if len(g.dirty) == 1 {
		g.store.touched()
	}
}

func (g *group) subject(hour int64) string { return g.prefix + strconv.FormatInt(hour, 10) }

// block reads a stored hour.
func (g *group) block(ctx context.Context, hour int64) ([]series, error) {
	raw, err := g.store.get(ctx, g.subject(hour))
	if err != nil || raw == nil {
		return nil, err
	}
	return decodeBlock(raw, hour)
}

// flush writes the hours that have changed, and the index if it has.
func (g *group) flush(ctx context.Context) error {
	g.mu.Lock()
	hours, index := g.dirty, g.newIndex
	g.dirty, g.newIndex = nil, false
	g.mu.Unlock()
	var errs []error
	if index { // first: what is not listed is not found after a crash
		if err := g.writeIndex(ctx); err != nil {
			errs = append(errs, err)
			g.mu.Lock()
			g.newIndex = true
			g.mu.Unlock()
		}
	}
	for _, hour := range hours {
		if err := g.write(ctx, hour); err != nil {
			errs = append(errs, err)
			g.mu.Lock()
			g.dirty = append(g.dirty, hour)
			g.mu.Unlock()
			g.store.touched()
		}
	}
	if len(hours) > 0 {
		g.trim()
	}
	return errors.Join(errs...)
}

// before returns what is stored of an hour and memory does not have.
func (g *group) before(ctx context.Context, hour int64) ([]series, error) {
	g.mu.Lock()
	missing := g.stored[hour] && !g.complete[hour]
	g.mu.Unlock()
	if !missing {
		return nil, nil
	}
	return g.block(ctx, hour)
}

// write writes the block of an hour, completed by what is stored of it.
func (g *group) write(ctx context.Context, hour int64) error {
	before, err := g.before(ctx, hour)
	if err != nil {
		return err
	}
	g.mu.Lock()
	for i := range before { // nobody else completes hours
		s := g.lookup(before[i].id)
		for j := range before[i].points {
			p := &before[i].points[j]
			s.at(p.Minute).Merge(&p.Stats)
		}
	}
	g.complete[hour] = true
	raw := encodeBlock(g.series, hour)
	g.mu.Unlock()
	if raw == nil {
		return nil
	}
	if _, err := g.store.js.Publish(ctx, g.subject(hour), raw); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	g.mu.Lock()
	g.stored[hour] = true
	g.mu.Unlock()
	return nil
}

// trim takes hours that have passed, and are stored, out of memory.
func (g *group) trim() {
	now := g.store.now().Unix() / 3600
	g.mu.Lock()
	defer g.mu.Unlock()
	oldest := now - hoursInMemory
	for _, hour := range g.dirty { // a write has failed
		oldest = min(oldest, hour)
	}
	for hour := range g.complete {
		if hour < oldest {
			delete(g.complete, hour)
		}
	}
	for _, s := range g.series {
		if len(s.points) > 0 && s.points[0].Minute < oldest*60 {
			s.points = append([]Point(nil), s.within(oldest*60, 1<<62)...)
		}
	}
}

func (g *group) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.series)
}

// forget drops hours and series that are older than a time.
func (g *group) forget(oldest time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for hour := range g.stored {
		if (hour+1)*3600 < oldest.Unix() {
			delete(g.stored, hour)
		}
	}
	for key, s := range g.series {
		if s.last*60 < oldest.Unix() {
			s.dropped = true
			delete(g.series, key)
		}
	}
}

// listed is a series in the index.
type listed struct {
	ID
	Last int64 // minute
}

// loadIndex makes sure that all series of the group are known.
func (g *group) loadIndex(ctx context.Context) error {
	g.mu.Lock()
	known := g.indexed
	g.mu.Unlock()
	if known {
		return nil
	}
	raw, err := g.store.get(ctx, g.prefix+indexToken)
	if err != nil {
		return err
	}
	var all []listed
	if raw != nil {
		if err := json.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("read index of metrics: %w", err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range all {
		s := g.lookup(l.ID)
		s.last = max(s.last, l.Last)
	}
	g.indexed = true
	return nil
}

func (g *group) writeIndex(ctx context.Context) error {
	if err := g.loadIndex(ctx); err != nil {
		return err
	}
	oldest := g.store.now().Add(-Retention).Unix() / 60
	g.mu.Lock()
	var all []listed
	for _, s := range g.series {
		if s.last >= oldest {
			all = append(all, listed{s.id, s.last})
		}
	}
	g.mu.Unlock()
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encode index of metrics: %w", err)
	}
	if _, err := g.store.js.Publish(ctx, g.prefix+indexToken, raw); err != nil {
		return fmt.Errorf("write index of metrics: %w", err)
	}
	return nil
}
