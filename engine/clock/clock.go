// Package clock is the time that rules of AWS are measured in: delays between
// attempts, ages of events. Real time does for most; a faster one shows in a minute
// what takes hours (clock_speed of the engine's configuration file), and tests turn
// the hands of a Manual one themselves.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits for it.
type Clock interface {
	Now() time.Time
	// NewTimer returns a timer that fires once d has passed on this clock.
	NewTimer(d time.Duration) *Timer
}

// Timer fires once, on C, unless it is stopped before.
type Timer struct {
	C    <-chan time.Time
	stop func() bool
}

// Stop ends a timer that is not needed any more, and tells whether it had not fired.
func (t *Timer) Stop() bool { return t.stop() }

// Wait waits until d has passed on a clock, and tells whether ctx is still good.
func Wait(ctx context.Context, c Clock, d time.Duration) bool {
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// System is the time of this machine.
func System() Clock { return Scaled(1) }

// Scaled is a clock that starts now and runs that many times as fast as the
// machine's.
func Scaled(speed float64) Clock { return scaled{time.Now(), speed} }

type scaled struct {
	start time.Time
	speed float64
}

func (c scaled) Now() time.Time {
	if c.speed == 1 {
		return time.Now()
	}
	return c.start.Add(time.Duration(float64(time.Since(c.start)) * c.speed))
}

func (c scaled) NewTimer(d time.Duration) *Timer {
	t := time.NewTimer(time.Duration(float64(d) / c.speed))
	return &Timer{C: t.C, stop: t.Stop}
}
