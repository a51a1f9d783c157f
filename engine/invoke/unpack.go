package invoke

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// errUnpack says that a package is no good.
var errUnpack = errors.New("the package cannot be unpacked")

// unpackTo writes the files of a zip into dir, and tells their size.
func unpackTo(dir string, pkg []byte) (size int64, err error) {
	archive, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return 0, fmt.Errorf("open package: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	for _, file := range archive.File {
		if err := unpackFile(root, file); err != nil {
			return 0, fmt.Errorf("file %s: %w", file.Name, err)
		}
		size += int64(file.UncompressedSize64)
	}
	return size, nil
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
