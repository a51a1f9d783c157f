package main

import (
	"cmp"
	"slices"
	"time"
)

// row is what came out for one echo function on one engine, a value for each round.
type row struct {
	name, language string
	note           string
	cold, p50, p99 []time.Duration
	one, eight     []float64 // requests per second
	spent          []spent   // of a call, with eight clients
	bare           []time.Duration
}

// median is the middle one; of none, zero.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func (r *row) cpu(of func(spent) time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range r.spent {
		all = append(all, of(s))
	}
	return median(all)
}

// find returns the row of that name and language, or an empty one.
func find(rows []*row, name, language string) *row {
	for _, r := range rows {
		if r.name == name && r.language == language {
			return r
		}
	}
	return &row{name: name, language: language}
}
