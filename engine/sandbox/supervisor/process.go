//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is the runtime and everything it started.
type process struct {
	pid    int
	exited chan struct{} // closed once the runtime itself has ended
	status syscall.WaitStatus
	peak   int64         // resident memory of the runtime itself at most, in bytes; known once it has exited
	reaped chan struct{} // closed once no child is left
}

// start runs the first of commands whose program exists. It must be called from
// the main thread: the kernel kills the runtime when the thread that started it
// ends, and that one lives as long as the supervisor.
func start(commands [][]string, dir string, env []string, stdout, stderr *os.File) (*process, error) {
	argv, err := choose(commands, dir, env)
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, &startError{path: argv[0], err: err}
	}
	p := &process{pid: pid, exited: make(chan struct{}), reaped: make(chan struct{})}
	// When memory runs out the runtime shall go, not the supervisor.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
	go p.reap()
	return p, nil
}

// startError says that the runtime's program could not be run.
type startError struct {
	path string
	err  error
}

func (e *startError) Error() string { return fmt.Sprintf("fork/exec %s: %v", e.path, e.err) }
func (e *startError) Unwrap() error { return e.err }

// choose finds the first program that exists. One that exists but may not be
// executed is chosen too, for the sake of its error.
func choose(commands [][]string, dir string, env []string) ([]string, error) {
	var tried []string
	for _, argv := range commands {
		if len(argv) == 0 {
			continue
		}
		tried = append(tried, argv[0])
		if path := find(argv[0], dir, env); path != "" {
			return append([]string{path}, argv[1:]...), nil
		}
	}
	if len(tried) == 0 {
		return nil, errors.New("no command to run: the image has neither ENTRYPOINT nor CMD")
	}
	return nil, &startError{path: strings.Join(tried, ", "), err: syscall.ENOENT}
}

func find(name, dir string, env []string) string {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if _, err := os.Stat(name); err != nil {
			return ""
		}
		return name
	}
	for _, d := range filepath.SplitList(lookup(env, "PATH")) {
		if path, err := exec.LookPath(filepath.Join(d, name)); err == nil {
			return path
		}
	}
	return ""
}

func lookup(env []string, name string) string {
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}

// reap collects every child, the runtime's orphans included, which the kernel
// hands to the supervisor as PID 1 or as their subreaper.
func (p *process) reap() {
	defer close(p.reaped)
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		switch {
		case err == syscall.EINTR:
		case err != nil: // no child left
			return
		case pid == p.pid:
			p.status, p.peak = status, usage.Maxrss<<10
			close(p.exited)
		}
	}
}

// exit words the runtime's end as AWS does in its messages.
func (p *process) exit() string {
	if p.status.Signaled() {
		return "signal: " + p.status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", p.status.ExitStatus())
}

// signal sends sig to the runtime and everything it started. As PID 1 that is
// simply everybody; elsewhere it is the runtime's process group, and after it
// those who left the group.
func (p *process) signal(sig syscall.Signal) {
	if os.Getpid() == 1 {
		_ = syscall.Kill(-1, sig)
		return
	}
	_ = syscall.Kill(-p.pid, sig)
	for _, pid := range descendants(os.Getpid()) {
		_ = syscall.Kill(pid, sig)
	}
}

// kill ends them all and waits until they have gone.
func (p *process) kill(patience time.Duration) {
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p.signal(syscall.SIGKILL)
		select {
		case <-p.reaped:
			return
		case <-deadline:
			return
		case <-tick.C: // one that was just being born has escaped the first signal
		}
	}
}

// descendants lists the processes below pid, parents first.
func descendants(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
				all = append(all, descendants(child)...)
			}
		}
	}
	return all
}

// adopt makes the supervisor the parent of its descendants' orphans, and keeps
// the function, which is the same user, from looking into it.
func adopt() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
