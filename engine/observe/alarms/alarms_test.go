package alarms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

var (
	home  = catalog.Scope{Account: "123456789012", Region: "eu-west-1"}
	start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

const (
	function = "arn:aws:lambda:eu-west-1:123456789012:function:sink"
	topic    = "arn:aws:sns:eu-west-1:123456789012:t"
)

// bench is a manager whose time is set by hand.
type bench struct {
	*testing.T
	*Manager
	js      *store.Store
	metrics *metrics.Store
	dir     string

	mu    sync.Mutex
	now   time.Time
	told  []Notice
	fails error
}

func open(t *testing.T) *bench {
	b := &bench{T: t, dir: filepath.Join(t.TempDir(), "js"), now: start}
	b.open()
	t.Cleanup(b.close)
	return b
}

func (b *bench) open() {
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return b.now }
	var err error
	if b.js, err = store.Open(b.dir, log); err != nil {
		b.Fatal(err)
	}
	if b.metrics, err = metrics.Open(context.Background(), b.js, now, log); err != nil {
		b.Fatal(err)
	}
	notify := func(_ context.Context, n Notice) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.told = append(b.told, n)
		return b.fails
	}
	if b.Manager, err = Open(context.Background(), Options{Store: b.js, Metrics: b.metrics, Notify: notify, Now: now, Log: log}); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) close() {
	b.Close()
	b.metrics.Close()
	b.js.Close()
}

// record records a value of the metric that alarms are on, and looks at the alarms.
func (b *bench) record(value float64) {
	b.Helper()
	var s metrics.Stats
	s.Add(value, 1)
	if err := b.metrics.Put(home, metrics.ID{Namespace: "Shop", Name: "Errors", Unit: "Count"}, b.now, s); err != nil {
		b.Fatal(err)
	}
}

// pass lets time pass and looks at the alarms.
func (b *bench) pass(d time.Duration) {
	b.now = b.now.Add(d)
	b.Evaluate(b.Context())
}

func (b *bench) state(want types.StateValue) Alarm {
	b.Helper()
	a, ok := b.Get(home, "a")
	if !ok || a.Alarm.StateValue != want {
		b.Errorf("at %s the state is %s (%s), want %s", b.now.Format(time.TimeOnly), a.Alarm.StateValue, aws.ToString(a.Alarm.StateReason), want)
	}
	return a
}

// toldOf shows which states which targets were told of.
func (b *bench) toldOf() string {
	var all []string
	for _, n := range b.told {
		kind, _, _ := strings.Cut(n.Subject, ":")
		all = append(all, kind+" "+strings.Split(n.Target, ":")[2])
	}
	b.told = nil
	return strings.Join(all, ", ")
}

func alarm(edit ...func(*types.MetricAlarm)) Alarm {
	a := types.MetricAlarm{
		AlarmName: aws.String("a"), Namespace: aws.String("Shop"), MetricName: aws.String("Errors"), Statistic: types.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold,
		AlarmActions:       []string{function, topic}, OKActions: []string{topic}, InsufficientDataActions: []string{function},
		ActionsEnabled: aws.Bool(true),
	}
	for _, e := range edit {
		e(&a)
	}
	return Alarm{Scope: home, Alarm: a}
}

func (b *bench) put(a Alarm) {
	b.Helper()
	if err := b.Put(b.Context(), a); err != nil {
		b.Fatal(err)
	}
}

// R08: each change is told once, to whom it concerns.
func TestTransitions(t *testing.T) {
	b := open(t)
	b.put(alarm())
	b.state(types.StateValueInsufficientData)
	b.pass(time.Second) // there is no data: nothing changes
	if got := b.toldOf(); got != "" {
		t.Errorf("told %s", got)
	}
	b.record(0)
	b.pass(time.Second) // the minute may still become bad
	b.state(types.StateValueInsufficientData)
	b.record(1)
	b.pass(time.Second) // it has, and for good
	b.pass(time.Second)
	a := b.state(types.StateValueAlarm)
	if got := b.toldOf(); got != "ALARM lambda, ALARM sns" {
		t.Errorf("told %s", got)
	}
	const why = "Threshold Crossed: 1 out of the last 1 datapoints [1.0 (22/11/26 10:00:00)] was greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
	if *a.Alarm.StateReason != why {
		t.Errorf("reason %s", *a.Alarm.StateReason)
	}
	b.pass(time.Minute) // into the next minute
	b.record(0)
	b.pass(time.Minute)
	a = b.state(types.StateValueOk)
	if !strings.Contains(*a.Alarm.StateReason, "[0.0 (22/11/26 10:01:00)] was not greater than or equal to") {
		t.Errorf("reason %s", *a.Alarm.StateReason)
	}
	if got := b.toldOf(); got != "OK sns" {
		t.Errorf("told %s", got)
	}
	b.pass(10 * time.Minute)
	a = b.state(types.StateValueInsufficientData)
	if *a.Alarm.StateReason != "Insufficient Data: 1 datapoint was unknown." {
		t.Errorf("reason %s", *a.Alarm.StateReason)
	}
	if got := b.toldOf(); got != "INSUFFICIENT_DATA lambda" {
		t.Errorf("told %s", got)
	}
	if err := b.Edit(t.Context(), home, "a", func(a *Alarm) { a.Alarm.ActionsEnabled = aws.Bool(false) }); err != nil {
		t.Fatal(err)
	}
	b.record(3)
	b.pass(time.Second)
	b.state(types.StateValueAlarm)
	if got := b.toldOf(); got != "" {
		t.Errorf("without actions told %s", got)
	}
	if items := b.History(home, "a"); len(items) != 9 { // creation, four changes, four actions
		t.Errorf("%d items of history", len(items))
	}
}

// A change that has been written is told, even if the engine dies before.
func TestRestart(t *testing.T) {
	b := open(t)
	b.put(alarm())
	ctx, cancel := context.WithCancel(t.Context())
	b.Notify = func(context.Context, Notice) error { cancel(); return ctx.Err() } // dies in the middle of it
	b.record(1)
	b.Evaluate(ctx)
	b.state(types.StateValueAlarm)
	b.close()
	b.open()
	a := b.state(types.StateValueAlarm)
	if len(a.Pending) != 2 {
		t.Errorf("%d are pending", len(a.Pending))
	}
	b.resume(t.Context())
	if got := b.toldOf(); got != "ALARM lambda, ALARM sns" {
		t.Errorf("after the restart told %s", got)
	}
	b.close()
	b.open()
	b.resume(t.Context())
	b.Evaluate(t.Context())
	if got := b.toldOf(); got != "" {
		t.Errorf("after another restart told %s", got)
	}
}

func TestFailedActionsAreInTheHistory(t *testing.T) {
	b := open(t)
	b.fails = errors.New("nobody there")
	b.put(alarm())
	if err := b.SetState(t.Context(), home, "a", types.StateValueOk, "testing", `{"a":1}`); err != nil {
		t.Fatal(err)
	}
	if err := b.SetState(t.Context(), home, "a", types.StateValueOk, "testing again", ""); err != nil { // no change: nothing to tell
		t.Fatal(err)
	}
	if len(b.told) != 1 {
		t.Errorf("told %d times", len(b.told))
	}
	items := b.History(home, "a")
	last := items[len(items)-1]
	if *last.HistorySummary != `Failed to execute action `+topic+`. Received error: "nobody there"` || last.HistoryItemType != types.HistoryItemTypeAction {
		t.Errorf("history %+v", last)
	}
	if !strings.Contains(*items[1].HistoryData, `"stateReasonData":{"a":1}`) {
		t.Errorf("history %s", *items[1].HistoryData)
	}
	if err := b.SetState(t.Context(), home, "b", types.StateValueOk, "testing", ""); !errors.Is(err, ErrMissing) {
		t.Errorf("an alarm that there is not: %v", err)
	}
	if err := b.Delete(t.Context(), home, "a"); err != nil {
		t.Fatal(err)
	}
	if n := len(b.History(home, "")); n != len(items)+1 {
		t.Errorf("%d items after the deletion", n)
	}
	b.now = b.now.Add(historyAge + time.Hour)
	if n := len(b.History(home, "")); n != 0 {
		t.Errorf("%d items are too old", n)
	}
}

// The tables of CloudWatch's guide, "Configuring how CloudWatch alarms treat missing
// data": X breaches, 0 does not, - is missing; the last three periods of five count.
func TestJudge(t *testing.T) {
	const keep = ""
	tests := []struct {
		points string
		needed int32
		want   [4]types.StateValue // missing, ignore, breaching, notBreaching
	}{
		{"0-X-X", 3, [4]types.StateValue{"OK", "OK", "OK", "OK"}},
		{"----0", 3, [4]types.StateValue{"OK", "OK", "OK", "OK"}},
		{"-----", 3, [4]types.StateValue{"INSUFFICIENT_DATA", keep, "ALARM", "OK"}},
		{"0XX-X", 3, [4]types.StateValue{"ALARM", "ALARM", "ALARM", "ALARM"}},
		{"--X--", 3, [4]types.StateValue{"ALARM", keep, "ALARM", "OK"}},
		{"0-X-X", 2, [4]types.StateValue{"ALARM", "ALARM", "ALARM", "ALARM"}},
		{"00X0X", 2, [4]types.StateValue{"ALARM", "ALARM", "ALARM", "ALARM"}},
		{"0-X--", 2, [4]types.StateValue{"OK", "OK", "ALARM", "OK"}},
		{"----0", 2, [4]types.StateValue{"OK", "OK", "ALARM", "OK"}},
		{"---X-", 2, [4]types.StateValue{"ALARM", keep, "ALARM", "OK"}},
	}
	for _, tt := range tests {
		for i, treat := range []string{Missing, Ignore, Breaching, NotBreaching} {
			a := alarm(func(a *types.MetricAlarm) {
				a.EvaluationPeriods, a.DatapointsToAlarm, a.TreatMissingData = aws.Int32(3), &tt.needed, &treat
			})
			var points []datapoint
			for i, c := range tt.points {
				if c != '-' {
					points = append(points, datapoint{start.Add(time.Duration(i) * time.Minute), map[rune]float64{'0': 0, 'X': 1}[c], 1})
				}
			}
			v := judge(&a.Alarm, points, time.Minute, start)
			if v.state != tt.want[i] {
				t.Errorf("%s, %d of 3, %s: %s, want %s", tt.points, tt.needed, treat, v.state, tt.want[i])
			}
			if v.state != "" && (v.reason == "" || !json.Valid([]byte(v.data))) {
				t.Errorf("%s: reason %q, data %s", tt.points, v.reason, v.data)
			}
		}
	}
}

// What an alarm makes of one value, by operator and statistic, within the minute and
// after it.
func TestOperators(t *testing.T) {
	for operator, c := range map[types.ComparisonOperator]struct{ breach, fine float64 }{
		types.ComparisonOperatorGreaterThanOrEqualToThreshold: {1, 0.9},
		types.ComparisonOperatorGreaterThanThreshold:          {1.1, 1},
		types.ComparisonOperatorLessThanThreshold:             {0.9, 1},
		types.ComparisonOperatorLessThanOrEqualToThreshold:    {1, 1.1},
	} {
		for value, want := range map[float64]types.StateValue{c.breach: types.StateValueAlarm, c.fine: types.StateValueOk} {
			t.Run(fmt.Sprintf("%s %v", operator, value), func(t *testing.T) {
				b := open(t)
				b.put(alarm(func(a *types.MetricAlarm) { a.ComparisonOperator, a.Statistic = operator, types.StatisticAverage }))
				b.record(value)
				b.pass(time.Second) // an average may go anywhere
				b.state(types.StateValueInsufficientData)
				b.pass(time.Minute)
				b.state(want)
			})
		}
	}
}

func TestFormula(t *testing.T) {
	b := open(t)
	stat := func(id, stat string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("Shop"), MetricName: aws.String("Errors")}, Period: aws.Int32(60), Stat: &stat,
		}}
	}
	b.put(alarm(func(a *types.MetricAlarm) {
		a.Namespace, a.MetricName, a.Statistic, a.Period, a.Threshold = nil, nil, "", nil, aws.Float64(50)
		a.Metrics = []types.MetricDataQuery{stat("sum", "Sum"), stat("n", "SampleCount"), {Id: aws.String("rate"), Expression: aws.String("100 * sum / n")}}
	}))
	for _, v := range []float64{1, 1, 0} {
		b.record(v)
	}
	b.pass(time.Minute)
	b.state(types.StateValueAlarm)
	var event event
	if err := json.Unmarshal(b.told[0].Message, &event); err != nil || len(event.Data.Configuration.Metrics) != 3 || !event.Data.Configuration.Metrics[2].ReturnData {
		t.Errorf("%v: %s", err, b.told[0].Message)
	}
}

// The shapes of AWS's messages.
func TestMessages(t *testing.T) {
	b := open(t)
	b.put(alarm(func(a *types.MetricAlarm) {
		a.Dimensions = []types.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("f")}}
		a.AlarmDescription = aws.String("d")
	}))
	if err := b.SetState(t.Context(), home, "a", types.StateValueAlarm, "testing", ""); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`{"source":"aws.cloudwatch","alarmArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a","accountId":"123456789012","time":"2026-11-22T10:00:00.000+0000","region":"eu-west-1","alarmData":{"alarmName":"a","state":{"value":"ALARM","reason":"testing","timestamp":"2026-11-22T10:00:00.000+0000"},"previousState":{"value":"INSUFFICIENT_DATA","reason":"Unchecked: Initial alarm creation","timestamp":"2026-11-22T10:00:00.000+0000"},"configuration":{"description":"d","metrics":[{"id":"ID","metricStat":{"metric":{"namespace":"Shop","name":"Errors","dimensions":{"FunctionName":"f"}},"period":60,"stat":"Sum"},"returnData":true}]}}}`,
		`{"AlarmName":"a","AlarmDescription":"d","AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-11-22T10:00:00.000+0000","NewStateValue":"ALARM","NewStateReason":"testing","StateChangeTime":"2026-11-22T10:00:00.000+0000","Region":"EU (Ireland)","AlarmArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a","OldStateValue":"INSUFFICIENT_DATA","OKActions":["` + topic + `"],"AlarmActions":["` + function + `","` + topic + `"],"InsufficientDataActions":["` + function + `"],"Trigger":{"MetricName":"Errors","Namespace":"Shop","StatisticType":"Statistic","Statistic":"SUM","Unit":null,"Dimensions":[{"value":"f","name":"FunctionName"}],"Period":60,"EvaluationPeriods":1,"ComparisonOperator":"GreaterThanOrEqualToThreshold","Threshold":1,"TreatMissingData":"","EvaluateLowSampleCountPercentile":""}}`,
	} {
		var e event
		_ = json.Unmarshal(b.told[i].Message, &e)
		if len(e.Data.Configuration.Metrics) == 1 {
			want = strings.Replace(want, `"ID"`, `"`+e.Data.Configuration.Metrics[0].ID+`"`, 1)
		}
		if got := string(b.told[i].Message); got != want {
			t.Errorf("message is\n%s\nwant\n%s", got, want)
		}
	}
	if got := b.told[1].Subject; got != `ALARM: "a" in EU (Ireland)` {
		t.Errorf("subject %s", got)
	}
}

// Start looks by itself, and Close waits for it.
func TestStart(t *testing.T) {
	b := open(t)
	b.put(alarm())
	b.Start()
	b.close()
	b.open()
}
