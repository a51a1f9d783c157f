package metrics

import (
	"slices"
	"strings"
	"time"
)

// Dimension is a name and a value that a metric is told apart by.
type Dimension struct{ Name, Value string }

// ID names a series of values.
type ID struct {
	Namespace  string
	Name       string
	Unit       string // as CloudWatch spells it
	Dimensions []Dimension
}

// metric is the key of an ID without its unit.
func (id ID) metric() string {
	var b strings.Builder
	b.WriteString(id.Namespace)
	b.WriteByte(0)
	b.WriteString(id.Name)
	for _, d := range id.Dimensions {
		b.WriteByte(0)
		b.WriteString(d.Name)
		b.WriteByte(1)
		b.WriteString(d.Value)
	}
	return b.String()
}

func (id ID) key() string { return id.metric() + "\x00" + id.Unit }

// sorted returns the ID with its dimensions in order, which is how all are kept.
func (id ID) sorted() ID {
	id.Dimensions = slices.Clone(id.Dimensions)
	slices.SortFunc(id.Dimensions, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	return id
}

// Point is what was recorded of a series within one minute.
type Point struct {
	Minute int64 // since the epoch
	Stats
}

// Time is when the minute began.
func (p Point) Time() time.Time { return time.Unix(p.Minute*60, 0).UTC() }

// series is the part of a series that is in memory.
type series struct {
	id      ID
	points  []Point // by minute
	last    int64   // minute of the newest value ever
	dropped bool    // nothing is left of it
}

// at returns the point of a minute, made when missing.
func (s *series) at(minute int64) *Point {
	n := len(s.points)
	switch {
	case n > 0 && s.points[n-1].Minute == minute:
		return &s.points[n-1]
	case n == 0 || s.points[n-1].Minute < minute:
		s.points = append(s.points, Point{Minute: minute})
		s.last = max(s.last, minute)
		return &s.points[n]
	}
	i, found := slices.BinarySearchFunc(s.points, minute, func(p Point, minute int64) int { return int(p.Minute - minute) })
	if !found {
		s.points = slices.Insert(s.points, i, Point{Minute: minute})
	}
	return &s.points[i]
}

// within returns the points with from <= minute < to. They belong to the series.
func (s *series) within(from, to int64) []Point {
	cmp := func(p Point, minute int64) int { return int(p.Minute - minute) }
	low, _ := slices.BinarySearchFunc(s.points, from, cmp)
	high, _ := slices.BinarySearchFunc(s.points, to, cmp)
	return s.points[low:high]
}
