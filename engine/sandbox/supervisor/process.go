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
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// family is the runtime, the extensions, and everything they have started.
type family struct {
	mu      sync.Mutex
	members map[int]*process // started by the supervisor, and not reaped
	gone    chan struct{}    // closed once no child is left; nil while there is none
	stopped []int            // descendants when they were frozen; of whoever freezes and thaws
}

// process is a program that the supervisor has started.
type process struct {
	pid    int
	exited chan struct{} // closed once it has ended
	status syscall.WaitStatus
	peak   int64 // its resident memory at most, in bytes; known once it has exited
}

// start runs a program. It must be called from the main thread: the kernel kills
// the program when the thread that started it ends, and that one lives as long as
// the supervisor.
func (f *family) start(argv []string, dir string, env []string, stdout, stderr *os.File) (*process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	f.mu.Lock()
	defer f.mu.Unlock()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd(), framesFD: stdout.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, &startError{path: argv[0], err: err}
	}
	p := &process{pid: pid, exited: make(chan struct{})}
	f.members[pid] = p
	// When memory runs out the function shall go, not the supervisor.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
	if f.gone == nil {
		f.gone = make(chan struct{})
		go f.reap()
	}
	return p, nil
}

// startError says that a program could not be run.
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

// reap collects every child, the orphans of its members included, which the kernel
// hands to the supervisor as PID 1 or as their subreaper.
func (f *family) reap() {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		if err == syscall.EINTR {
			continue
		}
		f.mu.Lock()
		if err != nil && len(f.members) == 0 { // no child left, and none just started
			close(f.gone)
			f.gone = nil
			f.mu.Unlock()
			return
		}
		if p := f.members[pid]; err == nil && p != nil {
			delete(f.members, pid)
			p.status, p.peak = status, usage.Maxrss<<10
			close(p.exited)
		}
		f.mu.Unlock()
	}
}

// exit words the end of a program as AWS does in its messages.
func (p *process) exit() string {
	if p.status.Signaled() {
		return "signal: " + p.status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", p.status.ExitStatus())
}

// signal sends sig to one member's process group, and to nobody when it has ended.
func (p *process) signal(sig syscall.Signal) {
	select {
	case <-p.exited:
		return
	default:
	}
	_ = syscall.Kill(-p.pid, sig)
}

// within waits until the program has ended, but not for longer than patience.
func (p *process) within(patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.exited:
		return true
	case <-late.C:
		return false
	}
}

// signal sends sig to everybody. As PID 1 that is simply all processes; elsewhere
// it is the process groups of the members, and after them those who left the group.
func (f *family) signal(sig syscall.Signal) {
	f.signalWith(sig, func() []int { return descendants(os.Getpid()) })
}

func (f *family) signalWith(sig syscall.Signal, descendants func() []int) {
	if os.Getpid() == 1 {
		_ = syscall.Kill(-1, sig)
		return
	}
	f.mu.Lock()
	for pid := range f.members {
		_ = syscall.Kill(-pid, sig)
	}
	f.mu.Unlock()
	for _, pid := range descendants() {
		_ = syscall.Kill(pid, sig)
	}
}

// freeze stops everybody.
func (f *family) freeze() {
	f.signalWith(syscall.SIGSTOP, func() []int {
		f.stopped = descendants(os.Getpid())
		return f.stopped
	})
}

// thaw lets them run again. Nobody was born meanwhile, and looking for them would make
// a call wait.
func (f *family) thaw() {
	f.signalWith(syscall.SIGCONT, func() []int { return f.stopped })
}

// kill ends them all and waits until they have gone.
func (f *family) kill(patience time.Duration) {
	f.mu.Lock()
	gone := f.gone
	f.mu.Unlock()
	if gone == nil {
		return
	}
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		f.signal(syscall.SIGKILL)
		select {
		case <-gone:
			return
		case <-deadline:
			return
		case <-tick.C: // one that was just being born has escaped the first signal
		}
	}
}

// descendants lists the processes below pid, parents first.
func descendants(pid int) (all []int) {
	threads := fmt.Sprintf("/proc/%d/task", pid)
	dir, err := os.Open(threads)
	if err != nil {
		return nil // it has just ended
	}
	names, _ := dir.Readdirnames(-1)
	_ = dir.Close()
	for _, name := range names {
		data, err := os.ReadFile(threads + "/" + name + "/children")
		if err != nil {
			continue
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
