//go:build linux

package lifecycle

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// Boot starts the extensions, if there are any in the list of programs, and the
// runtime. Both find the Runtime API at api, which the Life owns from now on, and AWS
// at the address of an endpoint. It returns at once; the engine is told what comes of it.
func (l *Life) Boot(a protocol.Assign, extensions []string, api net.Listener, endpoint string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.assign, l.started = a, time.Now()
	l.added = map[string]string{"AWS_LAMBDA_RUNTIME_API": api.Addr().String(), "AWS_ENDPOINT_URL": "http://" + endpoint}
	if l.held == nil {
		_ = api.Close()
		return
	}
	l.held[api] = struct{}{}
	l.tasks.Go(func() { l.serve(api) })
	l.deadline = time.AfterFunc(a.InitBudget, l.expire)
	if len(extensions) > 0 {
		l.bootExtensions(extensions)
		return
	}
	l.startRuntime()
}

// launch starts the runtime after the extensions.
func (l *Life) launch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.startRuntime()
	}
}

func (l *Life) startRuntime() {
	env := append(environment(l.assign, l.added), fmt.Sprintf("%s=%d", framesVariable, programs.FramesFD))
	var err error
	l.proc, err = l.start(programs.Program{Commands: l.assign.Command, Dir: l.assign.Dir, Env: env}, function)
	if err != nil {
		l.dead = true
		problem := err.Error()
		if failed := (*programs.StartError)(nil); errors.As(err, &failed) && errors.Is(err, syscall.ENOENT) {
			problem = fmt.Sprintf("Couldn't find valid bootstrap(s): [%s]", failed.Path)
		}
		l.fail(protocol.InitFailed{ErrorType: "Runtime.InvalidEntrypoint", Problem: problem}, nil)
		return
	}
	l.tasks.Go(l.watch)
}

// start starts a program whose lines go to the log.
func (l *Life) start(program programs.Program, from source) (*programs.Process, error) {
	p, err := l.host.Start(program)
	if err != nil {
		return nil, err
	}
	l.mem.pids = append(l.mem.pids, p.PID)
	for _, file := range []*os.File{p.Stdout, p.Stderr} {
		if err := l.out.watch(file, from, &l.tasks); err != nil {
			return nil, fmt.Errorf("read the output of a program: %w", err)
		}
	}
	return p, nil
}

// environment assembles the runtime's variables: those it is given and the two
// addresses that only the supervisor knows. An AWS_ENDPOINT_URL that the user has
// set stays.
func environment(a protocol.Assign, added map[string]string) []string {
	vars := maps.Clone(added)
	for k, v := range a.Env {
		if k != "AWS_LAMBDA_RUNTIME_API" {
			vars[k] = v
		}
	}
	env := make([]string, 0, len(vars))
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	slices.Sort(env)
	return env
}

// runtimeOnly are the variables that extensions do not get.
var runtimeOnly = []string{
	"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
	"AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

func forExtensions(env map[string]string) map[string]string {
	env = maps.Clone(env)
	maps.DeleteFunc(env, func(name, _ string) bool {
		return strings.HasPrefix(name, "_") || slices.Contains(runtimeOnly, name)
	})
	return env
}

// haveExtensions is the first thing to happen with extensions.
func (l *Life) haveExtensions() {
	l.ext = &extensions{telemetry: newTelemetry(l), registered: make(chan struct{})}
	l.ext.telemetry.initStart(l.started)
	l.out.observe(l.ext.telemetry)
}

// bootExtensions starts the external extensions. The runtime follows once all have registered.
func (l *Life) bootExtensions(paths []string) {
	l.haveExtensions()
	forThem := l.assign
	forThem.Env = forExtensions(l.assign.Env)
	env := environment(forThem, l.added)
	for i, path := range paths {
		e := &extension{id: newID(), name: filepath.Base(path), state: stateStarted}
		l.ext.all = append(l.ext.all, e)
		var err error
		if i < maxExtensions {
			e.proc, err = l.start(programs.Program{Commands: [][]string{{path}}, Dir: "/", Env: env}, extensionSource)
		} else {
			err = fmt.Errorf("more than %d extensions", maxExtensions)
			e.problem = "TooManyExtensions"
		}
		if err != nil {
			e.state = stateLaunchError
			if errors.Is(err, os.ErrPermission) {
				e.problem = "PermissionDenied"
			} else if e.problem == "" {
				e.problem = "UnknownError"
			}
			l.dead = true
			l.fail(protocol.InitFailed{ErrorType: "Extension.LaunchError", Problem: err.Error()}, nil)
			return
		}
		l.tasks.Go(func() { l.watchExtension(e) })
	}
	registered := l.ext.registered
	l.tasks.Go(func() {
		select {
		case <-registered:
			l.launch()
		case <-l.done:
		case <-l.closing:
		}
	})
}

// watchExtension waits for the end of an extension, which is the end of the environment.
func (l *Life) watchExtension(e *extension) {
	<-e.proc.Exited()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		e.state = stateExited
		return
	}
	l.dead = true
	l.out.sync()
	exit := e.proc.Exit()
	if !e.proc.Status().Signaled() && e.proc.Status().ExitStatus() == 0 {
		exit = "exit code 0"
	}
	kind := "Extension.Crash"
	if l.ext.fatal != "" {
		kind = l.ext.fatal
	}
	if !l.inited {
		if e.problem == "" {
			e.problem = kind
		}
		l.fail(protocol.InitFailed{ErrorType: kind, Problem: exit}, nil)
		return
	}
	if l.inv != nil || l.ext.round != nil {
		l.breakOff(protocol.Result{Outcome: protocol.ExtensionFailed, ErrorType: kind, Exit: exit})
	}
	l.end(reasonFailure)
}
