package metrics

import (
	"math"
	"slices"
)

// Stats sums up values: how many there were, their sum, and the smallest and the
// largest; and, unless they came summed up already, how they are distributed. The zero
// value holds none.
type Stats struct {
	Count, Sum, Min, Max float64

	// bins is a log-linear histogram, sorted by key: 64 bins to each power of two, so
	// that what it says of a value is at most 1/128 (0.8 %) off. It is nil as long as
	// all values are the same.
	bins []bin
	// opaque means that values have come whose distribution is not known.
	opaque bool
}

type bin struct {
	key   int32
	count float64
}

// mantissa is how many bits of a float are left out of a bin's key: all but 6 of the 52
// that come behind the exponent.
const mantissa = 52 - 6

// keyOf is the bin of a value. Keys are ordered as values are.
func keyOf(value float64) int32 {
	key := int32(math.Float64bits(math.Abs(value)) >> mantissa)
	if value < 0 {
		return ^key
	}
	return key
}

// middle is the middle of a bin.
func middle(key int32) float64 {
	switch {
	case key == 0: // zero itself, and what is too small to matter
		return 0
	case key < 0:
		return -middle(^key)
	}
	low, high := math.Float64frombits(uint64(key)<<mantissa), math.Float64frombits(uint64(key+1)<<mantissa)
	return low + (high-low)/2
}

// Add counts a value so many times.
func (s *Stats) Add(value, times float64) {
	if s.bins == nil && s.Count > 0 && !s.opaque && (value != s.Min || value != s.Max) {
		s.bins = append(s.bins, bin{keyOf(s.Min), s.Count})
	}
	if s.Count == 0 {
		s.Min, s.Max = value, value
	} else {
		s.Min, s.Max = min(s.Min, value), max(s.Max, value)
	}
	s.Count += times
	s.Sum += value * times
	if s.bins != nil {
		s.count(keyOf(value), times)
	}
}

func (s *Stats) count(key int32, times float64) {
	i, found := slices.BinarySearchFunc(s.bins, key, func(b bin, key int32) int { return int(b.key) - int(key) })
	if found {
		s.bins[i].count += times
		return
	}
	s.bins = slices.Insert(s.bins, i, bin{key, times})
}

// Summed are Stats of which no more is known.
func Summed(count, sum, low, high float64) Stats {
	return Stats{Count: count, Sum: sum, Min: low, Max: high, opaque: count != 1 && low != high}
}

// Merge adds all that other holds.
func (s *Stats) Merge(other *Stats) {
	switch {
	case other.Count == 0:
		return
	case s.Count == 0:
		*s = *other
		s.bins = slices.Clone(other.bins)
		return
	case s.opaque || other.opaque:
		s.opaque, s.bins = true, nil
	case s.Min != s.Max || other.Min != other.Max || s.Min != other.Min:
		if s.bins == nil {
			s.bins = []bin{{keyOf(s.Min), s.Count}}
		}
		if other.bins == nil {
			s.count(keyOf(other.Min), other.Count)
		}
		for _, b := range other.bins {
			s.count(b.key, b.count)
		}
	}
	s.Count += other.Count
	s.Sum += other.Sum
	s.Min, s.Max = min(s.Min, other.Min), max(s.Max, other.Max)
}

// Average is the mean of the values, of which there must be one.
func (s *Stats) Average() float64 { return s.Sum / s.Count }

// Percentile returns the smallest value that p percent of the values do not exceed, by
// nearest rank, within 0.8 %. It is not known of values that came summed up.
func (s *Stats) Percentile(p float64) (value float64, known bool) {
	switch {
	case s.Count == 0 || s.opaque:
		return 0, false
	case s.Min == s.Max || p <= 0:
		return s.Min, true
	case p >= 100:
		return s.Max, true
	}
	rank, below := p/100*s.Count, 0.0
	for _, b := range s.bins {
		if below += b.count; below >= rank-1e-9 {
			return min(max(middle(b.key), s.Min), s.Max), true
		}
	}
	return s.Max, true
}
