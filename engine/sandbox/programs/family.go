//go:build linux

package programs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Family is the programs that this process has started, and everything they have
// started in turn.
type Family struct {
	starts chan func()

	mu      sync.Mutex
	members map[int]*Process // not reaped
	gone    chan struct{}    // closed once no child is left; nil while there is none
	stopped []int            // descendants when they were frozen; of whoever freezes and thaws
}

// NewFamily returns one without members.
func NewFamily() *Family {
	return &Family{starts: make(chan func()), members: map[int]*Process{}}
}

// Serve starts the programs that Start is asked for, until done is closed. Its
// goroutine must be locked to its thread and end after all programs: the kernel kills
// a program when the thread that started it ends.
func (f *Family) Serve(done <-chan struct{}) {
	for {
		select {
		case start := <-f.starts:
			start()
		case <-done:
			return
		}
	}
}

// Start runs the first program of a list that exists. Serve must be running. The
// error is a *StartError if it is the program's.
func (f *Family) Start(p Program) (*Process, error) {
	argv, err := p.choose()
	if err != nil {
		return nil, err
	}
	var started *Process
	done := make(chan struct{})
	f.starts <- func() {
		started, err = f.start(argv, p)
		close(done)
	}
	<-done
	return started, err
}

func (f *Family) start(argv []string, program Program) (*Process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	stdout, toStdout, err := pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = toStdout.Close() }()
	stderr, toStderr, err := pipe()
	if err != nil {
		_ = stdout.Close()
		return nil, err
	}
	defer func() { _ = toStderr.Close() }()
	f.mu.Lock()
	defer f.mu.Unlock()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir:   program.Dir,
		Env:   program.Env,
		Files: []uintptr{null.Fd(), toStdout.Fd(), toStderr.Fd(), FramesFD: toStdout.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		_, _ = stdout.Close(), stderr.Close()
		return nil, &StartError{Path: argv[0], Err: err}
	}
	p := NewProcess(pid, stdout, stderr)
	f.members[pid] = p
	// When memory runs out the function shall go, not the supervisor.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
	if f.gone == nil {
		f.gone = make(chan struct{})
		go f.reap()
	}
	return p, nil
}

// pipe makes a pipe to read from without blocking, and to write to with, as programs
// expect of their output.
func pipe() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	if err := syscall.SetNonblock(int(w.Fd()), false); err != nil {
		_, _ = r.Close(), w.Close()
		return nil, nil, err
	}
	return r, w, nil
}

// reap collects every child, the orphans of its members included, which the kernel
// hands to the supervisor as PID 1 or as their subreaper.
func (f *Family) reap() {
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
			p.Ended(status, usage.Maxrss<<10)
		}
		f.mu.Unlock()
	}
}

// Signal sends sig to one member's process group, and to nobody when it has ended.
func (f *Family) Signal(p *Process, sig syscall.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.members[p.PID] == p {
		_ = syscall.Kill(-p.PID, sig)
	}
}

// signal sends sig to everybody. As PID 1 that is simply all processes; elsewhere
// it is the process groups of the members, and after them those who left the group.
func (f *Family) signal(sig syscall.Signal) {
	f.signalWith(sig, func() []int { return Descendants(os.Getpid()) })
}

func (f *Family) signalWith(sig syscall.Signal, descendants func() []int) {
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

// Freeze stops everybody.
func (f *Family) Freeze() {
	f.signalWith(syscall.SIGSTOP, func() []int {
		f.stopped = Descendants(os.Getpid())
		return f.stopped
	})
}

// Thaw lets them run again. Nobody was born meanwhile, and looking for them would make
// a call wait.
func (f *Family) Thaw() {
	f.signalWith(syscall.SIGCONT, func() []int { return f.stopped })
}

// Kill ends them all and waits until they have gone.
func (f *Family) Kill(patience time.Duration) {
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

// Descendants lists the processes below pid, parents first.
func Descendants(pid int) (all []int) {
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
				all = append(all, Descendants(child)...)
			}
		}
	}
	return all
}
