package invoke

import (
	"testing"
	"time"
)

// Spec behaviour A10.5.
func TestBilled(t *testing.T) {
	for _, c := range []struct {
		duration, increment time.Duration
		want                int64
	}{
		{280 * time.Microsecond, time.Millisecond, 1},
		{time.Millisecond, time.Millisecond, 1},
		{1010 * time.Microsecond, time.Millisecond, 2},
		{1004 * time.Microsecond, time.Millisecond, 1}, // shown as 1.00 ms
		{280 * time.Microsecond, 100 * time.Millisecond, 100},
		{31100 * time.Microsecond, 100 * time.Millisecond, 100},
		{100 * time.Millisecond, 100 * time.Millisecond, 100},
		{100*time.Millisecond + 10*time.Microsecond, 100 * time.Millisecond, 200},
		{3 * time.Second, 100 * time.Millisecond, 3000},
		{0, time.Millisecond, 0},
	} {
		if got := billed(c.duration, c.increment); got != c.want {
			t.Errorf("billed(%v, %v) = %d, want %d", c.duration, c.increment, got, c.want)
		}
	}
}
