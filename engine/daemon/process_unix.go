//go:build unix

package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is a started engine. It is not waited for in the background: whoever
// starts it asks how it does, until it answers.
type child struct {
	pid   int
	ended bool
	how   string
}

// spawn starts binary detached from this process, with its output in log.
func spawn(binary string, args []string, dir string, log *os.File) (*child, error) {
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	cmd.Env = environment(os.Environ())
	// Files, not pipes: nothing breaks when the plugin ends. Stdin is /dev/null.
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	closeOnExec()
	// What the engine makes is for its user alone. The mask belongs to the whole
	// process, so it is put back as soon as the child has its copy.
	mask := unix.Umask(0o077)
	err := cmd.Start()
	unix.Umask(mask)
	if err != nil {
		return nil, err
	}
	return &child{pid: cmd.Process.Pid}, nil
}

// exited reports whether the child has ended, and how.
func (c *child) exited() (bool, string) {
	if c.ended {
		return true, c.how
	}
	var status unix.WaitStatus
	pid, err := unix.Wait4(c.pid, &status, unix.WNOHANG, nil)
	if err != nil || pid != c.pid {
		return false, ""
	}
	c.ended = true
	c.how = fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		c.how = "signal: " + status.Signal().String()
	}
	return true, c.how
}

// kill ends a child that does not come up.
func (c *child) kill() {
	if c.ended {
		return
	}
	// It leads a process group of its own.
	_ = unix.Kill(-c.pid, unix.SIGKILL)
	var status unix.WaitStatus
	_, _ = unix.Wait4(c.pid, &status, 0, nil)
	c.ended = true
}

// closeOnExec keeps descriptors that this process got from its own parent from
// going on to the engine, which would hold Terraform's pipes open. Those that
// Go opened are marked already.
func closeOnExec() {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
				unix.CloseOnExec(fd)
			}
		}
		return
	}
}

// environment returns those variables that the engine may see: none of
// Terraform's, of the plugin protocol's, and none of the user's AWS credentials.
func environment(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ":
			out = append(out, kv)
			continue
		}
		for _, prefix := range []string{"XDG_", "DOCKER_", "LAMBDA_ENGINE_", "LC_"} {
			if strings.HasPrefix(name, prefix) {
				out = append(out, kv)
			}
		}
	}
	return out
}

// lock takes an exclusive lock on a file, waiting for whoever has it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the engine's data directory: %w", err)
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			// Closing the file releases the lock.
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for the lock %s: %w", path, ctx.Err()), f.Close())
		case <-tick.C:
		}
	}
}

func terminate(pid int) error {
	err := unix.Kill(pid, unix.SIGTERM)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// alive reports whether the process exists. A child of ours that ended does not.
func alive(pid int) bool {
	var status unix.WaitStatus
	if got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil); err == nil && got == pid {
		return false
	}
	return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) && !zombie(pid)
}

// zombie reports whether the process has ended and its parent, which in a
// container may take its time, has not yet looked. Without /proc nobody can tell.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ") // behind the name, which may hold anything
	return strings.HasPrefix(state, "Z")
}
