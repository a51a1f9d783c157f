package cloudwatch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
)

// maxDatapoints is how many a request may ask for.
const maxDatapoints = 1440

// GetMetricStatistics returns statistics of one metric by periods, of which the first
// begins at StartTime, taken down to the minute (of old data: to five minutes or the
// hour). Only the very dimensions that it was published under name a metric.
func (s *Service) GetMetricStatistics(ctx context.Context, in *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error) {
	stats, err := statisticsOf(in)
	if err != nil {
		return nil, err
	}
	period := time.Duration(*in.Period) * time.Second
	if query.CheckPeriod(period) != nil {
		return nil, invalidValue("The parameter Period must be a multiple of 60. (The engine keeps metrics by the minute.)")
	}
	if !in.StartTime.Before(*in.EndTime) {
		return nil, invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	}
	start := s.roundedDown(*in.StartTime)
	if n := int64((in.EndTime.Sub(start) + period - 1) / period); n > maxDatapoints {
		return nil, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	id := query.MetricID(&types.Metric{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions}, in.Unit)
	series, err := s.Metrics.Query(ctx, scope(ctx), id, start, *in.EndTime)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []types.Datapoint{}}
	for _, one := range series {
		for _, p := range metrics.Periods(one.Points, start.Unix()/60, int64(period/time.Minute)) {
			if d, ok := datapoint(p, one.Unit, stats); ok {
				out.Datapoints = append(out.Datapoints, d)
			}
		}
	}
	return out, nil
}

func statisticsOf(in *cloudwatch.GetMetricStatisticsInput) ([]metrics.Statistic, error) {
	switch {
	case len(in.Statistics)+len(in.ExtendedStatistics) == 0:
		return nil, invalidCombination("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case len(in.Statistics) > 0 && len(in.ExtendedStatistics) > 0:
		return nil, invalidCombination("The parameters Statistics and ExtendedStatistics cannot be specified together.")
	}
	var all []metrics.Statistic
	for _, name := range in.Statistics {
		stat, err := metrics.ParseStatistic(string(name))
		if err != nil {
			return nil, invalidValue("The parameter Statistics is invalid: %v.", err)
		}
		all = append(all, stat)
	}
	for _, name := range in.ExtendedStatistics {
		stat, err := metrics.ParseStatistic(name)
		if err != nil || !stat.IsPercentile() {
			return nil, invalidValue("The value %s for parameter ExtendedStatistics is not supported: use percentiles such as p99.9.", name)
		}
		all = append(all, stat)
	}
	return all, nil
}

// roundedDown is the start of the data that a request is about.
func (s *Service) roundedDown(start time.Time) time.Time {
	step := time.Minute
	switch age := s.Now().Sub(start); {
	case age > 63*24*time.Hour:
		step = time.Hour
	case age > 15*24*time.Hour:
		step = 5 * time.Minute
	}
	return start.UTC().Truncate(step)
}

func datapoint(p metrics.Period, unit string, stats []metrics.Statistic) (types.Datapoint, bool) {
	at := time.Unix(p.Start*60, 0).UTC()
	d := types.Datapoint{Timestamp: &at, Unit: types.StandardUnit(unit)}
	known := false
	for _, stat := range stats {
		value, ok := stat.Of(&p.Stats)
		if !ok {
			continue
		}
		known = true
		switch types.Statistic(stat.String()) {
		case types.StatisticSampleCount:
			d.SampleCount = &value
		case types.StatisticAverage:
			d.Average = &value
		case types.StatisticSum:
			d.Sum = &value
		case types.StatisticMinimum:
			d.Minimum = &value
		case types.StatisticMaximum:
			d.Maximum = &value
		default:
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[stat.String()] = value
		}
	}
	return d, known
}
