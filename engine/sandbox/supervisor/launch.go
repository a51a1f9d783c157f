//go:build linux

package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// boot starts the runtime, or first the extensions: then launch must be called
// once the channel is closed.
func (l *lifecycle) boot(a protocol.Assign, added map[string]string) (registered <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.assign, l.added, l.started = a, added, time.Now()
	l.deadline = time.AfterFunc(a.InitBudget, l.expire)
	if paths := executables(a.Extensions); len(paths) > 0 {
		return l.bootExtensions(paths)
	}
	l.startRuntime()
	return nil
}

// launch starts the runtime after the extensions.
func (l *lifecycle) launch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.startRuntime()
	}
}

func (l *lifecycle) startRuntime() {
	env := append(environment(l.assign, l.added), fmt.Sprintf("%s=%d", framesVariable, framesFD))
	argv, err := choose(l.assign.Command, l.assign.Dir, env)
	if err == nil {
		l.proc, err = l.start(argv, l.assign.Dir, env, function)
	}
	if err != nil {
		l.dead = true
		problem := err.Error()
		if failed := (*startError)(nil); errors.As(err, &failed) && errors.Is(err, syscall.ENOENT) {
			problem = fmt.Sprintf("Couldn't find valid bootstrap(s): [%s]", failed.path)
		}
		l.fail(protocol.InitFailed{ErrorType: "Runtime.InvalidEntrypoint", Problem: problem}, nil)
		return
	}
	go l.watch()
}

// start starts a program whose lines go to the log.
func (l *lifecycle) start(argv []string, dir string, env []string, from source) (*process, error) {
	stdout, err := l.out.open(from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stdout.Close() }()
	stderr, err := l.out.open(from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	p, err := l.family.start(argv, dir, env, stdout, stderr)
	if err != nil {
		return nil, err
	}
	l.mem.pids = append(l.mem.pids, p.pid)
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

// executables lists the external extensions. A file that cannot be executed counts:
// it fails to start, as on AWS.
func executables(dir string) []string {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // most often there is none
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			paths = append(paths, path)
		}
	}
	return paths
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
func (l *lifecycle) haveExtensions() {
	l.ext = &extensions{telemetry: newTelemetry(l.assign), registered: make(chan struct{})}
	l.ext.telemetry.initStart(l.started)
	l.out.observe(l.ext.telemetry)
}

// bootExtensions starts the external extensions.
func (l *lifecycle) bootExtensions(paths []string) <-chan struct{} {
	l.haveExtensions()
	forThem := l.assign
	forThem.Env = forExtensions(l.assign.Env)
	env := environment(forThem, l.added)
	for i, path := range paths {
		e := &extension{id: newID(), name: filepath.Base(path), state: stateStarted}
		l.ext.all = append(l.ext.all, e)
		var err error
		if i < maxExtensions {
			e.proc, err = l.start([]string{path}, "/", env, extensionSource)
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
			return nil
		}
		go l.watchExtension(e)
	}
	return l.ext.registered
}

// watchExtension waits for the end of an extension, which is the end of the environment.
func (l *lifecycle) watchExtension(e *extension) {
	<-e.proc.exited
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		e.state = stateExited
		return
	}
	l.dead = true
	l.out.sync()
	exit := e.proc.exit()
	if !e.proc.status.Signaled() && e.proc.status.ExitStatus() == 0 {
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
