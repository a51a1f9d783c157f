package observe

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Position is the place of an event among all of its group. Positions are in the
// order of time, and never change.
type Position struct {
	Time  int64 // Unix milliseconds
	Seq   uint64
	Index uint32
}

// compare tells which of two positions is first.
func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Index, q.Index))
}

// String is 56 digits, whose order is that of the positions, as in AWS's event ids.
func (p Position) String() string {
	return fmt.Sprintf("%026d%020d%010d", max(p.Time, 0), p.Seq, p.Index)
}

// ParsePosition reads what String has written.
func ParsePosition(s string) (p Position, err error) {
	if len(s) != 56 {
		return p, fmt.Errorf("position %q has not 56 digits", s)
	}
	at, err1 := strconv.ParseUint(s[:26], 10, 63)
	seq, err2 := strconv.ParseUint(s[26:46], 10, 64)
	index, err3 := strconv.ParseUint(s[46:], 10, 32)
	if err := errors.Join(err1, err2, err3); err != nil {
		return p, fmt.Errorf("position %q: %w", s, err)
	}
	return Position{int64(at), seq, uint32(index)}, nil
}

// Query says which events of a group are wanted.
type Query struct {
	Group  Group
	Stream func(name string) bool // nil: of all streams
	// Start and End bound the time of events, both inclusive; an End of zero does not.
	Start, End time.Time
	Backward   bool                      // from the newest to the oldest
	After      *Position                 // only what comes after it, in the direction of reading
	Match      func(message string) bool // nil: everything
	Limit      int                       // events on a page
	Bytes      int                       // of a page's messages, with overhead bytes more for each; 0: no limit
	Scan       int                       // bytes to look at for one page; 0: no limit

	before uint64 // only what was written before; 0: everything
}

// overhead is what AWS counts for an event beside its message.
const overhead = 26

// Page is a part of a query's answer.
type Page struct {
	Events []Event
	Last   *Position // of the last event that was looked at; nil if none was
	More   bool      // there may be more
}

// Query returns a page of events in the order of time, of all that was appended before.
func (l *Logs) Query(ctx context.Context, q Query) (Page, error) {
	l.Flush()
	var page Page
	size, looked := 0, 0
	err := l.scan(ctx, q, func(stream string, at Position, ingested int64, message string) bool {
		matches := q.Match == nil || q.Match(message)
		cost := len(message) + overhead
		if matches && len(page.Events) > 0 && (len(page.Events) >= q.Limit && q.Limit > 0 || q.Bytes > 0 && size+cost > q.Bytes) || q.Scan > 0 && looked > q.Scan {
			page.More = true
			return false
		}
		page.Last = &at
		looked += cost
		if matches {
			size += cost
			page.Events = append(page.Events, Event{
				Time: time.UnixMilli(at.Time).UTC(), Message: message, Stream: stream, ID: at.String(), Ingested: time.UnixMilli(ingested).UTC(),
			})
		}
		return true
	})
	return page, err
}

// horizon is the time before which events of a group have expired.
func (l *Logs) horizon(g Group) int64 {
	record, ok := l.groups.Get(g.key())
	if !ok || record.Retention == 0 {
		return math.MinInt64
	}
	return l.now().Add(-time.Duration(record.Retention) * 24 * time.Hour).UnixMilli()
}

// scan yields the events of a query in the order of time. It reads batches when
// their time has come, and merges those whose times overlap.
func (l *Logs) scan(ctx context.Context, q Query, yield func(stream string, at Position, ingested int64, message string) bool) error {
	all, names, _, err := l.index(ctx, q.Group)
	if err != nil {
		return err
	}
	from, to := max(q.Start.UnixMilli(), l.horizon(q.Group)), int64(math.MaxInt64)
	if q.Start.IsZero() {
		from = l.horizon(q.Group)
	}
	if !q.End.IsZero() {
		to = q.End.UnixMilli()
	}
	if q.After != nil && !q.Backward {
		from = max(from, q.After.Time)
	}
	if q.After != nil && q.Backward {
		to = min(to, q.After.Time)
	}
	wanted, streams := make([]bool, len(names)), 0
	for i, name := range names {
		if wanted[i] = q.Stream == nil || q.Stream(name); wanted[i] {
			streams++
		}
	}
	var spans []span
	subject := q.Group.subjects()
	for _, s := range all {
		if wanted[s.stream] && s.max >= from && s.min <= to && (q.before == 0 || s.seq < q.before) {
			spans = append(spans, s)
			if streams == 1 {
				subject = q.Group.Stream(names[s.stream]).subject()
			}
		}
	}
	m := merge{back: q.Backward}
	slices.SortFunc(spans, func(a, b span) int {
		if q.Backward {
			return cmp.Or(cmp.Compare(b.max, a.max), cmp.Compare(b.seq, a.seq))
		}
		return cmp.Or(cmp.Compare(a.min, b.min), cmp.Compare(a.seq, b.seq))
	})
	loader := newLoader(l, subject)
	for next := 0; next < len(spans) || m.Len() > 0; {
		for next < len(spans) && m.due(spans[next]) {
			s := spans[next]
			next++
			first := s.seq
			if q.Backward { // what is wanted next was written before
				for _, soon := range spans[next:min(next+loader.count/2, len(spans))] {
					first = min(first, soon.seq)
				}
			}
			lines, err := loader.load(ctx, s.seq, first)
			if errors.Is(err, errGone) || errors.Is(err, errBatch) {
				continue
			}
			if err != nil {
				return err
			}
			m.add(s, lines)
		}
		if m.Len() == 0 {
			continue
		}
		s, at, message := m.take()
		if at.Time < from || at.Time > to {
			if at.Time > to && !q.Backward || at.Time < from && q.Backward {
				return nil
			}
			continue
		}
		if q.After != nil && (q.Backward && at.compare(*q.After) >= 0 || !q.Backward && at.compare(*q.After) <= 0) {
			continue
		}
		if !yield(names[s.stream], at, s.ingested, message) {
			return nil
		}
	}
	return ctx.Err()
}

// merge is a heap of batches under way, by their next event.
type merge struct {
	back    bool
	cursors []*cursor
}

type cursor struct {
	span
	lines []line
	at    int
}

func (c *cursor) position() Position { return Position{c.lines[c.at].time, c.seq, uint32(c.at)} }

// due tells whether a batch must be read before the next event can be taken.
func (m *merge) due(s span) bool {
	switch {
	case len(m.cursors) == 0:
		return true
	case m.back:
		return s.max >= m.cursors[0].position().Time
	}
	return s.min <= m.cursors[0].position().Time
}

func (m *merge) add(s span, lines []line) {
	c := &cursor{span: s, lines: lines}
	if m.back {
		c.at = len(lines) - 1
	}
	heap.Push(m, c)
}

func (m *merge) take() (span, Position, string) {
	c := m.cursors[0]
	position, message := c.position(), c.lines[c.at].message
	if m.back {
		c.at--
	} else {
		c.at++
	}
	if c.at < 0 || c.at == len(c.lines) {
		heap.Pop(m)
	} else {
		heap.Fix(m, 0)
	}
	return c.span, position, message
}

// The methods of heap.Interface.

func (m *merge) Len() int { return len(m.cursors) }

func (m *merge) Less(i, j int) bool {
	order := m.cursors[i].position().compare(m.cursors[j].position())
	return order < 0 != m.back
}
func (m *merge) Swap(i, j int) { m.cursors[i], m.cursors[j] = m.cursors[j], m.cursors[i] }
func (m *merge) Push(c any)    { m.cursors = append(m.cursors, c.(*cursor)) }
func (m *merge) Pop() any {
	last := m.cursors[len(m.cursors)-1]
	m.cursors = m.cursors[:len(m.cursors)-1]
	return last
}
