package invoke_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// Spec behaviour §10.1: the lines of a call, as they are in the log and in the tail.
func TestReportLines(t *testing.T) {
	const report = "REPORT RequestId: request\tDuration: 12.34 ms\tBilled Duration: %s ms\tMemory Size: 128 MB\tMax Memory Used: 47 MB"
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	result := sandbox.Result{Duration: 12340 * time.Microsecond, MaxMemoryMB: 47, Exit: "exit status 1", ErrorType: "Extension.Crash"}
	for name, c := range map[string]struct {
		outcome   sandbox.Outcome
		increment time.Duration
		payload   string
		lines     []string // between START and the end, as regular expressions
	}{
		"success": {sandbox.Success, 0, ``, []string{"END RequestId: request", fmt.Sprintf(report, "18") + "\tInit Duration: 5.00 ms"}},
		"guide":   {sandbox.Success, 100 * time.Millisecond, ``, []string{"END RequestId: request", fmt.Sprintf(report, "100") + "\tInit Duration: 5.00 ms"}},
		"timeout": {
			sandbox.Timeout, 0, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: request Error: Task timed out after 3.00 seconds"}`,
			[]string{at + " request Task timed out after 3.00 seconds", "END RequestId: request", "REPORT RequestId: request\tDuration: 3000.00 ms\tBilled Duration: 3005 ms\tMemory Size: 128 MB\tMax Memory Used: 47 MB\tInit Duration: 5.00 ms\tStatus: timeout"},
		},
		"exit": {
			sandbox.Exited, 0, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: request Error: Runtime exited with error: exit status 1"}`,
			[]string{"RequestId: request Error: Runtime exited with error: exit status 1", "Runtime.ExitError", "END RequestId: request", fmt.Sprintf(report, "18") + "\tInit Duration: 5.00 ms\tStatus: error\tError Type: Runtime.ExitError"},
		},
		"extension": {
			sandbox.ExtensionFailed, 0, `{"errorType":"Extension.Crash","errorMessage":"RequestId: request Error: exit status 1"}`,
			[]string{"RequestId: request Error: exit status 1", "Extension.Crash", "END RequestId: request", fmt.Sprintf(report, "18") + "\tInit Duration: 5.00 ms\tStatus: error\tError Type: Extension.Crash"},
		},
		"size": {
			sandbox.ResponseTooLarge, 0, `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`,
			[]string{"END RequestId: request", fmt.Sprintf(report, "18") + "\tInit Duration: 5.00 ms\tStatus: error\tError Type: Function.ResponseSizeTooLarge"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)}, func(o *invoke.Options) {
				if c.increment > 0 {
					o.Catalog.Limits = catalog.Guide2016()
				}
			})
			b.function("f")
			call := b.call(ref("f"))
			running := <-b.calls
			if d := time.Until(running.Deadline); d <= 2*time.Second || d > 3*time.Second {
				t.Errorf("deadline in %v", d)
			}
			running.env.spec.Log(sandbox.Line{Time: time.Now(), RequestID: "request", Text: "from the function"})
			result := result
			result.Outcome = c.outcome
			running.answer <- answer{Result: result}
			got := <-call
			if string(got.Payload) != c.payload {
				t.Errorf("payload %s", got.Payload)
			}
			want := append([]string{`START RequestId: request Version: \$LATEST`, "from the function"}, c.lines...)
			match(t, strings.Split(strings.TrimSpace(string(got.Log)), "\n"), want)
			match(t, b.log("f"), want)

			next := b.call(ref("f"))
			(<-b.calls).answer <- answer{Result: result}
			if got := <-next; c.outcome == sandbox.Success && strings.Contains(string(got.Log), "Init Duration") {
				t.Errorf("a warm call reports an init:\n%s", got.Log)
			}
		})
	}
}

func match(t *testing.T, lines, patterns []string) {
	t.Helper()
	if !slices.EqualFunc(lines, patterns, func(line, pattern string) bool {
		return regexp.MustCompile("^" + pattern + "$").MatchString(line)
	}) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(patterns, "\n"))
	}
}

// log returns the lines of a function's log.
func (b *bench) log(function string) (lines []string) {
	b.Helper()
	err := b.logs.Read(b.Context(), observe.Group{Account: home.Account, Region: home.Region, Name: "/aws/lambda/" + function}, time.Time{}, false, func(e observe.Event) error {
		lines = append(lines, e.Message)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return lines
}

// Spec api F.13.3: the tail is the end of this call's log, and of no other's.
func TestTailIsTheEnd(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	for round := range 2 {
		call := b.call(ref("f"))
		running := <-b.calls
		for i := range 10000 {
			running.env.spec.Log(sandbox.Line{Text: fmt.Sprintf("round %d line %d", round, i)})
		}
		running.succeed()
		got := <-call
		if len(got.Log) > 4096 || len(got.Log) < 4000 || !strings.Contains(string(got.Log), fmt.Sprintf("round %d line 9999\nEND ", round)) {
			t.Errorf("tail of %d bytes:\n%s", len(got.Log), got.Log)
		}
	}
	call := b.call(ref("f"))
	(<-b.calls).succeed()
	if got := <-call; strings.Contains(string(got.Log), "round") || strings.Count(string(got.Log), "\n") != 3 {
		t.Errorf("tail:\n%s", got.Log)
	}
}

// Log streams are named after the day and the version, one an environment.
func TestLogStream(t *testing.T) {
	b := newBench(t, &driver{})
	b.function("f")
	b.served(ref("f"))
	b.env(1).die()
	b.served(ref("f"))
	streams := map[string]bool{}
	err := b.logs.Read(t.Context(), observe.Group{Account: home.Account, Region: home.Region, Name: "/aws/lambda/f"}, time.Time{}, false, func(e observe.Event) error {
		streams[e.Stream] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for stream := range streams {
		if !regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(stream) {
			t.Errorf("stream %s", stream)
		}
	}
	if len(streams) != 2 || !streams[b.env(2).spec.Env["AWS_LAMBDA_LOG_STREAM_NAME"]] {
		t.Errorf("streams %v", streams)
	}
}

func TestInvokeResolves(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	for _, r := range []catalog.Ref{ref("nope"), ref("f").With("1"), ref("f").With("ghost")} {
		if got := <-b.call(r); got.err == nil {
			t.Errorf("%s was run", r.ARN())
		}
	}
	call := b.call(ref("f").With("$LATEST"))
	running := <-b.calls
	if running.FunctionARN != ref("f").With("$LATEST").ARN() || running.env.spec.Env["AWS_LAMBDA_FUNCTION_VERSION"] != "$LATEST" {
		t.Errorf("%s, version %s", running.FunctionARN, running.env.spec.Env["AWS_LAMBDA_FUNCTION_VERSION"])
	}
	running.answer <- answer{err: errors.New("the cable is cut")}
	if got := <-call; got.err == nil {
		t.Errorf("%+v", got)
	}
}
