// Package docker runs environments as containers.
//
// Each environment is a container of the runtime's image whose first process is
// the supervisor: read-only, without capabilities, as an ordinary user, limited
// in memory and CPU. Starting a container takes most of a cold start and depends
// on the image alone, so a pool keeps started, unassigned ones; a cold start then
// is linking the code into one of them and the runtime's own boot.
//
//	docker.go     the driver: start, stop
//	container.go  one container: what it may do, create, remove
//	transport.go  how it reaches the engine: a socket, or its standard streams
//	pool.go       containers that wait for work
//	image.go      where images come from
//	task.go       how code gets in
//	daemon.go     finding a daemon, and whether it can serve
package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/instance"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/runtimes"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/session"
)

// Options of the driver. Only Dir is needed.
type Options struct {
	Dir        string            // where environments live on this machine; created
	Logger     *slog.Logger      // nil is slog.Default
	InstanceID string            // names the data directory; containers of its dead engines are removed
	Images     map[string]string // runtime identifier to image, instead of AWS's
	Network    string            // network mode; empty is Docker's default bridge, "none" works
	Spares     int               // containers kept ready for each image in use; 0 is 1, negative is none
	Transport  Transport         // empty chooses
}

// Driver implements sandbox.Driver.
type Driver struct {
	options   Options
	logger    *slog.Logger
	client    *client.Client
	daemon    daemon
	instance  *instance.Dir
	images    images
	pool      *pool
	transport atomic.Value // of Transport
	unsized   sync.Once    // says that /tmp is not limited

	mu      sync.Mutex
	closed  bool
	running map[*environment]struct{}
}

// New connects to the daemon and removes what dead engines of the same data
// directory have left.
func New(ctx context.Context, o Options) (*Driver, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("docker driver: %w", err)
	}
	o.Dir = dir
	if o.InstanceID == "" {
		sum := sha256.Sum256([]byte(dir))
		o.InstanceID = hex.EncodeToString(sum[:6])
	}
	if o.Spares == 0 {
		o.Spares = 1
	}
	cli, daemon, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("docker driver: %w", err)
	}
	d := &Driver{options: o, logger: o.Logger, client: cli, daemon: daemon, running: map[*environment]struct{}{}}
	d.images = images{driver: d, entries: map[string]*imageEntry{}}
	d.pool = newPool(d)
	d.transport.Store(o.Transport)
	if o.Transport == "" {
		d.transport.Store(daemon.transport())
	}
	if d.instance, err = d.claim(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("docker driver: %w", err), cli.Close())
	}
	d.pool.work(d.sweepAgain)
	return d, nil
}

// claim takes a directory and removes what dead engines have left.
func (d *Driver) claim(ctx context.Context) (*instance.Dir, error) {
	own, err := instance.Claim(d.root())
	if err != nil {
		return nil, err
	}
	if own.Left != nil {
		d.logger.Warn("something of an earlier engine is left", "error", own.Left)
	}
	if err := d.sweep(ctx); err != nil {
		return nil, errors.Join(err, own.Release())
	}
	return own, nil
}

func (d *Driver) root() string { return filepath.Join(d.options.Dir, "docker") }

// sweep removes the containers whose engine has died.
func (d *Driver) sweep(ctx context.Context) error {
	found, err := d.containers(ctx)
	if err != nil {
		return err
	}
	for _, c := range found {
		if instance.Exists(d.root(), c.Labels[labelOwner]) {
			continue // its engine lives
		}
		d.logger.Info("removing a container that an earlier engine has left", "container", c.ID[:12])
		if err := d.remove(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// sweepAgain removes containers that the daemon was still creating for an engine
// when it died.
func (d *Driver) sweepAgain(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(10 * time.Second):
	}
	if err := d.sweep(ctx); err != nil && ctx.Err() == nil {
		d.logger.Warn("cannot remove what an earlier engine has left", "error", err)
	}
}

// Name implements sandbox.Driver.
func (d *Driver) Name() string { return "docker" }

// Start implements sandbox.Driver.
func (d *Driver) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	plan, err := d.plan(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	c, err := d.pool.take(ctx, plan.kind, plan.limits)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	defer d.pool.refill(plan.kind, plan.limits, plan.image) // after the boot, which needs the CPU more
	env := &environment{container: c, driver: d}
	if !d.adopt(env) {
		return nil, errors.Join(fmt.Errorf("start %s: the driver is closed", spec.Name), c.remove(context.WithoutCancel(ctx)))
	}
	if err := env.boot(ctx, plan, spec); err != nil {
		if stopErr := env.Stop(context.WithoutCancel(ctx)); stopErr != nil {
			return nil, errors.Join(err, stopErr)
		}
		return nil, err
	}
	d.pool.work(func(ctx context.Context) { c.name(ctx, spec.Name) })
	return env, nil
}

// Warm implements sandbox.PoolDriver. What goes wrong will go wrong again at the start,
// which tells.
func (d *Driver) Warm(spec sandbox.Spec) {
	d.pool.work(func(ctx context.Context) {
		if plan, err := d.plan(ctx, spec); err == nil {
			d.pool.refill(plan.kind, plan.limits, plan.image)
		}
	})
}

// plan is what a spec means in terms of containers.
type plan struct {
	kind    kind
	image   string // as people call it
	limits  limits
	content map[string]string // of the kind's places: directories on this machine
	assign  protocol.Assign
}

func (d *Driver) plan(ctx context.Context, spec sandbox.Spec) (plan, error) {
	p := plan{limits: d.limits(spec.MemoryMB), assign: protocol.Assign{
		InitBudget: spec.InitTimeout,
		Extensions: runtimes.Container.Extensions(),
		Function:   session.Function(spec),
	}}
	if spec.Image != "" {
		img, err := d.images.get(ctx, spec.Image, "", spec.Architecture)
		if err != nil {
			return p, err
		}
		p.kind, p.image = kind{image: img.id, arch: img.arch, platform: img.platform, tmpMB: tmpMB(spec)}, img.name
		entrypoint, command := spec.Entrypoint, spec.Command
		if entrypoint == nil {
			entrypoint = img.entrypoint
		}
		if command == nil {
			command = img.command
		}
		handler := spec.Handler
		if handler == "" && len(command) > 0 {
			handler = command[0]
		}
		p.assign.Command = [][]string{append(append([]string(nil), entrypoint...), command...)}
		p.assign.Dir = firstOf(spec.WorkingDir, img.dir, "/")
		p.assign.Function.Handler = handler
		p.assign.Env = runtimes.Runtime{}.Env(runtimes.Container, handler, img.env, spec.Env)
		return p, nil
	}
	runtime, err := runtimes.Lookup(spec.Runtime)
	if err != nil {
		return p, err
	}
	img, err := d.images.get(ctx, firstOf(d.options.Images[spec.Runtime], runtime.Image()), runtime.StandIn(), spec.Architecture)
	if err != nil {
		return p, err
	}
	p.image = img.name
	p.kind = kind{image: img.id, arch: img.arch, platform: img.platform, task: true, opt: spec.LayersDir != "", tmpMB: tmpMB(spec)}
	p.content = map[string]string{runtimes.Container.Task: spec.CodeDir, runtimes.Container.Opt: spec.LayersDir}
	p.assign.Command = runtime.Bootstraps(runtimes.Container)
	p.assign.Dir = runtimes.Container.Task
	// Where AWS's images say what the machine says, Lambda says UTC.
	p.assign.Env = runtime.Env(runtimes.Container, spec.Handler, img.env, map[string]string{"TZ": ":UTC"}, spec.Env)
	return p, nil
}

// tmpMB is the size of /tmp; 0 where it cannot be enforced, so that functions of all
// sizes share the spare containers.
func tmpMB(spec sandbox.Spec) int {
	if !scratch.Supported() {
		return 0
	}
	return spec.EphemeralMB
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func (d *Driver) adopt(e *environment) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.running[e] = struct{}{}
	}
	return !d.closed
}

// Close implements sandbox.Driver.
func (d *Driver) Close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	running := make([]*environment, 0, len(d.running))
	for e := range d.running {
		running = append(running, e)
	}
	d.mu.Unlock()
	errs := make([]error, len(running))
	var wg sync.WaitGroup
	for i, e := range running {
		wg.Go(func() { errs[i] = e.Stop(ctx) })
	}
	poolErr := d.pool.close(ctx)
	wg.Wait()
	return errors.Join(errors.Join(errs...), poolErr, d.instance.Release(), d.client.Close())
}

// environment is a container with a function in it.
type environment struct {
	*container
	driver *Driver
	once   sync.Once
	err    error
}

func (e *environment) boot(ctx context.Context, p plan, spec sandbox.Spec) error {
	var filling errgroup.Group
	for _, place := range p.kind.places() {
		filling.Go(func() error { return e.deliver(ctx, p.content[place], place) })
	}
	err := errors.Join(e.limit(ctx, p.limits), filling.Wait())
	if err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return e.Boot(ctx, p.assign, spec, spec.MemoryMB)
}

// Stop implements sandbox.Environment.
func (e *environment) Stop(ctx context.Context) error {
	e.once.Do(func() {
		e.Shutdown(ctx)
		e.err = e.remove(ctx)
		e.driver.mu.Lock()
		delete(e.driver.running, e)
		e.driver.mu.Unlock()
	})
	return e.err
}
