package engine_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// monitoring is a client of CloudWatch for an account.
func (a account) monitoring() *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: region, BaseEndpoint: &a.url, Credentials: credentials.NewStaticCredentialsProvider(a.id, "secret", ""), Retryer: aws.NopRetryer{},
	})
}

// dims makes dimensions out of pairs of name and value.
func dims(pairs ...string) []cwtypes.Dimension {
	all := []cwtypes.Dimension{}
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, cwtypes.Dimension{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return all
}

// metric returns what was recorded of a metric in the last ten minutes as one datapoint,
// nil when there is none.
func (a account) metric(name string, pairs ...string) *cwtypes.Datapoint {
	a.Helper()
	now := time.Now()
	out, err := a.monitoring().GetMetricStatistics(a.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: &name, Dimensions: dims(pairs...), Period: aws.Int32(3600),
		StartTime: aws.Time(now.Add(-10 * time.Minute)), EndTime: aws.Time(now.Add(time.Minute)),
		Statistics: []cwtypes.Statistic{"Sum", "SampleCount", "Minimum", "Maximum", "Average"},
	})
	if err != nil {
		a.Fatal(err)
	}
	if len(out.Datapoints) == 0 {
		return nil
	}
	if len(out.Datapoints) > 1 {
		a.Fatalf("%s has %d datapoints", name, len(out.Datapoints))
	}
	return &out.Datapoints[0]
}

// counts shows Sum and SampleCount of Invocations, Errors, Throttles and Duration (there
// only how many); "-" where there is no datapoint.
func (a account) counts(pairs ...string) string {
	a.Helper()
	var shown []string
	for _, name := range []string{"Invocations", "Errors", "Throttles"} {
		if d := a.metric(name, pairs...); d != nil {
			shown = append(shown, fmt.Sprintf("%s %v/%v", name[:1], *d.Sum, *d.SampleCount))
		} else {
			shown = append(shown, name[:1]+" -")
		}
	}
	d := a.metric("Duration", pairs...)
	if d == nil {
		return strings.Join(append(shown, "D -"), ", ")
	}
	return strings.Join(append(shown, fmt.Sprintf("D %v", *d.SampleCount)), ", ")
}

// Spec usecases §1.3, MON-4–MON-7, R05, R06, behaviour A10.1, A10.2: what each outcome emits.
func TestMetricsOfOutcomes(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for name, c := range map[string]struct {
		source string
		want   string
	}{
		"success":  {"def handler(event, context):\n    return 1", "I 1/1, E 0/1, T 0/1, D 1"},
		"raises":   {"def handler(event, context):\n    raise ValueError('no')", "I 1/1, E 1/1, T 0/1, D 1"},
		"exits":    {"import os\ndef handler(event, context):\n    os._exit(1)", "I 1/1, E 1/1, T 0/1, D 1"},
		"timeout":  {"import time\ndef handler(event, context):\n    time.sleep(5)", "I 1/1, E 1/1, T 0/1, D 1"},
		"no init":  {"raise ValueError('no')\ndef handler(event, context):\n    return 1", "I -, E 1/1, T 0/1, D -"},
		"no entry": {"def other(event, context):\n    return 1", "I -, E 1/1, T 0/1, D -"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := a
			a.TB = t
			function := strings.ReplaceAll(name, " ", "-")
			a.create(function, zipOf(t, map[string]string{"app.py": c.source}), timeoutIf(name == "timeout"))
			a.call(function)
			if got := a.counts("FunctionName", function); got != c.want {
				t.Errorf("metrics are %s, want %s", got, c.want)
			}
			d := a.metric("Duration", "FunctionName", function)
			if name == "timeout" && *d.Maximum != 1000 { // A10.2, MON-4
				t.Errorf("the duration is %v ms, want the timeout", *d.Maximum)
			}
			if d != nil && (*d.Average <= 0 || d.Unit != cwtypes.StandardUnitMilliseconds) {
				t.Errorf("the duration is %v %s", *d.Average, d.Unit)
			}
		})
	}
}

// MON-7: sums equal what was done.
func TestMetricsSumUp(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1/event['n']"))
	for i := range 12 {
		n := "1"
		if i%6 == 5 {
			n = "0"
		}
		a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"n":` + n + `}`)})
	}
	for _, pairs := range [][]string{{"FunctionName", "f"}, {"FunctionName", "f", "Resource", "f"}, {"Version", "$LATEST", "FunctionName", "f"}, nil} {
		if got := a.counts(pairs...); got != "I 12/12, E 2/12, T 0/12, D 12" {
			t.Errorf("%v: %s", pairs, got)
		}
	}
	if got := a.counts("FunctionName", "g"); got != "I -, E -, T -, D -" { // A10.4: nothing is not zero
		t.Errorf("a function that has never run has %s", got)
	}
}

// Behaviour A10.3, MON-8: of a throttled call there is a Throttles of 1 and an Errors of 0.
func TestMetricsOfThrottling(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := t.TempDir()
	started, finish := filepath.Join(dir, "started"), filepath.Join(dir, "finish")
	a.create("f", python(t, fmt.Sprintf("import os, time\n    open(%q, 'w').close()\n    while not os.path.exists(%q): time.sleep(0.01)", started, finish)), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	do(t, a.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1)})
	var running sync.WaitGroup
	running.Go(func() { a.call("f") })
	a.eventually("the function runs", func() bool { _, err := os.Stat(started); return err == nil })
	_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	refused[*types.TooManyRequestsException](t, err, 429, "…")
	if got := a.counts("FunctionName", "f"); got != "I -, E 0/1, T 1/1, D -" {
		t.Errorf("while the first call runs there is %s", got)
	}
	if err := os.WriteFile(finish, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if got := a.counts("FunctionName", "f"); got != "I 1/1, E 0/2, T 1/2, D 1" {
		t.Errorf("in the end there is %s", got)
	}
	if d := a.metric("ConcurrentExecutions", "FunctionName", "f"); d == nil || *d.Maximum != 1 {
		t.Errorf("concurrent executions are %+v", d)
	}
	if d := a.metric("UnreservedConcurrentExecutions"); d == nil || *d.Maximum != 0 {
		t.Errorf("unreserved executions are %+v, but all are reserved", d)
	}
}

// listed shows the names of metrics that have some dimensions.
func (a account) listed(pairs ...string) string {
	a.Helper()
	in := &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/Lambda")}
	for i := 0; i < len(pairs); i += 2 {
		in.Dimensions = append(in.Dimensions, cwtypes.DimensionFilter{Name: &pairs[i], Value: &pairs[i+1]})
	}
	out, err := a.monitoring().ListMetrics(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	var names []string
	for _, m := range out.Metrics {
		names = append(names, *m.MetricName)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// MON-9, A10.8: the four names, and today's ConcurrentExecutions beside them unless the
// guide's rules are asked for; never the old names.
func TestMetricNames(t *testing.T) {
	t.Parallel()
	const four = "Duration Errors Invocations Throttles"
	a, old := newAccount(t), limited(t, catalog.Guide2016())
	for _, a := range []account{a, old} {
		a.create("f", python(t, "return 1"))
		a.call("f")
	}
	if got := old.listed("FunctionName", "f"); got != four {
		t.Errorf("the guide's metrics are %s", got)
	}
	if got := old.listed(); got != four {
		t.Errorf("the guide's metrics are %s", got)
	}
	if got := a.listed("FunctionName", "f"); got != "ConcurrentExecutions "+four {
		t.Errorf("today's metrics are %s", got)
	}
	if got := a.listed("FunctionName", "f", "Resource", "f"); got != four {
		t.Errorf("metrics of f itself are %s", got)
	}
}

// A10.6, MON-10, R07: what an alias has run is found by alias, version and function.
func TestMetricDimensions(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.deploy("f", python(t, "return 2"))
	a.publish("f")
	a.alias("f", "PROD", "2")
	for _, name := range []string{"f", "f:1", "f:PROD", "f:PROD", "f:2", "f:$LATEST"} {
		a.call(name)
	}
	for want, sets := range map[string][][]string{
		"I 6/6, E 0/6, T 0/6, D 6": {{"FunctionName", "f"}, nil},
		"I 1/1, E 0/1, T 0/1, D 1": {
			{"FunctionName", "f", "Resource", "f"},
			{"FunctionName", "f", "Resource", "f:1"},
			{"FunctionName", "f", "Resource", "f:2"},
			{"FunctionName", "f", "Resource", "f:$LATEST"},
			{"FunctionName", "f", "Version", "1"},
		},
		"I 2/2, E 0/2, T 0/2, D 2": {
			{"FunctionName", "f", "Resource", "f:PROD"},
			{"FunctionName", "f", "Alias", "PROD"},
			{"FunctionName", "f", "Version", "$LATEST"},
			{"ExecutedVersion", "2", "FunctionName", "f", "Resource", "f:PROD"},
		},
		"I 3/3, E 0/3, T 0/3, D 3": {{"FunctionName", "f", "Version", "2"}},
		"I -, E -, T -, D -":       {{"Resource", "f:PROD"}, {"FunctionName", "f", "Resource", "f:3"}, {"FunctionName", "g"}}, // only whole sets of dimensions are metrics
	} {
		for _, set := range sets {
			if got := a.counts(set...); got != want {
				t.Errorf("%v: %s, want %s", set, got, want)
			}
		}
	}
	for _, filter := range [][]string{{"Alias", "PROD"}, {"Version", "2"}, {"Resource", "f:PROD"}, {"ExecutedVersion", "2"}} {
		if got := a.listed(filter...); got != "Duration Errors Invocations Throttles" {
			t.Errorf("%v lists %s", filter, got)
		}
	}
	if got := a.listed("Alias", "DEV"); got != "" {
		t.Errorf("of no alias there is %s", got)
	}
}

// Usecases §1.3: every attempt at an event is a request of its own; and what today's AWS
// tells of events.
func TestMetricsOfEvents(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1/event['n']"))
	do(t, a.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(0)})
	for _, n := range []string{"1", "0", "1"} {
		a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n":` + n + `}`)})
	}
	a.eventually("the events are handled", func() bool { return a.counts("FunctionName", "f") == "I 3/3, E 1/3, T 0/3, D 3" })
	a.eventually("one is dropped", func() bool {
		d := a.metric("AsyncEventsDropped", "FunctionName", "f")
		return d != nil && *d.Sum == 1
	})
	if d := a.metric("AsyncEventsReceived", "FunctionName", "f"); d == nil || *d.Sum != 3 {
		t.Errorf("received %+v", d)
	}
	if d := a.metric("AsyncEventAge", "FunctionName", "f", "Resource", "f"); d == nil || *d.SampleCount != 3 || d.Unit != cwtypes.StandardUnitMilliseconds || *d.Maximum > 60000 {
		t.Errorf("ages %+v", d)
	}

	a.mapping("s", "f")
	a.put("s", `{}`)
	a.eventually("the age of the iterator is told", func() bool {
		d := a.metric("IteratorAge", "FunctionName", "f")
		return d != nil && d.Unit == cwtypes.StandardUnitMilliseconds
	})
}

func TestMetricsOfProvisionedConcurrency(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := t.TempDir()
	a.create("f", python(t, fmt.Sprintf("import os, time\n    open(%q + '/' + context.aws_request_id, 'w').close()\n    while len(os.listdir(%[1]q)) < 2: time.sleep(0.01)", dir)))
	a.publish("f")
	a.alias("f", "live", "1")
	do(t, a.PutProvisionedConcurrencyConfig, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live"), ProvisionedConcurrentExecutions: aws.Int32(1)})
	a.eventually("it is provisioned", func() bool {
		out, err := a.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
		return err == nil && out.Status == types.ProvisionedConcurrencyStatusEnumReady
	})
	var calls sync.WaitGroup
	for range 2 { // each waits for the other
		calls.Go(func() { a.call("f:live") })
	}
	calls.Wait()
	for _, name := range []string{"ProvisionedConcurrencyInvocations", "ProvisionedConcurrencySpilloverInvocations"} {
		if d := a.metric(name, "FunctionName", "f", "Resource", "f:live"); d == nil || *d.Sum != 1 {
			t.Errorf("%s: %+v, want 1", name, d)
		}
	}
	if d := a.metric("ConcurrentExecutions"); d == nil || *d.Maximum != 2 {
		t.Errorf("executions at the same time: %+v, want 2", d)
	}
}

// A function that publishes metrics does so to the engine, as its role, without signing.
func TestMetricsOfAFunctionsOwn(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, `import json, urllib.request
    body = json.dumps({"Namespace": "Shop", "MetricData": [{"MetricName": "Orders", "Value": 3, "Unit": "Count"}]}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
        "Authorization": "AWS4-HMAC-SHA256 Credential=%s/20261122/%s/monitoring/aws4_request, SignedHeaders=host, Signature=0" % (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_REGION"])}
    return urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, headers)).status`))
	if got := a.call("f"); got != "200" {
		t.Fatalf("the function got %s", got)
	}
	out, err := a.monitoring().ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{Namespace: aws.String("Shop")})
	if err != nil || len(out.Metrics) != 1 || *out.Metrics[0].MetricName != "Orders" {
		t.Errorf("listed %+v, %v", out, err)
	}
}

// Metrics and alarms are there after a restart.
func TestMetricsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func() (*engine.Engine, account) {
		e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: dir, Driver: "process"})
		if err != nil {
			t.Fatal(err)
		}
		return e, accountOn(t, e.URL(), "123456789012")
	}
	e, a := start()
	a.create("f", python(t, "return 1"))
	a.call("f")
	if _, err := a.monitoring().PutMetricAlarm(t.Context(), alarmOn("f")); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e, a = start()
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	a.call("f")
	if got := a.counts("FunctionName", "f"); got != "I 2/2, E 0/2, T 0/2, D 2" {
		t.Errorf("there is %s", got)
	}
	if got := a.listed("Resource", "f"); got != "Duration Errors Invocations Throttles" {
		t.Errorf("listed are %s", got)
	}
	if out, err := a.monitoring().DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{}); err != nil || len(out.MetricAlarms) != 1 {
		t.Errorf("alarms %+v, %v", out, err)
	}
}

// alarmOn is the alarm of the seed: the first error within a minute.
func alarmOn(function string) *cloudwatch.PutMetricAlarmInput {
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(function + "-errors"), Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors"), Dimensions: dims("FunctionName", function),
		Statistic: cwtypes.StatisticSum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, TreatMissingData: aws.String("notBreaching"),
	}
}

// R08, SCH-6: a failing call puts the alarm into ALARM, which invokes a function and
// tells a topic, once each. What cannot be told is in the alarm's history.
func TestAlarm(t *testing.T) {
	t.Parallel()
	published := make(chan url.Values, 10)
	topics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		published <- r.Form
		_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}))
	defer topics.Close()
	e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Services: map[string]string{"sns": topics.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	a := accountOn(t, e.URL(), "123456789012")
	told := filepath.Join(t.TempDir(), "told")
	a.create("f", python(t, "return 1/0"))
	a.create("sink", python(t, fmt.Sprintf("open(%q, 'a').write(__import__('json').dumps(event) + '\\n')", told)))
	do(t, a.AddPermission, &lambda.AddPermissionInput{
		FunctionName: aws.String("sink"), StatementId: aws.String("alarm"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("lambda.alarms.cloudwatch.amazonaws.com"), SourceAccount: &a.id,
	})
	in := alarmOn("f")
	in.AlarmActions = []string{a.arn("sink"), a.arn("missing"), "arn:aws:sns:" + region + ":" + a.id + ":t"}
	if _, err := a.monitoring().PutMetricAlarm(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	a.call("f")
	a.call("f")
	a.eventually("the alarm has told the function", func() bool { _, err := os.Stat(told); return err == nil })
	raw, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"source": "aws.cloudwatch"`, `"alarmName": "f-errors"`, `"value": "ALARM"`, `"previousState": {"value": "`, `"dimensions": {"FunctionName": "f"}`, `"alarmArn": "arn:aws:cloudwatch:` + region + ":" + a.id + `:alarm:f-errors"`} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("the function got no %s: %s", part, raw)
		}
	}
	if n := strings.Count(string(raw), "\n"); n != 1 {
		t.Errorf("the function was told %d times", n)
	}
	var actions []string
	a.eventually("every action is in the history", func() bool {
		out, err := a.monitoring().DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{AlarmName: in.AlarmName, HistoryItemType: cwtypes.HistoryItemTypeAction})
		if err != nil {
			t.Fatal(err)
		}
		actions = nil
		for _, i := range out.AlarmHistoryItems {
			actions = append(actions, *i.HistorySummary)
		}
		return len(actions) == 3
	})
	for i, begin := range []string{"Successfully executed action arn:aws:sns:", "Failed to execute action " + a.arn("missing"), "Successfully executed action " + a.arn("sink")} {
		if !strings.HasPrefix(actions[i], begin) {
			t.Errorf("action %d is %s", i, actions[i])
		}
	}
	if len(published) != 1 {
		t.Fatalf("the topic got %d messages", len(published))
	}
	if form := <-published; form.Get("Action") != "Publish" || form.Get("TopicArn") != in.AlarmActions[2] || !strings.Contains(form.Get("Message"), `"NewStateValue":"ALARM"`) {
		t.Errorf("the topic got %v", form)
	}
}

// What Prometheus sees, and who else does.
func TestExposition(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1/event['n']"))
	for _, n := range []string{"1", "0"} {
		a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"n":` + n + `}`)})
	}
	scrape := func(url, key, secret string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			r.SetBasicAuth(key, secret)
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
		return response.StatusCode, string(raw)
	}
	of := fmt.Sprintf(`{account=%q,function="f",region=%q}`, a.id, region)
	status, text := scrape(a.url, "", "")
	for _, line := range []string{
		"lambda_invocations_total" + of + " 2\n", "lambda_errors_total" + of + " 1\n", "lambda_throttles_total" + of + " 0\n",
		"lambda_cold_starts_total" + of + " 1\n", "lambda_duration_seconds_count" + of + " 2\n", "lambda_init_duration_seconds_count" + of + " 1\n",
		fmt.Sprintf("lambda_environments{account=%q,function=\"f\",region=%q,state=\"idle\",version=\"$LATEST\"} 1\n", a.id, region),
		"process_resident_memory_bytes ", "go_goroutines ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%d without %s", status, line)
		}
	}
	if strings.Contains(text, `function=""`) {
		t.Error("something without a name has series")
	}

	strict := identifying(t, "strict", nil)
	if status, text := scrape(strict.URL(), "", ""); status != 401 || strings.Contains(text, "lambda_") {
		t.Errorf("a stranger gets %d %s", status, text)
	}
	if status, _ := scrape(strict.URL(), "AKIABOB", "wrong"); status != 401 {
		t.Errorf("a wrong secret gets %d", status)
	}
	if status, _ := scrape(strict.URL(), "AKIABUCKET", "bucket's"); status != 401 {
		t.Errorf("a service gets %d", status)
	}
	if status, text := scrape(strict.URL(), "AKIABOB", "bob's"); status != 200 || !strings.Contains(text, "go_goroutines ") {
		t.Errorf("the right secret gets %d", status)
	}
}
