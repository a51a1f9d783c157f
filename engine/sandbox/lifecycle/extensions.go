//go:build linux

package lifecycle

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
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
	proc    *programs.Process // nil of an internal one
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
func (l *Life) call(c call) {
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

// newID makes an identifier of an extension or an event: a random UUID.
func newID() string {
	var b [16]byte
	_, _ = unix.Getrandom(b[:], 0)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
