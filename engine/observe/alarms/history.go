package alarms

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// What is kept of the past of an alarm.
const (
	historyAge  = 30 * 24 * time.Hour // as long as AWS keeps it
	historySize = 200
)

// history is the past of one alarm, oldest first.
type history struct {
	Scope catalog.Scope
	Items []types.AlarmHistoryItem
}

// note adds to the history of an alarm. data is what there is to say in JSON.
func (m *Manager) note(ctx context.Context, a Alarm, kind types.HistoryItemType, summary string, data any) {
	now := m.Now().UTC()
	raw, err := json.Marshal(data)
	if err == nil {
		item := types.AlarmHistoryItem{
			AlarmName: a.Alarm.AlarmName, AlarmType: types.AlarmTypeMetricAlarm, HistoryItemType: kind,
			HistorySummary: &summary, HistoryData: aws.String(string(raw)), Timestamp: &now,
		}
		_, err = m.history.Update(ctx, key(a.Scope, aws.ToString(a.Alarm.AlarmName)), func(h *history, _ bool) error {
			h.Scope = a.Scope
			h.Items = append(slices.DeleteFunc(h.Items, func(i types.AlarmHistoryItem) bool {
				return now.Sub(aws.ToTime(i.Timestamp)) > historyAge
			}), item)
			h.Items = h.Items[max(0, len(h.Items)-historySize):]
			return nil
		})
	}
	if err != nil {
		m.Log.Error("write the history of an alarm", "alarm", aws.ToString(a.Alarm.AlarmArn), "err", err)
	}
}

// History returns what has become of the alarms of an account in a region, or of the one
// that is named, oldest first. They may have been deleted since.
func (m *Manager) History(scope catalog.Scope, name string) []types.AlarmHistoryItem {
	var items []types.AlarmHistoryItem
	if name != "" {
		h, _ := m.history.Get(key(scope, name))
		items = slices.Clone(h.Items)
	} else {
		for _, h := range m.history.Scan(scope.Account+"."+scope.Region+".", "") {
			items = append(items, h.Items...)
		}
	}
	oldest := m.Now().Add(-historyAge)
	items = slices.DeleteFunc(items, func(i types.AlarmHistoryItem) bool { return aws.ToTime(i.Timestamp).Before(oldest) })
	slices.SortStableFunc(items, func(a, b types.AlarmHistoryItem) int { return aws.ToTime(a.Timestamp).Compare(aws.ToTime(b.Timestamp)) })
	return items
}

type historyState struct {
	Value  types.StateValue `json:"stateValue"`
	Reason string           `json:"stateReason"`
	Data   json.RawMessage  `json:"stateReasonData,omitempty"`
}

func stateOf(value types.StateValue, reason, data string) historyState {
	s := historyState{Value: value, Reason: reason}
	if json.Valid([]byte(data)) {
		s.Data = json.RawMessage(data)
	}
	return s
}

func stateChange(before past, now verdict) any {
	return map[string]any{
		"version":  "1.0",
		"oldState": stateOf(before.state, before.reason, before.data),
		"newState": stateOf(now.state, now.reason, now.data),
	}
}

func action(n Notice, err error) any {
	data := map[string]any{"actionState": "Succeeded", "notificationResource": n.Target, "publishedMessage": json.RawMessage(n.Message)}
	if err != nil {
		data["actionState"], data["error"] = "Failed", err.Error()
	}
	return data
}

func configurationChange(kind string, a *types.MetricAlarm) any {
	return map[string]any{"version": "1.0", "type": kind, kind + "dAlarm": map[string]any{
		"alarmName": a.AlarmName, "alarmArn": a.AlarmArn, "metricName": a.MetricName, "namespace": a.Namespace, "threshold": a.Threshold,
		"comparisonOperator": a.ComparisonOperator, "evaluationPeriods": a.EvaluationPeriods, "period": a.Period, "statistic": a.Statistic,
	}}
}
