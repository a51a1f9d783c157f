package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func tailOf(t testing.TB, out *lambda.InvokeOutput) string {
	t.Helper()
	return string(must[[]byte](t)(base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))))
}

// Spec api F.13.1, F.13.10, behaviour A7.7: what the handler is told, and what the caller.
func TestInvocationContext(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return [event, context.function_version, context.invoked_function_arn, context.aws_request_id, context.memory_limit_in_mb]"))
	a.publish("f")
	a.alias("f", "PROD", "1")
	for qualifier, version := range map[string]string{"": "$LATEST", ":$LATEST": "$LATEST", ":1": "1", ":PROD": "1"} {
		out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f" + qualifier), Payload: []byte(`{"a":1}`)})
		var told [5]any
		if err := json.Unmarshal(out.Payload, &told); err != nil {
			t.Fatalf("%s: %v", out.Payload, err)
		}
		if id, ok := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata); !ok || told[3] != id {
			t.Errorf("request %v is %s for the caller", told[3], id)
		}
		if fmt.Sprint(told[0]) != "map[a:1]" || told[1] != version || told[2] != a.arn("f"+qualifier) || *out.ExecutedVersion != version || out.FunctionError != nil || out.StatusCode != 200 {
			t.Errorf("f%s: handler was told %v, the caller %s", qualifier, told, *out.ExecutedVersion)
		}
	}
}

// Spec api F.13.2–F.13.7, F.13.9, F.13.10, F.13.13.
func TestInvokeOverHTTP(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	ran := filepath.Join(t.TempDir(), "ran")
	a.create("f", python(t, "return event"))
	a.create("mark", python(t, fmt.Sprintf("open(%q, 'a').write('x')", ran)))
	a.create("client", python(t, "return context.client_context.custom"))
	const path = "/2015-03-31/functions/f/invocations"
	async := []string{"X-Amz-Invocation-Type", "Event"}
	for name, c := range map[string]struct {
		path    string
		payload string
		headers []string
		status  int
		code    string
		message string
	}{
		"no content type":        {path, `{"a":1}`, nil, 200, "", ""},
		"octet stream":           {path, `{"a":1}`, []string{"Content-Type", "application/octet-stream"}, 200, "", ""},
		"json":                   {path, `{"a":1}`, []string{"Content-Type", "application/json; charset=utf-8"}, 200, "", ""},
		"xml":                    {path, `{"a":1}`, []string{"Content-Type", "text/xml"}, 415, "UnsupportedMediaTypeException", ""},
		"empty":                  {path, ``, nil, 200, "", ""},
		"no json":                {path, `{bad`, nil, 400, "InvalidRequestContentException", "Could not parse request body into json: …"},
		"type":                   {path, `{}`, []string{"X-Amz-Invocation-Type", "Sync"}, 400, "ValidationException", ""},
		"log type":               {path, `{}`, []string{"X-Amz-Log-Type", "Head"}, 400, "ValidationException", ""},
		"too large":              {path, `"` + strings.Repeat("x", 6291455) + `"`, nil, 413, "RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		"large enough":           {path, `"` + strings.Repeat("x", 6291454) + `"`, nil, 200, "", ""},
		"too large event":        {path, `"` + strings.Repeat("x", 1048575) + `"`, async, 413, "RequestEntityTooLargeException", "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
		"large event":            {path, `"` + strings.Repeat("x", 1048574) + `"`, async, 202, "", ""},
		"missing":                {"/2015-03-31/functions/nope/invocations", `{}`, nil, 404, "ResourceNotFoundException", "Function not found: " + a.arn("nope:$LATEST")},
		"missing event":          {"/2015-03-31/functions/nope/invocations", `{}`, async, 404, "ResourceNotFoundException", "Function not found: " + a.arn("nope:$LATEST")},
		"missing version":        {path + "?Qualifier=99", `{}`, nil, 404, "ResourceNotFoundException", "Function not found: " + a.arn("f:99")},
		"missing alias":          {path + "?Qualifier=ghost", `{}`, nil, 404, "ResourceNotFoundException", "Function not found: " + a.arn("f:ghost")},
		"client context":         {path, `{}`, []string{"X-Amz-Client-Context", "not base64!"}, 400, "InvalidRequestContentException", ""},
		"client context no json": {path, `{}`, []string{"X-Amz-Client-Context", "e2JhZA=="}, 400, "InvalidRequestContentException", ""},
		"dry run of nothing":     {"/2015-03-31/functions/nope/invocations", `{}`, []string{"X-Amz-Invocation-Type", "DryRun"}, 404, "ResourceNotFoundException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.send("POST", c.path, c.payload, c.headers...)
			if got.status != c.status || got.header.Get("X-Amzn-Errortype") != c.code {
				t.Fatalf("answer %d %s %.200s", got.status, got.header.Get("X-Amzn-Errortype"), got.body)
			}
			text := got.field("message") + got.field("Message")
			if begin, open := strings.CutSuffix(c.message, "…"); c.message != "" && (!open && text != c.message || !strings.HasPrefix(text, begin)) {
				t.Errorf("message %q, want %q", text, c.message)
			}
			if got.header.Get("X-Amz-Executed-Version") == "" && got.status < 300 {
				t.Error("no executed version")
			}
		})
	}
	if got := a.send("POST", "/2015-03-31/functions/mark/invocations", "{}", "X-Amz-Invocation-Type", "DryRun"); got.status != http.StatusNoContent || got.body != "" {
		t.Errorf("dry run answers %d %s", got.status, got.body)
	}
	if got := a.send("POST", "/2015-03-31/functions/client/invocations", "{}", "X-Amz-Client-Context", base64.StdEncoding.EncodeToString([]byte(`{"custom":{"k":"v"}}`))); got.body != `{"k": "v"}` {
		t.Errorf("client context in the handler: %s", got.body)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a dry run has run the handler")
	}
}

// Spec api F.14, F.13.2.
func TestInvokeAsync(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	ran := filepath.Join(t.TempDir(), "ran")
	a.create("f", python(t, fmt.Sprintf("open(%q, 'a').write(str(event['n']) + ' ')", ran)))
	for i, path := range []string{"/2014-11-13/functions/f/invoke-async/", "/2014-11-13/functions/f/invoke-async", "/2015-03-31/functions/f/invocations"} {
		got := a.send("POST", path, fmt.Sprintf(`{"n":%d}`, i), "X-Amz-Invocation-Type", "Event")
		if got.status != 202 || got.body != "" || got.header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	a.eventually("all three have run", func() bool {
		raw, _ := os.ReadFile(ran)
		return len(strings.Fields(string(raw))) == 3
	})
	if got := a.send("POST", "/2014-11-13/functions/nope/invoke-async/", "{}"); got.status != 404 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := a.send("POST", "/2014-11-13/functions/f/invoke-async/", "{bad"); got.status != 400 || got.header.Get("X-Amzn-Errortype") != "InvalidRequestContentException" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// timeoutIf sets a timeout that a test waits for, or one that no busy machine reaches.
func timeoutIf(short bool) func(*lambda.CreateFunctionInput) {
	seconds := int32(60)
	if short {
		seconds = 1
	}
	return func(in *lambda.CreateFunctionInput) { in.Timeout = &seconds }
}

// Spec api F.13.4, D3, behaviour §7.5: every way in which a function can fail.
func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for name, c := range map[string]struct {
		source string
		kind   string // errorType
		text   string // within errorMessage
	}{
		"raise":        {"def handler(e, c): raise ValueError('I failed!')", "ValueError", "I failed!"},
		"exit":         {"import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"},
		"timeout":      {"import time\ndef handler(e, c): time.sleep(60)", "Sandbox.Timedout", "Task timed out after 1.00 seconds"},
		"import":       {"import nothing_of_the_kind", "Runtime.ImportModuleError", "nothing_of_the_kind"},
		"no handler":   {"x = 1", "Runtime.HandlerNotFound", "handler"},
		"syntax":       {"def handler(", "Runtime.UserCodeSyntaxError", ""},
		"init exit":    {"import os\nos._exit(4)", "Runtime.ExitError", "Runtime exited with error: exit status 4"},
		"unserialised": {"def handler(e, c): return object()", "Runtime.MarshalError", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := a
			a.TB = t
			function := strings.ReplaceAll(name, " ", "-")
			a.create(function, zipOf(t, map[string]string{"app.py": c.source}), timeoutIf(name == "timeout"))
			out := a.invoke(&lambda.InvokeInput{FunctionName: &function, LogType: types.LogTypeTail})
			var failure struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(out.Payload, &failure); err != nil {
				t.Fatalf("%s: %v", out.Payload, err)
			}
			if aws.ToString(out.FunctionError) != "Unhandled" || failure.ErrorType != c.kind || !strings.Contains(failure.ErrorMessage, c.text) || out.StatusCode != 200 {
				t.Errorf("%s: %s", aws.ToString(out.FunctionError), out.Payload)
			}
			if tail := tailOf(t, out); !strings.Contains(tail, "\nREPORT RequestId: ") || !strings.Contains(tail, "END RequestId: ") || !strings.Contains(tail, "START RequestId: ") {
				t.Errorf("tail:\n%s", tail)
			}
			// The function is as good as new for the next call.
			if again := a.invoke(&lambda.InvokeInput{FunctionName: &function}); aws.ToString(again.FunctionError) != "Unhandled" {
				t.Errorf("second call: %s", again.Payload)
			}
		})
	}
}

var requestLine = regexp.MustCompile(`^(START|END|REPORT) RequestId: ([0-9a-f-]{36})`)

// Spec api F.13.3, behaviour A7.15, A10.1, A10.7.
func TestTail(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "[print('line %d %s' % (i, 'x' * 90)) for i in range(100)]"))
	a.publish("f")
	for _, call := range []string{"cold", "warm"} {
		out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f:1"), LogType: types.LogTypeTail})
		tail := tailOf(t, out)
		lines := strings.Split(strings.TrimSpace(tail), "\n")
		last := lines[len(lines)-1]
		if len(tail) > 4096 || len(tail) < 3900 || !strings.HasPrefix(last, "REPORT RequestId: ") || !strings.HasPrefix(lines[len(lines)-2], "END RequestId: ") {
			t.Errorf("%s: tail of %d bytes:\n%s", call, len(tail), tail)
		}
		if cold := strings.Contains(last, "Init Duration: "); cold != (call == "cold") {
			t.Errorf("%s: %s", call, last)
		}
	}
	a.create("short", python(t, "print('x')"))
	out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("short"), LogType: types.LogTypeTail})
	lines := strings.Split(strings.TrimSpace(tailOf(t, out)), "\n")
	if len(lines) != 4 || lines[1] != "x" || !strings.HasSuffix(lines[0], " Version: $LATEST") {
		t.Fatalf("tail %q", lines)
	}
	ids := map[string]bool{}
	for _, i := range []int{0, 2, 3} {
		ids[requestLine.FindStringSubmatch(lines[i])[2]] = true
	}
	if len(ids) != 1 {
		t.Errorf("request ids %v", ids)
	}
	if plain := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("short")}); plain.LogResult != nil {
		t.Error("a log that nobody asked for")
	}
}

// What a function prints while it starts is where a person looks first.
func TestTailHasTheInit(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := func(line string) []byte {
		return zipOf(t, map[string]string{"app.py": "print('loading')\n" + line + "\ndef handler(event, context):\n    return 1\n"})
	}
	a.create("good", pkg(""))
	a.create("bad", pkg("import nothere"))
	for call, want := range map[string][]string{
		"good": {"loading", "START RequestId: ", "END RequestId: ", "REPORT RequestId: "},
		"bad":  {"loading", "No module named 'nothere'", "INIT_REPORT ", "Phase: init", "loading", "No module named 'nothere'", "INIT_REPORT ", "Phase: invoke", "START RequestId: ", "END RequestId: ", "REPORT RequestId: "},
	} {
		tail := tailOf(t, a.invoke(&lambda.InvokeInput{FunctionName: &call, LogType: types.LogTypeTail}))
		rest := tail
		for _, text := range want {
			var ok bool
			if _, rest, ok = strings.Cut(rest, text); !ok {
				t.Errorf("%s: no %q where it belongs:\n%s", call, text, tail)
			}
		}
	}
	again := tailOf(t, a.invoke(&lambda.InvokeInput{FunctionName: aws.String("good"), LogType: types.LogTypeTail}))
	if strings.Contains(again, "loading") {
		t.Errorf("a warm call has the log of the init:\n%s", again)
	}
}

// Spec api F.13.11: reserved concurrency counts the calls of a whole function.
func TestReservedConcurrency(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := t.TempDir()
	begun, gate := filepath.Join(dir, "begun"), filepath.Join(dir, "gate")
	a.create("f", python(t, fmt.Sprintf("\n    open(%q, 'w').close()\n    while not os.path.exists(%q): time.sleep(0.01)\n    return 1", begun, gate)), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	a.publish("f")
	reserve := func(n int32) {
		must[*lambda.PutFunctionConcurrencyOutput](t)(a.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: &n}))
	}
	reserve(0)
	throttled := func(function string) {
		t.Helper()
		_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &function})
		refused[*types.TooManyRequestsException](t, err, 429, "Rate Exceeded.")
		got := a.send("POST", "/2015-03-31/functions/"+function+"/invocations", "{}")
		if got.field("Reason") != "ReservedFunctionConcurrentInvocationLimitExceeded" || got.header.Get("Retry-After") == "" {
			t.Errorf("%v %s", got.header, got.body)
		}
	}
	throttled("f")
	reserve(1)
	var calls sync.WaitGroup
	calls.Go(func() {
		if got := a.call("f"); got != "1" {
			t.Errorf("answer %s", got)
		}
	})
	a.eventually("the one call that may run is running", func() bool { _, err := os.Stat(begun); return err == nil })
	throttled("f:1") // another version of the same function
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	if got := a.call("f:1"); got != "1" {
		t.Errorf("answer %s", got)
	}
	must[*lambda.DeleteFunctionConcurrencyOutput](t)(a.DeleteFunctionConcurrency(t.Context(), &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")}))
	if got := must[*lambda.GetFunctionConcurrencyOutput](t)(a.GetFunctionConcurrency(t.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: aws.String("f")})); got.ReservedConcurrentExecutions != nil {
		t.Errorf("still reserved: %d", *got.ReservedConcurrentExecutions)
	}
}

// A call that runs finishes on the code it began with; the next one gets the new code (R33).
func TestUpdateDuringCall(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := t.TempDir()
	begun, gate := filepath.Join(dir, "begun"), filepath.Join(dir, "gate")
	a.create("f", python(t, fmt.Sprintf("\n    open(%q, 'w').close()\n    while not os.path.exists(%q): time.sleep(0.01)\n    return 'old'", begun, gate)), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	var old sync.WaitGroup
	old.Go(func() {
		if got := a.call("f"); got != `"old"` {
			t.Errorf("the running call answers %s", got)
		}
	})
	a.eventually("the call has begun", func() bool { _, err := os.Stat(begun); return err == nil })
	a.deploy("f", python(t, "return 'new'"))
	if got := a.call("f"); got != `"new"` {
		t.Errorf("the new code answers %s", got)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old.Wait()
	must[*lambda.UpdateFunctionConfigurationOutput](t)(a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Environment: variables("KEY", "value")}))
	a.deploy("f", python(t, "return os.environ.get('KEY')"))
	if got := a.call("f"); got != `"value"` {
		t.Errorf("the new configuration answers %s", got)
	}
}
