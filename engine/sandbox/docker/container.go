package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	api "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/strslice"
	"github.com/docker/go-units"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/runtimes"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/session"
)

// Labels by which the driver knows its containers again.
const (
	labelEngine = "lambdaform.engine" // the data directory
	labelOwner  = "lambdaform.owner"  // the running engine's own directory in it
	labelPID    = "lambdaform.pid"    // for people
)

const (
	// user is Lambda's sbx_user1051, an ordinary user that images know nothing of.
	user = "993:990"
	// supervisorMB is what the supervisor may use beyond the function's memory.
	supervisorMB = 24
	// fullCPU is the memory that comes with one whole CPU on AWS.
	fullCPU   = 1769
	pidsLimit = 1024
	openFiles = 1024
)

// kind is what containers must have in common to stand in for each other.
type kind struct {
	image    string
	arch     string
	platform bool // ask for arch, which is not the daemon's own
	task     bool // has a place for code
	opt      bool // has a place for layers, over what the image has there
	tmpMB    int  // size of its /tmp, where sizes can be enforced
}

// places are the directories that deliver fills.
func (k kind) places() []string {
	var places []string
	if k.task {
		places = append(places, runtimes.Container.Task)
	}
	if k.opt {
		places = append(places, runtimes.Container.Opt)
	}
	return places
}

// limits of a container.
type limits struct {
	memory   int64
	nanoCPUs int64
	shares   int64
}

// limits follow the function's memory. CPU is in proportion only when it is
// scarce (shares): AWS starts small functions at full speed too, and nobody wants
// to wait for a twelfth of an idle machine. But a function never has more CPUs
// than on AWS.
func (d *Driver) limits(memoryMB int) limits {
	if memoryMB <= 0 {
		memoryMB = 128
	}
	return limits{
		memory:   int64(memoryMB+supervisorMB) << 20,
		nanoCPUs: min(max(1e9, int64(memoryMB)*1e9/fullCPU), int64(d.daemon.cpus)*1e9),
		shares:   max(2, int64(memoryMB)*1024/fullCPU),
	}
}

func (l limits) resources() api.Resources {
	return api.Resources{
		Memory:     l.memory,
		MemorySwap: l.memory, // both together: none is swap
		NanoCPUs:   l.nanoCPUs,
		CPUShares:  l.shares,
	}
}

// container is a container with a connected supervisor.
type container struct {
	*session.Session
	driver *Driver
	id     string
	limits limits
	link   link
}

// create starts a container and waits for its supervisor. Where containers turn
// out not to reach the engine's socket, it goes over to their standard streams.
func (d *Driver) create(ctx context.Context, k kind, l limits) (*container, error) {
	transport := d.transport.Load().(Transport)
	c, err := d.createWith(ctx, k, l, transport)
	if err == nil || d.options.Transport != "" || transport != Socket || ctx.Err() != nil || d.pool.worked.Load() {
		if err == nil {
			d.pool.worked.Store(true)
		}
		return c, err
	}
	second, secondErr := d.createWith(ctx, k, l, Stdio)
	if secondErr != nil {
		return nil, err
	}
	d.logger.Info("containers cannot share a directory with the engine: talking over their standard streams", "reason", err)
	d.transport.Store(Stdio)
	return second, nil
}

func (d *Driver) createWith(ctx context.Context, k kind, l limits, transport Transport) (*container, error) {
	link, err := d.newLink(k, transport)
	if err != nil {
		return nil, err
	}
	c := &container{driver: d, limits: l, link: link}
	if err := c.start(ctx, k); err != nil {
		return nil, errors.Join(err, c.remove(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *container) start(ctx context.Context, k kind) error {
	d := c.driver
	pids := int64(pidsLimit)
	resources := c.limits.resources()
	resources.PidsLimit = &pids
	resources.Ulimits = []*units.Ulimit{{Name: "nofile", Soft: openFiles, Hard: openFiles}}
	config := &api.Config{
		Image:      k.image,
		Entrypoint: strslice.StrSlice{supervisorPath, c.link.address()},
		User:       user,
		WorkingDir: "/",
		Labels: map[string]string{
			labelEngine: d.options.InstanceID,
			labelOwner:  d.instance.Name(),
			labelPID:    strconv.Itoa(os.Getpid()),
		},
		Healthcheck: &api.HealthConfig{Test: []string{"NONE"}},
		Volumes:     map[string]struct{}{},
	}
	host := &api.HostConfig{
		Resources:      resources,
		ReadonlyRootfs: true,
		CapDrop:        strslice.StrSlice{"ALL"},
		// A shared directory is ours to share; SELinux would ask for relabelling it.
		SecurityOpt: []string{"no-new-privileges", "label=disable"},
		LogConfig:   api.LogConfig{Type: "none"},
		AutoRemove:  true, // when the engine dies, the supervisor ends and nothing stays
		NetworkMode: api.NetworkMode(d.options.Network),
	}
	if !host.NetworkMode.IsContainer() { // whose names are its own
		// So extensions listen for telemetry, which never leaves the container.
		host.ExtraHosts = []string{"sandbox.localdomain:127.0.0.1", "sandbox:127.0.0.1"}
	}
	c.link.configure(config, host)
	var platform *ocispec.Platform
	if k.platform {
		platform = &ocispec.Platform{OS: "linux", Architecture: k.arch}
	}
	// Not cut short: the daemon would go on, and nobody would know of the container.
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	created, err := d.client.ContainerCreate(creating, config, host, nil, platform, "")
	if err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	c.id = created.ID
	ln, err := c.link.prepare(ctx, c.id)
	if err != nil {
		return err
	}
	c.Session = session.New(ln, d.logger.With("container", c.id[:12]))
	if err := d.client.ContainerStart(ctx, c.id, api.StartOptions{}); err != nil {
		return fmt.Errorf("start container: %w", err)
	}
	return c.greet(ctx)
}

// greet waits for the supervisor, for as long as the container runs.
func (c *container) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		soon, stop := context.WithTimeout(ctx, 500*time.Millisecond)
		err := c.Hello(soon)
		stop()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		info, err := c.driver.client.ContainerInspect(ctx, c.id)
		if err != nil {
			return fmt.Errorf("the container ended before its supervisor reached the engine: %w", err)
		}
		if info.State != nil && !info.State.Running {
			return fmt.Errorf("the container ended before its supervisor reached the engine: exit status %d %s", info.State.ExitCode, info.State.Error)
		}
	}
}

// name tells people what runs in the container. The function cannot be a label:
// labels are for ever, and the container was there first.
func (c *container) name(ctx context.Context, function string) {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '-'
	}, "lambda-"+function+"-"+c.id[:6])
	_ = c.driver.client.ContainerRename(ctx, c.id, name) // without it, it only looks less nice
}

// limit sets other limits than the container was created with.
func (c *container) limit(ctx context.Context, l limits) error {
	if l == c.limits {
		return nil
	}
	if _, err := c.driver.client.ContainerUpdate(ctx, c.id, api.UpdateConfig{Resources: l.resources()}); err != nil {
		return fmt.Errorf("limit container: %w", err)
	}
	c.limits = l
	return nil
}

// remove ends the container and everything that belongs to it.
func (c *container) remove(ctx context.Context) error {
	var err error
	if c.id != "" {
		err = c.driver.remove(ctx, c.id)
	}
	if c.Session != nil {
		c.Close()
	}
	return errors.Join(err, c.link.remove())
}

// remove kills a container and waits until the daemon has removed it.
func (d *Driver) remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := d.client.ContainerRemove(ctx, id, api.RemoveOptions{Force: true, RemoveVolumes: true})
	for err != nil {
		if errdefs.IsNotFound(err) {
			return nil
		}
		if !errdefs.IsConflict(err) { // the daemon is removing it already
			return fmt.Errorf("remove container: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove container: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
		if _, gone := d.client.ContainerInspect(ctx, id); gone != nil {
			err = gone
		}
	}
	return nil
}

// containers lists those of this data directory.
func (d *Driver) containers(ctx context.Context) ([]api.Summary, error) {
	found, err := d.client.ContainerList(ctx, api.ListOptions{
		All:     true,
		Filters: filters.NewArgs(filters.Arg("label", labelEngine+"="+d.options.InstanceID)),
	})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	return found, nil
}

// bind mounts a directory of this machine, which must exist.
func bind(source, target string, readOnly bool) mount.Mount {
	return mount.Mount{Type: mount.TypeBind, Source: source, Target: target, ReadOnly: readOnly}
}
