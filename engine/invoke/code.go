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

	"golang.org/x/sync/singleflight"

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

// Dir returns the directory with the unpacked package. Nobody may write to it.
func (c *CodeCache) Dir(ctx context.Context, sum string) (string, error) {
	dir := filepath.Join(c.dir, store.HexSum(sum))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	_, err, _ := c.unpack.Do(sum, func() (any, error) {
		if _, err := os.Stat(dir); err == nil {
			return nil, nil
		}
		pkg, err := c.packages.Get(ctx, sum)
		if err != nil {
			return nil, err
		}
		if err := unpackTo(dir, pkg); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnpack, err)
		}
		return nil, nil
	})
	if err != nil {
		return "", fmt.Errorf("get the code: %w", err)
	}
	return dir, nil
}

// errUnpack says that a package is no good.
var errUnpack = errors.New("the package cannot be unpacked")

// unpackTo fills dir with the files of a zip, all or nothing.
func unpackTo(dir string, pkg []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return fmt.Errorf("open package: %w", err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(dir), "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(partial)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, file := range archive.File {
		if err := unpackFile(root, file); err != nil {
			return fmt.Errorf("file %s: %w", file.Name, err)
		}
	}
	return os.Rename(partial, dir)
}

// unpackFile writes one entry. An os.Root keeps names and links inside the directory.
func unpackFile(root *os.Root, file *zip.File) error {
	name := filepath.Clean(filepath.FromSlash(file.Name))
	if name == "." {
		return nil
	}
	if file.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
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
	mode := fs.FileMode(0o444) // for the environment's user to read and for nobody to write, whatever the archive says
	if file.Mode()&0o111 != 0 {
		mode = 0o555
	}
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
