//go:build unix

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain makes this test binary the engine that the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" {
		if err := fakeEngine(os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// birth is what the fake engine found when it started.
type birth struct {
	PID, Session int
	Env          []string
	Files        []string // what its descriptors refer to
	Dir          string
	Mask         int
}

func fakeEngine(args []string) error {
	flags := flag.NewFlagSet("engine", flag.ContinueOnError)
	addr, dir := flags.String("listen", "", ""), flags.String("data-dir", "", "")
	fail := flags.Bool("fail", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *fail {
		return errors.New("the fake engine will not start")
	}
	b := birth{PID: os.Getpid(), Env: os.Environ()}
	b.Session, _ = unix.Getsid(0)
	b.Dir, _ = os.Getwd()
	b.Mask = unix.Umask(0)
	unix.Umask(b.Mask)
	entries, _ := os.ReadDir("/proc/self/fd") // none elsewhere than on Linux
	for _, e := range entries {
		if link, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			b.Files = append(b.Files, link)
		}
	}
	record, _ := json.Marshal(b)
	if err := os.WriteFile(filepath.Join(*dir, fmt.Sprintf("birth-%d", b.PID)), record, 0o600); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if err := WriteIdentity(*dir, Identity{PID: b.PID, Addr: *addr, Version: "1.0.0", Started: time.Now()}); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { _ = http.Serve(l, healthHandler(Health{Version: "1.0.0", PID: b.PID, DataDir: *dir})) }()
	<-ctx.Done()
	return RemoveIdentity(*dir, b.PID)
}

func healthHandler(h Health) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(h) })
}

// options describe an engine of this test's own, which is stopped at its end.
func options(t *testing.T) Options {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := Options{Endpoint: "http://" + l.Addr().String(), DataDir: filepath.Join(t.TempDir(), "data"), Version: "1.0.0"}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := Stop(ctx, o); err != nil && !errors.Is(err, ErrNotRunning) {
			t.Error(err)
		}
	})
	return o
}

func births(t *testing.T, o Options) []birth {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(o.DataDir, "birth-*"))
	var out []birth
	for _, f := range files {
		var b birth
		content, err := os.ReadFile(f)
		if err != nil || json.Unmarshal(content, &b) != nil {
			t.Fatalf("reading %s: %v", f, err)
		}
		out = append(out, b)
	}
	return out
}

func TestEnsureStartsOneEngine(t *testing.T) {
	o := options(t)
	var wg sync.WaitGroup
	pids := make([]int, 8)
	for i := range pids {
		wg.Go(func() {
			h, err := Ensure(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			pids[i] = h.PID
		})
	}
	wg.Wait()
	started := births(t, o)
	if len(started) != 1 {
		t.Fatalf("%d engines were started", len(started))
	}
	for _, pid := range pids {
		if pid != started[0].PID {
			t.Errorf("got engine %d, started was %d", pid, started[0].PID)
		}
	}
}

func TestEngineIsDetached(t *testing.T) {
	o := options(t)
	t.Setenv("TF_PLUGIN_MAGIC_COOKIE", "secret")
	t.Setenv("PLUGIN_CLIENT_CERT", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("LAMBDA_ENGINE_X", "yes")
	// A pipe as a parent that is not careful leaves it: inherited over exec.
	fds := make([]int, 2)
	if err := unix.Pipe(fds); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	pipe, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fds[1]))
	if _, err := Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b := births(t, o)[0]
	env := strings.Join(b.Env, "\n")
	if strings.Contains(env, "secret") || !strings.Contains(env, "LAMBDA_ENGINE_X=yes") {
		t.Errorf("environment:\n%s", env)
	}
	if b.Session != b.PID {
		t.Errorf("process %d is in session %d", b.PID, b.Session)
	}
	if !sameFile(b.Dir, o.DataDir) || b.Mask != 0o077 {
		t.Errorf("directory %s, umask %#o", b.Dir, b.Mask)
	}
	for _, f := range b.Files {
		if pipe != "" && f == pipe {
			t.Errorf("the engine holds a pipe of its parent: %v", b.Files)
		}
	}
}

func TestStaleRecordHeals(t *testing.T) {
	for name, content := range map[string]string{"dead process": `{"pid":4194303,"addr":"127.0.0.1:1","version":"0.1"}`, "garbage": "{"} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, f := range []string{identityFile, lockFile} {
				if err := os.WriteFile(filepath.Join(o.DataDir, f), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h, err := Ensure(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if id, err := ReadIdentity(o.DataDir); err != nil || id.PID != h.PID {
				t.Errorf("record %+v, error %v; engine %d", id, err, h.PID)
			}
		})
	}
}

func TestKilledEngineIsReplaced(t *testing.T) {
	o := options(t)
	first, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(first.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for alive(first.PID) {
		if t.Context().Err() != nil {
			t.Fatal("the killed engine stays")
		}
	}
	second, err := Ensure(t.Context(), o)
	if err != nil || second.PID == first.PID {
		t.Fatalf("got %+v, %v", second, err)
	}
}

func TestStop(t *testing.T) {
	o := options(t)
	h, err := Ensure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	// The data directory is enough to find it.
	if err := Stop(t.Context(), Options{DataDir: o.DataDir}); err != nil {
		t.Fatal(err)
	}
	if alive(h.PID) {
		t.Error("the engine is still there")
	}
	if _, err := ReadIdentity(o.DataDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record is still there: %v", err)
	}
	if err := Stop(t.Context(), o); !errors.Is(err, ErrNotRunning) {
		t.Errorf("stopping a stopped engine: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	engine := httptest.NewServer(healthHandler(Health{Version: "0.9.0", PID: 1, DataDir: dir}))
	defer engine.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	free := options(t).Endpoint
	tests := map[string]struct {
		do   func(context.Context, Options) (*Health, error)
		o    Options
		want []string
	}{
		"other version":  {Ensure, Options{Endpoint: engine.URL, Version: "1.0.0", Binary: "/bin/tfl"}, []string{"0.9.0", "1.0.0", "/bin/tfl engine stop --data-dir " + dir}},
		"other data":     {Ensure, Options{Endpoint: engine.URL, DataDir: t.TempDir()}, []string{"keeps its data in " + dir, "engine stop"}},
		"not an engine":  {Ensure, Options{Endpoint: other.URL}, []string{"is not an engine", other.URL}},
		"not this host":  {Ensure, Options{Endpoint: "http://192.0.2.1:4574", DataDir: dir}, nil},
		"no autostart":   {Find, Options{Endpoint: free, DataDir: "/tmp/some where", Binary: "/bin/tfl"}, []string{"/bin/tfl engine start -d --listen " + strings.TrimPrefix(free, "http://") + " --data-dir '/tmp/some where'"}},
		"early exit":     {Ensure, Options{Endpoint: free, DataDir: dir, Args: []string{"--fail"}}, []string{"exit status 1", "the fake engine will not start", logFile}},
		"missing binary": {Ensure, Options{Endpoint: free, DataDir: dir, Binary: "/no/such/binary"}, []string{"/no/such/binary"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := tt.do(ctx, tt.o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

// Another endpoint for a data directory in use is refused, and the engine that
// runs there can still be found and stopped.
func TestSecondEndpointOfOneDataDir(t *testing.T) {
	o := options(t)
	if _, err := Ensure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	other := options(t)
	other.DataDir = o.DataDir
	_, err := Ensure(t.Context(), other)
	if err == nil || !strings.Contains(err.Error(), "answers at "+o.Endpoint) {
		t.Fatalf("error %v", err)
	}
	if err := Stop(t.Context(), Options{DataDir: o.DataDir}); err != nil {
		t.Error(err)
	}
}
