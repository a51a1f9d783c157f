package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Overlay lays the directory from over the directory to: what both have is from's
// afterwards. Files are hard links: a package of any size is there at once and
// takes no space.
func Overlay(ctx context.Context, from, to string) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "." {
			return err
		}
		target := filepath.Join(to, rel)
		switch entry.Type() {
		case fs.ModeDir:
			info, err := entry.Info()
			if err != nil {
				return err
			}
			return makeDir(target, info.Mode().Perm())
		case fs.ModeSymlink:
			return linkAgain(path, target)
		case 0:
			return LinkFile(path, target)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", from, to, err)
	}
	return nil
}

// makeDir makes a directory, in place of what is there unless it is one.
func makeDir(path string, mode fs.FileMode) error {
	err := os.Mkdir(path, mode)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.Chmod(path, mode)
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, mode)
}

// linkAgain makes a symbolic link like the one at from, in place of what is at to.
func linkAgain(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	err = os.Symlink(target, to)
	if errors.Is(err, fs.ErrExist) {
		if err = os.RemoveAll(to); err == nil {
			err = os.Symlink(target, to)
		}
	}
	return err
}

// LinkFile makes to, in place of what is there, another name of the file from. It
// copies where a hard link cannot be: across file systems.
func LinkFile(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		if err = os.RemoveAll(to); err == nil {
			err = os.Link(from, to)
		}
	}
	if err == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close())
}
