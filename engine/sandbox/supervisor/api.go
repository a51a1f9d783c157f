//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// runtimeAPI serves AWS's Runtime API, version 2018-06-01.
type runtimeAPI struct {
	life *lifecycle
}

const apiRoot = "/2018-06-01/"

func serveRuntimeAPI(ln net.Listener, life *lifecycle) {
	server := &http.Server{Handler: &runtimeAPI{life: life}}
	_ = server.Serve(ln)
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Date"] = nil // nobody asks
	path, ok := strings.CutPrefix(r.URL.Path, apiRoot)
	if !ok {
		http.NotFound(w, r)
		return
	}
	switch {
	case path == "runtime/invocation/next" && r.Method == http.MethodGet:
		a.next(w, r)
		return
	case path == "runtime/init/error" && r.Method == http.MethodPost:
		a.initError(w, r)
		return
	case path == "ping" && r.Method == http.MethodGet:
		_, _ = io.WriteString(w, "pong")
		return
	}
	if rest, ok := strings.CutPrefix(path, "runtime/invocation/"); ok && r.Method == http.MethodPost {
		if id, ok := strings.CutSuffix(rest, "/response"); ok {
			a.answer(w, r, id, protocol.Success)
			return
		}
		if id, ok := strings.CutSuffix(rest, "/error"); ok {
			a.answer(w, r, id, protocol.FunctionError)
			return
		}
	}
	http.NotFound(w, r)
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	inv, err := a.life.next(r.Context())
	if err != nil {
		refuse(w, err, "Ready")
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(inv.payload))}
	h["Lambda-Runtime-Aws-Request-Id"] = []string{inv.RequestID}
	h["Lambda-Runtime-Deadline-Ms"] = []string{strconv.FormatInt(inv.DeadlineMS, 10)}
	h["Lambda-Runtime-Invoked-Function-Arn"] = []string{inv.FunctionARN}
	for name, value := range map[string]string{
		"Lambda-Runtime-Trace-Id":         inv.TraceID,
		"Lambda-Runtime-Client-Context":   inv.ClientContext,
		"Lambda-Runtime-Cognito-Identity": inv.CognitoIdentity,
	} {
		if value != "" {
			h[name] = []string{value}
		}
	}
	_, _ = w.Write(inv.payload)
}

// answer takes a response or an error. A streamed response is an ordinary one in
// chunks, which may still turn into an error by its trailers.
func (a *runtimeAPI) answer(w http.ResponseWriter, r *http.Request, id string, outcome protocol.Outcome) {
	state := "InvocationResponse"
	if outcome == protocol.FunctionError {
		state = "InvocationErrorResponse"
	}
	if err := a.life.begin(id); err != nil {
		refuse(w, err, state)
		return
	}
	res := protocol.Result{Outcome: outcome}
	body, err := readBody(r)
	switch {
	case errors.Is(err, errTooLarge):
		res.Outcome, body, err = protocol.ResponseTooLarge, nil, nil
	case outcome == protocol.FunctionError:
		res.ErrorType = errorType(r.Header)
	case r.Trailer.Get(headerErrorType) != "":
		res.Outcome, res.ErrorType = protocol.FunctionError, errorType(r.Trailer)
		if b := r.Trailer.Get("Lambda-Runtime-Function-Error-Body"); b != "" {
			body = decodeTrailer(b)
		}
	}
	if err := a.life.finish(id, res, body, err); err != nil {
		refuse(w, err, state)
		return
	}
	if res.Outcome == protocol.ResponseTooLarge {
		reply(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", protocol.MaxPayload))
		return
	}
	accept(w)
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil && !errors.Is(err, errTooLarge) {
		refuse(w, err, "InitError")
		return
	}
	if err := a.life.initError(protocol.InitFailed{ErrorType: errorType(r.Header)}, body); err != nil {
		refuse(w, err, "InitError")
		return
	}
	accept(w)
}

const headerErrorType = "Lambda-Runtime-Function-Error-Type"

func errorType(h http.Header) string {
	if t := h.Get(headerErrorType); t != "" {
		return t
	}
	return "Runtime.Unknown"
}

var errTooLarge = errors.New("response too large")

// readBody reads what the runtime posts. What is too large is read all the same,
// so that the runtime hears why it was refused instead of a broken connection.
func readBody(r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= protocol.MaxPayload {
		body.Grow(int(n) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, protocol.MaxPayload+1)); err != nil {
		return nil, err
	}
	if body.Len() <= protocol.MaxPayload {
		return body.Bytes(), nil
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return nil, errTooLarge
}

func accept(w http.ResponseWriter) {
	const ok = `{"status":"OK"}` + "\n"
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(ok))}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, ok)
}

// refuse words an error as AWS's own implementation does.
func refuse(w http.ResponseWriter, err error, state string) {
	switch {
	case errors.Is(err, errRequestID):
		reply(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case errors.Is(err, errTransition):
		reply(w, http.StatusForbidden, "InvalidStateTransition",
			fmt.Sprintf("State transition to %s failed for runtime. Error: State transition is not allowed", state))
	default:
		reply(w, http.StatusInternalServerError, "InternalServerError", err.Error())
	}
}

func reply(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errorMessage":%q,"errorType":%q}`+"\n", message, kind)
}
