package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// images finds images, and pulls each at most once.
type images struct {
	driver  *Driver
	mu      sync.Mutex
	entries map[string]*imageEntry
}

// imageEntry is one image; its lock is held while it is being pulled.
type imageEntry struct {
	mu    sync.Mutex
	found *imageInfo
}

// imageInfo is what the driver uses of an image.
type imageInfo struct {
	name       string // that it was asked for by
	id         string
	digests    []string // REPOSITORY@sha256:DIGEST, of the registries it came from
	arch       string   // Go's name
	platform   bool     // arch is not the daemon's own
	entrypoint []string
	command    []string
	dir        string
	env        map[string]string
}

// get returns an image that is there, pulls it otherwise, and takes the stand-in
// when that fails.
func (i *images) get(ctx context.Context, ref, standIn, architecture string) (*imageInfo, error) {
	arch := goArch(architecture)
	if arch == "" {
		arch = i.driver.daemon.arch
	}
	i.mu.Lock()
	entry := i.entries[ref+" "+arch]
	if entry == nil {
		entry = &imageEntry{}
		i.entries[ref+" "+arch] = entry
	}
	i.mu.Unlock()
	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.found != nil {
		if i.driver.present(ctx, entry.found.id) {
			return entry.found, nil
		}
		entry.found = nil // somebody has removed it
	}
	found, err := i.find(ctx, ref, standIn, arch)
	if err != nil {
		return nil, err
	}
	entry.found = found
	return found, nil
}

func (i *images) find(ctx context.Context, ref, standIn, arch string) (*imageInfo, error) {
	d := i.driver
	local, err := d.inspect(ctx, ref)
	if digest, ok := digestOf(ref); ok && errdefs.IsNotFound(err) { // one that no registry has named
		if local, err = d.inspect(ctx, digest); err == nil {
			local.name = ref
		}
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	if local != nil && local.arch == arch {
		return local, nil
	}
	var spare *imageInfo
	if standIn != "" {
		spare, _ = d.inspect(ctx, standIn)
	}
	d.logger.Info("pulling image", "image", ref)
	pullErr := Pull(ctx, d.client, ref, image.PullOptions{Platform: "linux/" + arch}, local != nil || spare != nil)
	if pullErr == nil {
		if local, err = d.inspect(ctx, ref); err != nil {
			return nil, fmt.Errorf("inspect image %s: %w", ref, err)
		}
		return local, nil
	}
	switch {
	case local != nil:
		d.logger.Warn("using an image of another architecture", "image", ref, "has", local.arch, "wanted", arch, "error", pullErr)
		return local, nil
	case spare != nil:
		d.logger.Warn("image cannot be pulled: using the local stand-in", "image", ref, "standIn", standIn, "error", pullErr)
		return spare, nil
	}
	return nil, missingImage(ref, pullErr)
}

// missingImage says what to do about it.
func missingImage(ref string, err error) error {
	return fmt.Errorf("image %s: %w: %w. Give Docker access to the registry, name another image in the engine's configuration, or run `make images` to build a stand-in", ref, sandbox.ErrNoImage, err)
}

// ResolveImage implements sandbox.ImageDriver. The tag is looked up anew each time.
func (d *Driver) ResolveImage(ctx context.Context, name, architecture string) (sandbox.Image, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return sandbox.Image{}, fmt.Errorf("%w: %w", sandbox.ErrInvalidImage, err)
	}
	info, err := d.images.find(ctx, name, "", goArch(architecture))
	if err != nil {
		return sandbox.Image{}, err
	}
	return sandbox.Image{Name: pinned(named, info), Architecture: lambdaArch(info.arch)}, nil
}

// pinned names an image by its digest in the repository that named is of. What has
// been built on this machine has no digest there but its own.
func pinned(named reference.Named, info *imageInfo) string {
	digest := info.id
	for _, known := range info.digests {
		if other, err := reference.ParseNormalizedNamed(known); err == nil && other.Name() == named.Name() {
			digest, _ = digestOf(known)
		}
	}
	return reference.FamiliarName(named) + "@" + digest
}

// digestOf returns what follows the @ of an image's name.
func digestOf(ref string) (string, bool) {
	_, digest, ok := strings.Cut(ref, "@")
	return digest, ok
}

func (d *Driver) inspect(ctx context.Context, ref string) (*imageInfo, error) {
	res, err := d.client.ImageInspect(ctx, ref)
	if err != nil {
		return nil, err
	}
	info := &imageInfo{name: ref, id: res.ID, digests: res.RepoDigests, arch: goArch(res.Architecture), env: map[string]string{}}
	info.platform = info.arch != d.daemon.arch
	if c := res.Config; c != nil {
		info.entrypoint, info.command, info.dir = c.Entrypoint, c.Cmd, c.WorkingDir
		for _, kv := range c.Env {
			if k, v, ok := strings.Cut(kv, "="); ok {
				info.env[k] = v
			}
		}
	}
	return info, nil
}

// silence is how long a registry may say nothing when there is something else
// to run with.
const silence = 10 * time.Second

// Pull pulls an image. An impatient caller has something else to use, and gives up a
// registry that says nothing for a while.
func Pull(ctx context.Context, c *client.Client, ref string, o image.PullOptions, impatient bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := time.AfterFunc(silence, cancel)
	defer patience.Stop()
	if !impatient {
		patience.Stop()
	}
	progress, err := c.ImagePull(ctx, ref, o)
	if err != nil {
		return err
	}
	defer func() { _ = progress.Close() }()
	for messages := json.NewDecoder(progress); ; {
		var message struct{ Error string }
		switch err := messages.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case message.Error != "":
			return errors.New(message.Error)
		}
		patience.Stop() // it speaks
	}
}
