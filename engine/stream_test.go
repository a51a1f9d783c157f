package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// streaming makes a Node.js function out of the body of its streaming handler.
func (a account) streaming(name, body string, edit ...func(*lambda.CreateFunctionInput)) {
	a.Helper()
	source := `import fs from "node:fs";
const exists = async (file) => { while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5)); };
export const handler = awslambda.streamifyResponse(async (event, out) => {` + body + `});`
	edit = append(edit, func(in *lambda.CreateFunctionInput) { in.Runtime = "nodejs22.x" })
	a.create(name, zipOf(a, map[string]string{"app.mjs": source}), edit...)
}

// streamed is what a caller of InvokeWithResponseStream got.
type streamed struct {
	*lambda.InvokeWithResponseStreamOutput
	chunks   []string
	complete types.InvokeWithResponseStreamCompleteEvent
}

// invokeStream invokes and reads to the end, telling each chunk to seen.
func (a account) invokeStream(in *lambda.InvokeWithResponseStreamInput, seen func(chunk string)) streamed {
	a.Helper()
	out, err := a.InvokeWithResponseStream(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	events := out.GetStream()
	defer events.Close()
	got := streamed{InvokeWithResponseStreamOutput: out}
	completed := 0
	for event := range events.Events() {
		switch e := event.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			got.chunks = append(got.chunks, string(e.Value.Payload))
			if seen != nil {
				seen(string(e.Value.Payload))
			}
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			got.complete = e.Value
			completed++
		}
	}
	if err := events.Err(); err != nil || completed != 1 {
		a.Errorf("%d ends of the stream (%v)", completed, err)
	}
	return got
}

// The first chunk is with the caller before the function writes the second.
func TestInvokeWithResponseStream(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	gate := filepath.Join(t.TempDir(), "gate")
	a.streaming("f", fmt.Sprintf(`out.write("first"); await exists(%q); out.end("second");`, gate))
	a.publish("f")
	a.alias("f", "live", "1")
	got := a.invokeStream(&lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f:live"), LogType: types.LogTypeTail}, func(string) {
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Error(err)
		}
	})
	if strings.Join(got.chunks, "") != "firstsecond" || len(got.chunks) < 2 || got.complete.ErrorCode != nil || got.complete.ErrorDetails != nil {
		t.Errorf("chunks %q, end %+v", got.chunks, got.complete)
	}
	if got.StatusCode != 200 || *got.ExecutedVersion != "1" || *got.ResponseStreamContentType != "application/vnd.amazon.eventstream" {
		t.Errorf("status %d, version %s, content type %s", got.StatusCode, *got.ExecutedVersion, *got.ResponseStreamContentType)
	}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(got.complete.LogResult))
	if err != nil || !strings.Contains(string(tail), "REPORT RequestId: ") {
		t.Errorf("log %q (%v)", tail, err)
	}
	if plain := a.invokeStream(&lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f:live")}, nil); plain.complete.LogResult != nil {
		t.Error("a log that nobody asked for")
	}
	if buffered := a.call("f:live"); buffered != "firstsecond" {
		t.Errorf("Invoke answers %q", buffered)
	}
}

// A function that does not stream answers in one chunk; what fails tells so at the end.
func TestStreamOutcomes(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	brief := func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(1) }
	a.create("whole", python(t, "return event"))
	a.create("raises", python(t, "raise ValueError('no good')"))
	a.create("broken", zipOf(t, map[string]string{"app.py": "import nothing_of_the_kind"}))
	a.streaming("late", `out.write("half"); throw new RangeError("no good");`)
	a.streaming("exit", `out.write("half"); await new Promise((resolve) => setTimeout(resolve, 50)); process.exit(3);`)
	a.streaming("timeout", `out.write("half"); await exists("/never");`, brief)
	for function, want := range map[string]struct{ payload, kind, text string }{
		"whole":   {`{"a": 1}`, "", ""},
		"raises":  {"", "ValueError", "no good"},
		"broken":  {"", "Runtime.ImportModuleError", "nothing_of_the_kind"},
		"late":    {"half", "RangeError", "no good"},
		"exit":    {"half", "Runtime.ExitError", "exit status 3"},
		"timeout": {"half", "Sandbox.Timedout", "Task timed out after 1.00 seconds"},
	} {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			a := accountOn(t, a.url, a.id) // the SDK's stream codec is not safe for calls at the same time
			got := a.invokeStream(&lambda.InvokeWithResponseStreamInput{FunctionName: &function, Payload: []byte(`{"a":1}`)}, nil)
			var details struct{ ErrorType, ErrorMessage string }
			_ = json.Unmarshal([]byte(aws.ToString(got.complete.ErrorDetails)), &details)
			if strings.Join(got.chunks, "") != want.payload || details.ErrorType != want.kind || !strings.Contains(details.ErrorMessage, want.text) {
				t.Errorf("chunks %q, end %s", got.chunks, aws.ToString(got.complete.ErrorDetails))
			}
			if (aws.ToString(got.complete.ErrorCode) == "Unhandled") != (want.kind != "") {
				t.Errorf("error code %s", aws.ToString(got.complete.ErrorCode))
			}
		})
	}
}

// boto3 reads the stream too, where it is installed.
func TestStreamBoto3(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed")
	}
	a := newAccount(t)
	a.streaming("f", `out.write("half"); if (event.fail) throw new RangeError("no good"); out.end("whole");`)
	const script = `
import boto3, json, sys
c = boto3.client("lambda", region_name=sys.argv[2], endpoint_url=sys.argv[1], aws_access_key_id=sys.argv[3], aws_secret_access_key="s")
def call(event):
    r = c.invoke_with_response_stream(FunctionName="f", LogType="Tail", Payload=json.dumps(event))
    assert r["ExecutedVersion"] == "$LATEST" and r["ResponseStreamContentType"] == "application/vnd.amazon.eventstream", r
    events = list(r["EventStream"])
    return b"".join(e["PayloadChunk"]["Payload"] for e in events[:-1]), events[-1]["InvokeComplete"]
body, end = call({})
assert body == b"halfwhole" and "ErrorCode" not in end and end["LogResult"], (body, end)
body, end = call({"fail": 1})
assert body == b"half" and end["ErrorCode"] == "Unhandled" and json.loads(end["ErrorDetails"])["errorType"] == "RangeError", (body, end)
`
	if out, err := exec.CommandContext(t.Context(), "python3", "-c", script, a.url, region, a.id).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	const path = "/2021-11-15/functions/f/response-streaming-invocations"
	for name, c := range map[string]struct {
		path    string
		payload string
		headers []string
		status  int
		code    string
	}{
		"dry run":   {path, `{}`, []string{"X-Amz-Invocation-Type", "DryRun"}, 204, ""},
		"event":     {path, `{}`, []string{"X-Amz-Invocation-Type", "Event"}, 400, "ValidationException"},
		"no json":   {path, `{bad`, nil, 400, "InvalidRequestContentException"},
		"too large": {path, `"` + strings.Repeat("x", 6291455) + `"`, nil, 413, "RequestEntityTooLargeException"},
		"missing":   {strings.Replace(path, "/f/", "/nope/", 1), `{}`, nil, 404, "ResourceNotFoundException"},
		"version":   {path + "?Qualifier=9", `{}`, nil, 404, "ResourceNotFoundException"},
		"stranger":  {strings.Replace(path, "/f/", "/arn:aws:lambda:"+region+":999999999999:function:f/", 1), `{}`, nil, 403, "AccessDeniedException"},
	} {
		if got := a.send(http.MethodPost, c.path, c.payload, c.headers...); got.status != c.status || got.header.Get("X-Amzn-Errortype") != c.code {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if _, err := a.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	_, err := a.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f")})
	refused[*types.TooManyRequestsException](t, err, 429, "Rate Exceeded.")
}
