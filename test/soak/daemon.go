package main

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

// daemon is a Docker daemon of the run's own, which may be killed.
type daemon struct {
	dir     string
	process *exec.Cmd
}

func newDaemon(ctx context.Context, dir string) (*daemon, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	d := &daemon{dir: dir}
	if err := d.start(ctx); err != nil {
		d.remove()
		return nil, err
	}
	save := exec.CommandContext(ctx, "docker", "save", "lambdaform/provided:al2023")
	load := exec.CommandContext(ctx, "docker", "-H", d.host(), "load", "-q") //nolint:gosec // a path of our own
	pipe, err := save.StdoutPipe()
	if err != nil {
		return nil, err
	}
	load.Stdin = pipe
	if err := errors.Join(save.Start(), load.Run(), save.Wait()); err != nil {
		d.remove()
		return nil, fmt.Errorf("copy the image: %w", err)
	}
	return d, nil
}

func (d *daemon) host() string { return "unix://" + d.dir + "/docker.sock" }

func (d *daemon) start(ctx context.Context) error {
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
		"-H", d.host(), "--bridge=none", "--iptables=false", "--ip-forward=false")
	d.process.Stdout, d.process.Stderr = log, log
	// In a network of its own: without a bridge, it would remove that of the machine's daemon.
	d.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNET}
	if err := d.process.Start(); err != nil {
		return fmt.Errorf("a Docker daemon to kill needs root and dockerd: %w", err)
	}
	for deadline := time.Now().Add(30 * time.Second); exec.Command("docker", "-H", d.host(), "version").Run() != nil; time.Sleep(50 * time.Millisecond) { //nolint:gosec // a path of our own
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("dockerd does not come up, see %s", log.Name())
		}
	}
	return nil
}

func (d *daemon) kill() {
	_ = d.process.Process.Kill()
	_ = d.process.Wait()
}

func (d *daemon) remove() {
	if d.process != nil && d.process.Process != nil {
		_ = d.process.Process.Signal(syscall.SIGTERM)
		_ = d.process.Wait()
	}
	_ = scratch.RemoveAll(d.dir) // it mounts its data on itself
}
