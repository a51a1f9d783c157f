package clock

import (
	"slices"
	"sync"
	"time"
)

// Manual is a clock that stands still but for Advance.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*pending // by when they fire
}

type pending struct {
	at time.Time
	c  chan time.Time
}

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual { return &Manual{now: start} }

// Now returns what the clock shows.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// NewTimer returns a timer that Advance fires.
func (m *Manual) NewTimer(d time.Duration) *Timer {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &pending{m.now.Add(d), make(chan time.Time, 1)}
	if d <= 0 {
		p.c <- m.now
		return &Timer{C: p.c, stop: func() bool { return false }}
	}
	i, _ := slices.BinarySearchFunc(m.timers, p, func(a, b *pending) int { return a.at.Compare(b.at) })
	m.timers = slices.Insert(m.timers, i, p)
	return &Timer{C: p.c, stop: func() bool { return m.remove(p) }}
}

func (m *Manual) remove(p *pending) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.timers, p)
	if i >= 0 {
		m.timers = slices.Delete(m.timers, i, i+1)
	}
	return i >= 0
}

// Advance turns the clock on, and fires the timers that are due.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
	for len(m.timers) > 0 && !m.timers[0].at.After(m.now) {
		m.timers[0].c <- m.now
		m.timers = m.timers[1:]
	}
}

// Next is how long it takes until the first timer fires, and false when nobody waits.
func (m *Manual) Next() (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.timers) == 0 {
		return 0, false
	}
	return m.timers[0].at.Sub(m.now), true
}
