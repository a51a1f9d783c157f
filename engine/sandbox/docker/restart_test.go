//go:build linux

package docker_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
	"github.com/lambdaform/terraform-provider-lambda/test/dockerd"
)

// newOwnDaemon starts a Docker daemon that the test may kill.
func newOwnDaemon(t *testing.T) *dockerd.Daemon {
	t.Helper()
	if _, err := exec.LookPath("dockerd"); err != nil || os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI lacks root or dockerd: this test may not be left out")
		}
		t.Skip("a Docker daemon to kill needs root and dockerd")
	}
	dir, err := os.MkdirTemp("", "dockerd-") //nolint:usetesting // the socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	d, err := dockerd.New(t.Context(), dir, standIns["provided.al2023"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Remove)
	t.Setenv("DOCKER_HOST", d.Host())
	return d
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

	own.Kill()
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

	if err := own.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
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
