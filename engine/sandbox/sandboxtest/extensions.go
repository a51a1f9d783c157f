package sandboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// withExtensions has the environment run the test's extension under these names.
func withExtensions(t *testing.T, names ...string) func(*sandbox.Spec) {
	t.Helper()
	dir, err := buildExtension()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(dir, "extension"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"lib/nothing": ""}
	for _, name := range names {
		files["extensions/"+name] = string(program)
	}
	layers := directory(t, files)
	return func(spec *sandbox.Spec) {
		spec.LayersDir, spec.Account = layers, "123456789012"
		spec.Env["AWS_LAMBDA_FUNCTION_VERSION"] = "7"
	}
}

// printed is what an extension has printed that begins with what, so far.
func (b *box) printed(name, what string) []string {
	var found []string
	for _, line := range b.lines.All() {
		if text, ok := strings.CutPrefix(line.Text, name+" "+what+" "); ok {
			found = append(found, text)
		}
	}
	return found
}

// until waits for a condition that will hold soon.
func (b *box) until(what string, holds func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			var texts []string
			for _, line := range b.lines.All() {
				texts = append(texts, line.Text)
			}
			b.t.Fatalf("in vain: %s\n%s", what, strings.Join(texts, "\n"))
		}
	}
}

func (b *box) stop() {
	b.t.Helper()
	if err := b.env.Stop(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// lastEvent is the event that an extension has had last.
func (b *box) lastEvent(name string) (event struct{ EventType, RequestID, InvokedFunctionARN, ShutdownReason string }) {
	if all := b.printed(name, "event"); len(all) > 0 {
		_ = json.Unmarshal([]byte(all[len(all)-1]), &event)
	}
	return event
}

func (s Suite) extensions(t *testing.T) {
	t.Run("lifecycle", s.extensionLife)
	t.Run("telemetry", s.telemetry)
	t.Run("inside", s.internalExtension)
	t.Run("slow", func(t *testing.T) {
		b := s.start(t, Go(t), withExtensions(t, "slow"))
		for range 2 {
			start := time.Now()
			res, _ := b.invoke(`{"a":1}`)
			early := time.Since(start)
			if res.Outcome != sandbox.Success || res.Rest == nil {
				t.Fatalf("outcome %d, rest %v", res.Outcome, res.Rest)
			}
			rest := res.Rest.Wait()
			if rest.Outcome != sandbox.Success || rest.Duration < 400*time.Millisecond || early > 300*time.Millisecond || res.Duration > early {
				t.Errorf("an answer after %v; all over with outcome %d after %v", early, rest.Outcome, rest.Duration)
			}
		}
		// The environment takes the next event when it is free.
		start := time.Now()
		b.want(`1`, `1`)
		b.want(`2`, `2`)
		if took := time.Since(start); took < 400*time.Millisecond {
			t.Errorf("two invocations in %v", took)
		}
	})
	t.Run("overrun", func(t *testing.T) {
		b := s.start(t, Go(t), withExtensions(t, "plain", "stuck"))
		res, _ := b.invoke(`{"a":1}`, func(inv *sandbox.Invocation) { inv.Deadline = time.Now().Add(500 * time.Millisecond) })
		if res.Outcome != sandbox.Success || res.Rest == nil {
			t.Fatalf("outcome %d, rest %v", res.Outcome, res.Rest)
		}
		if rest := res.Rest.Wait(); rest.Outcome != sandbox.Timeout || rest.Duration < 450*time.Millisecond {
			t.Errorf("outcome %d after %v", rest.Outcome, rest.Duration)
		}
		b.dies()
		if got := b.lastEvent("plain"); got.ShutdownReason != "timeout" {
			t.Errorf("last event %+v", got)
		}
	})
	t.Run("function timeout", func(t *testing.T) {
		b := s.start(t, Go(t), withExtensions(t, "plain"))
		res, _ := b.invoke(`{"op":"sleep","seconds":60}`, func(inv *sandbox.Invocation) { inv.Deadline = time.Now().Add(300 * time.Millisecond) })
		if res.Outcome != sandbox.Timeout || res.Rest != nil {
			t.Errorf("outcome %d, rest %v", res.Outcome, res.Rest)
		}
		b.dies()
		if got := b.lastEvent("plain"); got.ShutdownReason != "timeout" {
			t.Errorf("last event %+v", got)
		}
	})
	t.Run("function exit", func(t *testing.T) {
		b := s.start(t, Go(t), withExtensions(t, "plain"))
		res, _ := b.invoke(`{"op":"exit"}`)
		if res.Outcome != sandbox.Exited || res.Exit != "exit status 7" {
			t.Errorf("outcome %d, exit %q", res.Outcome, res.Exit)
		}
		b.dies()
		if got := b.lastEvent("plain"); got.ShutdownReason != "failure" {
			t.Errorf("last event %+v", got)
		}
	})
	for name, want := range map[string][2]string{
		"crashes": {"Extension.Crash", "exit status 3"},
		"resigns": {"Extension.ExitError", "exit status 6"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.start(t, Go(t), withExtensions(t, "plain", name))
			res, _ := b.invoke(`{"op":"sleep","seconds":10}`)
			if res.Outcome != sandbox.ExtensionFailed || res.ErrorType != want[0] || res.Exit != want[1] {
				t.Errorf("outcome %d, type %s, exit %q", res.Outcome, res.ErrorType, res.Exit)
			}
			b.dies()
			if got := b.lastEvent("plain"); got.ShutdownReason != "failure" {
				t.Errorf("last event %+v", got)
			}
		})
	}
	t.Run("stubborn", func(t *testing.T) {
		b := s.start(t, Go(t), withExtensions(t, "stubborn"))
		start := time.Now()
		b.stop()
		if took := time.Since(start); took < 1900*time.Millisecond || took > 4*time.Second {
			t.Errorf("stopped after %v", took)
		}
	})
	t.Run("init", s.extensionInit)
}

func (s Suite) extensionLife(t *testing.T) {
	names := []string{"plain", "plain-too", "quiet"}
	b := s.start(t, Go(t), withExtensions(t, names...))
	first, _ := b.invoke(`{"a":1}`)
	first.Rest.Wait()
	time.Sleep(50 * time.Millisecond) // it freezes, or not: all the same
	_, id := b.invoke(`{"a":2}`)
	b.until("events of the second call", func() bool {
		return b.lastEvent("plain").RequestID == id && b.lastEvent("plain-too").RequestID == id
	})
	if n := len(b.printed("quiet", "event")); n != 0 {
		t.Errorf("%d events for who has none", n)
	}
	if got := b.lastEvent("plain"); got.EventType != "INVOKE" || !strings.HasSuffix(got.InvokedFunctionARN, ":f:live") {
		t.Errorf("event %+v", got)
	}
	start := time.Now()
	b.stop()
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("willing extensions ended after %v", took)
	}
	for _, name := range names {
		want := `{"accountId":"123456789012","functionName":"go","functionVersion":"7","handler":"bootstrap"}`
		if got := b.printed(name, "registered"); len(got) != 1 || got[0] != want {
			t.Errorf("%s registered %q", name, got)
		}
		if got := b.printed(name, "knows"); len(got) != 1 || got[0] != "go, task root false, handler false" {
			t.Errorf("%s knows %q", name, got)
		}
		if got := b.lastEvent(name); got.EventType != "SHUTDOWN" || got.ShutdownReason != "spindown" {
			t.Errorf("last event of %s %+v", name, got)
		}
		line := fmt.Sprintf("EXTENSION\tName: %s\tState: Ready\tEvents: [INVOKE, SHUTDOWN]", name)
		if name == "quiet" {
			line = strings.Replace(line, "INVOKE, ", "", 1)
		}
		if !slices.Contains(b.lines.Of(""), line) {
			t.Errorf("no line %q in %q", line, b.lines.Of(""))
		}
	}
}

// observed is one event of the telemetry.
type observed struct {
	Type   string
	Record json.RawMessage
}

func (s Suite) telemetry(t *testing.T) {
	for name, shape := range map[string]struct{ prefix, kinds string }{
		"telemetry": {"POST /events?x=1 ", "platform.initStart platform.telemetrySubscription platform.initRuntimeDone platform.extension platform.initReport " +
			"platform.start function function platform.runtimeDone platform.report platform.start function function platform.runtimeDone platform.report"},
		"tcp": {"", "platform.initStart platform.telemetrySubscription platform.initRuntimeDone platform.extension platform.initReport " +
			"platform.start function function platform.runtimeDone platform.report platform.start function function platform.runtimeDone platform.report"},
		"logs": {"PUT /events?x=1 ", "platform.logsSubscription platform.extension " +
			"platform.start function function platform.runtimeDone platform.end platform.report platform.start function function platform.runtimeDone platform.end platform.report"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.start(t, Python(), withExtensions(t, name))
			events := func() (all []observed, kinds string) {
				for _, text := range b.printed(name, "telemetry") {
					text, ok := strings.CutPrefix(text, shape.prefix)
					var e observed
					if err := json.Unmarshal([]byte(text), &e); !ok || err != nil {
						t.Fatalf("%v: %s", err, text)
					}
					all = append(all, e)
					kinds = strings.TrimSpace(kinds + " " + e.Type)
				}
				return all, kinds
			}
			_, id := b.invoke(`{"op":"print","lines":1}`)
			b.invoke(`{"op":"print","lines":1}`)
			b.until("the last report", func() bool {
				_, kinds := events()
				return strings.Count(kinds, "platform.report") == 2
			})
			all, kinds := events()
			if kinds != shape.kinds {
				t.Errorf("events %s\nwant   %s", kinds, shape.kinds)
			}
			for _, e := range all {
				switch e.Type {
				case "platform.report":
					s.checkReport(t, e.Record, id)
					id = ""
				case "function":
					if text := string(e.Record); !strings.HasPrefix(text, `"line 0`) && !strings.HasPrefix(text, `"no line break`) {
						t.Errorf("line %s", text)
					}
				}
			}
		})
	}
}

// checkReport looks at the first report, which has the init, when id is not empty.
func (s Suite) checkReport(t *testing.T, record []byte, id string) {
	t.Helper()
	var r struct {
		RequestID string
		Metrics   struct {
			DurationMS, InitDurationMS                      float64
			BilledDurationMS, MemorySizeMB, MaxMemoryUsedMB int
		}
	}
	if err := json.Unmarshal(record, &r); err != nil {
		t.Fatal(err)
	}
	m := r.Metrics
	if id != "" && r.RequestID != id || m.DurationMS <= 0 || float64(m.BilledDurationMS) < m.DurationMS-0.01 || m.MemorySizeMB != 256 ||
		m.MaxMemoryUsedMB < 1 || m.MaxMemoryUsedMB > 256 || m.InitDurationMS > 0 != (id != "") {
		t.Errorf("report %s", record)
	}
}

// internalExtension is a part of a Python function.
func (s Suite) internalExtension(t *testing.T) {
	f := Python()
	f.Handler = "internal.handler"
	b := s.start(t, f)
	log := strings.Join(b.lines.Of(""), "\n")
	for _, want := range []string{
		"inside 403 ", "ShutdownEventNotSupportedForInternalExtension",
		`inside registered {"functionName":"python"`, "EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("log %s lacks %s", log, want)
		}
	}
	for range 2 {
		res, id := b.invoke(`{"a":1}`)
		if res.Outcome != sandbox.Success || res.Rest == nil || res.Rest.Wait().Outcome != sandbox.Success {
			t.Fatalf("%+v", res)
		}
		if got := b.lastEvent("inside"); got.RequestID != id {
			t.Errorf("event %+v (log %q)", got, b.lines.All())
		}
	}
	start := time.Now()
	b.stop()
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("ended after %v", took)
	}
	lines := b.lines.All()
	if last := lines[len(lines)-1].Text; last != "inside SIGTERM" {
		t.Errorf("last line %q", last)
	}
}

func (s Suite) extensionInit(t *testing.T) {
	for _, tc := range []struct {
		name, errorType, problem, line string
		mode                           os.FileMode
	}{
		{name: "exits", errorType: "Extension.Crash", problem: "exit status 4", line: "State: Started\tEvents: []\tError Type: Extension.Crash", mode: 0o755},
		{name: "fails", errorType: "Extension.InitError", problem: "exit status 5", line: "State: InitError\tEvents: [INVOKE, SHUTDOWN]\tError Type: My.Error", mode: 0o755},
		{name: "denied", errorType: "Extension.LaunchError", problem: "permission denied", line: "State: LaunchError\tEvents: []\tError Type: PermissionDenied", mode: 0o644},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, lines := Go(t).Spec()
			withExtensions(t, "plain", tc.name)(&spec)
			if err := os.Chmod(filepath.Join(spec.LayersDir, "extensions", tc.name), tc.mode); err != nil {
				t.Fatal(err)
			}
			_, err := s.Driver.Start(t.Context(), spec)
			var failed *sandbox.InitError
			if !errors.As(err, &failed) || failed.ErrorType != tc.errorType || !strings.Contains(failed.Problem, tc.problem) {
				t.Fatalf("error %v", err)
			}
			if log := strings.Join(lines.Of(""), "\n"); !strings.Contains(log, "EXTENSION\tName: "+tc.name+"\t"+tc.line) {
				t.Errorf("log %s", log)
			}
		})
	}
}
