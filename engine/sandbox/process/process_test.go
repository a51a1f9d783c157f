//go:build linux

package process_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/process"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	sandboxtest.Cleanup()
	os.Exit(code)
}

func newDriver(tb testing.TB, change ...func(*process.Options)) *process.Driver {
	tb.Helper()
	o := process.Options{Dir: tb.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	d, err := process.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return d
}

func TestSuite(t *testing.T) {
	sandboxtest.Suite{Driver: newDriver(t)}.Run(t)
}

func TestModel(t *testing.T) {
	sandboxtest.Suite{Driver: newDriver(t)}.Model(t)
}

// TestOfficialClients runs the same with the interface clients that AWS publishes.
func TestOfficialClients(t *testing.T) {
	t.Run("python", func(t *testing.T) {
		clients := t.TempDir()
		if out, err := exec.Command("python3", "-m", "pip", "install", "--quiet", "--target", clients, "awslambdaric").CombinedOutput(); err != nil {
			if os.Getenv("CI") != "true" {
				t.Skipf("awslambdaric cannot be installed: %v\n%s", err, out)
			}
			t.Fatalf("install awslambdaric: %v\n%s", err, out)
		}
		command := []string{"env", "PYTHONPATH=" + clients, "python3", "-m", "awslambdaric"}
		d := newDriver(t, func(o *process.Options) { o.Commands = map[string][]string{"python3.13": command} })
		sandboxtest.Suite{Driver: d, Only: "python", Official: true}.Model(t)
	})
	t.Run("node", func(t *testing.T) {
		client := filepath.Join(clientOfImage(t, "lambdaform/nodejs:22"), "index.mjs")
		d := newDriver(t, func(o *process.Options) { o.Commands = map[string][]string{"nodejs22.x": {"node", client}} })
		sandboxtest.Suite{Driver: d, Only: "node", Official: true, NoNode24: true}.Model(t)
	})
}

// clientOfImage copies the compiled interface client out of the stand-in image.
func clientOfImage(t *testing.T, image string) string {
	t.Helper()
	docker := func(args ...string) string {
		out, err := exec.Command("docker", args...).CombinedOutput()
		if err != nil && os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
			t.Fatalf("docker %v: %v: %s", args, err, out)
		}
		if err != nil {
			t.Skipf("docker %v: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	id := docker("create", image)
	defer docker("rm", id)
	dir := filepath.Join(t.TempDir(), "runtime")
	docker("cp", id+":/var/runtime", dir)
	if _, err := os.Stat(filepath.Join(dir, "aws-lambda-ric")); err != nil {
		t.Skipf("%s was built without AWS's interface client: %v", image, err)
	}
	return dir
}

// AWS's own interface client for Java is a command like another.
func TestOfficialJava(t *testing.T) {
	d := newDriver(t, func(o *process.Options) {
		o.Commands = map[string][]string{"java21": sandboxtest.OfficialJava(t)}
	})
	sandboxtest.Suite{Driver: d, OfficialJava: true, Sample: true}.Java(t)
}

func BenchmarkInvoke(b *testing.B) { sandboxtest.BenchmarkInvoke(b, newDriver(b)) }

func BenchmarkCold(b *testing.B) { sandboxtest.BenchmarkCold(b, newDriver(b), func() {}) }

// Commands that would never run are refused at once.
func TestCommandsAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		argv []string
		want string
	}{
		"python2.7":       {[]string{"python2"}, `runtime "python2.7" cannot be run here yet`},
		"python3.13":      {nil, `command of runtime python3.13: it is empty. Name a program`},
		"nodejs22.x":      {[]string{""}, `command of runtime nodejs22.x: it is empty`},
		"provided.al2023": {[]string{"go"}, `command of runtime provided.al2023: its functions bring what boots them`},
	} {
		_, err := process.New(process.Options{Dir: t.TempDir(), Commands: map[string][]string{name: tc.argv}})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// A command takes the place of interpreter and client, and the handler is its last argument.
func TestCommand(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$*\"\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d := newDriver(t, func(o *process.Options) { o.Commands = map[string][]string{"python3.13": {program, "-m", "client"}} })
	spec, lines := sandboxtest.Python().Spec()
	var failed *sandbox.InitError
	if _, err := d.Start(t.Context(), spec); !errors.As(err, &failed) || failed.Exit != "exit status 9" {
		t.Errorf("%v", err)
	}
	if log := lines.Of(""); len(log) != 1 || log[0] != "-m client app.handler" {
		t.Errorf("log %q", log)
	}
	if _, err := d.Start(t.Context(), func() sandbox.Spec { s, _ := sandboxtest.Node().Spec(); return s }()); err != nil {
		t.Errorf("another runtime: %v", err)
	}
}

// gone waits until a condition holds, which it does soon.
func gone(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", what)
		}
	}
}

func dead(pid int) func() bool {
	return func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "process", "engine-*", "env-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func spawn(t *testing.T, env sandbox.Environment) int {
	t.Helper()
	res, err := env.Invoke(context.Background(), sandbox.Invocation{
		RequestID: "1", Deadline: time.Now().Add(10 * time.Second), Payload: []byte(`{"op":"spawn"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(res.Payload))
	if err != nil {
		t.Fatalf("%s: %v", res.Payload, err)
	}
	return pid
}

// Stop leaves neither a process, not even one that has left its group, nor a file.
func TestStopLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	d, err := process.New(process.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := sandboxtest.Python().Spec()
	env, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	child := spawn(t, env)
	if dead(child)() || entries(t, dir) != 1 {
		t.Fatal("nothing is there that could be left")
	}
	if err := env.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !dead(child)() {
		t.Error("the function's child lives on")
	}
	if n := entries(t, dir); n != 0 {
		t.Errorf("%d directories are left", n)
	}
	if err := env.Stop(t.Context()); err != nil {
		t.Errorf("stop once more: %v", err)
	}
	select {
	case <-env.Done():
	default:
		t.Error("not done")
	}
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "process", "engine-*")); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

// TestHelperEngine is not a test but the engine that TestKilledEngine kills.
func TestHelperEngine(t *testing.T) {
	dir := os.Getenv("HELPER_ENGINE_DIR")
	if dir == "" {
		t.Skip("runs in TestKilledEngine only")
	}
	d, err := process.New(process.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := sandboxtest.Python().Spec()
	env, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("child %d\n", spawn(t, env))
	select {}
}

// When the engine is killed, its functions end by themselves, and the next
// engine removes their files.
func TestKilledEngine(t *testing.T) {
	dir := t.TempDir()
	engine := exec.Command(os.Args[0], "-test.run", "^TestHelperEngine$")
	engine.Env = append(os.Environ(), "HELPER_ENGINE_DIR="+dir)
	out, err := engine.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscanf(out, "child %d\n", &child); err != nil {
		t.Fatalf("engine says %v", err)
	}
	if err := engine.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = engine.Wait()
	gone(t, "the function's child", dead(child))
	if entries(t, dir) != 1 {
		t.Fatal("the killed engine has left nothing to remove")
	}
	d, err := process.New(process.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if n := entries(t, dir); n != 0 {
		t.Errorf("%d directories are left", n)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Two engines with one directory leave each other alone.
func TestNeighbours(t *testing.T) {
	dir := t.TempDir()
	first, err := process.New(process.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := sandboxtest.Go(t).Spec()
	if _, err := first.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	second, err := process.New(process.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if entries(t, dir) != 1 {
		t.Error("the second engine has removed what the first one runs")
	}
	if err := errors.Join(second.Close(t.Context()), first.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Start(t.Context(), spec); err == nil {
		t.Error("a closed driver starts functions")
	}
}

// A path that does not fit into a socket's address is a path all the same.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	d, err := process.New(process.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := sandboxtest.Go(t).Spec()
	if _, err := d.Start(t.Context(), spec); err != nil {
		t.Error(err)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A supervisor that is killed takes its environment with it, and whoever waits
// hears of it.
func TestKilledRuntime(t *testing.T) {
	d := newDriver(t)
	spec, _ := sandboxtest.Python().Spec()
	env, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	child := spawn(t, env)
	supervisor := parent(t, child)
	if err := syscall.Kill(supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-env.Done()
	_, err = env.Invoke(t.Context(), sandbox.Invocation{Deadline: time.Now().Add(time.Second)})
	if !errors.Is(err, sandbox.ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
	_ = syscall.Kill(child, syscall.SIGKILL) // it had left, and nobody is there to look after it
}

// parent is the supervisor: the parent of the function, which is the parent of pid.
func parent(t *testing.T, pid int) int {
	t.Helper()
	for range 2 {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		pid, err = strconv.Atoi(strings.Fields(rest)[1])
		if err != nil {
			t.Fatal(err)
		}
	}
	return pid
}

// Environments start and work side by side.
func TestManyAtOnce(t *testing.T) {
	d := newDriver(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			spec, lines := sandboxtest.Go(t).Spec()
			env, err := d.Start(t.Context(), spec)
			if err != nil {
				t.Error(err)
				return
			}
			for j := range 50 {
				payload := fmt.Sprintf(`{"who":%d,"turn":%d}`, i, j)
				res, err := env.Invoke(t.Context(), sandbox.Invocation{
					RequestID: fmt.Sprint(i, "-", j), Deadline: time.Now().Add(10 * time.Second), Payload: []byte(payload),
				})
				if err != nil || string(res.Payload) != payload {
					t.Errorf("%v: %s, want %s (log %q)", err, res.Payload, payload, lines.Of(fmt.Sprint(i, "-", j)))
					return
				}
			}
		})
	}
	wg.Wait()
}
