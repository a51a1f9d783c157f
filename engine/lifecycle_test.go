package engine_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
)

// start runs an engine of the test's own on dir; the test closes it.
func start(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, c := range map[string]struct {
		config engine.Config
		want   string
	}{
		"no directory":   {engine.Config{}, "an engine needs a data directory"},
		"unknown driver": {engine.Config{DataDir: t.TempDir(), Driver: "magic"}, `unknown driver "magic": use docker, process or auto`},
		"address taken":  {engine.Config{DataDir: t.TempDir(), Driver: "process", Listen: strings.TrimPrefix(shared.URL(), "http://")}, "Stop what uses the address"},
		"broken driver":  {engine.Config{DataDir: withFile(t, "environments"), Driver: "process"}, "process driver"},
		"broken store":   {engine.Config{DataDir: withFile(t, "jetstream"), Driver: "process"}, "store"},
	} {
		if c.config.Listen == "" {
			c.config.Listen = "127.0.0.1:0"
		}
		e, err := engine.Start(ctx, c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if e != nil {
			t.Errorf("%s: an engine and an error", name)
		}
	}
	dir := t.TempDir()
	e := start(t, dir)
	_, err := engine.Start(ctx, engine.Config{Listen: "127.0.0.1:0", DataDir: dir, Driver: "process"})
	if err == nil || !strings.Contains(err.Error(), "another engine is running on the data directory") {
		t.Errorf("a second engine on one directory: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := start(t, dir).Close(); err != nil {
		t.Errorf("the next engine: %v", err)
	}
}

// withFile is a directory with a file where a directory should be.
func withFile(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Everything is there after a restart, and nothing of the first engine is left before it.
func TestRestart(t *testing.T) {
	before := runtime.NumGoroutine() // of tests before this one, which is not parallel
	dir := t.TempDir()
	e := start(t, dir)
	a := accountOn(t, e.URL(), "100000000000")
	a.create("f", python(t, "return 1"), func(in *lambda.CreateFunctionInput) { in.Publish = true })
	a.alias("f", "live", "1")
	a.allow("f", "live", "everybody")
	m := a.mapping("s", "f:live")
	a.deploy("f", python(t, "return 2"))
	a.call("f")
	a.call("f:live")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Wait(); err != nil {
		t.Errorf("a closed engine waits for %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
	a.eventually("the engine's goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+10 }) // those of HTTP clients may go on

	e = start(t, dir)
	a = accountOn(t, e.URL(), "100000000000")
	for name, want := range map[string]string{"f": "2", "f:1": "1", "f:live": "1"} {
		if got := a.call(name); got != want {
			t.Errorf("%s answers %s", name, got)
		}
	}
	if statements, _ := a.policy("live"); len(statements) != 1 {
		t.Errorf("policy %v", statements)
	}
	if got := must[*lambda.GetEventSourceMappingOutput](t)(a.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: m.UUID})); *got.State != "Enabled" {
		t.Errorf("the mapping is %s", *got.State)
	}
	if n := a.publish("f"); n != "2" {
		t.Errorf("published %s", n)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// A stopping engine lets calls finish, and does not wait for those who follow a log.
func TestCloseDuringCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	a := accountOn(t, e.URL(), "100000000000")
	begun, gate := filepath.Join(dir, "begun"), filepath.Join(dir, "gate")
	a.create("f", python(t, fmt.Sprintf("\n    open(%q, 'w').close()\n    while not os.path.exists(%q): time.sleep(0.01)\n    return 'done'", begun, gate)), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	var calls sync.WaitGroup
	calls.Go(func() {
		if got := a.call("f"); got != `"done"` {
			t.Errorf("the running call answers %s", got)
		}
	})
	follow, err := http.Get(e.URL() + engine.LogsPath + "?function=f&follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer follow.Body.Close()
	a.eventually("the call has begun", func() bool { _, err := os.Stat(begun); return err == nil })

	began := time.Now()
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	a.eventually("the engine refuses calls with 503", func() bool {
		got := a.send("POST", "/2015-03-31/functions/f/invocations", "{}", "X-Amz-Invocation-Type", "DryRun")
		return got.status == http.StatusServiceUnavailable && got.header.Get("X-Amzn-ErrorType") == "ServiceUnavailableException" && got.header.Get("Retry-After") == "1"
	})
	health, err := daemon.Probe(t.Context(), e.URL())
	if err != nil || !health.Stopping {
		t.Errorf("health of a stopping engine: %+v, %v", health, err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took >= engine.Grace {
		t.Errorf("the engine took %v to stop", took)
	}
}

// A call that is longer than the grace ends with its environment, and the engine with it.
func TestCloseDuringLongCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	a := accountOn(t, e.URL(), "100000000000")
	begun := filepath.Join(dir, "begun")
	a.create("f", python(t, fmt.Sprintf("\n    open(%q, 'w').close()\n    time.sleep(600)", begun)), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(900) })
	var calls sync.WaitGroup
	calls.Go(func() {
		if out, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")}); err == nil {
			t.Errorf("the call answers %s", out.Payload)
		}
	})
	a.send("POST", "/2015-03-31/functions/f/invocations", "{}", "X-Amz-Invocation-Type", "Event")
	a.eventually("the call has begun", func() bool { _, err := os.Stat(begun); return err == nil })
	began := time.Now()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	calls.Wait()
	if took := time.Since(began); took > engine.Grace+5*time.Second {
		t.Errorf("the engine took %v to stop", took)
	}
}
