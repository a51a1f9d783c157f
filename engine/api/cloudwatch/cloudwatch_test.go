package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// cloud is a CloudWatch of its own, with a client that speaks CBOR.
type cloud struct {
	testing.TB
	*cloudwatch.Client
	url string
	now time.Time
}

func newCloud(t testing.TB) *cloud {
	c := &cloud{TB: t, now: start}
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return c.now }
	js, err := store.Open(filepath.Join(t.TempDir(), "js"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(js.Close)
	kept, err := metrics.Open(t.Context(), js, now, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	manager, err := alarms.Open(t.Context(), alarms.Options{Store: js, Metrics: kept, Notify: func(context.Context, alarms.Notice) error { return nil }, Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(manager.Close)
	service, err := (&Service{Metrics: kept, Alarms: manager, Now: now}).Wire()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(wire.NewServer(wire.ServerConfig{Region: "eu-west-1"}, service))
	t.Cleanup(server.Close)
	c.url = server.URL
	c.Client = c.as("123456789012")
	return c
}

func (c *cloud) as(account string) *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "eu-west-1", BaseEndpoint: &c.url, Credentials: credentials.NewStaticCredentialsProvider(account, "s", ""), Retryer: aws.NopRetryer{},
	})
}

// put records values of Shop/Latency at a time after start.
func (c *cloud) put(after time.Duration, values ...float64) {
	c.Helper()
	_, err := c.PutMetricData(c.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: []types.MetricDatum{{
		MetricName: aws.String("Latency"), Timestamp: aws.Time(start.Add(after)), Values: values, Unit: types.StandardUnitMilliseconds,
		Dimensions: []types.Dimension{{Name: aws.String("Stage"), Value: aws.String("prod")}},
	}}})
	if err != nil {
		c.Fatal(err)
	}
}

func statistics(edit ...func(*cloudwatch.GetMetricStatisticsInput)) *cloudwatch.GetMetricStatisticsInput {
	in := &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("Shop"), MetricName: aws.String("Latency"), StartTime: aws.Time(start), EndTime: aws.Time(start.Add(time.Hour)), Period: aws.Int32(60),
		Statistics: []types.Statistic{"Sum"}, Dimensions: []types.Dimension{{Name: aws.String("Stage"), Value: aws.String("prod")}},
	}
	for _, e := range edit {
		e(in)
	}
	return in
}

// refused checks the code, as clients know it, and the message of an error.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func TestGetMetricStatistics(t *testing.T) {
	c := newCloud(t)
	c.now = start.Add(time.Hour)
	for i := range 10 {
		c.put(time.Duration(i)*time.Minute+59*time.Second, float64(i), 100)
	}
	show := func(edit ...func(*cloudwatch.GetMetricStatisticsInput)) string {
		t.Helper()
		out, err := c.GetMetricStatistics(t.Context(), statistics(edit...))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, d := range out.Datapoints {
			all = append(all, fmt.Sprintf("%s=%v", d.Timestamp.Format("15:04"), *d.Sum))
		}
		return strings.Join(all, " ")
	}
	type input = cloudwatch.GetMetricStatisticsInput
	period := func(seconds int32) func(*input) { return func(in *input) { in.Period = &seconds } }
	from := func(after time.Duration) func(*input) {
		return func(in *input) { in.StartTime = aws.Time(start.Add(after)) }
	}
	if got := show(period(300)); got != "10:00=510 10:05=535" {
		t.Errorf("by five minutes: %s", got)
	}
	if got := show(period(300), from(2*time.Minute+34*time.Second)); got != "10:02=520 10:07=324" {
		t.Errorf("periods begin at StartTime, taken down to the minute: %s", got)
	}
	if got := show(from(8*time.Minute), func(in *input) { in.EndTime = aws.Time(start.Add(9 * time.Minute)) }); got != "10:08=108" {
		t.Errorf("EndTime is exclusive: %s", got)
	}
	if got := show(func(in *input) { in.Unit = types.StandardUnitSeconds }); got != "" {
		t.Errorf("of another unit: %s", got)
	}
	if got := show(func(in *input) { in.Dimensions = nil }); got != "" {
		t.Errorf("without the dimensions: %s", got)
	}

	out, err := c.GetMetricStatistics(t.Context(), statistics(period(600), func(in *input) {
		in.Statistics, in.ExtendedStatistics = nil, []string{"p0.1", "p50", "p99.9"}
	}))
	if err != nil || len(out.Datapoints) != 1 {
		t.Fatal(out, err)
	}
	for name, want := range map[string]float64{"p0.1": 0, "p50": 9, "p99.9": 100} {
		if got := out.Datapoints[0].ExtendedStatistics[name]; math.Abs(got-want) > want/128 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if out.Datapoints[0].Unit != types.StandardUnitMilliseconds || *out.Label != "Latency" {
		t.Errorf("datapoint %+v of %s", out.Datapoints[0], *out.Label)
	}
}

func TestGetMetricStatisticsRefused(t *testing.T) {
	c := newCloud(t)
	type input = cloudwatch.GetMetricStatisticsInput
	for message, tt := range map[string]struct {
		code string
		edit func(*input)
	}{
		"At least one of the parameters":             {"InvalidParameterCombination", func(in *input) { in.Statistics = nil }},
		"cannot be specified together":               {"InvalidParameterCombination", func(in *input) { in.ExtendedStatistics = []string{"p1"} }},
		"percentiles such as p99.9":                  {"InvalidParameterValue", func(in *input) { in.Statistics, in.ExtendedStatistics = nil, []string{"tm90"} }},
		"must be a multiple of 60":                   {"InvalidParameterValue", func(in *input) { in.Period = aws.Int32(90) }},
		"must be less than the parameter EndTime":    {"InvalidParameterValue", func(in *input) { in.EndTime = in.StartTime }},
		"requested up to 1500 datapoints, which exc": {"InvalidParameterCombination", func(in *input) { in.EndTime = aws.Time(in.StartTime.Add(25 * time.Hour)) }},
		"at 'statistics'":                            {"ValidationError", func(in *input) { in.Statistics = []types.Statistic{"Median"} }},
	} {
		_, err := c.GetMetricStatistics(t.Context(), statistics(tt.edit))
		refused(t, err, tt.code, message)
	}
}

func TestPutMetricData(t *testing.T) {
	c := newCloud(t)
	type datum = types.MetricDatum
	put := func(namespace string, d ...datum) error {
		for i := range d {
			d[i].MetricName = aws.String("Latency")
		}
		_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: d})
		return err
	}
	for message, tt := range map[string]struct {
		code string
		d    datum
	}{
		"mutually exclusive":      {"InvalidParameterCombination", datum{Value: aws.Float64(1), Values: []float64{1}}},
		"of the same size":        {"InvalidParameterValue", datum{Values: []float64{1, 2}, Counts: []float64{1}}},
		"not have a size greater": {"InvalidParameterValue", datum{Values: make([]float64, 151)}},
		"past two weeks":          {"InvalidParameterValue", datum{Value: aws.Float64(1), Timestamp: aws.Time(start.Add(-15 * 24 * time.Hour))}},
		"Timestamp":               {"InvalidParameterValue", datum{Value: aws.Float64(1), Timestamp: aws.Time(start.Add(3 * time.Hour))}},
		"must be a number":        {"InvalidParameterValue", datum{Value: aws.Float64(math.NaN())}},
		"range of -2^360":         {"InvalidParameterValue", datum{Value: aws.Float64(math.Inf(1))}},
		"MetricData.member.Value": {"MissingParameter", datum{}},
		"positive SampleCount":    {"InvalidParameterValue", datum{StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(0), Sum: aws.Float64(0), Minimum: aws.Float64(0), Maximum: aws.Float64(0)}}},
	} {
		refused(t, put("Shop", datum{Value: aws.Float64(1)}, tt.d), tt.code, message)
	}
	refused(t, put("AWS/Lambda", datum{Value: aws.Float64(1)}), "InvalidParameterValue", "AWS/")
	if out, err := c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{}); err != nil || len(out.Metrics) != 0 {
		t.Errorf("of what was refused there is %+v, %v", out, err)
	}

	many := make([]datum, 500) // so many that the SDK compresses them
	for i := range many {
		many[i] = datum{Value: aws.Float64(float64(i)), Timestamp: aws.Time(start)}
	}
	if err := put("Shop", many...); err != nil {
		t.Fatal(err)
	}
	if err := put("Shop", datum{Timestamp: aws.Time(start), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(10), Sum: aws.Float64(50), Minimum: aws.Float64(-1), Maximum: aws.Float64(900)}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetMetricStatistics(t.Context(), statistics(func(in *cloudwatch.GetMetricStatisticsInput) {
		in.Dimensions, in.Statistics = nil, []types.Statistic{"Sum", "SampleCount", "Minimum", "Maximum"}
	}))
	if err != nil || len(out.Datapoints) != 1 {
		t.Fatal(out, err)
	}
	if d := out.Datapoints[0]; *d.SampleCount != 510 || *d.Sum != 499*500/2+50 || *d.Minimum != -1 || *d.Maximum != 900 || d.Unit != types.StandardUnitNone {
		t.Errorf("datapoint %+v", d)
	}
	out, err = c.GetMetricStatistics(t.Context(), statistics(func(in *cloudwatch.GetMetricStatisticsInput) {
		in.Dimensions, in.Statistics, in.ExtendedStatistics = nil, nil, []string{"p50"}
	}))
	if err != nil || len(out.Datapoints) != 0 {
		t.Errorf("of what was summed up nobody knows percentiles: %+v, %v", out, err)
	}
}

func TestListMetrics(t *testing.T) {
	c := newCloud(t)
	for i := range listPage + 1 {
		_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Shop"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("M"), Value: aws.Float64(1), Dimensions: []types.Dimension{{Name: aws.String("N"), Value: aws.String(fmt.Sprint(i))}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	pages := cloudwatch.NewListMetricsPaginator(c, &cloudwatch.ListMetricsInput{MetricName: aws.String("M"), RecentlyActive: types.RecentlyActivePt3h})
	seen := map[string]bool{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Metrics {
			seen[*m.Dimensions[0].Value] = true
		}
	}
	if len(seen) != listPage+1 {
		t.Errorf("%d metrics are listed", len(seen))
	}
	count := func(who *cloudwatch.Client, in cloudwatch.ListMetricsInput) int {
		out, err := who.ListMetrics(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Metrics)
	}
	filter := func(name string, value *string) []types.DimensionFilter {
		return []types.DimensionFilter{{Name: &name, Value: value}}
	}
	if n := count(c.Client, cloudwatch.ListMetricsInput{Dimensions: filter("N", aws.String("7"))}); n != 1 {
		t.Errorf("%d metrics of one value", n)
	}
	if n := count(c.Client, cloudwatch.ListMetricsInput{Dimensions: filter("N", nil)}); n != listPage {
		t.Errorf("%d metrics of any value", n)
	}
	if n := count(c.Client, cloudwatch.ListMetricsInput{Namespace: aws.String("Other")}); n != 0 {
		t.Errorf("%d metrics of another namespace", n)
	}
	if n := count(c.as("999999999999"), cloudwatch.ListMetricsInput{}); n != 0 {
		t.Errorf("%d metrics of another account", n)
	}
	c.now = start.Add(4 * time.Hour)
	if n := count(c.Client, cloudwatch.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h}); n != 0 {
		t.Errorf("%d metrics are recently active", n)
	}
	_, err := c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{NextToken: aws.String("x")})
	refused(t, err, "InvalidNextToken", "Invalid nextToken")
}

func TestGetMetricData(t *testing.T) {
	c := newCloud(t)
	c.now = start.Add(time.Hour)
	for i := range 5 {
		c.put(time.Duration(i)*time.Minute, float64(i), 1)
	}
	stat := func(id, stat string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("Shop"), MetricName: aws.String("Latency"), Dimensions: statistics().Dimensions}, Period: aws.Int32(60), Stat: &stat,
		}}
	}
	hidden := stat("n", "SampleCount")
	hidden.ReturnData = aws.Bool(false)
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(start.Add(30 * time.Second)), EndTime: aws.Time(start.Add(time.Hour)), ScanBy: types.ScanByTimestampAscending, MaxDatapoints: aws.Int32(3),
		MetricDataQueries: []types.MetricDataQuery{stat("s", "Sum"), hidden, {Id: aws.String("avg"), Expression: aws.String("s / n"), Label: aws.String("mean")}},
	}
	got, pages := map[string][]float64{}, 0
	for paginator := cloudwatch.NewGetMetricDataPaginator(c, in); paginator.HasMorePages(); pages++ {
		out, err := paginator.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.MetricDataResults {
			got[*r.Id+" "+*r.Label] = append(got[*r.Id+" "+*r.Label], r.Values...)
			if len(r.Timestamps) != len(r.Values) {
				t.Errorf("%d times of %d values", len(r.Timestamps), len(r.Values))
			}
		}
	}
	if fmt.Sprint(got) != "map[avg mean:[0.5 1 1.5 2 2.5] s Latency:[1 2 3 4 5]]" || pages != 4 {
		t.Errorf("in %d pages: %v", pages, got)
	}
	in.MaxDatapoints, in.ScanBy = nil, ""
	out, err := c.GetMetricData(t.Context(), in)
	if err != nil || fmt.Sprint(out.MetricDataResults[0].Values) != "[5 4 3 2 1]" || !out.MetricDataResults[0].Timestamps[4].Equal(start) || out.NextToken != nil {
		t.Errorf("newest first, from the period of StartTime on: %+v, %v", out, err)
	}
	in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{Id: aws.String("x"), Expression: aws.String("SEARCH(s)")})
	_, err = c.GetMetricData(t.Context(), in)
	refused(t, err, "ValidationError", "no function SEARCH")
}

func alarm(name string, edit ...func(*cloudwatch.PutMetricAlarmInput)) *cloudwatch.PutMetricAlarmInput {
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("Shop"), MetricName: aws.String("Latency"), Statistic: types.StatisticMaximum, Period: aws.Int32(300),
		EvaluationPeriods: aws.Int32(2), DatapointsToAlarm: aws.Int32(1), Threshold: aws.Float64(1.5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		Dimensions: statistics().Dimensions, AlarmActions: []string{"arn:aws:sns:eu-west-1:123456789012:t"}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}
	for _, e := range edit {
		e(in)
	}
	return in
}

func TestAlarms(t *testing.T) {
	c := newCloud(t)
	for i := range 3 {
		if _, err := c.PutMetricAlarm(t.Context(), alarm(fmt.Sprintf("a/ü %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	names := func(in cloudwatch.DescribeAlarmsInput) string {
		t.Helper()
		var all []string
		in.MaxRecords = aws.Int32(2)
		for pages := cloudwatch.NewDescribeAlarmsPaginator(c, &in); pages.HasMorePages(); {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range out.MetricAlarms {
				all = append(all, *a.AlarmName)
			}
		}
		return strings.Join(all, ",")
	}
	type input = cloudwatch.DescribeAlarmsInput
	for want, in := range map[string]input{
		"a/ü 0,a/ü 1,a/ü 2": {},
		"a/ü 1":             {AlarmNames: []string{"a/ü 1", "nope"}},
		"":                  {AlarmNamePrefix: aws.String("b")},
	} {
		if got := names(in); got != want {
			t.Errorf("%+v: %s", in, got)
		}
	}
	if got := names(input{ActionPrefix: aws.String("arn:aws:sns"), StateValue: types.StateValueInsufficientData}); got != "a/ü 0,a/ü 1,a/ü 2" {
		t.Errorf("by action and state: %s", got)
	}
	if got := names(input{AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}}); got != "" {
		t.Errorf("composite alarms: %s", got)
	}
	out, err := c.DescribeAlarms(t.Context(), &input{AlarmNames: []string{"a/ü 1"}})
	if err != nil {
		t.Fatal(err)
	}
	a := out.MetricAlarms[0]
	if *a.AlarmArn != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a/ü 1" || a.StateValue != "INSUFFICIENT_DATA" || *a.StateReason != "Unchecked: Initial alarm creation" ||
		*a.Threshold != 1.5 || !*a.ActionsEnabled || a.OKActions == nil || *a.Dimensions[0].Value != "prod" || !a.StateUpdatedTimestamp.Equal(start) {
		t.Errorf("alarm %+v", a)
	}

	found, err := c.DescribeAlarmsForMetric(t.Context(), &cloudwatch.DescribeAlarmsForMetricInput{Namespace: aws.String("Shop"), MetricName: aws.String("Latency"), Dimensions: statistics().Dimensions, Period: aws.Int32(300)})
	if err != nil || len(found.MetricAlarms) != 3 {
		t.Errorf("of the metric: %+v, %v", found, err)
	}
	found, err = c.DescribeAlarmsForMetric(t.Context(), &cloudwatch.DescribeAlarmsForMetricInput{Namespace: aws.String("Shop"), MetricName: aws.String("Latency")})
	if err != nil || len(found.MetricAlarms) != 0 {
		t.Errorf("of a metric without dimensions: %+v, %v", found, err)
	}

	if _, err := c.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: a.AlarmName, StateValue: "ALARM", StateReason: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutMetricAlarm(t.Context(), alarm("a/ü 1", func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold, in.Tags = aws.Float64(9), nil })); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DisableAlarmActions(t.Context(), &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"a/ü 1", "nope"}}); err != nil {
		t.Fatal(err)
	}
	out, err = c.DescribeAlarms(t.Context(), &input{AlarmNames: []string{"a/ü 1"}})
	if err != nil || out.MetricAlarms[0].StateValue != "ALARM" || *out.MetricAlarms[0].Threshold != 9 || *out.MetricAlarms[0].ActionsEnabled {
		t.Errorf("changed alarm %+v, %v", out, err)
	}
	if _, err := c.EnableAlarmActions(t.Context(), &cloudwatch.EnableAlarmActionsInput{AlarmNames: []string{"a/ü 1"}}); err != nil {
		t.Fatal(err)
	}

	tags := func() string {
		t.Helper()
		out, err := c.ListTagsForResource(t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, tag := range out.Tags {
			all = append(all, *tag.Key+"="+*tag.Value)
		}
		return strings.Join(all, ",")
	}
	if got := tags(); got != "k=v" {
		t.Errorf("tags %s", got)
	}
	if _, err := c.TagResource(t.Context(), &cloudwatch.TagResourceInput{ResourceARN: a.AlarmArn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(t.Context(), &cloudwatch.UntagResourceInput{ResourceARN: a.AlarmArn, TagKeys: []string{"k"}}); err != nil {
		t.Fatal(err)
	}
	if got := tags(); got != "a=b" {
		t.Errorf("tags %s", got)
	}
	_, err = c.ListTagsForResource(t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String(*a.AlarmArn + "x")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) || *missing.ResourceType != "Alarm" {
		t.Errorf("tags of nothing: %v", err)
	}

	history := func(in cloudwatch.DescribeAlarmHistoryInput) string {
		t.Helper()
		var all []string
		in.AlarmName, in.MaxRecords = a.AlarmName, aws.Int32(1)
		for pages := cloudwatch.NewDescribeAlarmHistoryPaginator(c, &in); pages.HasMorePages(); {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range out.AlarmHistoryItems {
				all = append(all, string(i.HistoryItemType))
			}
		}
		return strings.Join(all, " ")
	}
	if got := history(cloudwatch.DescribeAlarmHistoryInput{}); got != "ConfigurationUpdate Action StateUpdate ConfigurationUpdate" {
		t.Errorf("history, newest first: %s", got)
	}
	if got := history(cloudwatch.DescribeAlarmHistoryInput{HistoryItemType: types.HistoryItemTypeAction, ScanBy: types.ScanByTimestampAscending}); got != "Action" {
		t.Errorf("actions: %s", got)
	}

	if _, err := c.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a/ü 1", "nope"}}); err != nil {
		t.Fatal(err)
	}
	if got := names(input{}); got != "a/ü 0,a/ü 2" {
		t.Errorf("left are %s", got)
	}
	_, err = c.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: a.AlarmName, StateValue: "OK", StateReason: aws.String("test")})
	var gone *types.ResourceNotFound
	if !errors.As(err, &gone) {
		t.Errorf("the state of a deleted alarm: %v", err)
	}
}

func TestAlarmsRefused(t *testing.T) {
	c := newCloud(t)
	type input = cloudwatch.PutMetricAlarmInput
	query := func(id string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, Expression: aws.String("1 + 1")}
	}
	for message, tt := range map[string]struct {
		code string
		edit func(*input)
	}{
		"MetricName is required":         {"MissingParameter", func(in *input) { in.MetricName = nil }},
		"Threshold is required":          {"MissingParameter", func(in *input) { in.Threshold = nil }},
		"EvaluationPeriods is required":  {"MissingParameter", func(in *input) { in.EvaluationPeriods = nil }},
		"Exactly one of Statistic":       {"ValidationError", func(in *input) { in.Statistic = "" }},
		"ExtendedStatistic must be":      {"InvalidParameterCombination", func(in *input) { in.ExtendedStatistic = aws.String("p9") }},
		"multiple of 60":                 {"ValidationError", func(in *input) { in.Period = aws.Int32(10) }},
		"more than a day":                {"ValidationError", func(in *input) { in.EvaluationPeriods = aws.Int32(289) }},
		"more than seven days":           {"ValidationError", func(in *input) { in.Period, in.EvaluationPeriods = aws.Int32(86400), aws.Int32(8) }},
		"DatapointsToAlarm must":         {"ValidationError", func(in *input) { in.DatapointsToAlarm = aws.Int32(3) }},
		"Unknown option: 'x'":            {"ValidationError", func(in *input) { in.TreatMissingData = aws.String("x") }},
		"Invalid arn syntax":             {"ValidationError", func(in *input) { in.AlarmActions = []string{"me"} }},
		"cannot carry out":               {"ValidationError", func(in *input) { in.AlarmActions = []string{"arn:aws:automate:eu-west-1:ec2:stop"} }},
		"no anomaly detection":           {"ValidationError", func(in *input) { in.ComparisonOperator = types.ComparisonOperatorGreaterThanUpperThreshold }},
		"must not be specified together": {"ValidationError", func(in *input) { in.Metrics = []types.MetricDataQuery{query("a")} }},
		"at 'alarmName'":                 {"ValidationError", func(in *input) { in.AlarmName = aws.String("") }},
	} {
		_, err := c.PutMetricAlarm(t.Context(), alarm("a", tt.edit))
		refused(t, err, tt.code, message)
	}
	_, err := c.PutMetricAlarm(t.Context(), alarm("a", func(in *input) {
		*in = input{AlarmName: in.AlarmName, EvaluationPeriods: in.EvaluationPeriods, Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, Metrics: []types.MetricDataQuery{query("a"), query("b")}}
	}))
	refused(t, err, "ValidationError", "Exactly one element")
	if out, err := c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{}); err != nil || len(out.MetricAlarms) != 0 {
		t.Errorf("of what was refused there is %+v, %v", out, err)
	}
}

// The same in the two older protocols: clients that are some years old speak query, boto3
// in between speaks JSON.
func TestOlderProtocols(t *testing.T) {
	c := newCloud(t)
	send := func(body string, headers ...string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header, string(raw)
	}
	form := func(body string) (int, string) {
		status, _, text := send("Version=2010-08-01&"+body, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		return status, text
	}
	json := func(operation, body string) (int, http.Header, string) {
		return send(body, "Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "GraniteServiceVersion20100801."+operation, "X-Amzn-Query-Mode", "true")
	}

	status, text := form("Action=PutMetricData&Namespace=Shop&MetricData.member.1.MetricName=Latency&MetricData.member.1.Value=4.5&MetricData.member.1.Timestamp=2026-11-22T10:00:00Z&MetricData.member.1.Dimensions.member.1.Name=Stage&MetricData.member.1.Dimensions.member.1.Value=prod")
	if status != 200 || !strings.Contains(text, "<PutMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">") {
		t.Errorf("%d %s", status, text)
	}
	status, _, text = json("PutMetricData", `{"Namespace":"Shop","MetricData":[{"MetricName":"Latency","Value":1.5,"Timestamp":1795341600,"Dimensions":[{"Name":"Stage","Value":"prod"}]}]}`)
	if status != 200 {
		t.Errorf("%d %s", status, text)
	}
	status, text = form("Action=GetMetricStatistics&Namespace=Shop&MetricName=Latency&StartTime=2026-11-22T10:00:00Z&EndTime=2026-11-22T11:00:00Z&Period=60&Statistics.member.1=Sum&Dimensions.member.1.Name=Stage&Dimensions.member.1.Value=prod")
	if status != 200 || !strings.Contains(text, "<GetMetricStatisticsResult><Label>Latency</Label><Datapoints><member><Timestamp>2026-11-22T10:00:00.000Z</Timestamp><Sum>6.0</Sum><Unit>None</Unit></member></Datapoints></GetMetricStatisticsResult>") {
		t.Errorf("%d %s", status, text)
	}
	status, _, text = json("GetMetricStatistics", `{"Namespace":"Shop","MetricName":"Latency","StartTime":1795341600,"EndTime":1795345200,"Period":60,"Statistics":["Maximum"],"Dimensions":[{"Name":"Stage","Value":"prod"}]}`)
	if status != 200 || text != `{"Label":"Latency","Datapoints":[{"Timestamp":1795341600,"Maximum":4.5,"Unit":"None"}]}` {
		t.Errorf("%d %s", status, text)
	}
	status, text = form("Action=SetAlarmState&AlarmName=x&StateValue=OK&StateReason=r")
	if status != 404 || !strings.Contains(text, "<Type>Sender</Type><Code>ResourceNotFound</Code><Message>Alarm x does not exist</Message>") {
		t.Errorf("%d %s", status, text)
	}
	status, header, text := json("GetMetricStatistics", `{"Namespace":"Shop","MetricName":"Latency","StartTime":1795341600,"EndTime":1795345200,"Period":60}`)
	if status != 400 || header.Get("x-amzn-query-error") != "InvalidParameterCombination;Sender" || !strings.Contains(text, `"__type":"InvalidParameterCombinationException"`) {
		t.Errorf("%d %v %s", status, header, text)
	}
	status, text = form("Action=ListMetrics")
	if status != 200 || !strings.Contains(text, "<Metrics><member><Namespace>Shop</Namespace><MetricName>Latency</MetricName><Dimensions><member><Name>Stage</Name><Value>prod</Value></member></Dimensions></member></Metrics>") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := form("Action=PutDashboard&DashboardName=d&DashboardBody=b"); status != 501 {
		t.Errorf("%d %s", status, text)
	}
}
