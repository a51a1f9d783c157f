package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say which engine is wanted.
type Options struct {
	Endpoint string // http://HOST:PORT; default DefaultEndpoint
	DataDir  string // default DefaultDataDir(); when given, an engine with another one is refused
	Binary   string // what to start; default os.Executable()
	Version  string // what the engine must be; "" accepts any
	Args     []string
	Patience time.Duration // how long an engine may take to start; default 15 s
	Logger   *slog.Logger
}

const (
	startTimeout = 15 * time.Second
	pollInterval = 10 * time.Millisecond
	logLines     = 20 // shown when the engine does not come up
)

// Find returns the health of the engine that o describes, or an error that
// says how to get one. It starts nothing.
func Find(ctx context.Context, o Options) (*Health, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	h, err := o.probe(ctx)
	if errors.Is(err, ErrNotRunning) {
		return nil, fmt.Errorf("%w. Start one:\n\n    %s", err, o.command("-d"))
	}
	return h, err
}

// Ensure returns the health of the engine that o describes, and starts it first
// if nothing answers at its endpoint.
func Ensure(ctx context.Context, o Options) (*Health, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if h, err := o.serving(ctx); !errors.Is(err, ErrNotRunning) {
		return h, err
	}
	addr, err := listenAddress(o.Endpoint)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the engine's data directory: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(o.DataDir, lockFile))
	if err != nil {
		return nil, err
	}
	defer unlock()
	// Another process may have started it while we waited.
	if h, err := o.serving(ctx); !errors.Is(err, ErrNotRunning) {
		return h, err
	}
	return o.launch(ctx, addr)
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() (Options, error) {
	if o.Endpoint == "" {
		o.Endpoint = DefaultEndpoint
	}
	if o.Patience == 0 {
		o.Patience = startTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if o.Binary == "" {
		if o.Binary, err = os.Executable(); err != nil {
			return o, fmt.Errorf("finding the engine's binary: %w", err)
		}
	}
	if o.DataDir != "" {
		if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
			return o, fmt.Errorf("finding the engine's data directory: %w", err)
		}
	}
	return o, nil
}

// serving returns the engine that serves. One that is stopping it waits for: there is
// none then.
func (o *Options) serving(ctx context.Context) (*Health, error) {
	for {
		h, err := o.probe(ctx)
		if err != nil || !h.Stopping {
			return h, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the engine (process %d) to stop: %w", h.PID, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// probe asks the endpoint and refuses an engine that is not the one wanted.
func (o *Options) probe(ctx context.Context) (*Health, error) {
	h, err := Probe(ctx, o.Endpoint)
	if err != nil {
		if o.DataDir == "" && errors.Is(err, ErrNotRunning) {
			var dirErr error
			if o.DataDir, dirErr = DefaultDataDir(); dirErr != nil {
				return nil, dirErr
			}
		}
		return nil, err
	}
	if h.Stopping {
		return h, nil
	}
	if o.Version != "" && h.Version != o.Version {
		return nil, fmt.Errorf("the engine at %s has version %s, but this is version %s. Stop it; the next command starts the right one:\n\n    %s engine stop --data-dir %s",
			o.Endpoint, h.Version, o.Version, quote(o.Binary), quote(h.DataDir))
	}
	if o.DataDir != "" && h.DataDir != "" && !sameFile(o.DataDir, h.DataDir) {
		return nil, fmt.Errorf("the engine at %s keeps its data in %s, not in %s. Stop it, or choose another port (engine.endpoint in the provider, --listen on the command line):\n\n    %s engine stop --data-dir %s",
			o.Endpoint, h.DataDir, o.DataDir, quote(o.Binary), quote(h.DataDir))
	}
	return h, nil
}

// forget removes the record of the last engine of the data directory, which has
// died, unless it answers somewhere else.
func (o Options) forget(ctx context.Context) error {
	id, err := ReadIdentity(o.DataDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		endpoint := "http://" + id.Addr
		if h, err := Probe(ctx, endpoint); err == nil && sameFile(h.DataDir, o.DataDir) {
			return fmt.Errorf("an engine with its data in %s answers at %s, not at %s. Use that endpoint, another data directory, or stop it:\n\n    %s engine stop --data-dir %s",
				o.DataDir, endpoint, o.Endpoint, quote(o.Binary), quote(o.DataDir))
		}
		o.Logger.InfoContext(ctx, "the last engine died", "pid", id.PID, "started", id.Started)
	}
	if err := os.Remove(filepath.Join(o.DataDir, identityFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forgetting the last engine: %w", err)
	}
	return nil
}

// launch starts the engine and waits until it answers. The caller has the lock.
func (o Options) launch(ctx context.Context, addr string) (*Health, error) {
	if err := o.forget(ctx); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(LogPath(o.DataDir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the engine's log: %w", err)
	}
	defer log.Close()
	logStart, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("opening the engine's log: %w", err)
	}
	args := append([]string{"engine", "start", "--listen", addr, "--data-dir", o.DataDir}, o.Args...)
	child, err := spawn(o.Binary, args, o.DataDir, log)
	if err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	o.Logger.InfoContext(ctx, "started the engine", "pid", child.pid, "endpoint", o.Endpoint, "data_dir", o.DataDir)
	deadline := time.Now().Add(o.Patience)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		h, err := o.probe(ctx)
		if !errors.Is(err, ErrNotRunning) {
			return h, err
		}
		if exited, how := child.exited(); exited {
			// Perhaps because an engine with another data directory was first.
			if h, err := o.probe(ctx); !errors.Is(err, ErrNotRunning) {
				return h, err
			}
			return nil, fmt.Errorf("the engine ended while it started (%s). The end of its log, %s:\n\n%s", how, LogPath(o.DataDir), tail(LogPath(o.DataDir), logStart))
		}
		if time.Now().After(deadline) {
			child.kill()
			return nil, fmt.Errorf("the engine did not answer at %s within %s, so it was ended. The end of its log, %s:\n\n%s", o.Endpoint, o.Patience, LogPath(o.DataDir), tail(LogPath(o.DataDir), logStart))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the engine: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// command returns the shell command that starts the engine described.
func (o Options) command(flags ...string) string {
	words := append([]string{quote(o.Binary), "engine", "start"}, flags...)
	if addr, err := listenAddress(o.Endpoint); err == nil && o.Endpoint != DefaultEndpoint {
		words = append(words, "--listen", addr)
	}
	if def, err := DefaultDataDir(); err != nil || def != o.DataDir {
		words = append(words, "--data-dir", quote(o.DataDir))
	}
	return strings.Join(words, " ")
}

// quote makes s one word of a shell command.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\"'\\$`!*?[](){}<>|&;#~") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// tail returns the last lines that were written to a log after offset.
func tail(path string, offset int64) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "    (" + err.Error() + ")"
	}
	b = b[min(offset, int64(len(b))):]
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	lines = lines[max(0, len(lines)-logLines):]
	return "    " + strings.Join(lines, "\n    ")
}

func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	ai, errA := os.Stat(a)
	bi, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(ai, bi)
}
