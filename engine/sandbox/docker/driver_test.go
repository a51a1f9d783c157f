package docker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
)

// daemon is the test's own view of Docker.
type daemon struct {
	*testing.T
	*client.Client
}

func newDaemon(t *testing.T) daemon {
	t.Helper()
	cli, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cli.Close() })
	return daemon{t, cli}
}

// containers of an instance, running or not.
func (d daemon) containers(instance string) []api.Summary {
	d.Helper()
	all, err := d.ContainerList(context.Background(), api.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", "lambdaform.engine="+instance)),
	})
	if err != nil {
		d.Fatal(err)
	}
	return all
}

// until waits for a condition that will hold soon.
func (d daemon) until(what string, holds func() bool) {
	d.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.Fatalf("in vain: %s", what)
		}
	}
}

func instance(t *testing.T) func(*docker.Options) {
	return func(o *docker.Options) { o.InstanceID = "test-" + strings.ReplaceAll(t.Name(), "/", "-") }
}

func noSpares(o *docker.Options) { o.Spares = -1 }

func start(t *testing.T, d *docker.Driver, f sandboxtest.Function, change ...func(*sandbox.Spec)) sandbox.Environment {
	t.Helper()
	spec, lines := f.Spec()
	for _, c := range change {
		c(&spec)
	}
	env, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatalf("%v (log %q)", err, lines.Of(""))
	}
	return env
}

func invoke(t *testing.T, env sandbox.Environment, event string) (sandbox.Result, error) {
	t.Helper()
	return env.Invoke(t.Context(), sandbox.Invocation{RequestID: "1", Deadline: time.Now().Add(20 * time.Second), Payload: []byte(event)})
}

// Through the standard streams everything is the same, and without a network.
func TestSuiteStdio(t *testing.T) {
	d := newDriver(t, func(o *docker.Options) { o.Transport, o.Network = docker.Stdio, "none" })
	sandboxtest.Suite{Driver: d, Isolates: true, Only: "python"}.Run(t)
}

func TestNoNetwork(t *testing.T) {
	d := newDriver(t, noSpares, func(o *docker.Options) { o.Network = "none" })
	for _, f := range sandboxtest.Functions(t) {
		env := start(t, d, f, func(spec *sandbox.Spec) {
			spec.Endpoint = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "here I am") })
		})
		res, err := invoke(t, env, `{"op":"get","path":"/"}`)
		if err != nil || string(res.Payload) != `"here I am"` {
			t.Errorf("%s: %v %s", f.Name, err, res.Payload)
		}
	}
}

func TestContainersAreConfined(t *testing.T) {
	d, docker := newDriver(t, noSpares, instance(t)), newDaemon(t)
	start(t, d, sandboxtest.Go(t), func(spec *sandbox.Spec) { spec.MemoryMB = 1769 })
	all := docker.containers("test-" + t.Name())
	if len(all) != 1 {
		t.Fatalf("%d containers", len(all))
	}
	c, err := docker.ContainerInspect(t.Context(), all[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	h := c.HostConfig
	if !h.ReadonlyRootfs || !slices.Equal(h.CapDrop, []string{"ALL"}) || !slices.Contains(h.SecurityOpt, "no-new-privileges") ||
		h.Privileged || !h.AutoRemove || h.LogConfig.Type != "none" || c.Config.User == "" || strings.HasPrefix(c.Config.User, "0") {
		t.Errorf("not confined: %+v user %q", h, c.Config.User)
	}
	if mb := h.Memory >> 20; mb < 1769 || mb > 1769+64 || h.MemorySwap != h.Memory || h.NanoCPUs != 1e9 || h.CPUShares != 1024 || h.PidsLimit == nil || *h.PidsLimit != 1024 {
		t.Errorf("limits %+v", h.Resources)
	}
	for _, m := range c.Mounts {
		if m.Destination != "/tmp" && m.RW {
			t.Errorf("%s can be written to", m.Destination)
		}
	}
}

func TestPoolIsShown(t *testing.T) {
	d := newDriver(t)
	if all := d.Pool(); len(all) != 0 {
		t.Errorf("%v before anything is wanted", all)
	}
	spec, _ := sandboxtest.Go(t).Spec()
	d.Warm(spec)
	newDaemon(t).until("a container is ready", func() bool {
		all := d.Pool()
		return len(all) == 1 && strings.Contains(all[0].Image, "/provided:al2023") && all[0].Ready == 1 && all[0].Coming == 0
	})
	start(t, d, sandboxtest.Go(t))
	newDaemon(t).until("and another in its place", func() bool { all := d.Pool(); return len(all) == 1 && all[0].Ready == 1 })
}

// Spec behaviour A5.5, with a size other than that of the spare.
func TestSizeOfTmp(t *testing.T) {
	if !scratch.Supported() {
		t.Skip(scratch.ErrUnsupported)
	}
	d := newDriver(t)
	for _, mb := range []int{512, 700} {
		env := start(t, d, sandboxtest.Go(t), func(spec *sandbox.Spec) { spec.EphemeralMB, spec.MemoryMB = mb, 1769 })
		for size, want := range map[int]string{mb: `"filled"`, mb + mb/8: `"write /tmp/fill: no space left on device"`} {
			if res, err := invoke(t, env, fmt.Sprintf(`{"op":"fill","size":%d}`, size<<20)); err != nil || string(res.Payload) != want {
				t.Errorf("%d MB of %d: %v %s, want %s", size, mb, err, res.Payload, want)
			}
		}
	}
}

func TestStopLeavesNothing(t *testing.T) {
	for _, transport := range []docker.Transport{docker.Socket, docker.Stdio} {
		t.Run(string(transport), func(t *testing.T) {
			dir := t.TempDir()
			d := newDriver(t, noSpares, instance(t), func(o *docker.Options) { o.Dir, o.Transport = dir, transport })
			docker := newDaemon(t)
			id := "test-" + strings.ReplaceAll(t.Name(), "/", "-")
			env := start(t, d, sandboxtest.Go(t))
			all := docker.containers(id)
			if len(all) != 1 {
				t.Fatalf("%d containers", len(all))
			}
			before, err := docker.ContainerInspect(t.Context(), all[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := env.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := len(docker.containers(id)); n != 0 {
				t.Errorf("%d containers are left", n)
			}
			for _, m := range before.Mounts {
				if m.Name == "" {
					continue
				}
				if _, err := docker.VolumeInspect(t.Context(), m.Name); err == nil {
					t.Errorf("the volume of %s is left", m.Destination)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "docker", "engine-*", "env-*")); len(left) != 0 {
				t.Errorf("%v are left", left)
			}
			if err := env.Stop(t.Context()); err != nil {
				t.Errorf("stop once more: %v", err)
			}
		})
	}
}

// TestHelperEngine is not a test but the engine that TestKilledEngine kills.
func TestHelperEngine(t *testing.T) {
	dir := os.Getenv("HELPER_ENGINE_DIR")
	if dir == "" {
		t.Skip("runs in TestKilledEngine only")
	}
	d := newDriver(t, func(o *docker.Options) {
		o.Dir, o.InstanceID, o.Transport = dir, "test-killed", docker.Transport(os.Getenv("HELPER_ENGINE_TRANSPORT"))
	})
	start(t, d, sandboxtest.Python())
	fmt.Println("started")
	select {}
}

// When the engine is killed, its containers end by themselves; the next engine
// removes what has not, and nobody else's.
func TestKilledEngine(t *testing.T) {
	newDriver(t) // or skip
	daemon := newDaemon(t)
	for _, transport := range []docker.Transport{docker.Socket, docker.Stdio} {
		t.Run(string(transport), func(t *testing.T) {
			dir := t.TempDir()
			engine := exec.Command(os.Args[0], "-test.run", "^TestHelperEngine$")
			engine.Env = append(os.Environ(), "HELPER_ENGINE_DIR="+dir, "HELPER_ENGINE_TRANSPORT="+string(transport))
			out, err := engine.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := engine.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fscanf(out, "started\n"); err != nil {
				t.Fatalf("engine says %v", err)
			}
			daemon.until("a function and a spare run", func() bool {
				running := 0
				for _, c := range daemon.containers("test-killed") {
					if c.State == "running" {
						running++
					}
				}
				return running == 2
			})
			if err := engine.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = engine.Wait()
			daemon.until("containers end", func() bool { return len(daemon.containers("test-killed")) == 0 })
			left, _ := filepath.Glob(filepath.Join(dir, "docker", "engine-*"))
			if len(left) != 1 {
				t.Fatalf("left: %v", left)
			}

			mine := stray(t, daemon, "test-killed", filepath.Base(left[0]))
			other := stray(t, daemon, "test-somebody-else", "engine-1")
			newDriver(t, func(o *docker.Options) { o.Dir, o.InstanceID = dir, "test-killed" })
			if _, err := daemon.ContainerInspect(t.Context(), mine); err == nil {
				t.Error("the dead engine's container is left")
			}
			if _, err := daemon.ContainerInspect(t.Context(), other); err != nil {
				t.Errorf("somebody else's container: %v", err)
			}
			if _, err := os.Stat(left[0]); err == nil {
				t.Errorf("%s is left", left[0])
			}
			if table, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(table), left[0]) {
				t.Error("a mount is left")
			}
		})
	}
}

// stray is a container that did not end with its engine.
func stray(t *testing.T, d daemon, instance, owner string) string {
	t.Helper()
	c, err := d.ContainerCreate(t.Context(), &api.Config{
		Image: standIns["provided.al2023"], Entrypoint: []string{"sleep", "600"},
		Labels: map[string]string{"lambdaform.engine": instance, "lambdaform.owner": owner},
	}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.ContainerRemove(context.Background(), c.ID, api.RemoveOptions{Force: true, RemoveVolumes: true})
	})
	if err := d.ContainerStart(t.Context(), c.ID, api.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func TestPool(t *testing.T) {
	d, daemon := newDriver(t, instance(t)), newDaemon(t)
	spares := func() []api.Summary {
		return slices.DeleteFunc(daemon.containers("test-"+t.Name()), func(c api.Summary) bool {
			return c.State != "running" || strings.HasPrefix(c.Names[0], "/lambda-")
		})
	}
	spec, _ := sandboxtest.Go(t).Spec()
	d.Warm(spec)
	daemon.until("a container is coming", func() bool { return len(spares()) == 1 })
	spare := spares()[0].ID

	env := start(t, d, sandboxtest.Go(t))
	daemon.until("the ready one has work and another is ready", func() bool {
		now := spares()
		return len(now) == 1 && now[0].ID != spare
	})
	if c, err := daemon.ContainerInspect(t.Context(), spare); err != nil || !strings.HasPrefix(c.Name, "/lambda-go-1-") {
		t.Errorf("the ready one was not used: %v", err)
	}

	// One that somebody has removed is not used.
	if err := daemon.ContainerRemove(t.Context(), spares()[0].ID, api.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
		t.Fatal(err)
	}
	other := start(t, d, sandboxtest.Go(t), func(spec *sandbox.Spec) { spec.MemoryMB = 512 })
	for _, e := range []sandbox.Environment{env, other} {
		if res, err := invoke(t, e, `{"op":"count"}`); err != nil || string(res.Payload) != "1" {
			t.Errorf("%v %s", err, res.Payload)
		}
	}
}

// A container that is removed under a running function is a crash, and one that
// is removed under an idle one is gone; neither hangs.
func TestRemovedContainer(t *testing.T) {
	d, daemon := newDriver(t, noSpares, instance(t)), newDaemon(t)
	env := start(t, d, sandboxtest.Python())
	results := make(chan sandbox.Result, 1)
	go func() {
		res, err := invoke(t, env, `{"op":"sleep","seconds":60}`)
		if err != nil {
			t.Error(err)
		}
		results <- res
	}()
	time.Sleep(50 * time.Millisecond) // either way the answer is the same
	id := daemon.containers("test-" + t.Name())[0].ID
	if err := daemon.ContainerRemove(t.Context(), id, api.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
		t.Fatal(err)
	}
	if res := <-results; res.Outcome != sandbox.Exited || res.Exit != "signal: killed" {
		t.Errorf("outcome %d, exit %q", res.Outcome, res.Exit)
	}
	if _, err := invoke(t, env, `{}`); !errors.Is(err, sandbox.ErrGone) {
		t.Errorf("error %v, want ErrGone", err)
	}
}

// A function of package type Image is its image's own command, or what the
// function says instead.
func TestImage(t *testing.T) {
	newDriver(t) // or skip
	const tag = "lambdaform-test/image:1"
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join(sandboxtest.Go(t).Dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "program"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	file := "FROM " + standIns["provided.al2023"] + "\nCOPY program /app/program\nENV AWS_LAMBDA_FUNCTION_NAME=from-image\nWORKDIR /app\nENTRYPOINT [\"/app/program\"]\nCMD [\"the.handler\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("docker", "build", "-q", "-t", tag, dir)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", tag).Run() })

	d := newDriver(t, noSpares)
	image := func(spec *sandbox.Spec) {
		spec.Runtime, spec.CodeDir, spec.Image, spec.Handler, spec.Env = "", "", tag, "", nil
	}
	env := start(t, d, sandboxtest.Go(t), image)
	res, err := invoke(t, env, `{"op":"context"}`)
	if err != nil || !strings.Contains(string(res.Payload), `"cwd":"/app"`) || !strings.Contains(string(res.Payload), `"name":"from-image"`) {
		t.Errorf("%v %s", err, res.Payload)
	}
	env = start(t, d, sandboxtest.Go(t), image, func(spec *sandbox.Spec) {
		spec.Entrypoint, spec.WorkingDir = []string{"/bin/sh", "-c", "exec /app/program"}, "/usr"
	})
	if res, err = invoke(t, env, `{"op":"context"}`); err != nil || !strings.Contains(string(res.Payload), `"cwd":"/usr"`) {
		t.Errorf("%v %s", err, res.Payload)
	}
}

// A .NET image boots by the contract of all images of AWS's: its own bootstrap, in
// the function's directory, with the handler and the variables that AWS documents.
func TestDotNet(t *testing.T) {
	newDriver(t) // or skip
	const tag = "lambdaform-test/dotnet:8"
	dir := t.TempDir()
	data, err := os.ReadFile(filepath.Join(sandboxtest.Go(t).Dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := "#!/bin/sh\necho \"$_HANDLER $AWS_EXECUTION_ENV $LAMBDA_TASK_ROOT $PWD $(cat Function.dll)\"\nexec /var/runtime/program\n"
	for name, content := range map[string][]byte{
		"program": data, "bootstrap": []byte(bootstrap),
		"Dockerfile": []byte("FROM " + standIns["provided.al2023"] + "\nCOPY program bootstrap /var/runtime/\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("docker", "build", "-q", "-t", tag, dir)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", "-f", tag).Run() })

	code := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(code, "Function.dll"), []byte("assembly"), 0o644), os.Chmod(code, 0o755)); err != nil {
		t.Fatal(err)
	}
	d := newDriver(t, noSpares, func(o *docker.Options) { o.Images = map[string]string{"dotnet8": tag} })
	f := sandboxtest.Function{Name: "dotnet", Runtime: "dotnet8", Handler: "Function::Function.Handlers::Handle", Dir: code}
	spec, lines := f.Spec()
	env, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := invoke(t, env, `{"a":1}`); err != nil || string(res.Payload) != `{"a":1}` {
		t.Errorf("%v %s", err, res.Payload)
	}
	want := []string{"Function::Function.Handlers::Handle AWS_Lambda_dotnet8 /var/task /var/task assembly"}
	if got := lines.Of(""); !slices.Equal(got, want) {
		t.Errorf("the bootstrap saw %q, want %q", got, want)
	}
}

func TestMissingImage(t *testing.T) {
	d := newDriver(t, noSpares, func(o *docker.Options) {
		o.Images = map[string]string{"python3.8": "localhost:1/no-such-image:1"}
	})
	spec, _ := sandboxtest.Python().Spec()
	spec.Runtime = "python3.8"
	_, err := d.Start(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "localhost:1/no-such-image:1") || !strings.Contains(err.Error(), "make images") {
		t.Errorf("error %v", err)
	}
	spec.Runtime, spec.Image = "", "localhost:1/no-such-image:2"
	if _, err := d.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "localhost:1/no-such-image:2") {
		t.Errorf("error %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	d := newDriver(t)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			spec, _ := sandboxtest.Go(t).Spec()
			env, err := d.Start(t.Context(), spec)
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				want := fmt.Sprintf(`{"who":%d}`, i)
				if res, err := invoke(t, env, want); err != nil || string(res.Payload) != want {
					t.Errorf("%v %s", err, res.Payload)
				}
			}
		})
	}
	wg.Wait()
}
