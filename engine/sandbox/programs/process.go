//go:build linux

package programs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// FramesFD is the descriptor of a program that is its standard output once more.
const FramesFD = 3

// Program is what to run.
type Program struct {
	Commands [][]string // best first: the first whose program exists is taken
	Dir      string     // working directory
	Env      []string   // NAME=VALUE, all of it
}

// Process is a program that runs, or has run.
type Process struct {
	PID            int // as whoever started it sees it
	Stdout, Stderr *os.File
	exited         chan struct{}
	status         syscall.WaitStatus
	peak           int64
}

// NewProcess returns one that runs. stdout and stderr are the ends to read from,
// which belong to whoever has the Process.
func NewProcess(pid int, stdout, stderr *os.File) *Process {
	return &Process{PID: pid, Stdout: stdout, Stderr: stderr, exited: make(chan struct{})}
}

// Ended says how it has ended, and how much resident memory it used at most, in
// bytes. It is called once.
func (p *Process) Ended(status syscall.WaitStatus, peak int64) {
	p.status, p.peak = status, peak
	close(p.exited)
}

// Exited is closed once it has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Status tells how it has ended, once it has.
func (p *Process) Status() syscall.WaitStatus { return p.status }

// Peak is how much resident memory it has used at most, in bytes, once it has ended.
func (p *Process) Peak() int64 { return p.peak }

// Exit words the end of a program as AWS does in its messages.
func (p *Process) Exit() string {
	if p.status.Signaled() {
		return "signal: " + p.status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", p.status.ExitStatus())
}

// Within waits until the program has ended, but not for longer than patience.
func (p *Process) Within(patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.exited:
		return true
	case <-late.C:
		return false
	}
}

// StartError says that a program could not be run.
type StartError struct {
	Path string
	Err  error // a syscall.Errno
}

func (e *StartError) Error() string { return fmt.Sprintf("fork/exec %s: %v", e.Path, e.Err) }
func (e *StartError) Unwrap() error { return e.Err }

// choose finds the first program that exists. One that exists but may not be
// executed is chosen too, for the sake of its error.
func (p Program) choose() ([]string, error) {
	var tried []string
	for _, argv := range p.Commands {
		if len(argv) == 0 {
			continue
		}
		tried = append(tried, argv[0])
		if path := find(argv[0], p.Dir, p.Env); path != "" {
			return append([]string{path}, argv[1:]...), nil
		}
	}
	if len(tried) == 0 {
		return nil, errors.New("no command to run: the image has neither ENTRYPOINT nor CMD")
	}
	return nil, &StartError{Path: strings.Join(tried, ", "), Err: syscall.ENOENT}
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

// Executables lists the files of a directory, which need not exist, to be run. One that
// may not be executed counts: it fails to start.
func Executables(dir string) []string {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // most often there is none
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			paths = append(paths, path)
		}
	}
	return paths
}
