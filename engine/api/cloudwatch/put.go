package cloudwatch

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
)

// Limits of PutMetricData.
const (
	maxData   = 1000
	maxValues = 150
	maxPast   = 14 * 24 * time.Hour
	maxFuture = 2 * time.Hour
)

// PutMetricData takes metrics that functions and others have made up.
func (s *Service) PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
	if in.Namespace == nil {
		return nil, missing("Namespace")
	}
	if strings.HasPrefix(*in.Namespace, "AWS/") {
		return nil, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	}
	data := in.MetricData
	for _, e := range in.EntityMetricData {
		data = append(data, e.MetricData...)
	}
	switch {
	case len(data) == 0:
		return nil, missing("MetricData")
	case len(data) > maxData:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", maxData)
	}
	type record struct {
		id    metrics.ID
		at    time.Time
		stats metrics.Stats
	}
	var records []record // all or none of them
	for i := range data {
		d := &data[i]
		stats, err := statsOf(d)
		if err != nil {
			return nil, err
		}
		at := s.Now()
		if d.Timestamp != nil {
			if at = *d.Timestamp; at.Before(s.Now().Add(-maxPast)) || at.After(s.Now().Add(maxFuture)) {
				return nil, invalidValue("The parameter MetricData.member.%d.Timestamp must specify a time within the past two weeks and no more than two hours in the future.", i+1)
			}
		}
		unit := d.Unit
		if unit == "" {
			unit = types.StandardUnitNone
		}
		records = append(records, record{query.MetricID(&types.Metric{Namespace: in.Namespace, MetricName: d.MetricName, Dimensions: d.Dimensions}, unit), at, stats})
	}
	for _, r := range records {
		err := s.Metrics.Put(scope(ctx), r.id, r.at, r.stats)
		if errors.Is(err, metrics.ErrTooMany) {
			return nil, &types.LimitExceededFault{Message: aws.String(err.Error() + ".")}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// statsOf reads the values of a datum, which come in one of three forms.
func statsOf(d *types.MetricDatum) (stats metrics.Stats, err error) {
	switch {
	case d.StatisticValues != nil && (d.Value != nil || len(d.Values) > 0) || d.Value != nil && len(d.Values) > 0:
		return stats, invalidCombination("The parameters MetricData.member.Value, MetricData.member.Values and MetricData.member.StatisticValues are mutually exclusive and you have specified more than one.")
	case len(d.Values) > maxValues:
		return stats, invalidValue("The collection MetricData.member.Values must not have a size greater than %d.", maxValues)
	case len(d.Counts) > 0 && len(d.Counts) != len(d.Values):
		return stats, invalidValue("The parameters MetricData.member.Values and MetricData.member.Counts must be of the same size.")
	}
	values := d.Values
	if d.Value != nil {
		values = []float64{*d.Value}
	}
	if v := d.StatisticValues; v != nil {
		stats = metrics.Summed(aws.ToFloat64(v.SampleCount), aws.ToFloat64(v.Sum), aws.ToFloat64(v.Minimum), aws.ToFloat64(v.Maximum))
		switch {
		case !finite(stats.Count) || !finite(stats.Sum) || !finite(stats.Min) || !finite(stats.Max):
			return stats, badNumber()
		case stats.Count <= 0 || stats.Min > stats.Max:
			return stats, invalidValue("The parameter MetricData.member.StatisticValues must have a positive SampleCount, and a Minimum that is not above the Maximum.")
		}
		return stats, nil
	}
	if len(values) == 0 {
		return stats, missing("MetricData.member.Value")
	}
	for i, v := range values {
		times := 1.0
		if len(d.Counts) > 0 {
			times = d.Counts[i]
		}
		if !finite(v) || !finite(times) || times < 0 {
			return stats, badNumber()
		}
		if times > 0 {
			stats.Add(v, times)
		}
	}
	return stats, nil
}

func finite(f float64) bool { return !math.IsNaN(f) && math.Abs(f) <= 1<<360 }

func badNumber() error {
	return invalidValue("The value of a datum must be a number in the range of -2^360 to 2^360.")
}
