package companion

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
)

// Labels by which companions are known. They are not those of environments, which the
// docker driver kills when their engine is dead: a companion is stopped.
const (
	labelCompanion = "lambdaform.companion" // the service
	labelData      = "lambdaform.data"      // the directory
	labelPID       = "lambdaform.pid"       // of the engine, for people
)

// farewell is how long a companion may take to write what it has in memory.
const farewell = 10 * time.Second

// dataID stands for the directory.
func (c *Companion) dataID() string {
	sum := sha256.Sum256([]byte(c.options.Dir))
	return hex.EncodeToString(sum[:6])
}

// sweep stops what dead engines have left. The data directory is this engine's, so that
// no other can be alive.
func (c *Companion) sweep(ctx context.Context) error {
	found, err := c.client.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", labelCompanion+"="+c.options.Kind.Service), filters.Arg("label", labelData+"="+c.dataID())),
	})
	if err != nil {
		return fmt.Errorf("look for what an earlier engine has left: %w", err)
	}
	for _, left := range found {
		c.logger.Info("stopping a companion that an earlier engine has left", "container", left.ID[:12])
		if err := c.end(ctx, left.ID); err != nil {
			return err
		}
	}
	return nil
}

// findImage returns the name of an image that is there. It pulls it if it is not, and
// takes the stand-in when that fails.
func (c *Companion) findImage(ctx context.Context) (string, error) {
	name, standIn := c.options.Image, ""
	if name == "" {
		name, standIn = c.options.Kind.Image, c.options.Kind.StandIn
	}
	_, err := c.client.ImageInspect(ctx, name)
	if err == nil {
		return name, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", fmt.Errorf("inspect image %s: %w", name, err)
	}
	if standIn != "" {
		if _, err := c.client.ImageInspect(ctx, standIn); err != nil {
			standIn = ""
		}
	}
	c.logger.Info("pulling image, which takes a while the first time", "image", name)
	err = docker.Pull(ctx, c.client, name, image.PullOptions{}, standIn != "")
	switch {
	case err == nil:
		return name, nil
	case standIn != "":
		c.logger.Warn("image cannot be pulled: using the local stand-in", "image", name, "standIn", standIn, "error", err)
		return standIn, nil
	}
	return "", fmt.Errorf("pull image %s: %w. Give Docker access to the registry, or name another image: %s { image = … }", name, err, c.options.Kind.Service)
}

const root = "0:0"

// findUser says as whom the companion runs: as this user, whom its files belong to then.
// A daemon without root makes root of this user, and one in a virtual machine maps users.
func (c *Companion) findUser(ctx context.Context) (string, error) {
	info, err := c.client.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the Docker daemon about itself: %w", err)
	}
	rootless := slices.ContainsFunc(info.SecurityOptions, func(o string) bool { return strings.Contains(o, "name=rootless") })
	if rootless || goruntime.GOOS == "windows" {
		return root, nil
	}
	return strconv.Itoa(os.Getuid()) + ":" + strconv.Itoa(os.Getgid()), nil
}

// create creates and starts the container.
func (c *Companion) create(ctx context.Context) error {
	k := c.options.Kind
	port := nat.Port(strconv.Itoa(k.Port) + "/tcp")
	pids := int64(1024)
	config := &container.Config{
		Image: c.status.Image, Cmd: k.Command, Env: k.Env, User: c.user,
		ExposedPorts: nat.PortSet{port: {}},
		Labels:       map[string]string{labelCompanion: k.Service, labelData: c.dataID(), labelPID: strconv.Itoa(os.Getpid())},
		Healthcheck:  &container.HealthConfig{Test: []string{"NONE"}},
	}
	host := &container.HostConfig{
		PortBindings: nat.PortMap{port: {{HostIP: "127.0.0.1", HostPort: strconv.Itoa(c.port)}}},
		Mounts:       []mount.Mount{{Type: mount.TypeBind, Source: c.options.Dir, Target: k.Data}},
		Resources:    container.Resources{Memory: k.Memory, MemorySwap: k.Memory, PidsLimit: &pids},
		CapDrop:      []string{"ALL"},
		SecurityOpt:  []string{"no-new-privileges", "label=disable"},
		LogConfig:    container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "1m", "max-file": "1"}},
	}
	if c.user == root { // whom files of others are closed to without it
		host.CapAdd = []string{"DAC_OVERRIDE"}
	}
	// Not cut short: the daemon would go on, and nobody would know of the container.
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	created, err := c.client.ContainerCreate(creating, config, host, nil, nil, "")
	if err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	c.mu.Lock()
	c.id = created.ID
	c.mu.Unlock()
	if err := c.client.ContainerStart(creating, created.ID, container.StartOptions{}); err != nil {
		return errors.Join(fmt.Errorf("start container: %w", err), c.remove(creating))
	}
	return nil
}

// portTaken tells whether a container could not start for want of its port.
func portTaken(err error) bool {
	return strings.Contains(err.Error(), "port is already allocated") || strings.Contains(err.Error(), "address already in use")
}

// wait returns what is closed when the container has ended.
func (c *Companion) wait(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	exits, errs := c.client.ContainerWait(ctx, c.id, container.WaitConditionNotRunning)
	go func() { // ends with ctx
		defer close(ended)
		select {
		case <-exits:
		case err := <-errs: // the daemon has gone, or the container
			c.logger.Debug("waiting for the companion's end has ended", "error", err)
		}
	}()
	return ended
}

// lastWords are the last lines that the container has written.
func (c *Companion) lastWords(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := c.client.ContainerLogs(ctx, c.id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: "10"})
	if err != nil {
		return err.Error()
	}
	defer func() { _ = out.Close() }()
	var text bytes.Buffer
	_, _ = stdcopy.StdCopy(&text, &text, out)
	return strings.TrimSpace(text.String())
}

// remove ends the container, if there is one.
func (c *Companion) remove(ctx context.Context) error {
	if c.id == "" {
		return nil
	}
	c.set(func(s *Status) { s.Serves = false })
	if err := c.end(ctx, c.id); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id = ""
	return nil
}

// end stops a container and removes it.
func (c *Companion) end(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*farewell)
	defer cancel()
	seconds := int(farewell / time.Second)
	err := c.client.ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds})
	if err != nil && !errdefs.IsNotFound(err) {
		c.logger.Warn("the companion does not stop and is killed", "error", err)
	}
	err = c.client.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove container: %w", err)
	}
	return nil
}
