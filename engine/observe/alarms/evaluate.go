package alarms

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
)

// spare is how many periods beyond the evaluated ones may stand in for missing ones.
const spare = 2

// What TreatMissingData can be.
const (
	Missing      = "missing"
	Ignore       = "ignore"
	Breaching    = "breaching"
	NotBreaching = "notBreaching"
)

// compare are the operators of a threshold, and how reasons put them into words.
var compare = map[types.ComparisonOperator]struct {
	holds func(value, threshold float64) bool
	words string
}{
	types.ComparisonOperatorGreaterThanOrEqualToThreshold: {func(v, t float64) bool { return v >= t }, "greater than or equal to"},
	types.ComparisonOperatorGreaterThanThreshold:          {func(v, t float64) bool { return v > t }, "greater than"},
	types.ComparisonOperatorLessThanThreshold:             {func(v, t float64) bool { return v < t }, "less than"},
	types.ComparisonOperatorLessThanOrEqualToThreshold:    {func(v, t float64) bool { return v <= t }, "less than or equal to"},
}

// Comparable tells whether alarms can use an operator.
func Comparable(operator types.ComparisonOperator) bool {
	_, ok := compare[operator]
	return ok
}

// datapoint is the value of one period.
type datapoint struct {
	at    time.Time
	value float64
	count float64 // samples; 0 of formulas
}

// verdict is the state that an alarm should be in, and why.
type verdict struct {
	state        types.StateValue
	reason, data string
}

// Queries are what an alarm watches, and the id of the one whose value counts.
func Queries(a *types.MetricAlarm) (queries []types.MetricDataQuery, watched string) {
	if len(a.Metrics) > 0 {
		for _, q := range a.Metrics {
			if q.ReturnData == nil || *q.ReturnData {
				watched = aws.ToString(q.Id)
			}
		}
		return a.Metrics, watched
	}
	stat := string(a.Statistic)
	if a.ExtendedStatistic != nil {
		stat = *a.ExtendedStatistic
	}
	return []types.MetricDataQuery{{Id: aws.String("m1"), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions},
		Period: a.Period, Stat: &stat, Unit: a.Unit,
	}}}, "m1"
}

// evaluate tells the state that an alarm should be in at a time; a verdict without
// state leaves it as it is.
func evaluate(ctx context.Context, store *metrics.Store, scope catalog.Scope, a *types.MetricAlarm, now time.Time) (verdict, error) {
	queries, watched := Queries(a)
	set, err := query.Check(queries)
	if err != nil {
		return verdict{}, err
	}
	period := set.Period()
	periods := int(aws.ToInt32(a.EvaluationPeriods))
	seconds := int64(period / time.Second)
	current := time.Unix(now.Unix()/seconds*seconds, 0).UTC()
	from := current.Add(-time.Duration(periods+spare) * period)
	results, err := set.Evaluate(ctx, store, scope, from, current.Add(period))
	if err != nil {
		return verdict{}, err
	}
	var points []datapoint
	last := current.Add(-period) // the newest period that counts
	for _, r := range results {
		if r.ID != watched {
			continue
		}
		for i, at := range r.Times {
			if at.Equal(current) {
				if !final(a, r, i) {
					continue
				}
				last = current
			}
			points = append(points, datapoint{at, r.Values[i], r.Counts[i]})
		}
	}
	first := last.Add(-time.Duration(periods+spare-1) * period)
	for len(points) > 0 && points[0].at.Before(first) {
		points = points[1:]
	}
	return judge(a, points, period, now), nil
}

// final tells whether the value of a period that is not over breaches the threshold
// whatever may come: then there is no reason to wait.
func final(a *types.MetricAlarm, r query.Result, i int) bool {
	op := compare[a.ComparisonOperator]
	if r.Stats == nil || op.holds == nil || !op.holds(r.Values[i], aws.ToFloat64(a.Threshold)) {
		return false
	}
	if strings.HasPrefix(string(a.ComparisonOperator), "Less") {
		return r.Statistic.OnlyShrinks()
	}
	return r.Statistic.OnlyGrows(&r.Stats[i])
}

// judge decides by the datapoints there are, oldest first, as CloudWatch does: the
// newest real ones if they are enough; else all of them, and what the alarm makes of
// missing ones for as many as it lacks.
func judge(a *types.MetricAlarm, points []datapoint, period time.Duration, now time.Time) verdict {
	wanted := int(aws.ToInt32(a.EvaluationPeriods))
	needed := wanted
	if a.DatapointsToAlarm != nil {
		needed = int(*a.DatapointsToAlarm)
	}
	if len(points) > wanted {
		points = points[len(points)-wanted:]
	}
	op, threshold := compare[a.ComparisonOperator], aws.ToFloat64(a.Threshold)
	breaches := 0
	for _, p := range points {
		if op.holds(p.value, threshold) {
			breaches++
		}
	}
	known, missing := len(points), wanted-len(points)
	treat := aws.ToString(a.TreatMissingData)
	if treat == "" {
		treat = Missing
	}
	state := types.StateValueOk
	switch {
	case breaches >= needed:
		state = types.StateValueAlarm
	case missing == 0 || treat == NotBreaching:
	case treat == Breaching:
		if breaches+missing >= needed {
			state = types.StateValueAlarm
		}
	case known == 0 && treat == Missing:
		n, were := wanted, "datapoints were"
		if n == 1 {
			were = "datapoint was"
		}
		return verdict{types.StateValueInsufficientData, fmt.Sprintf("Insufficient Data: %d %s unknown.", n, were), reasonData(a, nil, period, now)}
	case breaches == known && treat == Ignore: // of nothing, or of breaches that are too few
		return verdict{}
	case breaches == known:
		state = types.StateValueAlarm
	}
	return verdict{state, reason(a, state, points, breaches, needed, missing, treat), reasonData(a, points, period, now)}
}

// reason puts a state into CloudWatch's words.
func reason(a *types.MetricAlarm, state types.StateValue, points []datapoint, breaches, needed, missing int, treat string) string {
	threshold := number(aws.ToFloat64(a.Threshold))
	if len(points) == 0 {
		treated := "Breaching"
		if treat == NotBreaching {
			treated = "NonBreaching"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as [%s].",
			plural(missing, "period"), plural(missing, "missing datapoint")+were(missing), treated)
	}
	var shown []string
	for i := len(points) - 1; i >= 0; i-- { // newest first
		shown = append(shown, fmt.Sprintf("%s (%s)", number(points[i].value), points[i].at.UTC().Format("02/01/06 15:04:05")))
	}
	counted, not, transition := breaches, "", "OK -> ALARM"
	if state == types.StateValueOk {
		counted, not, transition = len(points)-breaches, "not ", "ALARM -> OK"
		needed = len(points) + missing - needed + 1
	}
	be := were(counted)
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s]%s %s%s the threshold (%s) (minimum %s for %s transition).",
		counted, len(points), strings.Join(shown, ", "), be, not, compare[a.ComparisonOperator].words, threshold, plural(needed, "datapoint"), transition)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func were(n int) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

// number shows whole numbers with a decimal, as Java does.
func number(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprint(f)
}

// reasonData is the reason for machines.
func reasonData(a *types.MetricAlarm, points []datapoint, period time.Duration, now time.Time) string {
	type evaluated struct {
		Timestamp   string   `json:"timestamp"`
		SampleCount *float64 `json:"sampleCount,omitempty"`
		Value       float64  `json:"value"`
	}
	data := struct {
		Version    string      `json:"version"`
		QueryDate  string      `json:"queryDate"`
		StartDate  string      `json:"startDate,omitempty"`
		Statistic  string      `json:"statistic,omitempty"`
		Period     int         `json:"period"`
		Recent     []float64   `json:"recentDatapoints"`
		Threshold  float64     `json:"threshold"`
		Datapoints []evaluated `json:"evaluatedDatapoints,omitempty"`
	}{
		Version: "1.0", QueryDate: stamp(now), Statistic: string(a.Statistic), Period: int(period / time.Second),
		Recent: []float64{}, Threshold: aws.ToFloat64(a.Threshold),
	}
	if a.ExtendedStatistic != nil {
		data.Statistic = *a.ExtendedStatistic
	}
	for i, p := range points {
		if i == 0 {
			data.StartDate = stamp(p.at)
		}
		data.Recent = append(data.Recent, p.value)
		e := evaluated{Timestamp: stamp(p.at), Value: p.value}
		if p.count > 0 {
			e.SampleCount = &p.count
		}
		data.Datapoints = append([]evaluated{e}, data.Datapoints...)
	}
	raw, _ := json.Marshal(data) // of numbers that are all finite
	return string(raw)
}

// stamp is a time as alarms tell it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }
