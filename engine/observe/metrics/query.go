package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// ErrTooMany says that an account has made up more series than the store keeps.
var ErrTooMany = errors.New("too many metrics")

// Put records what somebody else has measured.
func (m *Store) Put(scope catalog.Scope, id ID, at time.Time, stats Stats) error {
	id = id.sorted()
	g := m.group(scope, tokenOf(id))
	g.mu.Lock()
	_, known := g.series[id.key()]
	g.mu.Unlock()
	if !known {
		m.mu.Lock()
		full := m.custom[scope] >= maxCustom
		if !full {
			m.custom[scope]++
		}
		m.mu.Unlock()
		if full {
			return fmt.Errorf("%w: %d of %s in %s", ErrTooMany, maxCustom, scope.Account, scope.Region)
		}
	}
	minute := at.Unix() / 60
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.lookup(id)
	g.touch(s, minute)
	s.at(minute).Merge(&stats)
	return nil
}

// Series are the points of one unit.
type Series struct {
	Unit   string
	Points []Point // by minute
}

// Query returns the points of a metric with just these dimensions that lie in minutes
// beginning at from or later and before to, by unit; of every unit if unit is empty.
func (m *Store) Query(ctx context.Context, scope catalog.Scope, id ID, from, to time.Time) ([]Series, error) {
	id = id.sorted()
	m.mu.RLock()
	g := m.groups[scope][tokenOf(id)]
	m.mu.RUnlock()
	if g == nil {
		return nil, nil
	}
	wanted := id.metric()
	units := map[string][]Point{}
	first, end := ceilMinute(from), ceilMinute(to)
	add := func(unit string, points []Point) {
		for i := range points {
			p := &points[i]
			if p.Minute < first || p.Minute >= end {
				continue
			}
			list := units[unit]
			if n := len(list); n > 0 && list[n-1].Minute == p.Minute {
				list[n-1].Merge(&p.Stats)
				continue
			}
			own := Point{Minute: p.Minute}
			own.Merge(&p.Stats)
			units[unit] = append(list, own)
		}
	}
	for _, hour := range g.hours(first, end) {
		if err := g.read(ctx, hour, func(s *series, points []Point) {
			if (id.Unit == "" || s.id.Unit == id.Unit) && s.id.metric() == wanted {
				add(s.id.Unit, points)
			}
		}); err != nil {
			return nil, err
		}
	}
	var all []Series
	for unit, points := range units {
		slices.SortStableFunc(points, func(a, b Point) int { return int(a.Minute - b.Minute) })
		all = append(all, Series{unit, mergeMinutes(points)})
	}
	slices.SortFunc(all, func(a, b Series) int { return strings.Compare(a.Unit, b.Unit) })
	return all, nil
}

func ceilMinute(t time.Time) int64 { return (t.Unix() + 59) / 60 }

// mergeMinutes makes one point of those of the same minute, which follow each other.
func mergeMinutes(points []Point) []Point {
	merged := points[:0]
	for i := range points {
		if n := len(merged); n > 0 && merged[n-1].Minute == points[i].Minute {
			merged[n-1].Merge(&points[i].Stats)
			continue
		}
		merged = append(merged, points[i])
	}
	return merged
}

// hours are those that may have points between two minutes, in order.
func (g *group) hours(first, end int64) []int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := map[int64]bool{}
	for hour := range g.stored {
		if (hour+1)*60 > first && hour*60 < end {
			found[hour] = true
		}
	}
	for _, s := range g.series {
		for _, p := range s.within(first, end) {
			found[p.Minute/60] = true
		}
	}
	hours := make([]int64, 0, len(found))
	for hour := range found {
		hours = append(hours, hour)
	}
	slices.Sort(hours)
	return hours
}

// read calls each for all series with their points of an hour: those that are stored,
// unless memory has all of them, and those in memory, under the group's lock.
func (g *group) read(ctx context.Context, hour int64, each func(*series, []Point)) error {
	before, err := g.before(ctx, hour)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.complete[hour] {
		for i := range before {
			each(&before[i], before[i].points)
		}
	}
	for _, s := range g.series {
		if points := s.within(hour*60, (hour+1)*60); len(points) > 0 {
			each(s, points)
		}
	}
	return nil
}

// Listed is a series that there is, with the minute of its newest point.
type Listed struct {
	ID
	Last time.Time
}

// List returns the series of an account in a region that match says yes to, in the order
// of namespace, name, dimensions and unit.
func (m *Store) List(ctx context.Context, scope catalog.Scope, match func(ID) bool) ([]Listed, error) {
	m.mu.RLock()
	groups := make([]*group, 0, len(m.groups[scope]))
	for _, g := range m.groups[scope] {
		groups = append(groups, g)
	}
	m.mu.RUnlock()
	var all []Listed
	for _, g := range groups {
		if err := g.loadIndex(ctx); err != nil {
			return nil, err
		}
		g.mu.Lock()
		for _, s := range g.series {
			if s.last > 0 && match(s.id) {
				all = append(all, Listed{s.id, time.Unix(s.last*60, 0).UTC()})
			}
		}
		g.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.key(), b.key()) })
	return all, nil
}
