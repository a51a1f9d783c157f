package docker_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
)

// ownDaemon is a Docker daemon of the test's own, which it may kill.
type ownDaemon struct {
	*testing.T
	dir     string
	process *exec.Cmd
}

func newOwnDaemon(t *testing.T) *ownDaemon {
	t.Helper()
	if _, err := exec.LookPath("dockerd"); err != nil || os.Geteuid() != 0 {
		t.Skip("a Docker daemon to kill needs root and dockerd")
	}
	dir, err := os.MkdirTemp("", "dockerd-") //nolint:usetesting // the socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	d := &ownDaemon{T: t, dir: dir}
	d.start()
	t.Cleanup(func() {
		_ = d.process.Process.Signal(syscall.SIGTERM)
		_ = d.process.Wait()
		_ = scratch.RemoveAll(dir) // it mounts its data on itself
	})
	t.Setenv("DOCKER_HOST", d.host())
	save := exec.Command("docker", "-H", "unix:///var/run/docker.sock", "save", standIns["provided.al2023"])
	load := exec.Command("docker", "load", "-q")
	if load.Stdin, err = save.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(save.Start(), load.Run(), save.Wait()); err != nil {
		t.Fatalf("copy the image: %v", err)
	}
	return d
}

func (d *ownDaemon) host() string { return "unix://" + d.dir + "/docker.sock" }

func (d *ownDaemon) start() {
	d.Helper()
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.Fatal(err)
	}
	defer log.Close()
	// What a killed daemon leaves behind counts as running where nobody reaps its children.
	for _, pid := range []string{"docker.pid", "exec/containerd/containerd.pid"} {
		_ = os.Remove(filepath.Join(d.dir, pid))
	}
	d.process = exec.Command("dockerd", "--data-root", d.dir+"/data", "--exec-root", d.dir+"/exec", "--pidfile", d.dir+"/docker.pid",
		"-H", d.host(), "--bridge=none", "--iptables=false", "--ip-forward=false")
	d.process.Stdout, d.process.Stderr = log, log
	// In a network of its own: without a bridge, it would remove that of the machine's daemon.
	d.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET}
	if err := d.process.Start(); err != nil {
		d.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); exec.Command("docker", "-H", d.host(), "version").Run() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			d.Fatalf("dockerd does not come up:\n%s", text)
		}
	}
}

func (d *ownDaemon) kill() {
	d.Helper()
	if err := d.process.Process.Kill(); err != nil {
		d.Fatal(err)
	}
	_ = d.process.Wait()
}

// A Docker daemon that is killed takes nothing with it but new starts. Once it is
// back, so are they, and in the end nothing is left.
func TestDaemonIsKilled(t *testing.T) {
	newDriver(t) // or skip
	own := newOwnDaemon(t)
	dir := t.TempDir()
	open := func() *docker.Driver {
		t.Helper()
		d, err := docker.New(t.Context(), docker.Options{Dir: dir, InstanceID: "test-killed-daemon", Network: "none", Images: standIns})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	daemon := newDaemon(t)
	boot := func() (sandbox.Environment, error) {
		spec, _ := sandboxtest.Go(t).Spec()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return d.Start(ctx, spec)
	}
	env, err := boot()
	if err != nil {
		t.Fatal(err)
	}
	daemon.until("a spare is ready", func() bool { all := d.Pool(); return len(all) == 1 && all[0].Ready == 1 })

	own.kill()
	if res, err := invoke(t, env, `{"op":"count"}`); err != nil || string(res.Payload) != "1" {
		t.Errorf("without a daemon: %v %s", err, res.Payload)
	}
	if other, err := boot(); err == nil { // in the spare
		if res, err := invoke(t, other, `{"op":"count"}`); err != nil || string(res.Payload) != "1" {
			t.Errorf("in the spare: %v %s", err, res.Payload)
		}
	}
	if _, err := boot(); err == nil || !strings.Contains(err.Error(), "docker") {
		t.Errorf("a start without a daemon: %v", err)
	}

	own.start()
	again, err := boot()
	if err != nil {
		t.Fatalf("a start once the daemon is back: %v", err)
	}
	if res, err := invoke(t, again, `{"op":"count"}`); err != nil || string(res.Payload) != "1" {
		t.Errorf("once the daemon is back: %v %s", err, res.Payload)
	}
	if err := d.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	if left := daemon.containers("test-killed-daemon"); len(left) != 0 {
		t.Errorf("%d containers are left", len(left))
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "docker", "engine-*")); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
	if table, err := os.ReadFile("/proc/self/mountinfo"); err == nil && strings.Contains(string(table), dir) {
		t.Errorf("mounts are left:\n%s", table)
	}
}
