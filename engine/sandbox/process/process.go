// Package process runs environments as plain processes of this machine, with
// this machine's interpreters: the driver for where there is no Docker.
//
// It isolates nothing: functions run as the engine's user, see its files and
// its network, and their memory is measured but not limited. What it keeps of
// the contract is the supervisor's: the Runtime API, timeouts, freezing, logs,
// and that nothing is left behind.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/embedded"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/instance"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/runtimes"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/session"
)

// Options of the driver.
type Options struct {
	Dir    string       // where environments and the supervisor live; created
	Logger *slog.Logger // nil is slog.Default
	// Commands replaces interpreter and interface client of runtimes, by identifier;
	// the handler becomes the last argument: python3 -m awslambdaric app.handler.
	Commands map[string][]string
}

// Driver implements sandbox.Driver.
type Driver struct {
	logger     *slog.Logger
	instance   *instance.Dir
	supervisor string
	clients    string
	given      map[string][]string // commands of the configuration, by runtime

	mu      sync.Mutex
	closed  bool
	running map[*environment]struct{}

	looking      sync.Mutex         // held while an interpreter is looked up, or a client compiled
	interpreters map[string]command // by runtime: looked up once
}

type command struct {
	argv []string
	err  error
}

// New prepares dir and removes what a dead engine has left in it.
func New(o Options) (*Driver, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if goruntime.GOOS != "linux" {
		return nil, errors.New("the process driver is Linux only: use the docker driver")
	}
	if err := checkCommands(o.Commands); err != nil {
		return nil, fmt.Errorf("process driver: %w", err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("process driver: %w", err)
	}
	supervisor, err := embedded.Install(filepath.Join(dir, "bin"), goruntime.GOARCH)
	if err != nil {
		return nil, fmt.Errorf("process driver: %w", err)
	}
	own, err := instance.Claim(filepath.Join(dir, "process"))
	if err != nil {
		return nil, fmt.Errorf("process driver: %w", err)
	}
	if own.Left != nil {
		o.Logger.Warn("something of an earlier engine is left", "error", own.Left)
	}
	clients := filepath.Join(own.Path, "runtime")
	if err := runtimes.InstallClients(clients); err != nil {
		return nil, errors.Join(fmt.Errorf("process driver: %w", err), own.Release())
	}
	return &Driver{
		logger:       o.Logger,
		instance:     own,
		supervisor:   supervisor,
		clients:      clients,
		given:        o.Commands,
		running:      map[*environment]struct{}{},
		interpreters: map[string]command{},
	}, nil
}

// Name implements sandbox.Driver.
func (d *Driver) Name() string { return "process" }

// Start implements sandbox.Driver.
func (d *Driver) Start(ctx context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	if spec.Image != "" {
		return nil, fmt.Errorf("start %s: functions of package type Image need the docker driver", spec.Name)
	}
	runtime, err := runtimes.Lookup(spec.Runtime)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	layout := runtimes.Layout{Task: spec.CodeDir, Runtime: d.clients, Opt: spec.LayersDir, Path: os.Getenv("PATH")}
	commands, err := d.commands(runtime, layout, spec.Handler)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	env, err := d.launch(spec.Name)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	layout.Temp = filepath.Join(env.dir, "tmp")
	if err := env.boot(ctx, assignment(runtime, layout, commands, spec), spec); err != nil {
		if stopErr := env.Stop(context.WithoutCancel(ctx)); stopErr != nil {
			return nil, errors.Join(err, stopErr)
		}
		return nil, err
	}
	return env, nil
}

// commands lists what may boot a runtime; a note about it is logged once.
func (d *Driver) commands(runtime runtimes.Runtime, layout runtimes.Layout, handler string) ([][]string, error) {
	if argv, ok := d.given[runtime.Name]; ok {
		return [][]string{append(slices.Clone(argv), handler)}, nil
	}
	if runtime.Language == runtimes.Provided {
		return runtime.Bootstraps(layout), nil
	}
	d.looking.Lock()
	defer d.looking.Unlock()
	c, ok := d.interpreters[runtime.Name]
	if !ok {
		var note string
		c.argv, note, c.err = runtime.Command(d.clients)
		if note != "" {
			d.logger.Warn(note)
		}
		if c.err == nil {
			d.interpreters[runtime.Name] = c
		}
	}
	return [][]string{c.argv}, c.err
}

// checkCommands refuses commands that would never run.
func checkCommands(commands map[string][]string) error {
	for name, argv := range commands {
		runtime, err := runtimes.Lookup(name)
		if err != nil {
			return fmt.Errorf("command of a runtime: %w", err)
		}
		if runtime.Language == runtimes.Provided {
			return fmt.Errorf("command of runtime %s: its functions bring what boots them. Remove the command", name)
		}
		if len(argv) == 0 || argv[0] == "" {
			return fmt.Errorf("command of runtime %s: it is empty. Name a program, such as [\"python3\", \"-m\", \"awslambdaric\"]", name)
		}
	}
	return nil
}

func assignment(runtime runtimes.Runtime, layout runtimes.Layout, commands [][]string, spec sandbox.Spec) protocol.Assign {
	vars := runtime.Env(layout, spec.Handler, spec.Env)
	if _, ok := vars["PYTHONDONTWRITEBYTECODE"]; !ok && runtime.Language == runtimes.Python {
		vars["PYTHONDONTWRITEBYTECODE"] = "1" // the code is shared and not to be written to
	}
	if vars[runtimes.Wrapper] != "" && runtime.Language != runtimes.Provided {
		commands = wrapped(commands, layout, vars)
	}
	return protocol.Assign{
		Command:    commands,
		Dir:        spec.CodeDir,
		Env:        vars,
		InitBudget: spec.InitTimeout,
		Extensions: layout.Extensions(),
		Function:   session.Function(spec),
	}
}

// wrapped lets the program that the function names start its interpreter. It names
// it where it is on AWS: the code and the layers are elsewhere here.
func wrapped(commands [][]string, layout runtimes.Layout, vars map[string]string) [][]string {
	for there, here := range map[string]string{runtimes.Container.Task: layout.Task, runtimes.Container.Opt: layout.Opt} {
		if name, ok := strings.CutPrefix(vars[runtimes.Wrapper], there+"/"); ok && here != "" {
			vars[runtimes.Wrapper] = filepath.Join(here, name)
		}
	}
	all := make([][]string, len(commands))
	for i, argv := range commands {
		all[i] = append([]string{"/bin/sh", filepath.Join(layout.Runtime, runtimes.Launcher)}, argv...)
	}
	return all
}

// launch starts a supervisor and waits until it has connected.
func (d *Driver) launch(name string) (*environment, error) {
	dir, err := d.instance.New()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ln, err := session.Listen(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e := &environment{driver: d, dir: dir, Session: session.New(ln, d.logger.With("environment", name))}
	e.cmd = exec.Command(d.supervisor, "unix:engine.sock")
	e.cmd.Dir = dir
	e.cmd.Env = []string{}
	e.cmd.Stderr = &e.complaint
	e.cmd.SysProcAttr = ownGroup() // a terminal's Ctrl-C is for the engine
	e.cmd.WaitDelay = time.Second
	if err := e.cmd.Start(); err != nil {
		e.Close()
		return nil, errors.Join(fmt.Errorf("run supervisor: %w", err), os.RemoveAll(dir))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.Join(errors.New("the driver is closed"), e.tearDown())
	}
	d.running[e] = struct{}{}
	return e, nil
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
	var wg sync.WaitGroup
	errs := make([]error, len(running)+1)
	for i, e := range running {
		wg.Go(func() { errs[i] = e.Stop(ctx) })
	}
	wg.Wait()
	errs[len(running)] = d.instance.Release()
	return errors.Join(errs...)
}

// environment is one supervisor with its directory.
type environment struct {
	*session.Session
	driver    *Driver
	dir       string
	cmd       *exec.Cmd
	complaint bytes.Buffer
	once      sync.Once
	stopErr   error
}

// hello is how long a supervisor may take to connect.
const hello = 10 * time.Second

func (e *environment) boot(ctx context.Context, assign protocol.Assign, spec sandbox.Spec) error {
	waiting, cancel := context.WithTimeout(ctx, hello)
	defer cancel()
	if err := e.Hello(waiting); err != nil {
		_ = e.Stop(context.WithoutCancel(ctx))
		return fmt.Errorf("start %s: %w (supervisor: %s)", spec.Name, err, bytes.TrimSpace(e.complaint.Bytes()))
	}
	return e.Boot(ctx, assign, spec, 0)
}

// Stop implements sandbox.Environment.
func (e *environment) Stop(ctx context.Context) error {
	e.once.Do(func() {
		e.Shutdown(ctx)
		e.stopErr = e.tearDown()
		e.driver.mu.Lock()
		delete(e.driver.running, e)
		e.driver.mu.Unlock()
	})
	return e.stopErr
}

// tearDown hangs up, which ends the supervisor and all that it started, and
// removes the directory.
func (e *environment) tearDown() error {
	e.Close()
	stubborn := time.AfterFunc(5*time.Second, func() { _ = e.cmd.Process.Kill() })
	defer stubborn.Stop()
	var exit *exec.ExitError
	if err := e.cmd.Wait(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("end supervisor: %w", err)
	}
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("remove environment: %w", err)
	}
	return nil
}
