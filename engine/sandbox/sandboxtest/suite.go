package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// Suite says what a driver promises beyond the Runtime API.
type Suite struct {
	Driver   sandbox.Driver
	Isolates bool // own user, file system and memory limit
	// Only limits the languages, for configurations that need not prove them all.
	Only string
	// Official says that AWS's interface clients run the functions, not ours.
	Official bool
	// NoNode24 says that there is no image of nodejs24.x, which is not built by default.
	NoNode24 bool
	// OfficialJava says that Java's interface client is AWS's.
	OfficialJava bool
	// Sample leaves out most of Java's forms, for a client that another driver proves.
	Sample bool
}

// Run runs the table.
func (s Suite) Run(t *testing.T) {
	for _, f := range Functions(t) {
		if s.Only != "" && s.Only != f.Name {
			continue
		}
		t.Run(f.Name, func(t *testing.T) { s.function(t, f) })
	}
	t.Run("layers", s.layers)
	t.Run("wrapper", s.wrappers)
	if s.Only == "" && s.Isolates { // with images
		t.Run("libraries", s.libraries)
	}
	if s.Only == "" {
		t.Run("init", s.initErrors)
		t.Run("streams", s.streams)
		t.Run("java forms", s.Java)
		t.Run("ruby forms", s.ruby)
		t.Run("extensions", s.extensions)
		t.Run("published", s.published)
	}
}

// box is one environment under test.
type box struct {
	t     *testing.T
	env   sandbox.Environment
	lines *Lines
	n     int
}

func (s Suite) start(t *testing.T, f Function, change ...func(*sandbox.Spec)) *box {
	t.Helper()
	spec, lines := f.Spec()
	for _, c := range change {
		c(&spec)
	}
	spec.Env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = strconv.Itoa(spec.MemoryMB)
	env, err := s.Driver.Start(t.Context(), spec)
	if err != nil {
		t.Fatalf("start: %v (log %q)", err, lines.Of(""))
	}
	t.Cleanup(func() {
		if err := env.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return &box{t: t, env: env, lines: lines}
}

func (b *box) invoke(event string, change ...func(*sandbox.Invocation)) (sandbox.Result, string) {
	b.t.Helper()
	b.n++
	inv := sandbox.Invocation{
		RequestID:   fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", b.n),
		FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:f:live",
		Deadline:    time.Now().Add(20 * time.Second),
		Payload:     []byte(event),
	}
	for _, c := range change {
		c(&inv)
	}
	res, err := b.env.Invoke(context.Background(), inv)
	if err != nil {
		b.t.Fatalf("invoke %.100s: %v", event, err)
	}
	return res, inv.RequestID
}

// want invokes and expects a success with this payload.
func (b *box) want(event, payload string) {
	b.t.Helper()
	res, id := b.invoke(event)
	if res.Outcome != sandbox.Success || !sameJSON(res.Payload, []byte(payload)) {
		b.t.Errorf("%.100s: outcome %d, payload %.300s, want %.100s (log %q)", event, res.Outcome, res.Payload, payload, b.lines.Of(id))
	}
}

// sameJSON compares without the order of members and the ways to write a character.
func sameJSON(a, b []byte) bool {
	var x, y any
	for data, value := range map[*[]byte]*any{&a: &x, &b: &y} {
		in := json.NewDecoder(bytes.NewReader(*data))
		in.UseNumber()
		if in.Decode(value) != nil || in.More() {
			return false
		}
	}
	return reflect.DeepEqual(x, y)
}

// dies expects that the environment ends by itself.
func (b *box) dies() {
	b.t.Helper()
	select {
	case <-b.env.Done():
	case <-time.After(5 * time.Second):
		b.t.Error("the environment lives on")
	}
	if _, err := b.env.Invoke(context.Background(), sandbox.Invocation{Deadline: time.Now().Add(time.Second)}); !errors.Is(err, sandbox.ErrGone) {
		b.t.Errorf("invoke after the end: %v, want ErrGone", err)
	}
}

func (s Suite) function(t *testing.T, f Function) {
	t.Run("echo", func(t *testing.T) {
		b := s.start(t, f)
		for _, event := range []string{`{"a":[1,2.5,null,true,"ü€😀"]}`, `"text"`, `[]`, `{}`, `null`, `17`} {
			b.want(event, event)
		}
		res, _ := b.invoke(`{}`)
		if res.Duration <= 0 || res.Duration > 5*time.Second || res.MaxMemoryMB < 1 || res.MaxMemoryMB > 256 {
			t.Errorf("duration %v, memory %d MB", res.Duration, res.MaxMemoryMB)
		}
		if d := b.env.InitDuration(); d <= 0 || d > 10*time.Second {
			t.Errorf("init took %v", d)
		}
	})
	t.Run("reuse", func(t *testing.T) {
		b := s.start(t, f)
		b.want(`{"op":"count"}`, `1`)
		b.want(`{"op":"count"}`, `2`)
		b.want(`{"op":"tmp"}`, `false`)
		b.want(`{"op":"tmp"}`, `true`)
		s.start(t, f).want(`{"op":"tmp"}`, `false`)
	})
	t.Run("error", func(t *testing.T) {
		b := s.start(t, f)
		res, _ := b.invoke(`{"op":"raise","why":"today"}`)
		var body struct{ ErrorMessage, ErrorType string }
		_ = json.Unmarshal(res.Payload, &body)
		kind := map[string]string{"go": "errorString", "python": "ValueError", "node": "RangeError", "java": "java.lang.IllegalStateException", "ruby": "Function<ArgumentError>"}[f.Name]
		if res.Outcome != sandbox.FunctionError || body.ErrorMessage != "no good: today" || body.ErrorType != kind {
			t.Errorf("outcome %d, payload %s, want an error of type %s", res.Outcome, res.Payload, kind)
		}
		b.want(`{"after":1}`, `{"after":1}`)
	})
	t.Run("timeout", func(t *testing.T) {
		b := s.start(t, f)
		const budget = 300 * time.Millisecond
		start := time.Now()
		res, _ := b.invoke(`{"op":"sleep","seconds":60}`, func(inv *sandbox.Invocation) { inv.Deadline = start.Add(budget) })
		if took := time.Since(start); res.Outcome != sandbox.Timeout || took < budget || took > budget+time.Second {
			t.Errorf("outcome %d after %v, want a timeout after %v", res.Outcome, took, budget)
		}
		b.dies()
	})
	t.Run("exit", func(t *testing.T) {
		b := s.start(t, f)
		res, _ := b.invoke(`{"op":"exit"}`)
		if res.Outcome != sandbox.Exited || res.Exit != "exit status 7" {
			t.Errorf("outcome %d, exit %q", res.Outcome, res.Exit)
		}
		if res.MaxMemoryMB == 0 {
			t.Error("a runtime that used no memory")
		}
		b.dies()
	})
	t.Run("lines", func(t *testing.T) {
		b := s.start(t, f)
		for range 5 {
			res, id := b.invoke(`{"op":"print","lines":1000}`)
			got := b.lines.Of(id) // right now: none may come later
			if res.Outcome != sandbox.Success || len(got) != 1001 {
				t.Fatalf("outcome %d, %d lines, want 1001", res.Outcome, len(got))
			}
			for i, line := range got[:1000] {
				if line != fmt.Sprintf("line %d", i) {
					t.Fatalf("line %d is %q", i, line)
				}
			}
			if got[1000] != "no line break" {
				t.Errorf("last line is %q", got[1000])
			}
		}
	})
	if f.Name == "python" || f.Name == "node" {
		t.Run("log", func(t *testing.T) { s.log(t, f) })
	}
	t.Run("large", func(t *testing.T) {
		b := s.start(t, f, func(spec *sandbox.Spec) { spec.MemoryMB = 512 })
		const size = 6*1024*1024 - 100
		b.want(fmt.Sprintf(`{"op":"length","data":%q}`, strings.Repeat("y", size)), fmt.Sprint(size))
		res, _ := b.invoke(fmt.Sprintf(`{"op":"large","size":%d}`, size))
		if res.Outcome != sandbox.Success || len(res.Payload) != size+2 {
			t.Errorf("outcome %d, %d bytes, want %d", res.Outcome, len(res.Payload), size+2)
		}
		res, _ = b.invoke(fmt.Sprintf(`{"op":"large","size":%d}`, 6*1024*1024+200))
		if res.Outcome != sandbox.ResponseTooLarge || len(res.Payload) != 0 {
			t.Errorf("outcome %d, %d bytes, want too large", res.Outcome, len(res.Payload))
		}
		b.dies()
	})
	// A1.7, A1.8
	t.Run("frozen", func(t *testing.T) {
		b := s.start(t, f)
		b.want(`{"op":"tick"}`, `0`)
		b.invoke(`{"op":"sleep","seconds":0.1}`)
		before := ticks(b)
		if before < 3 {
			t.Errorf("%d ticks in 100 ms of running", before)
		}
		time.Sleep(500 * time.Millisecond)        // the time that must not count
		if after := ticks(b); after > before+20 { // of fifty; a busy machine freezes late
			t.Errorf("%d ticks before the pause and %d after: not frozen", before, after)
		}
	})
	t.Run("context", func(t *testing.T) { s.context(t, f) })
	t.Run("endpoint", func(t *testing.T) {
		b := s.start(t, f, func(spec *sandbox.Spec) {
			spec.Endpoint = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "engine says "+r.URL.Path)
			})
		})
		for range 3 {
			b.want(`{"op":"get","path":"/hello"}`, `"engine says /hello"`)
		}
	})
	if s.Isolates {
		t.Run("isolated", func(t *testing.T) {
			b := s.start(t, f)
			res, _ := b.invoke(`{"op":"write","path":"/var/task/new"}`)
			if text := string(res.Payload); !strings.Contains(text, "ead-only") && !strings.Contains(text, "EROFS") &&
				!strings.Contains(text, "denied") && !strings.Contains(text, "EACCES") {
				t.Errorf("write to /var/task: %s", text)
			}
			b.want(`{"op":"write","path":"/tmp/new"}`, `"written"`)
		})
		t.Run("memory", func(t *testing.T) {
			b := s.start(t, f, func(spec *sandbox.Spec) { spec.MemoryMB = 128 })
			res, _ := b.invoke(`{"op":"eat"}`)
			if res.Outcome != sandbox.OutOfMemory || res.Exit != "signal: killed" || res.MaxMemoryMB != 128 {
				t.Errorf("outcome %d, exit %q, %d MB", res.Outcome, res.Exit, res.MaxMemoryMB)
			}
			b.dies()
		})
	}
}

// log lines are formatted by the interface clients (spec behaviour 7.1, 7.3).
func (s Suite) log(t *testing.T, f Function) {
	const stamp = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	b := s.start(t, f)
	_, id := b.invoke(`{"op":"log"}`)
	want := map[string]string{
		"python": `^\[ERROR\]\t` + stamp + `\t` + id + `\tit hurts$`,
		"node":   `^` + stamp + `\t` + id + `\tERROR\tit hurts$`,
	}[f.Name]
	if got := strings.Join(b.lines.Of(id), "|"); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("log %q, want %s", got, want)
	}
	// An error is one event, whatever it has of lines.
	_, id = b.invoke(`{"op":"raise","why":"today"}`)
	want = map[string]string{
		"python": `^\[ERROR\] ValueError: no good: today\nTraceback \(most recent call last\):\n\x{a0}+File ".*app\.py", line \d+, in handler\n`,
		"node":   `^` + stamp + `\t` + id + `\tERROR\tInvoke Error \t\{"errorType":"RangeError","errorMessage":"no good: today",.*"stack":\["RangeError: no good: today","    at `,
	}[f.Name]
	if got := b.lines.Of(id); len(got) != 1 || !regexp.MustCompile(want).MatchString(got[0]) {
		t.Errorf("log %q, want %s", got, want)
	}
}

func ticks(b *box) int {
	var n int
	res, _ := b.invoke(`{"op":"tick"}`)
	_ = json.Unmarshal(res.Payload, &n)
	return n
}

func (s Suite) context(t *testing.T, f Function) {
	b := s.start(t, f)
	res, id := b.invoke(`{"op":"context"}`, func(inv *sandbox.Invocation) {
		inv.Deadline = time.Now().Add(3 * time.Second)
		inv.TraceID = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
		inv.ClientContext = `{"client":{"app_title":"t"},"custom":{"k":"v"},"env":{}}`
		inv.CognitoIdentity = `{"cognitoIdentityId":"ci","cognitoIdentityPoolId":"cp"}`
	})
	var got struct {
		ID, ARN, Name, Identity, Trace, CWD, Task string
		Remaining                                 int
		UID                                       int
		Custom                                    map[string]string
	}
	if err := json.Unmarshal(res.Payload, &got); err != nil {
		t.Fatalf("%v: %s", err, res.Payload)
	}
	if got.ID != id || got.Name != f.Name || got.Custom["k"] != "v" || got.Identity != "ci" ||
		!strings.HasPrefix(got.Trace, "Root=1-5759e988") || !strings.HasSuffix(got.ARN, ":f:live") {
		t.Errorf("context %s", res.Payload)
	}
	if got.Remaining <= 2000 || got.Remaining > 3000 {
		t.Errorf("%d ms remaining of 3000", got.Remaining)
	}
	if got.CWD != got.Task || (s.Isolates && (got.Task != "/var/task" || got.UID == 0)) {
		t.Errorf("working directory %s, task root %s, user %d", got.CWD, got.Task, got.UID)
	}
	res, _ = b.invoke(`{"op":"context"}`)
	if bytes.Contains(res.Payload, []byte(`"ci"`)) || bytes.Contains(res.Payload, []byte("5759e988")) {
		t.Errorf("context of the invocation before: %s", res.Payload)
	}
}

func (s Suite) initErrors(t *testing.T) {
	broken := filepath.Join(testdata(), "broken")
	python, node := Python().Runtime, Node().Runtime
	for _, tc := range []struct {
		runtime, dir, handler string
		errorType, text       string // in the posted payload
		exit                  string
		log                   string
	}{
		{runtime: python, handler: "syntax.handler", errorType: "Runtime.UserCodeSyntaxError", text: "Syntax error in module 'syntax'"},
		{runtime: python, handler: "imports.handler", errorType: "Runtime.ImportModuleError", text: "Unable to import module 'imports': No module named 'no_such_module'"},
		{runtime: python, handler: "absent.handler", errorType: "Runtime.ImportModuleError", text: "No module named 'absent'"},
		{runtime: python, handler: "hangs", errorType: "Runtime.MalformedHandlerName", text: "Bad handler 'hangs'"},
		{runtime: python, dir: Python().Dir, handler: "app.nope", errorType: "Runtime.HandlerNotFound", text: "Handler 'nope' missing on module 'app'"},
		{runtime: python, handler: "raises.handler", errorType: "RuntimeError", text: "cannot start", log: "before the fall"},
		{runtime: python, handler: "exits.handler", errorType: "Runtime.ExitError", exit: "exit status 3"},
		{runtime: node, handler: "imports.handler", errorType: "Error", text: "no-such-module"}, // an import's, AWS says, is none of those
		{runtime: node, handler: "absent.handler", errorType: "Runtime.ImportModuleError", text: "Cannot find module"},
		{runtime: node, handler: "raises.handler", errorType: "Error", text: "cannot start", log: "before the fall"},
		{runtime: node, dir: Node().Dir, handler: "app.nope", errorType: "Runtime.HandlerNotFound", text: "app.nope is undefined or not exported"},
		{runtime: "provided.al2023", handler: "x", errorType: "Runtime.InvalidEntrypoint"},
	} {
		t.Run(tc.runtime+"/"+tc.handler, func(t *testing.T) {
			f := Function{Name: "broken", Runtime: tc.runtime, Handler: tc.handler, Dir: tc.dir}
			if f.Dir == "" {
				f.Dir = broken
			}
			spec, lines := f.Spec()
			_, err := s.Driver.Start(t.Context(), spec)
			var initError *sandbox.InitError
			if !errors.As(err, &initError) {
				t.Fatalf("error %v, want an InitError", err)
			}
			var body struct{ ErrorMessage, ErrorType string }
			_ = json.Unmarshal(initError.Payload, &body)
			if initError.ErrorType != tc.errorType || !strings.Contains(body.ErrorMessage, tc.text) || initError.Exit != tc.exit {
				t.Errorf("type %s, payload %s, exit %q", initError.ErrorType, initError.Payload, initError.Exit)
			}
			if len(initError.Payload) > 0 && body.ErrorType != tc.errorType {
				t.Errorf("payload of type %s, want %s", body.ErrorType, tc.errorType)
			}
			if log := strings.Join(lines.Of(""), "\n"); !strings.Contains(log, tc.log) {
				t.Errorf("log %q, want %q", log, tc.log)
			}
		})
	}
	t.Run("timeout", func(t *testing.T) {
		spec, _ := Function{Name: "broken", Runtime: python, Handler: "hangs.handler", Dir: broken}.Spec()
		spec.InitTimeout = 500 * time.Millisecond
		_, err := s.Driver.Start(t.Context(), spec)
		var initError *sandbox.InitError
		if !errors.As(err, &initError) || !initError.TimedOut || initError.Duration < spec.InitTimeout {
			t.Errorf("error %v, want a timeout of the init", err)
		}
	})
	t.Run("unknown runtime", func(t *testing.T) {
		spec, _ := Function{Name: "broken", Runtime: "cobol85", Handler: "x", Dir: broken}.Spec()
		if _, err := s.Driver.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "provided.al2023") {
			t.Errorf("error %v, want one that names what can be run", err)
		}
	})
}
