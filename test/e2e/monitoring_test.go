package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// deploy makes the function f in Python with the AWS CLI.
func (c client) deploy(body string) {
	c.Helper()
	c.aws("create-function", "--function-name", "f", "--runtime", "python3.13", "--handler", "app.handler", "--role", "arn:aws:iam::000000000000:role/r",
		"--zip-file", "fileb://"+c.pkg(map[string]string{"app.py": "def handler(event, context):\n    " + body + "\n"}))
}

// sum asks the AWS CLI for the sum of a metric of the function f over the last minutes.
func (c client) sum(metric string) string {
	c.Helper()
	now := time.Now().UTC()
	return strings.TrimSpace(c.run("aws", "cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda", "--metric-name", metric,
		"--dimensions", "Name=FunctionName,Value=f", "--statistics", "Sum", "--period", "3600",
		"--start-time", now.Add(-10*time.Minute).Format(time.RFC3339), "--end-time", now.Add(time.Minute).Format(time.RFC3339),
		"--query", "Datapoints[].Sum", "--output", "text"))
}

// Spec usecases MON-7, MON-9 and §9's alarm, with the AWS CLI as it is; and what was
// measured is there when the engine has been killed.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	c := newClient(t, "aws", "python3")
	c.deploy("return 1 / event['n']")
	for i := range 12 {
		payload := `{"n":1}`
		if i >= 10 {
			payload = `{"n":0}`
		}
		c.aws("invoke", "--function-name", "f", "--payload", payload, t.TempDir()+"/out")
	}
	if got := c.sum("Invocations") + " " + c.sum("Errors"); got != "12.0 2.0" {
		t.Errorf("invocations and errors are %s", got)
	}
	names := strings.Fields(c.run("aws", "cloudwatch", "list-metrics", "--namespace", "AWS/Lambda", "--dimensions", "Name=FunctionName,Value=f", "Name=Resource,Value=f", "--query", "sort(Metrics[].MetricName)", "--output", "text"))
	if fmt.Sprint(names) != "[Duration Errors Invocations Throttles]" {
		t.Errorf("metrics are %v", names)
	}
	c.run("aws", "cloudwatch", "put-metric-data", "--namespace", "Shop", "--metric-name", "Orders", "--value", "5", "--unit", "Count")

	c.run("aws", "cloudwatch", "put-metric-alarm", "--alarm-name", "errors", "--namespace", "AWS/Lambda", "--metric-name", "Errors", "--dimensions", "Name=FunctionName,Value=f",
		"--statistic", "Sum", "--period", "60", "--evaluation-periods", "1", "--threshold", "1", "--comparison-operator", "GreaterThanOrEqualToThreshold", "--treat-missing-data", "ignore")
	c.aws("invoke", "--function-name", "f", "--payload", `{"n":0}`, t.TempDir()+"/out")
	c.run("aws", "cloudwatch", "wait", "alarm-exists", "--alarm-names", "errors")
	state := func() string {
		return strings.TrimSpace(c.run("aws", "cloudwatch", "describe-alarms", "--alarm-names", "errors", "--query", "MetricAlarms[].StateValue", "--output", "text"))
	}
	eventually(t, "the alarm goes off", func() bool { return state() == "ALARM" })

	time.Sleep(3 * time.Second) // metrics are written every two seconds
	c.kill()
	c.start()
	if got := c.sum("Invocations") + " " + c.sum("Errors"); got != "13.0 3.0" {
		t.Errorf("after a kill invocations and errors are %s", got)
	}
	if got := state(); got != "ALARM" {
		t.Errorf("after a kill the alarm is in %s", got)
	}
	if got := strings.TrimSpace(c.run("aws", "cloudwatch", "list-metrics", "--namespace", "Shop", "--query", "Metrics[].MetricName", "--output", "text")); got != "Orders" {
		t.Errorf("after a kill custom metrics are %s", got)
	}
	c.run("aws", "cloudwatch", "delete-alarms", "--alarm-names", "errors")
}
