package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
)

// recordPage is the default of MaxRecords.
const recordPage = 50

func records(limit *int32) int {
	if limit == nil {
		return recordPage
	}
	return int(*limit)
}

// DescribeAlarms lists alarms by name.
func (s *Service) DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput) (*cloudwatch.DescribeAlarmsOutput, error) {
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != nil {
		return nil, invalidCombination("AlarmNames and AlarmNamePrefix cannot be specified together.")
	}
	composite := len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, types.AlarmTypeMetricAlarm)
	all := []types.MetricAlarm{}
	for _, a := range s.Alarms.List(scope(ctx)) {
		name := aws.ToString(a.Alarm.AlarmName)
		switch {
		case composite, in.ChildrenOfAlarmName != nil, in.ParentsOfAlarmName != nil: // there are no composite alarms
		case len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, name):
		case !strings.HasPrefix(name, aws.ToString(in.AlarmNamePrefix)):
		case in.StateValue != "" && in.StateValue != a.Alarm.StateValue:
		case in.ActionPrefix != nil && !acts(&a.Alarm, *in.ActionPrefix):
		default:
			all = append(all, a.Alarm)
		}
	}
	part, next, err := page(all, in.NextToken, records(in.MaxRecords))
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: part, CompositeAlarms: []types.CompositeAlarm{}, NextToken: next}, err
}

// acts tells whether an alarm has an action that begins so.
func acts(a *types.MetricAlarm, prefix string) bool {
	return slices.ContainsFunc(slices.Concat(a.OKActions, a.AlarmActions, a.InsufficientDataActions), func(target string) bool {
		return strings.HasPrefix(target, prefix)
	})
}

// DescribeAlarmsForMetric lists the alarms on one metric, with just these dimensions.
func (s *Service) DescribeAlarmsForMetric(ctx context.Context, in *cloudwatch.DescribeAlarmsForMetricInput) (*cloudwatch.DescribeAlarmsForMetricOutput, error) {
	wanted := metricIn(&types.Metric{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions})
	all := []types.MetricAlarm{}
	for _, a := range s.Alarms.List(scope(ctx)) {
		m := &a.Alarm
		switch {
		case !watches(m, wanted):
		case in.Statistic != "" && in.Statistic != m.Statistic:
		case in.ExtendedStatistic != nil && *in.ExtendedStatistic != aws.ToString(m.ExtendedStatistic):
		case in.Period != nil && *in.Period != aws.ToInt32(m.Period):
		case in.Unit != "" && in.Unit != m.Unit:
		default:
			all = append(all, *m)
		}
	}
	return &cloudwatch.DescribeAlarmsForMetricOutput{MetricAlarms: all}, nil
}

// metricIn returns a metric with its dimensions in order.
func metricIn(m *types.Metric) types.Metric {
	id := query.MetricID(m, "")
	slices.SortFunc(id.Dimensions, func(a, b metrics.Dimension) int { return strings.Compare(a.Name, b.Name) })
	return metricOf(id)
}

func watches(a *types.MetricAlarm, wanted types.Metric) bool {
	queries, _ := alarms.Queries(a)
	return slices.ContainsFunc(queries, func(q types.MetricDataQuery) bool {
		return q.MetricStat != nil && same(metricIn(q.MetricStat.Metric), wanted)
	})
}
