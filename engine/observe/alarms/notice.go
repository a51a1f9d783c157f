package alarms

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Notice is what an alarm has to tell a target of a change of its state.
type Notice struct {
	ID      string        // UUID; the same however often it is tried
	Scope   catalog.Scope // of the alarm
	Alarm   string        // ARN
	Target  string        // ARN of a function or a topic
	Subject string        // of a mail
	Message []byte        // JSON, in AWS's shape for the kind of target
}

// past is the state that an alarm has left.
type past struct {
	state        types.StateValue
	reason, data string
	since        string
}

// IsFunction tells whether a target is a function.
func IsFunction(target string) bool { return strings.HasPrefix(target, "arn:aws:lambda:") }

// IsTopic tells whether a target is a topic of SNS.
func IsTopic(target string) bool { return strings.HasPrefix(target, "arn:aws:sns:") }

// notices are what an alarm that has changed its state has to tell.
func notices(scope catalog.Scope, a *types.MetricAlarm, before past) ([]Notice, error) {
	if a.ActionsEnabled != nil && !*a.ActionsEnabled {
		return nil, nil
	}
	targets := map[types.StateValue][]string{
		types.StateValueAlarm: a.AlarmActions, types.StateValueOk: a.OKActions, types.StateValueInsufficientData: a.InsufficientDataActions,
	}[a.StateValue]
	var all []Notice
	for _, target := range targets {
		body := any(topicMessage(scope, a, before))
		if IsFunction(target) {
			body = functionEvent(scope, a, before)
		}
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode what alarm %s tells %s: %w", aws.ToString(a.AlarmName), target, err)
		}
		all = append(all, Notice{
			ID: uuid.NewString(), Scope: scope, Alarm: aws.ToString(a.AlarmArn), Target: target, Message: raw,
			Subject: fmt.Sprintf("%s: %q in %s", a.StateValue, aws.ToString(a.AlarmName), regionName(scope.Region)),
		})
	}
	return all, nil
}

// The event that a function gets.
type (
	event struct {
		Source    string    `json:"source"`
		AlarmARN  string    `json:"alarmArn"`
		AccountID string    `json:"accountId"`
		Time      string    `json:"time"`
		Region    string    `json:"region"`
		Data      alarmData `json:"alarmData"`
	}
	alarmData struct {
		Name          string        `json:"alarmName"`
		State         alarmState    `json:"state"`
		Previous      alarmState    `json:"previousState"`
		Configuration configuration `json:"configuration"`
	}
	alarmState struct {
		Value      types.StateValue `json:"value"`
		Reason     string           `json:"reason"`
		ReasonData string           `json:"reasonData,omitempty"`
		Timestamp  string           `json:"timestamp"`
	}
	configuration struct {
		Description string   `json:"description,omitempty"`
		Metrics     []metric `json:"metrics"`
	}
	metric struct {
		ID         string      `json:"id"`
		Stat       *metricStat `json:"metricStat,omitempty"`
		Expression string      `json:"expression,omitempty"`
		Label      string      `json:"label,omitempty"`
		ReturnData bool        `json:"returnData"`
	}
	metricStat struct {
		Metric struct {
			Namespace  string            `json:"namespace"`
			Name       string            `json:"name"`
			Dimensions map[string]string `json:"dimensions"`
		} `json:"metric"`
		Period int32  `json:"period"`
		Stat   string `json:"stat"`
		Unit   string `json:"unit,omitempty"`
	}
)

func functionEvent(scope catalog.Scope, a *types.MetricAlarm, before past) event {
	at := stamp(aws.ToTime(a.StateUpdatedTimestamp))
	e := event{
		Source: "aws.cloudwatch", AlarmARN: aws.ToString(a.AlarmArn), AccountID: scope.Account, Time: at, Region: scope.Region,
		Data: alarmData{
			Name:          aws.ToString(a.AlarmName),
			State:         alarmState{a.StateValue, aws.ToString(a.StateReason), aws.ToString(a.StateReasonData), at},
			Previous:      alarmState{before.state, before.reason, before.data, before.since},
			Configuration: configuration{Description: aws.ToString(a.AlarmDescription), Metrics: []metric{}},
		},
	}
	queries, watched := Queries(a)
	for _, q := range queries {
		m := metric{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression), Label: aws.ToString(q.Label), ReturnData: aws.ToString(q.Id) == watched}
		if len(a.Metrics) == 0 { // an alarm on a metric has no ids of its own
			m.ID = uuid.NewSHA1(uuid.NameSpaceURL, []byte(aws.ToString(a.AlarmArn))).String()
		}
		if s := q.MetricStat; s != nil {
			m.Stat = &metricStat{Period: aws.ToInt32(s.Period), Stat: aws.ToString(s.Stat), Unit: string(s.Unit)}
			m.Stat.Metric.Namespace, m.Stat.Metric.Name = aws.ToString(s.Metric.Namespace), aws.ToString(s.Metric.MetricName)
			m.Stat.Metric.Dimensions = map[string]string{}
			for _, d := range s.Metric.Dimensions {
				m.Stat.Metric.Dimensions[aws.ToString(d.Name)] = aws.ToString(d.Value)
			}
		}
		e.Data.Configuration.Metrics = append(e.Data.Configuration.Metrics, m)
	}
	return e
}

// The message that a topic gets.
type (
	message struct {
		AlarmName                          string
		AlarmDescription                   *string
		AWSAccountID                       string `json:"AWSAccountId"`
		AlarmConfigurationUpdatedTimestamp string
		NewStateValue                      types.StateValue
		NewStateReason                     string
		StateChangeTime                    string
		Region                             string
		AlarmArn                           string
		OldStateValue                      types.StateValue
		OKActions                          []string
		AlarmActions                       []string
		InsufficientDataActions            []string
		Trigger                            trigger
	}
	trigger struct {
		MetricName       string             `json:",omitempty"`
		Namespace        string             `json:",omitempty"`
		StatisticType    string             `json:",omitempty"`
		Statistic        string             `json:",omitempty"`
		Unit             *string            `json:"Unit"`
		Dimensions       []triggerDimension `json:",omitempty"`
		Metrics          []triggerMetric    `json:",omitempty"`
		Period           int32
		EvaluationPeriod int32                    `json:"EvaluationPeriods"`
		ToAlarm          int32                    `json:"DatapointsToAlarm,omitempty"`
		Comparison       types.ComparisonOperator `json:"ComparisonOperator"`
		Threshold        float64
		TreatMissingData string
		LowSampleCount   string `json:"EvaluateLowSampleCountPercentile"`
	}
	triggerDimension struct {
		Value string `json:"value"`
		Name  string `json:"name"`
	}
	triggerMetric struct {
		ID         string `json:"Id"`
		Expression string `json:",omitempty"`
		Label      string `json:",omitempty"`
		ReturnData bool
		Stat       *triggerMetricStat `json:"MetricStat,omitempty"`
	}
	triggerMetricStat struct {
		Metric struct {
			Dimensions []triggerDimension
			MetricName string
			Namespace  string
		}
		Period int32
		Stat   string
	}
)

func topicMessage(scope catalog.Scope, a *types.MetricAlarm, before past) message {
	m := message{
		AlarmName: aws.ToString(a.AlarmName), AlarmDescription: a.AlarmDescription, AWSAccountID: scope.Account,
		AlarmConfigurationUpdatedTimestamp: stamp(aws.ToTime(a.AlarmConfigurationUpdatedTimestamp)),
		NewStateValue:                      a.StateValue, NewStateReason: aws.ToString(a.StateReason), StateChangeTime: stamp(aws.ToTime(a.StateUpdatedTimestamp)),
		Region: regionName(scope.Region), AlarmArn: aws.ToString(a.AlarmArn), OldStateValue: before.state,
		OKActions: list(a.OKActions), AlarmActions: list(a.AlarmActions), InsufficientDataActions: list(a.InsufficientDataActions),
	}
	t := &m.Trigger
	t.Period, t.EvaluationPeriod, t.ToAlarm = aws.ToInt32(a.Period), aws.ToInt32(a.EvaluationPeriods), aws.ToInt32(a.DatapointsToAlarm)
	t.Comparison, t.Threshold = a.ComparisonOperator, aws.ToFloat64(a.Threshold)
	t.TreatMissingData, t.LowSampleCount = aws.ToString(a.TreatMissingData), aws.ToString(a.EvaluateLowSampleCountPercentile)
	queries, watched := Queries(a)
	if len(a.Metrics) == 0 {
		t.MetricName, t.Namespace = aws.ToString(a.MetricName), aws.ToString(a.Namespace)
		t.StatisticType, t.Statistic = "Statistic", statisticWords[a.Statistic]
		if a.ExtendedStatistic != nil {
			t.StatisticType, t.Statistic = "ExtendedStatistic", *a.ExtendedStatistic
		}
		if a.Unit != "" {
			t.Unit = aws.String(string(a.Unit))
		}
		t.Dimensions = triggerDimensions(a.Dimensions)
		return m
	}
	for _, q := range queries {
		tm := triggerMetric{ID: aws.ToString(q.Id), Expression: aws.ToString(q.Expression), Label: aws.ToString(q.Label), ReturnData: aws.ToString(q.Id) == watched}
		if s := q.MetricStat; s != nil {
			tm.Stat = &triggerMetricStat{Period: aws.ToInt32(s.Period), Stat: aws.ToString(s.Stat)}
			tm.Stat.Metric.Dimensions = triggerDimensions(s.Metric.Dimensions)
			tm.Stat.Metric.MetricName, tm.Stat.Metric.Namespace = aws.ToString(s.Metric.MetricName), aws.ToString(s.Metric.Namespace)
		}
		t.Metrics = append(t.Metrics, tm)
	}
	return m
}

// statisticWords is how messages shout statistics.
var statisticWords = map[types.Statistic]string{
	types.StatisticSampleCount: "SAMPLE_COUNT", types.StatisticAverage: "AVERAGE", types.StatisticSum: "SUM",
	types.StatisticMinimum: "MINIMUM", types.StatisticMaximum: "MAXIMUM",
}

func triggerDimensions(dimensions []types.Dimension) []triggerDimension {
	all := []triggerDimension{}
	for _, d := range dimensions {
		all = append(all, triggerDimension{aws.ToString(d.Value), aws.ToString(d.Name)})
	}
	return all
}

func list(targets []string) []string {
	if targets == nil {
		return []string{}
	}
	return targets
}

// regionName is what messages call the best known regions.
func regionName(region string) string {
	if name, ok := regionNames[region]; ok {
		return name
	}
	return region
}

var regionNames = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-1": "US West (N. California)", "us-west-2": "US West (Oregon)",
	"eu-west-1": "EU (Ireland)", "eu-central-1": "EU (Frankfurt)", "ap-northeast-1": "Asia Pacific (Tokyo)",
	"ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)", "sa-east-1": "South America (Sao Paulo)",
}
