package invoke

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// CodeCache unpacks code packages to disk, each once, for environments to share.
// It can be lost at any time: everything in it comes out of the package store. What
// no environment uses is removed, longest unused first, when it grows too large.
type CodeCache struct {
	dir      string
	packages *store.Packages
	max      int64 // bytes of files
	unpack   singleflight.Group

	mu      sync.Mutex
	total   int64
	entries map[string]*cached // by directory
}

// cached is a directory of the cache, or one on its way into it.
type cached struct {
	size int64 // of its files, in bytes; 0 if they are links
	uses int
	last time.Time
}

// OpenCodeCache opens the cache in dir. Of what it holds, it keeps the packages for
// which sizes has the size of their files, by Sum. max is how many bytes of files it
// may hold that nobody uses.
func OpenCodeCache(dir string, packages *store.Packages, sizes map[string]int64, limit int64) (*CodeCache, error) {
	c := &CodeCache{dir: dir, packages: packages, max: limit, entries: map[string]*cached{}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create code cache: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read code cache: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		size, ok := sizes[store.SumOfHex(e.Name())]
		if !ok {
			if err := os.RemoveAll(path); err != nil {
				return nil, fmt.Errorf("clean code cache: %w", err)
			}
			continue
		}
		c.entries[path] = &cached{size: size}
		c.total += size
	}
	return c, nil
}

// Path is where Dir puts packages; empty for none.
func (c *CodeCache) Path(sums ...string) string {
	switch len(sums) {
	case 0:
		return ""
	case 1:
		return filepath.Join(c.dir, store.HexSum(sums[0]))
	}
	// Not the name of a package: the next engine cleans it up, and links anew.
	return filepath.Join(c.dir, "merged-"+store.HexSum(store.Sum([]byte(strings.Join(sums, " ")))))
}

// pathOf is where the code of a version is while it is used.
func (c *CodeCache) pathOf(v catalog.Version) string {
	if v.Dir != "" {
		return v.Dir
	}
	return c.Path(v.Packages()...)
}

// Dir returns the directory with the unpacked packages, later ones laid over earlier
// ones. Nobody may write to it, and it stays until release is called.
func (c *CodeCache) Dir(ctx context.Context, sums ...string) (dir string, release func(), err error) {
	if dir = c.Path(sums...); dir == "" {
		return "", func() {}, nil
	}
	release = c.hold(dir)
	if _, err := os.Stat(dir); err == nil {
		return dir, release, nil
	}
	_, err, _ = c.unpack.Do(dir, func() (any, error) {
		if _, err := os.Stat(dir); err == nil {
			return nil, nil
		}
		if len(sums) > 1 {
			return nil, c.merge(ctx, dir, sums)
		}
		return nil, c.extract(ctx, dir, sums[0])
	})
	if err != nil {
		release()
		return "", nil, fmt.Errorf("get the code: %w", err)
	}
	return dir, release, nil
}

// extract unpacks a package and makes room for it.
func (c *CodeCache) extract(ctx context.Context, dir, sum string) error {
	pkg, err := c.packages.Get(ctx, sum)
	if err != nil {
		return err
	}
	var size int64
	err = c.fill(dir, func(partial string) (err error) {
		size, err = unpackTo(partial, pkg)
		return err
	})
	switch {
	case err == nil:
		return c.grow(dir, size)
	case outOfResources(err):
		return fmt.Errorf("unpack the package: %w", err)
	}
	return fmt.Errorf("%w: %w", errUnpack, err)
}

// outOfResources tells whether an error is this machine's fault rather than a package's.
func outOfResources(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.ENOMEM}, func(e error) bool { return errors.Is(err, e) })
}

// hold keeps a directory, which need not be there yet, until it is released.
func (c *CodeCache) hold(dir string) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[dir]
	if e == nil {
		e = &cached{}
		c.entries[dir] = e
	}
	e.uses++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.uses--
		e.last = time.Now()
	})
}

// grow accounts for a directory that has been filled, and removes others if there are
// too many now. Those are out of the way before anybody can look for them again.
func (c *CodeCache) grow(dir string, size int64) error {
	trash, err := os.MkdirTemp(c.dir, "evicted-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(trash)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[dir].size = size
	c.total += size
	for path := c.oldest(); c.total > c.max && path != ""; path = c.oldest() {
		if err := os.Rename(path, filepath.Join(trash, filepath.Base(path))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.total -= c.entries[path].size
		delete(c.entries, path)
	}
	return nil
}

// oldest is the directory that nobody has used for longest; empty if all are in use.
func (c *CodeCache) oldest() (path string) {
	for p, e := range c.entries {
		if e.uses == 0 && (path == "" || e.last.Before(c.entries[path].last)) {
			path = p
		}
	}
	return path
}

// ready makes sure that the code of a version and its layers are where Path says,
// until they are released.
func (c *CodeCache) ready(ctx context.Context, v catalog.Version) (release func(), err error) {
	packages := v.Packages()
	if v.Dir != "" {
		packages = nil
	}
	_, code, err := c.Dir(ctx, packages...)
	if err != nil {
		return nil, err
	}
	_, layers, err := c.Dir(ctx, v.LayerPackages()...)
	if err != nil {
		code()
		return nil, err
	}
	return func() { code(); layers() }, nil
}

func (c *CodeCache) merge(ctx context.Context, dir string, sums []string) error {
	return c.fill(dir, func(partial string) error {
		for _, sum := range sums {
			part, release, err := c.Dir(ctx, sum)
			if err != nil {
				return err
			}
			err = sandbox.Overlay(ctx, part, partial)
			release()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// fill makes a directory of the cache, all or nothing.
func (c *CodeCache) fill(dir string, write func(partial string) error) error {
	partial, err := os.MkdirTemp(c.dir, "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	if err := write(partial); err != nil {
		return err
	}
	return os.Rename(partial, dir)
}
