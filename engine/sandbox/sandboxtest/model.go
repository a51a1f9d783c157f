package sandboxtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// Model runs the programming model of Node.js and Python (spec behaviour 7.1, 7.3
// to 7.5). It is what AWS's interface clients of today do, as they come from npm and
// PyPI, wherever the guide of 2016 says otherwise: both, and ours, pass the same rows.
func (s Suite) Model(t *testing.T) {
	if s.Only != "python" {
		t.Run("node", s.modelNode)
		if !s.NoNode24 {
			t.Run("node24", s.modelNode24)
		}
	}
	if s.Only != "node" {
		t.Run("python", s.modelPython)
	}
}

// way is something that a function does with an event, and what must come of it.
type way struct {
	do      string // the event's "do"
	with    string // more of the event: members of the object
	outcome sandbox.Outcome
	want    string // the payload, as JSON
	kind    string // of the error: its errorType
	message string // its errorMessage
	trace   string // a pattern of the error's whole body
	exit    string // of the process
	log     []string
	least   time.Duration
	most    time.Duration
	dies    bool // the environment, although the runtime has answered
	alone   bool // what it leaves behind would disturb the next
}

// ways runs rows one after the other, in one environment for as long as it lives.
func (s Suite) ways(t *testing.T, f Function, rows []way, change ...func(*sandbox.Spec)) {
	var b *box
	for _, row := range rows {
		if b == nil || row.alone {
			b = s.start(t, f, change...)
		}
		t.Run(row.do, func(t *testing.T) {
			b.t = t
			event := fmt.Sprintf(`{"do":%q%s}`, row.do, row.with)
			res, id := b.invoke(event)
			row.check(t, res, b.lines.Of(id))
			if gone := row.outcome == sandbox.Exited; gone || row.dies {
				b.dies()
				b = nil
			} else if row.alone {
				b = nil
			}
		})
	}
}

func (w way) check(t *testing.T, res sandbox.Result, log []string) {
	t.Helper()
	if res.Outcome != w.outcome || res.Exit != w.exit {
		t.Errorf("outcome %d, exit %q, payload %.300s (log %.600q)", res.Outcome, res.Exit, res.Payload, log)
	}
	if w.outcome == sandbox.Success && w.want != string(res.Payload) && !sameJSON(res.Payload, []byte(w.want)) {
		t.Errorf("payload %.300s, want %.300s", res.Payload, w.want)
	}
	if w.outcome == sandbox.FunctionError {
		var body struct{ ErrorType, ErrorMessage string }
		_ = json.Unmarshal(res.Payload, &body)
		if body.ErrorType != w.kind || body.ErrorMessage != w.message {
			t.Errorf("error %.300s, want a %s of %q", res.Payload, w.kind, w.message)
		}
		if !regexp.MustCompile(w.trace).Match(res.Payload) {
			t.Errorf("error %.1000s, want %s", res.Payload, w.trace)
		}
	}
	if res.Duration < w.least || w.most > 0 && res.Duration > w.most {
		t.Errorf("took %v", res.Duration)
	}
	if w.log != nil {
		matchLines(t, log, w.log)
	}
}

// matchLines compares log events with patterns, in which TIME, SECOND and ID stand
// for a time, one without milliseconds and a request id.
func matchLines(t *testing.T, log, patterns []string) {
	t.Helper()
	if len(log) != len(patterns) {
		t.Errorf("log of %d events, want %d: %.1500q", len(log), len(patterns), log)
		return
	}
	for i, line := range log {
		if !regexp.MustCompile(`(?s)^` + stamps.Replace(patterns[i]) + `$`).MatchString(line) {
			t.Errorf("event %.500q, want %s", line, patterns[i])
		}
	}
}

var stamps = strings.NewReplacer(
	"TIME", `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,
	"SECOND", `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`,
	"ID", `8476a536-e9f4-11e8-9739-\d{12}`,
)

// birth is a function that fails to start, or answers with want.
type birth struct {
	name    string
	files   map[string]string
	handler string
	want    string
	kind    string // of the error
	message string // a pattern of it
	trace   string // a pattern of the error's whole body
	exit    string
	log     []string
}

func (s Suite) births(t *testing.T, runtime string, rows []birth) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := Function{Name: "born", Runtime: runtime, Handler: row.handler, Dir: directory(t, row.files)}
			if row.kind == "" {
				s.start(t, f, reserved).want(`{}`, row.want)
				return
			}
			spec, lines := f.Spec()
			reserved(&spec)
			_, err := s.Driver.Start(t.Context(), spec)
			var initError *sandbox.InitError
			if !errors.As(err, &initError) {
				t.Fatalf("error %v, want an InitError", err)
			}
			var body struct{ ErrorMessage, ErrorType string }
			_ = json.Unmarshal(initError.Payload, &body)
			if initError.ErrorType != row.kind || initError.Exit != row.exit || initError.Payload != nil && body.ErrorType != row.kind ||
				!regexp.MustCompile(`(?s)^`+row.message+`$`).MatchString(body.ErrorMessage) {
				t.Errorf("type %s, payload %s, exit %q", initError.ErrorType, initError.Payload, initError.Exit)
			}
			if !regexp.MustCompile(row.trace).Match(initError.Payload) {
				t.Errorf("payload %s, want %s", initError.Payload, row.trace)
			}
			if row.log != nil {
				matchLines(t, lines.Of(""), row.log)
			}
		})
	}
}

// model is the function of the rows in one language.
func model(runtime string) Function {
	return Function{Name: "model", Runtime: runtime, Handler: "model.handler", Dir: filepath.Join(testdata(), "model")}
}

// reserved are the variables that the engine sets.
func reserved(spec *sandbox.Spec) {
	for name, value := range map[string]string{
		"AWS_LAMBDA_FUNCTION_VERSION": "7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/model", "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/24/[7]abc",
	} {
		spec.Env[name] = value
	}
}

func with(vars ...string) func(*sandbox.Spec) {
	return func(spec *sandbox.Spec) {
		for i := 0; i < len(vars); i += 2 {
			spec.Env[vars[i]] = vars[i+1]
		}
	}
}

// caller is what a mobile application says of itself, and who its user is.
func caller(inv *sandbox.Invocation) {
	inv.Deadline = time.Now().Add(3 * time.Second)
	inv.TraceID = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
	inv.ClientContext = `{"client":{"installation_id":"i","app_title":"t","app_version_name":"n","app_version_code":"c","app_package_name":"p"},` +
		`"custom":{"k":"v"},"env":{"platform":"phone"},"w3c":{"traceparent":"00-1-2-01","other":"x"}}`
	inv.CognitoIdentity = `{"cognitoIdentityId":"ci","cognitoIdentityPoolId":"cp"}`
}

// remains checks what is left of 3 s at the start and after 300 ms (A7.8).
func remains(t *testing.T, payload []byte) {
	t.Helper()
	var left []int
	if err := json.Unmarshal(payload, &left); err != nil || len(left) != 2 ||
		left[0] <= 2500 || left[0] > 3000 || left[1] > left[0]-290 || left[1] < left[0]-900 {
		t.Errorf("%s ms are left of 3000, and after 300 (%v)", payload, err)
	}
}

// facts are what a function finds around it (spec behaviour §5).
type facts map[string]any

func (s Suite) facts(t *testing.T, f Function, change ...func(*sandbox.Spec)) facts {
	t.Helper()
	res, _ := s.start(t, f, change...).invoke(`{"do":"environment"}`)
	var found facts
	if err := json.Unmarshal(res.Payload, &found); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	for name, want := range map[string]string{
		"TZ": ":UTC", "LANG": "en_US.UTF-8", "_HANDLER": "model.handler", "AWS_EXECUTION_ENV": "AWS_Lambda_" + f.Runtime,
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000", "data": "data",
	} {
		if found[name] != want {
			t.Errorf("%s is %v, want %s", name, found[name], want)
		}
	}
	if found["cwd"] != found["LAMBDA_TASK_ROOT"] || s.Isolates && found["cwd"] != "/var/task" {
		t.Errorf("working directory %v, task root %v", found["cwd"], found["LAMBDA_TASK_ROOT"])
	}
	if home, _ := found["home"].(string); !strings.HasPrefix(home, "/") || s.Isolates && home != "/home/sbx_user1051" {
		t.Errorf("home %v", found["home"])
	}
	return found
}
