package invoke

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/singleflight"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// CodeCache unpacks code packages to disk, each once, for environments to share.
// It can be lost at any time: everything in it comes out of the package store.
type CodeCache struct {
	dir      string
	packages *store.Packages
	unpack   singleflight.Group
}

// OpenCodeCache opens the cache in dir and removes the packages that keep does not want.
func OpenCodeCache(dir string, packages *store.Packages, keep func(sum string) bool) (*CodeCache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create code cache: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read code cache: %w", err)
	}
	for _, e := range entries {
		if !keep(store.SumOfHex(e.Name())) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("clean code cache: %w", err)
			}
		}
	}
	return &CodeCache{dir: dir, packages: packages}, nil
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

// pathOf is where the code of a version is once it is ready.
func (c *CodeCache) pathOf(v catalog.Version) string {
	if v.Dir != "" {
		return v.Dir
	}
	return c.Path(v.Packages()...)
}

// Dir returns the directory with the unpacked packages, later ones laid over
// earlier ones. Nobody may write to it.
func (c *CodeCache) Dir(ctx context.Context, sums ...string) (string, error) {
	dir := c.Path(sums...)
	if _, err := os.Stat(dir); err == nil || dir == "" {
		return dir, nil
	}
	_, err, _ := c.unpack.Do(dir, func() (any, error) {
		if _, err := os.Stat(dir); err == nil {
			return nil, nil
		}
		if len(sums) > 1 {
			return nil, c.merge(ctx, dir, sums)
		}
		pkg, err := c.packages.Get(ctx, sums[0])
		if err != nil {
			return nil, err
		}
		err = c.fill(dir, func(partial string) error { return unpackTo(partial, pkg) })
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnpack, err)
		}
		return nil, nil
	})
	if err != nil {
		return "", fmt.Errorf("get the code: %w", err)
	}
	return dir, nil
}

// ready makes sure that the code of a version and its layers are where Path says.
func (c *CodeCache) ready(ctx context.Context, v catalog.Version) error {
	packages := v.Packages()
	if v.Dir != "" {
		packages = nil
	}
	for _, sums := range [][]string{packages, v.LayerPackages()} {
		if _, err := c.Dir(ctx, sums...); err != nil {
			return err
		}
	}
	return nil
}

func (c *CodeCache) merge(ctx context.Context, dir string, sums []string) error {
	return c.fill(dir, func(partial string) error {
		for _, sum := range sums {
			part, err := c.Dir(ctx, sum)
			if err != nil {
				return err
			}
			if err := sandbox.Overlay(ctx, part, partial); err != nil {
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

// errUnpack says that a package is no good.
var errUnpack = errors.New("the package cannot be unpacked")

// unpackTo writes the files of a zip into dir.
func unpackTo(dir string, pkg []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return fmt.Errorf("open package: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range archive.File {
		if err := unpackFile(root, file); err != nil {
			return fmt.Errorf("file %s: %w", file.Name, err)
		}
	}
	return nil
}

// unpackFile writes one entry. An os.Root keeps names and links inside the directory.
func unpackFile(root *os.Root, file *zip.File) error {
	name := filepath.Clean(filepath.FromSlash(file.Name))
	if name == "." {
		return nil
	}
	if file.FileInfo().IsDir() {
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
		return root.Chmod(name, readable(file)|0o700)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if file.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		return root.Symlink(string(target), name)
	}
	mode := readable(file) | 0o400
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if errors.Is(err, fs.ErrPermission) { // a second entry of the same name: it wins
		if err := root.Remove(name); err != nil {
			return err
		}
		out, err = root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// readable is what an environment's user may do with an entry: what the archive
// grants to others, as on AWS, where functions own nothing of their code; and never
// to write. One that others may not read cannot be read there either.
func readable(file *zip.File) fs.FileMode {
	others := file.Mode().Perm() & 0o005
	return others | others<<3 | others<<6
}
