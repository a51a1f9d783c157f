//go:build linux

// Package dockerd runs a Docker daemon of a test's own, which may be killed. It needs root
// and the program dockerd.
package dockerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
)

// Daemon is one of them. It has no network.
type Daemon struct {
	dir     string
	process *exec.Cmd
}

// New starts a daemon in a directory, whose path must be short, and copies an image of the
// machine's own daemon into it.
func New(ctx context.Context, dir, image string) (*Daemon, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &Daemon{dir: dir}
	if err := d.Start(ctx); err != nil {
		d.Remove()
		return nil, err
	}
	save := exec.CommandContext(ctx, "docker", "-H", "unix:///var/run/docker.sock", "save", image) //nolint:gosec // an image of the test's
	load := exec.CommandContext(ctx, "docker", "-H", d.Host(), "load", "-q")                       //nolint:gosec // a path of our own
	pipe, err := save.StdoutPipe()
	if err != nil {
		return nil, err
	}
	load.Stdin = pipe
	if err := errors.Join(save.Start(), load.Run(), save.Wait()); err != nil {
		d.Remove()
		return nil, fmt.Errorf("copy the image: %w", err)
	}
	return d, nil
}

// Host is its address, as DOCKER_HOST takes it.
func (d *Daemon) Host() string { return "unix://" + d.dir + "/docker.sock" }

// Start starts it again after Kill, and waits until it answers.
func (d *Daemon) Start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// What a killed daemon leaves behind counts as running where nobody reaps its children.
	for _, pid := range []string{"docker.pid", "exec/containerd/containerd.pid"} {
		_ = os.Remove(filepath.Join(d.dir, pid))
	}
	//nolint:gosec // paths of our own
	d.process = exec.Command("dockerd", "--data-root", d.dir+"/data", "--exec-root", d.dir+"/exec", "--pidfile", d.dir+"/docker.pid",
		"-H", d.Host(), "--bridge=none", "--iptables=false", "--ip-forward=false")
	d.process.Stdout, d.process.Stderr = log, log
	// In a network of its own: without a bridge, it would remove that of the machine's daemon.
	d.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET}
	if err := d.process.Start(); err != nil {
		return fmt.Errorf("a Docker daemon to kill needs root and dockerd: %w", err)
	}
	for deadline := time.Now().Add(30 * time.Second); exec.Command("docker", "-H", d.Host(), "version").Run() != nil; time.Sleep(50 * time.Millisecond) { //nolint:gosec // a path of our own
		if time.Now().After(deadline) || ctx.Err() != nil {
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("dockerd does not come up:\n%s", text)
		}
	}
	return nil
}

// Kill ends it with SIGKILL. Its containers go on.
func (d *Daemon) Kill() {
	_ = d.process.Process.Kill()
	_ = d.process.Wait()
}

// Remove ends it and removes its directory.
func (d *Daemon) Remove() {
	if d.process != nil && d.process.Process != nil {
		_ = d.process.Process.Signal(syscall.SIGTERM)
		_ = d.process.Wait()
	}
	_ = scratch.RemoveAll(d.dir) // it mounts its data on itself
}
