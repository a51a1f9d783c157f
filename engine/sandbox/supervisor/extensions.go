//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// maxExtensions is how many AWS allows, internal ones included.
const maxExtensions = 10

// The events that extensions can have.
const (
	eventInvoke   = "INVOKE"
	eventShutdown = "SHUTDOWN"
)

// The states of an extension, as AWS names them.
const (
	stateStarted     = "Started"
	stateRegistered  = "Registered"
	stateReady       = "Ready" // it waits for an event
	stateRunning     = "Running"
	stateInitError   = "InitError"
	stateExitError   = "ExitError"
	stateExited      = "Exited"
	stateLaunchError = "LaunchError"
)

// extensions is what a lifecycle that has any knows of them. The lifecycle's lock
// guards it, but for the telemetry, which has its own.
type extensions struct {
	telemetry  *telemetry
	all        []*extension
	registered chan struct{} // closed once all external ones have
	fatal      string        // Extension.InitError or Extension.ExitError, once one has said so

	// An invocation goes on after its answer until the runtime and all extensions
	// that had the event have asked for the next one.
	round       *invocation
	answer      *protocol.Result // nil until the runtime has answered
	runtimeDone bool             // and has asked for the next event
	reported    bool             // the first invocation, which reports the init too
	waited      int              // times that freezing has been put off since the round
}

// extension is a program of the environment's own, or a part of the runtime (an
// internal one).
type extension struct {
	id      string
	name    string
	proc    *process // nil of an internal one
	state   string
	events  []string
	problem string      // the type of the error that it has reported, or why it did not start
	parked  *runtimeAPI // who waits for an event
	pending []byte      // an event that nobody has waited for yet
}

// call is an event on its way to an extension.
type call struct {
	extension *extension
	to        *runtimeAPI
	body      []byte
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

// runtimeReady takes in that the runtime has asked for an event, the first one or one
// after an answer.
func (l *lifecycle) runtimeReady(first bool) {
	x := l.ext
	switch {
	case first:
		x.telemetry.initRuntimeDone("success", "")
	case x.round != nil && x.answer != nil && !x.runtimeDone:
		x.runtimeDone = true
		l.out.syncLines(x.through()) // what it wrote after the answer
		x.telemetry.runtimeDone(x.round, *x.answer)
	}
	l.advance()
}

// advance ends the init, or an invocation, when everybody is ready.
func (l *lifecycle) advance() {
	x := l.ext
	switch {
	case l.dead:
	case !l.inited:
		if l.asked && x.ready("") {
			l.announce()
			x.telemetry.initReport(time.Since(l.started), "success", "")
			x.telemetry.close()
			l.initialised(x.patience())
			l.freezer.Reset(grace)
		}
	case x.round != nil:
		if x.runtimeDone && x.ready(eventInvoke) {
			l.settle()
		}
	default:
		l.freezer.Reset(grace)
	}
}

// settle ends an invocation whose answer the engine has had.
func (l *lifecycle) settle() {
	inv := l.ext.round
	l.deadline.Stop()
	l.out.sync()
	res := protocol.Result{RequestID: inv.RequestID, Duration: time.Since(inv.start), Memory: l.mem.peak()}
	l.ext.report(inv, res)
	l.ext.round = nil
	_ = l.conn.Send(protocol.KindSettled, res, nil)
	l.freezer.Reset(grace)
}

// beginRound has an invocation go to the extensions too.
func (l *lifecycle) beginRound(inv *invocation) []call {
	x := l.ext
	x.round, x.answer, x.runtimeDone, x.waited = inv, nil, false, 0
	x.telemetry.start(inv)
	var body []byte
	var calls []call
	for _, e := range x.all {
		if !slices.Contains(e.events, eventInvoke) {
			continue
		}
		if body == nil {
			body = invokeEvent(inv)
		}
		if c, ok := e.post(body); ok {
			calls = append(calls, c)
		}
	}
	return calls
}

// roundBroke takes in that an invocation, or the extensions after it, came to a bad end.
func (l *lifecycle) roundBroke(inv *invocation, res protocol.Result) {
	if l.ext.round == nil {
		return
	}
	if !l.ext.runtimeDone {
		l.ext.telemetry.runtimeDone(inv, res)
	}
	l.ext.report(inv, res)
	l.ext.round = nil
}

// report is the end of an invocation in the telemetry.
func (x *extensions) report(inv *invocation, res protocol.Result) {
	x.telemetry.report(inv, res, !x.reported)
	x.reported = true
}

// initFailed takes in that there will be no invocation.
func (l *lifecycle) initFailed(failed protocol.InitFailed) {
	status := "error"
	if failed.TimedOut {
		status = "timeout"
	}
	if l.proc != nil && !l.asked {
		l.ext.telemetry.initRuntimeDone(status, failed.ErrorType)
	}
	l.announce()
	l.ext.telemetry.initReport(failed.Duration, status, failed.ErrorType)
	l.ext.telemetry.close()
}

// announce logs what has become of each extension in the init.
func (l *lifecycle) announce() {
	for _, e := range l.ext.all {
		line := fmt.Sprintf("EXTENSION\tName: %s\tState: %s\tEvents: [%s]", e.name, e.state, strings.Join(e.events, ", "))
		if e.problem != "" {
			line += "\tError Type: " + e.problem
		}
		l.out.say(line)
		l.ext.telemetry.extension(e)
	}
}

// ready reports whether all extensions, or those that have event, wait for their next one.
func (x *extensions) ready(event string) bool {
	for _, e := range x.all {
		if e.state != stateReady && (event == "" || slices.Contains(e.events, event)) {
			return false
		}
	}
	return true
}

// through is whose lines have ended when the runtime is through with an invocation:
// extensions go on, be they in the runtime's own process.
func (x *extensions) through() source {
	if x.find(func(e *extension) bool { return e.proc == nil }) != nil {
		return 0
	}
	return function
}

// idle reports whether there is nothing that extensions have to do.
func (x *extensions) idle() bool { return x.round == nil && x.ready("") }

// patientFor bounds for how often freezing waits, by the lifecycle's grace, until
// subscribers have taken the last events.
const patientFor = 100

func (x *extensions) mayWait() bool {
	x.waited++
	return x.waited < patientFor
}

// post hands an event to the extension: to whoever waits for it, or else to who will.
func (e *extension) post(body []byte) (call, bool) {
	e.state = stateRunning
	if e.parked == nil {
		e.pending = body
		return call{}, false
	}
	c := call{extension: e, to: e.parked, body: body}
	e.parked = nil
	return c, true
}

// call delivers an event. When that fails, it waits for the extension to ask again.
func (l *lifecycle) call(c call) {
	if c.to.respond("200 OK", c.body, field{"Lambda-Extension-Event-Identifier", newID()}) == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.extension.pending == nil {
		c.extension.pending = c.body
	}
}

// leave forgets a connection that has ended: it waits for no event any more.
func (x *extensions) leave(w waiter) {
	for _, e := range x.all {
		if e.parked != nil && waiter(e.parked) == w {
			e.parked, e.state = nil, stateRunning
		}
	}
}

func (x *extensions) find(has func(*extension) bool) *extension {
	if x == nil {
		return nil
	}
	if i := slices.IndexFunc(x.all, has); i >= 0 {
		return x.all[i]
	}
	return nil
}

// tracing is how events name the trace that a call belongs to.
type tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func traceOf(inv *invocation) *tracing {
	if inv.TraceID == "" {
		return nil
	}
	return &tracing{Type: "X-Amzn-Trace-Id", Value: inv.TraceID}
}

func invokeEvent(inv *invocation) []byte {
	body, _ := json.Marshal(struct {
		EventType   string   `json:"eventType"`
		DeadlineMS  int64    `json:"deadlineMs"`
		RequestID   string   `json:"requestId"`
		FunctionARN string   `json:"invokedFunctionArn"`
		Tracing     *tracing `json:"tracing,omitempty"`
	}{eventInvoke, inv.DeadlineMS, inv.RequestID, inv.FunctionARN, traceOf(inv)})
	return body
}

func shutdownEvent(reason string, deadline time.Time) []byte {
	body, _ := json.Marshal(struct {
		EventType  string `json:"eventType"`
		DeadlineMS int64  `json:"deadlineMs"`
		Reason     string `json:"shutdownReason"`
	}{eventShutdown, deadline.UnixMilli(), reason})
	return body
}

// newID makes an identifier of an extension or an event: a random UUID.
func newID() string {
	var b [16]byte
	_, _ = unix.Getrandom(b[:], 0)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Reasons of a shutdown, as extensions hear them.
const (
	reasonSpindown = "spindown"
	reasonTimeout  = "timeout"
	reasonFailure  = "failure"
)

// How long the shutdown of an environment may take, and what of it is the runtime's.
const (
	shutdownExternal = 2 * time.Second
	shutdownInternal = 500 * time.Millisecond
	runtimeShare     = 300 * time.Millisecond
	lastFlush        = 200 * time.Millisecond // of the telemetry
)

// patience is how long the shutdown may take.
func (x *extensions) patience() time.Duration {
	for _, e := range x.all {
		if e.proc != nil || e.state == stateLaunchError {
			return shutdownExternal
		}
	}
	return shutdownInternal
}

// shutdown ends the environment in AWS's order: the runtime, whose last words its
// extensions still hear, then the extensions.
func (l *lifecycle) shutdown(reason string) {
	defer close(l.done)
	l.mu.Lock()
	runtime, all, patience := l.proc, slices.Clone(l.ext.all), l.ext.patience()
	l.thaw()
	l.mu.Unlock()
	deadline := time.Now().Add(patience)
	if runtime != nil {
		share := runtimeShare
		if patience == shutdownInternal {
			share = patience
		}
		runtime.signal(syscall.SIGTERM)
		if !runtime.within(share) {
			runtime.signal(syscall.SIGKILL)
			runtime.within(share)
		}
	}
	l.out.sync()
	l.ext.telemetry.drain(lastFlush)

	event := shutdownEvent(reason, deadline)
	var waiting []*extension
	var calls []call
	l.mu.Lock()
	for _, e := range all {
		switch {
		case e.proc == nil:
		case !slices.Contains(e.events, eventShutdown):
			e.proc.signal(syscall.SIGKILL)
		default:
			waiting = append(waiting, e)
			if c, ok := e.post(event); ok {
				calls = append(calls, c)
			}
		}
	}
	l.mu.Unlock()
	for _, c := range calls {
		l.call(c)
	}
	for _, e := range waiting {
		if !e.proc.within(time.Until(deadline)) {
			l.out.sync()
			return // whoever waits for the end kills what is left
		}
	}
	l.out.sync()
}
