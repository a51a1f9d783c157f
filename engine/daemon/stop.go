package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Stop ends the engine that o describes and returns once its process is gone.
// It finds the engine by the record in the data directory or, without one, by
// asking the endpoint. The error wraps [ErrNotRunning] if there is none.
func Stop(ctx context.Context, o Options) error {
	pid, err := running(ctx, o)
	if err != nil {
		return err
	}
	if err := terminate(pid); err != nil {
		return fmt.Errorf("stopping the engine (process %d): %w", pid, err)
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for alive(pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the engine (process %d) to stop: %w", pid, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// running returns the process id of the engine that o describes.
func running(ctx context.Context, o Options) (int, error) {
	dir := o.DataDir
	if dir == "" {
		var err error
		if dir, err = DefaultDataDir(); err != nil {
			return 0, err
		}
	}
	endpoint := o.Endpoint
	id, err := ReadIdentity(dir)
	switch {
	case err == nil && endpoint == "":
		endpoint = "http://" + id.Addr
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return 0, err
	case endpoint == "":
		endpoint = DefaultEndpoint
	}
	// Only the engine's own answer proves that a process id is still its own.
	h, err := Probe(ctx, endpoint)
	if err != nil {
		return 0, err
	}
	if o.DataDir != "" && h.DataDir != "" && !sameFile(o.DataDir, h.DataDir) {
		return 0, fmt.Errorf("%w with its data in %s; the one at %s keeps its data in %s", ErrNotRunning, o.DataDir, endpoint, h.DataDir)
	}
	return h.PID, nil
}
