package cloudwatch

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/query"
)

// What an alarm may look back at, in seconds: with periods below an hour, and above.
const (
	maxDay  = 24 * 3600
	maxWeek = 7 * maxDay
)

// PutMetricAlarm creates an alarm or changes the configuration of one.
func (s *Service) PutMetricAlarm(ctx context.Context, in *cloudwatch.PutMetricAlarmInput) (*cloudwatch.PutMetricAlarmOutput, error) {
	a := types.MetricAlarm{
		AlarmName: in.AlarmName, AlarmDescription: in.AlarmDescription, ActionsEnabled: in.ActionsEnabled,
		OKActions: orEmpty(in.OKActions), AlarmActions: orEmpty(in.AlarmActions), InsufficientDataActions: orEmpty(in.InsufficientDataActions),
		MetricName: in.MetricName, Namespace: in.Namespace, Statistic: in.Statistic, ExtendedStatistic: in.ExtendedStatistic,
		Dimensions: in.Dimensions, Period: in.Period, Unit: in.Unit, EvaluationPeriods: in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm,
		Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, TreatMissingData: in.TreatMissingData,
		EvaluateLowSampleCountPercentile: in.EvaluateLowSampleCountPercentile, Metrics: in.Metrics,
	}
	if a.ActionsEnabled == nil {
		a.ActionsEnabled = aws.Bool(true)
	}
	if len(a.Metrics) == 0 && a.Dimensions == nil {
		a.Dimensions = []types.Dimension{}
	}
	if in.ThresholdMetricId != nil || in.EvaluationInterval != nil {
		return nil, invalid("The engine has no anomaly detection and no evaluation intervals: remove ThresholdMetricId and EvaluationInterval.")
	}
	if err := check(&a); err != nil {
		return nil, err
	}
	doc := alarms.Alarm{Scope: scope(ctx), Alarm: a}
	if len(in.Tags) > maxTags {
		return nil, tooManyTags()
	}
	for _, t := range in.Tags {
		if doc.Tags == nil {
			doc.Tags = map[string]string{}
		}
		doc.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return nil, s.Alarms.Put(ctx, doc)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// check refuses an alarm that could not be evaluated or would do nothing.
func check(a *types.MetricAlarm) error {
	if err := checkMetric(a); err != nil {
		return err
	}
	switch {
	case a.EvaluationPeriods == nil:
		return missing("EvaluationPeriods")
	case a.ComparisonOperator == "":
		return missing("ComparisonOperator")
	case !alarms.Comparable(a.ComparisonOperator):
		return invalid("The engine has no anomaly detection: ComparisonOperator %s is not supported.", a.ComparisonOperator)
	case a.Threshold == nil:
		return missing("Threshold")
	case a.DatapointsToAlarm != nil && *a.DatapointsToAlarm > *a.EvaluationPeriods:
		return invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
	}
	switch treat := aws.ToString(a.TreatMissingData); treat {
	case "", alarms.Missing, alarms.Ignore, alarms.Breaching, alarms.NotBreaching:
	default:
		return invalid("Unknown option: '%s' supplied for parameter: 'TreatMissingData'. Supported options: [breaching, notBreaching, ignore, missing]", treat)
	}
	switch low := aws.ToString(a.EvaluateLowSampleCountPercentile); low {
	case "", "evaluate", "ignore":
	default:
		return invalid("Option %s is not supported. Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore.", low)
	}
	queries, _ := alarms.Queries(a)
	set, err := query.Check(queries)
	if err != nil {
		return checked(err)
	}
	seconds, most, long := int64(*a.EvaluationPeriods)*int64(set.Period().Seconds()), int64(maxDay), "a day"
	if set.Period().Hours() >= 1 {
		most, long = maxWeek, "seven days"
	}
	if seconds > most {
		return invalid("Metrics cannot be checked across more than %s (EvaluationPeriods * Period must be <= %d).", long, most)
	}
	for _, list := range [][]string{a.OKActions, a.AlarmActions, a.InsufficientDataActions} {
		for _, target := range list {
			if !strings.HasPrefix(target, "arn:") {
				return invalid("Invalid arn syntax: %s", target)
			}
			if !alarms.IsFunction(target) && !alarms.IsTopic(target) {
				return invalid("The engine cannot carry out the action %s: use the ARN of a Lambda function or an SNS topic.", target)
			}
		}
	}
	return nil
}

// checkMetric checks that an alarm watches one metric, or queries of which one counts.
func checkMetric(a *types.MetricAlarm) error {
	if len(a.Metrics) > 0 {
		if a.MetricName != nil || a.Namespace != nil || a.Period != nil || a.Statistic != "" || a.ExtendedStatistic != nil || len(a.Dimensions) > 0 || a.Unit != "" {
			return invalid("Metrics list must not be specified together with MetricName, Namespace, Period, Statistic, ExtendedStatistic, Dimensions or Unit.")
		}
		returned := 0
		for _, q := range a.Metrics {
			if q.ReturnData == nil || *q.ReturnData {
				returned++
			}
		}
		if returned != 1 {
			return invalid("Exactly one element of the metrics list should return data.")
		}
		return nil
	}
	switch {
	case a.MetricName == nil:
		return missing("MetricName")
	case a.Namespace == nil:
		return missing("Namespace")
	case a.Period == nil:
		return missing("Period")
	case a.Statistic == "" && a.ExtendedStatistic == nil:
		return invalid("Exactly one of Statistic or ExtendedStatistic must be specified.")
	case a.Statistic != "" && a.ExtendedStatistic != nil:
		return invalidCombination("Exactly one of Statistic or ExtendedStatistic must be specified.")
	}
	return nil
}

func notFound(name string) error {
	return &types.ResourceNotFound{Message: aws.String("Alarm " + name + " does not exist")}
}

// DeleteAlarms deletes alarms; those that there are not are no error.
func (s *Service) DeleteAlarms(ctx context.Context, in *cloudwatch.DeleteAlarmsInput) (*cloudwatch.DeleteAlarmsOutput, error) {
	for _, name := range in.AlarmNames {
		if err := s.Alarms.Delete(ctx, scope(ctx), name); err != nil && !errors.Is(err, alarms.ErrMissing) {
			return nil, err
		}
	}
	return nil, nil
}

// SetAlarmState puts an alarm into a state until it is next evaluated.
func (s *Service) SetAlarmState(ctx context.Context, in *cloudwatch.SetAlarmStateInput) (*cloudwatch.SetAlarmStateOutput, error) {
	err := s.Alarms.SetState(ctx, scope(ctx), *in.AlarmName, in.StateValue, *in.StateReason, aws.ToString(in.StateReasonData))
	if errors.Is(err, alarms.ErrMissing) {
		return nil, notFound(*in.AlarmName)
	}
	return nil, err
}

// EnableAlarmActions has alarms act on changes; those that there are not are no error.
func (s *Service) EnableAlarmActions(ctx context.Context, in *cloudwatch.EnableAlarmActionsInput) (*cloudwatch.EnableAlarmActionsOutput, error) {
	return nil, s.enable(ctx, in.AlarmNames, true)
}

// DisableAlarmActions has alarms change their state and do nothing.
func (s *Service) DisableAlarmActions(ctx context.Context, in *cloudwatch.DisableAlarmActionsInput) (*cloudwatch.DisableAlarmActionsOutput, error) {
	return nil, s.enable(ctx, in.AlarmNames, false)
}

func (s *Service) enable(ctx context.Context, names []string, enabled bool) error {
	for _, name := range names {
		err := s.Alarms.Edit(ctx, scope(ctx), name, func(a *alarms.Alarm) { a.Alarm.ActionsEnabled = &enabled })
		if err != nil && !errors.Is(err, alarms.ErrMissing) {
			return err
		}
	}
	return nil
}
