//go:build linux

package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Headers of extensions' requests.
const (
	headerExtensionName    = "lambda-extension-name"
	headerExtensionID      = "lambda-extension-identifier"
	headerExtensionFeature = "lambda-extension-accept-feature"
	headerExtensionError   = "lambda-extension-function-error-type"
)

// maxRequest bounds what extensions post.
const maxRequest = 256 << 10

// refusal is an error of the Extensions API or the Telemetry API: a type and a message.
type refusal struct{ kind, message string }

func (r *refusal) Error() string { return r.kind + ": " + r.message }

func refuse(kind, format string, args ...any) *refusal {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// extension serves AWS's Extensions API, version 2020-01-01, the Telemetry API and
// the Logs API. It reports whether the request is one of theirs; the error ends the
// connection.
func (a *runtimeAPI) extension(req *request) (handled bool, err error) {
	path := strings.TrimSuffix(req.path, "/")
	switch req.method + " " + path {
	case "POST /2020-01-01/extension/register":
		if err := a.read(req, maxRequest); err != nil {
			return true, err
		}
		return true, a.register(req)
	case "GET /2020-01-01/extension/event/next":
		return true, a.identified(req, func(id string) error { return a.life.extensionNext(a, id) })
	case "POST /2020-01-01/extension/init/error":
		return true, a.identified(req, func(id string) error { return a.extensionError(req, id, stateInitError) })
	case "POST /2020-01-01/extension/exit/error":
		return true, a.identified(req, func(id string) error { return a.extensionError(req, id, stateExitError) })
	case "PUT /2022-07-01/telemetry":
		return true, a.identified(req, func(id string) error { return a.subscribe(req, id, telemetryAPI) })
	case "PUT /2020-08-15/logs":
		return true, a.identified(req, func(id string) error { return a.subscribe(req, id, logsAPI) })
	}
	return false, nil
}

// identified handles the request of an extension that says who it is.
func (a *runtimeAPI) identified(req *request, handle func(id string) error) error {
	if err := a.read(req, maxRequest); err != nil {
		return err
	}
	err := func() error {
		id := req.header[headerExtensionID]
		switch {
		case id == "":
			return refuse("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
		case !isID(id):
			return refuse("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
		}
		return handle(id)
	}()
	return a.refused(err)
}

func (a *runtimeAPI) refused(err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return a.fault("403 Forbidden", r.kind, r.message)
	}
	return err
}

// isID reports whether text has the form of a UUID.
func isID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range []byte(text) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

func (a *runtimeAPI) register(req *request) error {
	name := req.header[headerExtensionName]
	if name == "" {
		return a.fault("403 Forbidden", "Extension.InvalidExtensionName", "Empty extension name")
	}
	var in struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	err := json.Unmarshal(req.body, &in)
	if err == nil && len(in.ConfigurationKeys) > 0 {
		err = errors.New("configurationKeys are deprecated; use environment variables instead")
	}
	if err != nil {
		return a.fault("403 Forbidden", "InvalidRequestFormat", err.Error())
	}
	id, err := a.life.register(name, in.Events)
	if err != nil {
		return a.refused(err)
	}
	assign := a.life.assign
	out := struct {
		Account string `json:"accountId,omitempty"`
		Name    string `json:"functionName"`
		Version string `json:"functionVersion"`
		Handler string `json:"handler"`
	}{
		Name: assign.Env["AWS_LAMBDA_FUNCTION_NAME"], Version: assign.Env["AWS_LAMBDA_FUNCTION_VERSION"], Handler: assign.Function.Handler,
	}
	for feature := range strings.SplitSeq(req.header[headerExtensionFeature], ",") {
		if strings.TrimSpace(feature) == "accountId" {
			out.Account = assign.Function.Account
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return a.respond("200 OK", body, field{"Lambda-Extension-Identifier", id})
}

// register takes an extension in: an external one that has been started under this
// name, or else an internal one.
func (l *Life) register(name string, events []string) (id string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.ext.find(func(e *extension) bool { return e.name == name && e.proc != nil })
	for _, event := range events {
		switch {
		case event != eventInvoke && event != eventShutdown:
			return "", refuse("Extension.InvalidEventType", "%s: ErrorInvalidEventType", event)
		case event == eventShutdown && e == nil:
			return "", refuse("Extension.InvalidEventType", "%s: ShutdownEventNotSupportedForInternalExtension", event)
		}
	}
	if e != nil {
		if e.state != stateStarted || l.dead {
			return "", wrongState(e.state, stateRegistered, e.name)
		}
		e.register(events)
		if l.ext.find(func(e *extension) bool { return e.proc != nil && e.state == stateStarted }) == nil {
			close(l.ext.registered)
		}
		return e.id, nil
	}
	switch {
	case l.asked || l.dead:
		return "", refuse("Extension.RegistrationClosed", "Extension registration closed already")
	case l.ext.find(func(e *extension) bool { return e.name == name }) != nil:
		return "", refuse("Extension.InvalidExtensionState", "Extension with this name already registered")
	case l.ext == nil:
		l.haveExtensions()
	case len(l.ext.all) >= maxExtensions:
		return "", refuse("Extension.TooManyExtensions", "Extension limit (%d) reached", maxExtensions)
	}
	e = &extension{id: newID(), name: name}
	e.register(events)
	l.ext.all = append(l.ext.all, e)
	return e.id, nil
}

func (e *extension) register(events []string) {
	e.state = stateRegistered
	for _, event := range events {
		if !slices.Contains(e.events, event) {
			e.events = append(e.events, event)
		}
	}
}

// extensionNext is an extension's request for an event, which is delivered now or
// when it comes.
func (l *Life) extensionNext(a *runtimeAPI, id string) error {
	l.mu.Lock()
	e := l.ext.find(func(e *extension) bool { return e.id == id })
	switch {
	case e == nil:
		l.mu.Unlock()
		return refuse("Extension.UnknownExtensionIdentifier", "Unknown extension %s", id)
	case e.state != stateRegistered && e.state != stateRunning:
		err := wrongState(e.state, stateReady, id)
		l.mu.Unlock()
		return err
	}
	if body := e.pending; body != nil {
		e.pending, e.state = nil, stateRunning
		l.mu.Unlock()
		l.call(call{extension: e, to: a, body: body})
		return nil
	}
	e.state, e.parked = stateReady, a
	l.advance()
	l.mu.Unlock()
	return nil
}

// extensionError is an extension's word on why it is about to end.
func (a *runtimeAPI) extensionError(req *request, id, state string) error {
	kind := req.header[headerExtensionError]
	if kind == "" {
		return refuse("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
	}
	if err := a.life.extensionFailed(id, state, kind); err != nil {
		return err
	}
	return a.accept()
}

func (l *Life) extensionFailed(id, state, kind string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.ext.find(func(e *extension) bool { return e.id == id })
	if e == nil {
		return refuse("Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier")
	}
	allowed := []string{stateRegistered, state}
	if state == stateExitError {
		allowed = append(allowed, stateReady, stateRunning)
	}
	if !slices.Contains(allowed, e.state) {
		return wrongState(e.state, state, id)
	}
	if e.state != state {
		e.state, e.problem = state, kind
	}
	if l.ext.fatal == "" {
		l.ext.fatal = "Extension." + state
	}
	return nil
}

func wrongState(from, to, who string) *refusal {
	return refuse("Extension.InvalidExtensionState",
		"State transition from %s to %s failed for extension %s. Error: State transition is not allowed", from, to, who)
}
