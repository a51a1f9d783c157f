package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	api "github.com/docker/docker/api/types/container"
)

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
