package cli

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// functionMetrics is what is known of a function over a time. Durations are in
// milliseconds; what is not known is null.
type functionMetrics struct {
	Function string       `json:"function"`
	Since    time.Time    `json:"since"`
	Until    time.Time    `json:"until"`
	Period   int          `json:"period"` // seconds
	Total    metricValues `json:"total"`
	Points   []timedValue `json:"points"` // one for each period, in order
}

type timedValue struct {
	Time time.Time `json:"time"`
	metricValues
}

type metricValues struct {
	Invocations float64  `json:"invocations"`
	Errors      float64  `json:"errors"`
	Throttles   float64  `json:"throttles"`
	Average     *float64 `json:"durationAverage"`
	P50         *float64 `json:"durationP50"`
	P95         *float64 `json:"durationP95"`
	P99         *float64 `json:"durationP99"`
	Maximum     *float64 `json:"durationMaximum"`
	Concurrency *float64 `json:"concurrency"` // of the whole function, whatever the qualifier
}

func (m *functionMetrics) empty() bool {
	return m.Total.Invocations == 0 && m.Total.Errors == 0 && m.Total.Throttles == 0
}

// steps are the periods to choose from.
var steps = []time.Duration{
	time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// maxSteps is how many periods fit a line, unless more are asked for.
const maxSteps = 60

func stepFor(span time.Duration) time.Duration {
	for _, step := range steps {
		if span <= maxSteps*step {
			return step
		}
	}
	return steps[len(steps)-1]
}

// watched are the statistics of a function by the ids of their queries.
var watched = []struct {
	id, metric, stat string
	set              func(v *metricValues, to float64)
}{
	{"invocations", "Invocations", "Sum", func(v *metricValues, to float64) { v.Invocations = to }},
	{"errors", "Errors", "Sum", func(v *metricValues, to float64) { v.Errors = to }},
	{"throttles", "Throttles", "Sum", func(v *metricValues, to float64) { v.Throttles = to }},
	{"average", "Duration", "Average", func(v *metricValues, to float64) { v.Average = &to }},
	{"p50", "Duration", "p50", func(v *metricValues, to float64) { v.P50 = &to }},
	{"p95", "Duration", "p95", func(v *metricValues, to float64) { v.P95 = &to }},
	{"p99", "Duration", "p99", func(v *metricValues, to float64) { v.P99 = &to }},
	{"maximum", "Duration", "Maximum", func(v *metricValues, to float64) { v.Maximum = &to }},
	{"concurrency", "ConcurrentExecutions", "Maximum", func(v *metricValues, to float64) { v.Concurrency = &to }},
}

// readMetrics asks CloudWatch. A period of 0 is chosen to fit.
func readMetrics(ctx context.Context, client *cloudwatch.Client, function string, since, until time.Time, period time.Duration) (*functionMetrics, error) {
	name, resource, err := resourceName(function)
	if err != nil {
		return nil, err
	}
	if period == 0 {
		period = stepFor(until.Sub(since))
	}
	since = since.Truncate(period).UTC()
	m := &functionMetrics{Function: resource, Since: since, Until: until.UTC(), Period: int(period / time.Second)}
	for at := since; at.Before(until); at = at.Add(period) {
		m.Points = append(m.Points, timedValue{Time: at})
	}
	whole := []types.Dimension{{Name: aws.String("FunctionName"), Value: &name}}
	called := whole
	if resource != name {
		called = append(called, types.Dimension{Name: aws.String("Resource"), Value: &resource})
	}
	in := &cloudwatch.GetMetricDataInput{StartTime: &since, EndTime: &until, ScanBy: types.ScanByTimestampAscending}
	for _, w := range watched {
		dimensions := called
		if w.id == "concurrency" {
			dimensions = whole
		}
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{Id: &w.id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("AWS/Lambda"), MetricName: &w.metric, Dimensions: dimensions},
			Period: aws.Int32(int32(m.Period)), Stat: &w.stat,
		}})
	}
	for pages := cloudwatch.NewGetMetricDataPaginator(client, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range out.MetricDataResults {
			m.put(aws.ToString(r.Id), r.Timestamps, r.Values)
		}
	}
	return m, m.durations(ctx, client, called)
}

// put notes the values of a query. Sums add up to the total's; of the concurrency the
// most counts.
func (m *functionMetrics) put(id string, times []time.Time, values []float64) {
	for _, w := range watched {
		if w.id != id {
			continue
		}
		for i, at := range times {
			if n := int(at.Sub(m.Since) / (time.Duration(m.Period) * time.Second)); n >= 0 && n < len(m.Points) {
				w.set(&m.Points[n].metricValues, values[i])
			}
		}
	}
	t := &m.Total
	for _, v := range values {
		switch id {
		case "invocations":
			t.Invocations += v
		case "errors":
			t.Errors += v
		case "throttles":
			t.Throttles += v
		case "concurrency":
			t.Concurrency = most(t.Concurrency, v)
		}
	}
}

func most(a *float64, b float64) *float64 {
	if a == nil || *a < b {
		return &b
	}
	return a
}

// day is the longest period that CloudWatch has.
const day = 24 * time.Hour

// durations asks for the statistics of the duration over the whole time, which cannot be
// told from those of its parts. Beyond a day they are means of the days', by invocations.
func (m *functionMetrics) durations(ctx context.Context, client *cloudwatch.Client, dimensions []types.Dimension) error {
	span := min(day, m.Until.Truncate(time.Minute).Add(time.Minute).Sub(m.Since.Truncate(time.Minute)))
	in := cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Duration"), Dimensions: dimensions,
		StartTime: &m.Since, EndTime: &m.Until, Period: aws.Int32(int32(span / time.Second)),
	}
	plain, extended := in, in
	plain.Statistics = []types.Statistic{types.StatisticAverage, types.StatisticMaximum, types.StatisticSampleCount}
	extended.ExtendedStatistics = []string{"p50", "p95", "p99"}
	out, err := client.GetMetricStatistics(ctx, &plain)
	if err != nil {
		return err
	}
	samples, total := map[time.Time]float64{}, 0.0
	for _, d := range out.Datapoints {
		samples[*d.Timestamp] = *d.SampleCount
		total += *d.SampleCount
		m.Total.Maximum = most(m.Total.Maximum, *d.Maximum)
	}
	add := func(to **float64, value float64, at time.Time) {
		sum := value * samples[at] / total
		if *to != nil {
			sum += **to
		}
		*to = &sum
	}
	for _, d := range out.Datapoints {
		add(&m.Total.Average, *d.Average, *d.Timestamp)
	}
	if out, err = client.GetMetricStatistics(ctx, &extended); err != nil {
		return err
	}
	for _, d := range out.Datapoints {
		for name, to := range map[string]**float64{"p50": &m.Total.P50, "p95": &m.Total.P95, "p99": &m.Total.P99} {
			if value, ok := d.ExtendedStatistics[name]; ok && total > 0 {
				add(to, value, *d.Timestamp)
			}
		}
	}
	return nil
}
