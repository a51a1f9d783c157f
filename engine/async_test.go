package engine_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// fast starts an engine whose minutes are a few milliseconds.
func fast(t *testing.T, dir string, limits catalog.Limits) account {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", Limits: limits, Logger: slog.New(slog.DiscardHandler), Clock: clock.Scaled(1000),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return accountOn(t, e.URL(), "123456789012")
}

// starts are the request ids of the START lines in the log of a function.
func (a account) starts(function string) (ids []string) {
	a.Helper()
	got := a.send(http.MethodGet, engine.LogsPath+"?account="+a.id+"&region="+region+"&function="+function, "")
	for line := range strings.Lines(got.body) {
		if _, rest, ok := strings.Cut(line, "START RequestId: "); ok {
			ids = append(ids, rest[:36])
		}
	}
	return ids
}

// Spec behaviour A3.4, A3.5: an event is tried again under the same request id, today
// twice, by the guide of 2016 three times.
func TestEventRetries(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]catalog.Limits{"today": catalog.Today(), "2016": catalog.Guide2016()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := fast(t, t.TempDir(), limits)
			count := filepath.Join(t.TempDir(), "count")
			a.create("never", python(t, "raise ValueError('no')"))
			a.create("third", python(t, fmt.Sprintf("\n    open(%q, 'a').write('x')\n    if os.path.getsize(%q) < 3: raise ValueError('not yet')", count, count)))
			never, third := a.event("never", "{}"), a.event("third", "{}")
			attempts := 1 + limits.EventRetries
			a.eventually("all attempts are made", func() bool { return len(a.starts("never")) == attempts && len(a.starts("third")) == 3 })
			a.event("never", "{}")
			a.eventually("another event has had its attempts", func() bool { return len(a.starts("never")) == 2*attempts })
			for function, id := range map[string]string{"never": never, "third": third} {
				ids := a.starts(function)
				n := len(slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other != id }))
				if want := map[string]int{"never": attempts, "third": 3}[function]; n != want {
					t.Errorf("%s: %d attempts at %s, want %d: %v", function, n, id, want, ids)
				}
			}
		})
	}
}

// Spec behaviour A3.1–A3.3: beyond the account's limit synchronous calls of any
// function are throttled, and events wait.
func TestAccountConcurrency(t *testing.T) {
	t.Parallel()
	limits := catalog.Today()
	limits.Concurrency = 2
	a := fast(t, t.TempDir(), limits)
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate")
	wait := fmt.Sprintf("\n    open(%q + '/' + context.aws_request_id, 'w').close()\n    while not os.path.exists(%q): time.sleep(0.01)\n    return 1", dir, gate)
	long := func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) }
	a.create("f", python(t, wait), long)
	a.create("g", python(t, "return 2"), long)
	begun := func() int { files, _ := os.ReadDir(dir); return len(files) }

	var calls sync.WaitGroup
	calls.Go(func() { a.call("f") })
	first := a.event("f", "{}")
	a.eventually("both run", func() bool { return begun() == 2 })
	for _, function := range []string{"f", "g"} {
		_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &function})
		refused[*types.TooManyRequestsException](t, err, 429, "Rate Exceeded.")
	}
	second, other := a.event("f", "{}"), a.event("g", "{}")
	if got := a.starts("f"); len(got) != 2 || !slices.Contains(got, first) {
		t.Errorf("running are %v", got)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	a.eventually("the events have run", func() bool {
		return slices.Contains(a.starts("f"), second) && slices.Contains(a.starts("g"), other)
	})
}

// Spec behaviour A3.9: an error of a synchronous call is an answer, and not tried again.
func TestSynchronousErrorIsFinal(t *testing.T) {
	t.Parallel()
	a := fast(t, t.TempDir(), catalog.Today())
	a.create("f", zipOf(t, map[string]string{"app.js": "exports.handler = (event, context, callback) => callback(new Error('x'))"}), func(in *lambda.CreateFunctionInput) {
		in.Runtime = types.RuntimeNodejs22x
	})
	got := a.send(http.MethodPost, "/2015-03-31/functions/f/invocations", "{}")
	if got.status != http.StatusOK || got.header.Get("X-Amz-Function-Error") == "" || got.field("errorMessage") != "x" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	a.event("f", "{}")
	a.eventually("an event after it has had all its attempts", func() bool { return len(a.starts("f")) == 4 })
}

// The number of attempts, and the request id, live on in the next engine.
func TestRestartKeepsAttempts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(speed float64) (*engine.Engine, account) {
		e, err := engine.Start(t.Context(), engine.Config{
			Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", Logger: slog.New(slog.DiscardHandler), Clock: clock.Scaled(speed),
		})
		if err != nil {
			t.Fatal(err)
		}
		return e, accountOn(t, e.URL(), "123456789012")
	}
	first, a := start(1)
	a.create("f", python(t, "raise ValueError('no')"))
	id := a.event("f", "{}")
	a.eventually("it has failed once", func() bool { return len(a.starts("f")) == 1 })
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, a := start(1000)
	defer second.Close()
	next := a.event("f", "{}")
	if next == id {
		t.Error("two engines have given out the same request id")
	}
	a.eventually("both events have had all attempts", func() bool { return len(a.starts("f")) == 6 })
	if n := len(slices.DeleteFunc(a.starts("f"), func(other string) bool { return other != id })); n != 3 {
		t.Errorf("%d attempts at the first event", n)
	}
}

// A function that calls itself by an SDK is stopped at the 17th call of the chain,
// unless it may go on.
func TestRecursion(t *testing.T) {
	t.Parallel()
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		const missing = "boto3 is missing: run the tests with make test, or put $(scripts/clients.sh) on the PATH"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	a := fast(t, t.TempDir(), catalog.Today())
	dir := t.TempDir()
	a.create("sink", python(t, fmt.Sprintf("open(%q + '/' + event['requestContext']['condition'], 'w').close()", dir)))
	for name, kind := range map[string]string{"events": "Event", "calls": "RequestResponse"} {
		a.create(name, zipOf(t, map[string]string{"app.py": "import boto3, json\nfrom botocore.config import Config\n" +
			"def handler(event, context):\n" +
			"    if event['n'] == 20: return 'the end'\n" +
			"    client = boto3.client('lambda', config=Config(retries={'total_max_attempts': 1}, read_timeout=120))\n" +
			"    try:\n" +
			"        out = client.invoke(FunctionName=context.function_name, InvocationType='" + kind + "', Payload=json.dumps({'n': event['n'] + 1}))\n" +
			"    except client.exceptions.RecursiveInvocationException as e:\n" +
			"        return 'stopped after %d' % event['n']\n" +
			"    return json.loads(out['Payload'].read() or 'null')\n"}), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(120) })
	}
	do(t, a.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: aws.String("events"), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String(a.arn("sink"))}},
	})
	call := func() string {
		return string(a.invoke(&lambda.InvokeInput{FunctionName: aws.String("calls"), Payload: []byte(`{"n": 1}`)}).Payload)
	}
	if got := call(); got != `"stopped after 16"` {
		t.Errorf("the chain of calls was %s", got)
	}
	a.event("events", `{"n": 1}`)
	a.eventually("the chain of events is stopped", func() bool { _, err := os.Stat(filepath.Join(dir, "RecursiveInvocation")); return err == nil })
	if n := len(a.starts("events")); n != 16 {
		t.Errorf("%d events", n)
	}
	for _, name := range []string{"events", "calls"} {
		do(t, a.PutFunctionRecursionConfig, &lambda.PutFunctionRecursionConfigInput{FunctionName: &name, RecursiveLoop: types.RecursiveLoopAllow})
	}
	if got := call(); got != `"the end"` {
		t.Errorf("the chain of calls that may go on was %s", got)
	}
	a.event("events", `{"n": 1}`)
	a.eventually("the chain of events that may go on has ended", func() bool { return len(a.starts("events")) == 16+20 })
}
