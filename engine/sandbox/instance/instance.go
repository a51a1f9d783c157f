// Package instance gives each running engine a directory of its own for what
// must not outlive it, and removes those of engines that have died.
package instance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
)

// Dir is a directory that belongs to this process for as long as it lives.
type Dir struct {
	Path string
	Left error // why something of a dead owner's could not be removed; the next Claim tries again
	lock *os.File
}

const lockName = "lock"

// Claim removes the directories below root whose owners have died and makes one
// for this process. Ownership is a lock on a file, which the kernel releases
// however its holder ends.
func Claim(root string) (*Dir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("claim directory: %w", err)
	}
	// One at a time, so that nobody takes a directory without its lock yet for a dead one's.
	gate, err := lock(filepath.Join(root, ".gate"), true)
	if err != nil {
		return nil, fmt.Errorf("claim directory: %w", err)
	}
	defer func() { _ = gate.Close() }()
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("claim directory: %w", err)
	}
	var left []error
	for _, entry := range entries {
		if entry.IsDir() {
			left = append(left, sweep(filepath.Join(root, entry.Name())))
		}
	}
	path, err := os.MkdirTemp(root, "engine-")
	if err != nil {
		return nil, fmt.Errorf("claim directory: %w", err)
	}
	own, err := lock(filepath.Join(path, lockName), false)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("claim directory: %w", err), os.RemoveAll(path))
	}
	return &Dir{Path: path, Left: errors.Join(left...), lock: own}, nil
}

// lock opens and locks a file; with wait false, the error is errHeld when
// somebody else has it.
func lock(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := hold(f, wait); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

var errHeld = errors.New("somebody else holds the lock")

func sweep(path string) error {
	owner, err := lock(filepath.Join(path, lockName), false)
	if errors.Is(err, errHeld) {
		return nil // alive
	}
	if err != nil {
		return err
	}
	return (&Dir{Path: path, lock: owner}).Release()
}

// New makes a directory for one environment.
func (d *Dir) New() (string, error) {
	path, err := os.MkdirTemp(d.Path, "env-")
	if err != nil {
		return "", fmt.Errorf("make directory for environment: %w", err)
	}
	return path, nil
}

// Release removes the directory.
func (d *Dir) Release() error {
	defer func() { _ = d.lock.Close() }() // closing twice does no harm
	if !canRemoveOpen {
		_ = d.lock.Close()
	}
	return scratch.RemoveAll(d.Path)
}

// Name is the directory's name in its root, by which Exists knows it.
func (d *Dir) Name() string { return filepath.Base(d.Path) }

// Exists reports whether the directory of that name is (still) there.
func Exists(root, name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return name != "" && err == nil
}
