// Package e2e tests the binary from the outside: killed in the middle of its work,
// and used by AWS's own tools as they are.
package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var binary string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "terraform-provider-lambda")
	if out, err := exec.Command("go", "build", "-o", binary, "../..").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// server is an engine in a process of its own.
type server struct {
	testing.TB
	dir    string   // its data directory
	args   []string // of the command, beside those that every engine has
	addr   string
	cmd    *exec.Cmd
	log    *lockedBuffer
	exited chan error
}

// newServer starts an engine with a data directory of its own, which ends with the test.
func newServer(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{TB: t, dir: t.TempDir(), args: args, addr: freeAddress(t), log: &lockedBuffer{}}
	s.start()
	t.Cleanup(func() {
		if s.cmd != nil {
			s.stop()
		}
		if t.Failed() {
			t.Logf("log of the engine:\n%s", s.log)
		}
		if records := os.Getenv("COMPATIBILITY_DIR"); records != "" { // for the table of test/compatibility
			if err := os.WriteFile(filepath.Join(records, strings.ReplaceAll(t.Name(), "/", "-")+".log"), []byte(s.log.String()), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *server) url() string { return "http://" + s.addr }

// start returns once the engine serves.
func (s *server) start() {
	s.Helper()
	args := append([]string{"engine", "start", "--driver", "process", "--listen", s.addr, "--data-dir", s.dir}, s.args...)
	if os.Getenv("COMPATIBILITY_DIR") != "" {
		args = append(args, "-v")
	}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	exited := make(chan error, 1)
	s.exited = exited
	go func() { exited <- s.cmd.Wait() }()
	eventually(s, "the engine serves", func() bool {
		select {
		case err := <-exited:
			s.Fatalf("the engine ended: %v\n%s", err, s.log)
		default:
		}
		response, err := http.Get(s.url() + "/_engine/health")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// kill ends the engine with SIGKILL, and returns once nothing of it is left.
func (s *server) kill() {
	s.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.Fatal(err)
	}
	if err := <-s.exited; err == nil {
		s.Error("the engine ended well before it was killed")
	}
	s.cmd = nil
	eventually(s, "the runtimes of the dead engine have ended", func() bool { return len(s.leftovers()) == 0 })
}

// stop ends the engine as a person would.
func (s *server) stop() {
	s.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.Error(err)
	}
	if err := <-s.exited; err != nil {
		s.Errorf("the engine ended with %v", err)
	}
	s.cmd = nil
	if left := s.leftovers(); len(left) > 0 {
		s.Errorf("the stopped engine has left %v", left)
	}
}

// leftovers lists the processes that have to do with the data directory.
func (s *server) leftovers() []string {
	var left []string
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		s.Fatal(err)
	}
	for _, entry := range entries {
		command, _ := os.ReadFile(entry + "/cmdline") // processes come and go
		environ, _ := os.ReadFile(entry + "/environ")
		cwd, _ := os.Readlink(entry + "/cwd")
		if about := []byte(s.dir); bytes.Contains(command, about) || bytes.Contains(environ, about) || bytes.Contains([]byte(cwd), about) {
			left = append(left, fmt.Sprintf("%s %q", filepath.Base(entry), command))
		}
	}
	return left
}

// eventually waits for a condition that another process brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// zipOf makes a package of files by name.
func zipOf(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(content)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// lockedBuffer takes the output of a process while others read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// asError is errors.As with the type written first.
func asError[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
