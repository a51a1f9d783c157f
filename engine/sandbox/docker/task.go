package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	api "github.com/docker/docker/api/types/container"
)

// linkTree makes to, an existing directory, look like from. Files are hard
// links: a package of any size is there at once and takes no space.
func linkTree(ctx context.Context, from, to string) error {
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
			return os.Mkdir(target, 0o755)
		case fs.ModeSymlink:
			dest, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(dest, target)
		case 0:
			return linkOrCopy(path, target)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("link code into container: %w", err)
	}
	return nil
}

// linkOrCopy copies where a hard link cannot be: across file systems.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
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

// copyTree sends a directory's content into a container.
func (d *Driver) copyTree(ctx context.Context, id, from, to string) error {
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		archive := tar.NewWriter(w)
		err := archive.AddFS(os.DirFS(from))
		w.CloseWithError(errors.Join(err, archive.Close()))
	}()
	err := d.client.CopyToContainer(ctx, id, to, r, api.CopyToContainerOptions{})
	_ = r.Close() // ends the writer, wherever it is
	<-packed
	if err != nil {
		return fmt.Errorf("copy code into container: %w", err)
	}
	return nil
}

// tarFile is an archive of one executable file.
func tarFile(name string, data []byte) io.Reader {
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	_ = archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data))}) // a buffer takes everything
	_, _ = archive.Write(data)
	_ = archive.Close()
	return &b
}
