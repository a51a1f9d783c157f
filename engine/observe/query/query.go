// Package query answers CloudWatch's metric data queries: statistics of metrics, and
// formulas over them.
package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
)

// Result is what a query has found.
type Result struct {
	ID, Label string
	Period    time.Duration
	Times     []time.Time // when the periods begin, in order
	Values    []float64
	Counts    []float64 // how many samples are in each; zero of formulas
	Stats     []metrics.Stats
	Statistic metrics.Statistic // the zero value of formulas
	Returned  bool              // the query's ReturnData
}

// Invalid says what is wrong with a set of queries.
type Invalid struct{ Message string }

func (e *Invalid) Error() string { return e.Message }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// Set is a checked set of queries.
type Set struct {
	queries  []types.MetricDataQuery
	formulas map[string]*expression
	periods  map[string]time.Duration
	order    []string // of evaluation
	stats    map[string]metrics.Statistic
}

// Check reads queries, and tells what is wrong with them if anything is.
func Check(queries []types.MetricDataQuery) (*Set, error) {
	s := &Set{queries: queries, formulas: map[string]*expression{}, periods: map[string]time.Duration{}, stats: map[string]metrics.Statistic{}}
	known := map[string]bool{}
	for _, q := range queries {
		id := aws.ToString(q.Id)
		if known[id] {
			return nil, invalid("The values for parameter id in MetricDataQueries are not unique.")
		}
		known[id] = true
		switch {
		case (q.MetricStat == nil) == (q.Expression == nil):
			return nil, invalid("Query %s must have either MetricStat or Expression.", id)
		case q.MetricStat != nil:
			stat, err := metrics.ParseStatistic(aws.ToString(q.MetricStat.Stat))
			if err != nil {
				return nil, invalid("The value %s for parameter MetricDataQueries.member.MetricStat.Stat is not supported: %v.", aws.ToString(q.MetricStat.Stat), err)
			}
			period := time.Duration(aws.ToInt32(q.MetricStat.Period)) * time.Second
			if err := CheckPeriod(period); err != nil {
				return nil, err
			}
			s.stats[id], s.periods[id] = stat, period
		default:
			formula, err := parseExpression(*q.Expression)
			if err != nil {
				return nil, invalid("Error in expression '%s': %v.", id, err)
			}
			s.formulas[id] = formula
		}
	}
	return s, s.sort(known)
}

// CheckPeriod refuses periods that points of a minute cannot make up.
func CheckPeriod(period time.Duration) error {
	if period < time.Minute || period%time.Minute != 0 {
		return invalid("Period must be a multiple of 60. (The engine keeps metrics by the minute.)")
	}
	return nil
}

// sort finds an order in which every formula comes after what it names.
func (s *Set) sort(known map[string]bool) error {
	done := map[string]bool{}
	var visit func(id string, above []string) error
	visit = func(id string, above []string) error {
		switch {
		case !known[id]:
			return invalid("Error in expression '%s': %s is not the id of a query.", above[len(above)-1], id)
		case slices.Contains(above, id):
			return invalid("Error in expression '%s': it depends on itself.", id)
		case done[id]:
			return nil
		}
		if formula := s.formulas[id]; formula != nil {
			for _, below := range formula.ids {
				if err := visit(below, append(above, id)); err != nil {
					return err
				}
				s.periods[id] = max(s.periods[id], s.periods[below])
			}
			if formula.all {
				for _, q := range s.queries {
					s.periods[id] = max(s.periods[id], s.periods[aws.ToString(q.Id)])
				}
			}
		}
		done[id] = true
		s.order = append(s.order, id)
		return nil
	}
	for _, measured := range []bool{true, false} {
		for _, q := range s.queries {
			if (q.MetricStat != nil) != measured {
				continue
			}
			if err := visit(aws.ToString(q.Id), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Period is the longest of the queries.
func (s *Set) Period() time.Duration {
	longest := time.Minute
	for _, p := range s.periods {
		longest = max(longest, p)
	}
	return longest
}

// Evaluate answers the queries, in their order, for periods that begin at from or later
// and before to. from is taken down to where a period begins.
func (s *Set) Evaluate(ctx context.Context, store *metrics.Store, scope catalog.Scope, from, to time.Time) ([]Result, error) {
	results, found := map[string]Result{}, map[string]values{}
	measured := values{list: []values{}}
	byID := map[string]types.MetricDataQuery{}
	for _, q := range s.queries {
		byID[aws.ToString(q.Id)] = q
	}
	for _, id := range s.order {
		q := byID[id]
		r := Result{ID: id, Label: aws.ToString(q.Label), Period: s.periods[id], Returned: q.ReturnData == nil || *q.ReturnData}
		var got values
		var err error
		if q.MetricStat != nil {
			got, err = s.measure(ctx, store, scope, q, from, to, &r)
			measured.list = append(measured.list, got)
			found[allMetrics] = measured
		} else {
			got, err = s.formula(id, found, from, to, &r)
		}
		if err != nil {
			return nil, err
		}
		found[id], results[id] = got, r
	}
	all := make([]Result, len(s.queries))
	for i, q := range s.queries {
		all[i] = results[aws.ToString(q.Id)]
	}
	return all, nil
}

// measure reads the statistic of a metric.
func (s *Set) measure(ctx context.Context, store *metrics.Store, scope catalog.Scope, q types.MetricDataQuery, from, to time.Time, r *Result) (values, error) {
	id := MetricID(q.MetricStat.Metric, q.MetricStat.Unit)
	if r.Label == "" {
		r.Label = id.Name
	}
	r.Statistic = s.stats[r.ID]
	period := int64(r.Period / time.Second)
	start := from.Unix() / period * period
	series, err := store.Query(ctx, scope, id, time.Unix(start, 0), to)
	if err != nil {
		return values{}, err
	}
	got := values{at: map[int64]float64{}}
	for _, p := range metrics.Periods(merged(series), start/60, period/60) {
		value, known := r.Statistic.Of(&p.Stats)
		if !known {
			continue
		}
		got.at[p.Start*60] = value
		r.Times, r.Values = append(r.Times, time.Unix(p.Start*60, 0).UTC()), append(r.Values, value)
		r.Counts, r.Stats = append(r.Counts, p.Count), append(r.Stats, p.Stats)
	}
	return got, nil
}

// merged are the points of all units: there is hardly ever more than one.
func merged(series []metrics.Series) []metrics.Point {
	if len(series) == 0 {
		return nil
	}
	points := series[0].Points
	for _, other := range series[1:] {
		points = append(points, other.Points...)
	}
	slices.SortStableFunc(points, func(a, b metrics.Point) int { return int(a.Minute - b.Minute) })
	return points
}

// formula computes an expression. A number that comes out stands for each period.
func (s *Set) formula(id string, found map[string]values, from, to time.Time, r *Result) (values, error) {
	if r.Label == "" {
		r.Label = id
	}
	got, err := s.formulas[id].tree(found)
	if err == nil && got.list != nil {
		err = errors.New("METRICS() can only be the argument of a function")
	}
	if err != nil {
		return got, invalid("Error in expression '%s': %v.", id, err)
	}
	if got.constant != nil {
		value := *got.constant
		got = values{at: map[int64]float64{}}
		if r.Period == 0 {
			return got, nil
		}
		step := int64(r.Period / time.Second)
		for at := from.Unix() / step * step; at < to.Unix(); at += step {
			got.at[at] = value
		}
	}
	times := make([]int64, 0, len(got.at))
	for at := range got.at {
		times = append(times, at)
	}
	slices.Sort(times)
	for _, at := range times {
		r.Times, r.Values = append(r.Times, time.Unix(at, 0).UTC()), append(r.Values, got.at[at])
		r.Counts = append(r.Counts, 0)
	}
	return got, nil
}

// MetricID is what the store calls a metric of the API.
func MetricID(m *types.Metric, unit types.StandardUnit) metrics.ID {
	if m == nil {
		return metrics.ID{}
	}
	id := metrics.ID{Namespace: aws.ToString(m.Namespace), Name: aws.ToString(m.MetricName), Unit: string(unit)}
	for _, d := range m.Dimensions {
		id.Dimensions = append(id.Dimensions, metrics.Dimension{Name: aws.ToString(d.Name), Value: aws.ToString(d.Value)})
	}
	return id
}
