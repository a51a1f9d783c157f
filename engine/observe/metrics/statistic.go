package metrics

import (
	"fmt"
	"regexp"
	"strconv"
)

// Statistic is what is asked of values.
type Statistic struct {
	name       string
	percentile float64
	of         func(*Stats) float64 // nil of percentiles
}

var statistics = map[string]func(*Stats) float64{
	"SampleCount": func(s *Stats) float64 { return s.Count },
	"Average":     func(s *Stats) float64 { return s.Average() },
	"Sum":         func(s *Stats) float64 { return s.Sum },
	"Minimum":     func(s *Stats) float64 { return s.Min },
	"Maximum":     func(s *Stats) float64 { return s.Max },
}

var percentile = regexp.MustCompile(`^p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)$`)

// ParseStatistic reads SampleCount, Average, Sum, Minimum, Maximum, or a percentile such
// as p99.9.
func ParseStatistic(name string) (Statistic, error) {
	if of, ok := statistics[name]; ok {
		return Statistic{name: name, of: of}, nil
	}
	m := percentile.FindStringSubmatch(name)
	if m == nil {
		return Statistic{}, fmt.Errorf("%q is none of SampleCount, Average, Sum, Minimum, Maximum, or a percentile such as p99.9", name)
	}
	p, err := strconv.ParseFloat(m[1], 64)
	return Statistic{name: name, percentile: p}, err
}

// IsPercentile tells whether the statistic is a percentile.
func (s Statistic) IsPercentile() bool { return s.of == nil }

// String returns the statistic as it was written.
func (s Statistic) String() string { return s.name }

// Of returns the statistic of values, of which there must be one.
func (s Statistic) Of(stats *Stats) (value float64, known bool) {
	if s.of == nil {
		return stats.Percentile(s.percentile)
	}
	return s.of(stats), true
}

// OnlyGrows tells whether no further value can make the statistic less, given that none
// so far has been negative; OnlyShrinks, whether none can make it more.
func (s Statistic) OnlyGrows(soFar *Stats) bool {
	return s.name == "SampleCount" || s.name == "Maximum" || s.name == "Sum" && soFar.Min >= 0
}

// OnlyShrinks is the reverse of OnlyGrows.
func (s Statistic) OnlyShrinks() bool { return s.name == "Minimum" }

// Period is what was recorded in some minutes that begin at one of them.
type Period struct {
	Start int64 // minute
	Stats
}

// Periods sums up points by periods of so many minutes, the first of which begins at
// start. There are none for periods without points.
func Periods(points []Point, start, minutes int64) []Period {
	var all []Period
	for i := range points {
		p := &points[i]
		if p.Minute < start {
			continue
		}
		begin := start + (p.Minute-start)/minutes*minutes
		if n := len(all); n == 0 || all[n-1].Start != begin {
			all = append(all, Period{Start: begin})
		}
		all[len(all)-1].Merge(&p.Stats)
	}
	return all
}
