package invoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// hotCode is the code of a function with a hot-reload tag. Each state of the directory that
// a call has found is a snapshot, which one fleet uses and removes in the end.
type hotCode struct {
	mu       sync.Mutex // of looking at the directory
	dir      string
	files    []packaging.File
	snapshot string

	// Of $LATEST that the snapshot is for, and of the fleet that runs it. Both are
	// written with the invoker's lock held too.
	base, generation string
}

// hotFleet returns the fleet for the code that is in dir now, with a call entered into
// it. v is $LATEST of f.
func (i *Invoker) hotFleet(ctx context.Context, f catalog.Function, v catalog.Version, dir string) (*fleet, error) {
	for {
		fl, err := i.reload(ctx, f, v, dir)
		if err != nil || !fl.isRetired() {
			return fl, err
		}
		// The function has changed since the caller looked it up, and the snapshot may
		// have gone with the fleet that used it.
		fl.calls.Done()
		if f, err = i.Catalog.Function(f.Ref()); err != nil {
			return nil, err
		}
		v = f.Latest
		var ok bool
		if dir, ok = i.hotDir(f); !ok {
			return i.fleet(f, v)
		}
	}
}

// reload takes a snapshot of dir if it has changed, and returns the fleet of it.
func (i *Invoker) reload(ctx context.Context, f catalog.Function, v catalog.Version, dir string) (*fleet, error) {
	if !i.HotReload {
		return nil, catalog.Invalid("Tag %s has no place on an engine that others can reach: it would run whatever is on this machine. Have the engine listen on a loopback address, or remove the tag.", packaging.HotReloadTag)
	}
	if !filepath.IsAbs(dir) {
		return nil, catalog.Invalid("Tag %s = %q is not an absolute path. Name a directory on the engine's machine, such as /home/me/project/src, or remove the tag.", packaging.HotReloadTag, dir)
	}
	h := i.hotCode(f.Ref())
	h.mu.Lock()
	defer h.mu.Unlock()
	files, err := contentOf(dir)
	if err != nil {
		return nil, err
	}
	if h.dir != dir || h.base != v.Generation || !slices.Equal(h.files, files) {
		snapshot, id := "", uuid.NewString()
		if files, snapshot, err = i.snapshot(ctx, id, dir, files, h); err != nil {
			return nil, err
		}
		h.dir, h.files, h.snapshot = dir, files, snapshot
		i.mu.Lock()
		h.base, h.generation = v.Generation, v.Generation+" "+id
		if now, err := i.Catalog.Function(f.Ref()); err == nil {
			i.retireObsolete(now)
		}
		i.mu.Unlock()
	}
	v.Dir, v.Generation = h.snapshot, h.generation
	return i.fleet(f, v)
}

// contentOf lists what a call would run, as long as it could be deployed.
func contentOf(dir string) ([]packaging.File, error) {
	files, err := packaging.Directory{Path: dir, Loose: true}.Files()
	if err != nil {
		return nil, catalog.Invalid("The code of the function cannot be reloaded: %v. Mend that, or remove the tag %s.", err, packaging.HotReloadTag)
	}
	var size int64
	for _, f := range files {
		size += f.Size
	}
	if size > catalog.MaxUnzipped {
		return nil, catalog.Invalid("The code of the function cannot be reloaded: Unzipped size must be smaller than %d bytes. The directory %s has %d bytes.", catalog.MaxUnzipped, dir, size)
	}
	return files, nil
}

// Whoever saves may do so in several steps: a directory that has changed is taken once
// it has stayed the same for a moment, but not waited for for ever.
const (
	calm      = 10 * time.Millisecond
	patience  = 500 * time.Millisecond
	snapshots = 5 // attempts, of which each may find that a file has gone
)

// snapshot takes a snapshot of what is in dir once that does not change any more, and
// tells what it has taken.
func (i *Invoker) snapshot(ctx context.Context, id, dir string, files []packaging.File, before *hotCode) (taken []packaging.File, snapshot string, err error) {
	for attempt := 1; ; attempt++ {
		for until := time.Now().Add(patience); ; {
			time.Sleep(calm)
			now, err := contentOf(dir)
			if err != nil {
				return nil, "", err
			}
			same := slices.Equal(now, files)
			if files = now; same || time.Now().After(until) {
				break
			}
		}
		snapshot, err = i.Code.snapshot(ctx, id, files, before.snapshot, before.files)
		if !errors.Is(err, fs.ErrNotExist) || attempt == snapshots {
			break
		}
	}
	if err != nil {
		return nil, "", serviceError(fmt.Errorf("reload the code: %w", err))
	}
	return files, snapshot, nil
}

func (i *Invoker) hotCode(function catalog.Ref) *hotCode {
	i.mu.Lock()
	defer i.mu.Unlock()
	h := i.hot[function]
	if h == nil {
		h = &hotCode{}
		i.hot[function] = h
	}
	return h
}

// snapshot copies files to a directory of the cache. Those that are as they were in the
// snapshot before are linked to it.
func (c *CodeCache) snapshot(ctx context.Context, id string, files []packaging.File, before string, known []packaging.File) (string, error) {
	same := make(map[string]packaging.File, len(known))
	for _, f := range known {
		same[f.Name] = f
	}
	dir := filepath.Join(c.dir, "hot-"+id)
	return dir, c.fill(dir, func(partial string) error {
		for _, f := range files {
			if err := ctx.Err(); err != nil {
				return err
			}
			to := filepath.Join(partial, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if f.Target != "" {
				if err := os.Symlink(filepath.FromSlash(f.Target), to); err != nil {
					return err
				}
				continue
			}
			if same[f.Name] == f && os.Link(filepath.Join(before, filepath.FromSlash(f.Name)), to) == nil {
				continue
			}
			if err := copyFile(f, to); err != nil {
				return err
			}
		}
		return nil
	})
}

func copyFile(f packaging.File, to string) error {
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.Mode.Perm()&^0o222)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
