package e2e

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The AWS CLI prints the lines of calls as they come, until it is interrupted.
func TestLogsTail(t *testing.T) {
	t.Parallel()
	c := newClient(t, "aws")
	aws := "aws"
	for _, aws = range []string{"aws", "/usr/bin/aws"} {
		if version, err := c.command(aws, "--version").Output(); err == nil && strings.HasPrefix(string(version), "aws-cli/2") {
			break
		}
		aws = ""
	}
	if aws == "" && os.Getenv("CI") == "true" {
		t.Fatal("CI lacks version 2 of the AWS CLI: this test may not be left out")
	}
	if aws == "" {
		t.Skip("no AWS CLI of version 2, which alone has `logs tail`")
	}
	code := c.pkg(map[string]string{"app.py": "def handler(event, context):\n    print('call', event)\n"})
	c.aws("create-function", "--function-name", "f", "--runtime", "python3.13", "--handler", "app.handler", "--role", "arn:aws:iam::000000000000:role/r", "--zip-file", "fileb://"+code)
	invoke := func(n int) {
		t.Helper()
		c.run(binary, "--endpoint", c.url(), "invoke", "f", "-p", fmt.Sprint(n))
	}
	invoke(0)
	tail := c.command(aws, "--endpoint-url", c.url(), "logs", "tail", "/aws/lambda/f", "--follow", "--format", "short", "--since", "1h")
	out, err := tail.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	calls := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), fmt.Sprint(" call ", calls)) {
			if calls++; calls == 3 {
				break
			}
			invoke(calls)
		}
	}
	if calls != 3 {
		t.Errorf("the tail has ended after %d calls", calls)
	}
	if err := tail.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	_ = tail.Wait()
	if got := c.run(aws, "--endpoint-url", c.url(), "logs", "tail", "/aws/lambda/f", "--filter-pattern", "?\"call 0\" ?\"call 2\"", "--format", "short"); strings.Count(got, "\n") != 2 {
		t.Errorf("filtered:\n%s", got)
	}
}

// A SIGKILL costs no group and no setting, and of the events at most the last ones.
func TestLogsSurviveKill(t *testing.T) {
	t.Parallel()
	c := newClient(t, "aws")
	code := c.pkg(map[string]string{"app.py": "def handler(event, context):\n    for n in range(1000):\n        print(n)\n"})
	c.aws("create-function", "--function-name", "f", "--runtime", "python3.13", "--handler", "app.handler", "--role", "arn:aws:iam::000000000000:role/r", "--zip-file", "fileb://"+code)
	c.run("aws", "logs", "create-log-group", "--log-group-name", "made", "--tags", "team=blue")
	c.run("aws", "logs", "put-retention-policy", "--log-group-name", "made", "--retention-in-days", "3")
	c.run(binary, "--endpoint", c.url(), "invoke", "f", "-p", "1")
	events := func() []string {
		t.Helper()
		return strings.Fields(c.run("aws", "logs", "filter-log-events", "--log-group-name", "/aws/lambda/f", "--query", "events[].eventId", "--output", "text"))
	}
	before := events()
	if len(before) != 1003 {
		t.Fatalf("%d events", len(before))
	}
	c.kill()
	c.start()
	made := strings.Fields(c.run("aws", "logs", "describe-log-groups", "--query", "logGroups[].[logGroupName, retentionInDays]", "--output", "text"))
	if fmt.Sprint(made) != "[/aws/lambda/f None made 3]" {
		t.Errorf("groups %v", made)
	}
	after := events()
	if len(after) == 0 || !slices.Equal(after, before[:len(after)]) {
		t.Errorf("%d events of %d", len(after), len(before))
	}
	c.run(binary, "--endpoint", c.url(), "invoke", "f", "-p", "2")
	if n := len(events()); n != len(after)+1003 {
		t.Errorf("%d events, and %d after another call", len(after), n)
	}
}
