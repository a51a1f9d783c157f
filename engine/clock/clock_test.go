package clock_test

import (
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

func TestManual(t *testing.T) {
	start := time.Date(2016, 11, 24, 12, 0, 0, 0, time.UTC)
	m := clock.NewManual(start)
	late, soon, never := m.NewTimer(time.Hour), m.NewTimer(time.Minute), m.NewTimer(time.Second)
	if !never.Stop() || never.Stop() {
		t.Error("a timer can be stopped once")
	}
	if d, ok := m.Next(); !ok || d != time.Minute {
		t.Errorf("the first timer fires in %s", d)
	}
	m.Advance(59 * time.Second)
	select {
	case <-soon.C:
		t.Error("fired too early")
	default:
	}
	m.Advance(time.Second)
	if at := <-soon.C; !at.Equal(start.Add(time.Minute)) || soon.Stop() {
		t.Errorf("fired at %s", at)
	}
	m.Advance(2 * time.Hour)
	<-late.C
	if _, ok := m.Next(); ok {
		t.Error("somebody still waits")
	}
	select {
	case <-never.C:
		t.Error("a stopped timer has fired")
	default:
	}
	<-m.NewTimer(0).C
}

func TestScaled(t *testing.T) {
	fast := clock.Scaled(100_000)
	begun, start := fast.Now(), time.Now()
	<-fast.NewTimer(6 * time.Hour).C
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("six hours took %s", took)
	}
	if passed := fast.Now().Sub(begun); passed < 6*time.Hour {
		t.Errorf("only %s have passed", passed)
	}
	if off := time.Until(clock.System().Now()).Abs(); off > time.Minute {
		t.Errorf("the system's clock is off by %s", off)
	}
}
