package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// claim makes the data directory this engine's own, until it ends in whatever way.
func (e *Engine) claim() error {
	if e.config.DataDir == "" {
		return errors.New("an engine needs a data directory: set --data-dir")
	}
	dir, err := filepath.Abs(e.config.DataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	e.config.DataDir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "data.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock data directory: %w", err)
	}
	// An engine that was killed may take a moment to be gone.
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil || time.Since(began) > lockPatience {
			break
		}
	}
	if err != nil {
		_ = lock.Close()
		return fmt.Errorf("another engine is running on the data directory %s: stop it with `terraform-provider-lambda engine stop --data-dir %s`, or choose another directory", dir, dir)
	}
	e.lock = lock
	return nil
}

// lockPatience is how long a starting engine waits for the data directory.
const lockPatience = 2 * time.Second

// release gives the data directory up. It unlocks before it closes: a process that
// is just being started holds a copy of the descriptor for a moment.
func (e *Engine) release() error {
	err := syscall.Flock(int(e.lock.Fd()), syscall.LOCK_UN)
	return errors.Join(err, e.lock.Close())
}

// secret reads a random key of this engine, made when missing.
func secret(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key)
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return key, nil
}
