//go:build linux

package lifecycle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

const apiRoot = "/2018-06-01/"

// Headers of errors, and trailers of streamed responses that end in one.
const (
	headerErrorType = "lambda-runtime-function-error-type"
	headerErrorBody = "lambda-runtime-function-error-body"
)

// maxConnections is how many connections to the Runtime API may be open: a runtime
// needs one or two, an extension one.
const maxConnections = 64

// serve serves AWS's Runtime API, version 2018-06-01, until the listener closes.
func (l *Life) serve(ln net.Listener) {
	for {
		conn, err := protocol.Accept(ln)
		if err != nil {
			return
		}
		if l.hold(conn, maxConnections) {
			a := &runtimeAPI{client: newClient(quickly(conn)), life: l}
			l.tasks.Go(func() {
				defer l.release(conn)
				a.serve()
			})
		}
	}
}

// runtimeAPI is one connection to the Runtime API.
type runtimeAPI struct {
	*client
	life *Life
}

// serve answers one request after the other. While a request for an event
// waits, reading on notices when the runtime hangs up.
func (a *runtimeAPI) serve() {
	defer a.life.leave(a)
	for {
		req, err := a.head()
		if err != nil {
			return
		}
		a.ends(req.last)
		if err := a.handle(req); err != nil {
			return
		}
	}
}

// handle answers a request; its error ends the connection.
func (a *runtimeAPI) handle(req *request) error {
	path, ok := strings.CutPrefix(req.path, apiRoot)
	switch {
	case !ok:
		if handled, err := a.extension(req); handled {
			return err
		}
	case path == "runtime/invocation/next" && req.method == "GET":
		if err := a.read(req, 0); err != nil {
			return err
		}
		if err := a.life.next(a); err != nil {
			return a.refuse(err, "Ready")
		}
		return nil
	case path == "runtime/init/error" && req.method == "POST":
		return a.initError(req)
	case path == "ping" && req.method == "GET":
		return a.respond("200 OK", []byte("pong"))
	case req.method == "POST":
		rest, _ := strings.CutPrefix(path, "runtime/invocation/")
		if id, ok := strings.CutSuffix(rest, "/response"); ok {
			return a.answer(req, id, protocol.Success, "InvocationResponse")
		}
		if id, ok := strings.CutSuffix(rest, "/error"); ok {
			return a.answer(req, id, protocol.FunctionError, "InvocationErrorResponse")
		}
	}
	if err := a.read(req, 0); err != nil {
		return err
	}
	return a.fault("404 Not Found", "NotFound", "404 page not found")
}

// deliver answers the request for an event.
func (a *runtimeAPI) deliver(inv *invocation) error {
	return a.respond("200 OK", inv.payload,
		field{"Lambda-Runtime-Aws-Request-Id", inv.RequestID},
		field{"Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.DeadlineMS, 10)},
		field{"Lambda-Runtime-Invoked-Function-Arn", inv.FunctionARN},
		field{"Lambda-Runtime-Trace-Id", inv.TraceID},
		field{"Lambda-Runtime-Client-Context", inv.ClientContext},
		field{"Lambda-Runtime-Cognito-Identity", inv.CognitoIdentity},
	)
}

// answer takes a response or an error. One in chunks is a stream, if the engine wants
// one, whether or not Lambda-Runtime-Function-Response-Mode says so: AWS's Go library
// streams without. It may still turn into an error by its trailers.
func (a *runtimeAPI) answer(req *request, id string, outcome protocol.Outcome, state string) error {
	streams, err := a.life.begin(id, outcome, req.chunked())
	if err != nil {
		if readErr := a.read(req, 0); readErr != nil {
			return readErr
		}
		return a.refuse(err, state)
	}
	var broken error
	limit := protocol.MaxPayload
	if streams {
		limit = protocol.MaxStream
		broken = a.forward(req, id, limit)
	} else {
		broken = a.read(req, limit)
	}
	res := protocol.Result{Outcome: outcome}
	switch late := req.header[headerErrorType]; {
	case req.large:
		res.Outcome = protocol.ResponseTooLarge
	case outcome == protocol.FunctionError:
		res.ErrorType = errorType(req)
	case late != "" && req.header["transfer-encoding"] != "":
		res.Outcome, res.ErrorType = protocol.FunctionError, late
		if body, err := base64.StdEncoding.DecodeString(req.header[headerErrorBody]); err == nil && len(body) > 0 {
			req.body = body
		}
	}
	if err := a.life.finish(id, res, req, broken); err != nil {
		if broken != nil {
			return broken
		}
		return a.refuse(err, state)
	}
	if res.Outcome == protocol.ResponseTooLarge {
		return a.fault("413 Request Entity Too Large", "RequestEntityTooLarge",
			fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit))
	}
	return a.accept()
}

// forward sends a streamed response on as it comes. The engine takes it at the pace
// of the caller, which is how a slow caller slows the function down. What is too
// large is not read to its end, which may never come.
func (a *runtimeAPI) forward(req *request, id string, limit int) error {
	first := protocol.Chunk{RequestID: id, ContentType: req.header["content-type"]}
	if err := a.life.engine.Chunk(first, nil); err != nil {
		return err
	}
	left := limit
	err := a.stream(req, func(piece []byte) error {
		if left -= len(piece); left < 0 {
			return errTooLarge
		}
		req.streamed += len(piece)
		return a.life.engine.Chunk(protocol.Chunk{RequestID: id}, piece)
	})
	if errors.Is(err, errTooLarge) {
		req.large, req.last = true, true
		return nil
	}
	return err
}

var errTooLarge = errors.New("response too large")

func (a *runtimeAPI) initError(req *request) error {
	if err := a.read(req, protocol.MaxPayload); err != nil {
		return err
	}
	if err := a.life.initError(protocol.InitFailed{ErrorType: errorType(req)}, req.body); err != nil {
		return a.refuse(err, "InitError")
	}
	return a.accept()
}

func errorType(req *request) string {
	if t := req.header[headerErrorType]; t != "" {
		return t
	}
	return "Runtime.Unknown"
}

func (a *runtimeAPI) accept() error {
	return a.respond("202 Accepted", []byte(`{"status":"OK"}`+"\n"))
}

// refuse words an error as AWS's own implementation does.
func (a *runtimeAPI) refuse(err error, state string) error {
	if errors.Is(err, errRequestID) {
		return a.fault("400 Bad Request", "InvalidRequestID", "Invalid request ID")
	}
	return a.fault("403 Forbidden", "InvalidStateTransition",
		fmt.Sprintf("State transition to %s failed for runtime. Error: State transition is not allowed", state))
}

func (a *runtimeAPI) fault(status, kind, message string) error {
	return a.respond(status, fmt.Appendf(nil, `{"errorMessage":%q,"errorType":%q}`+"\n", message, kind))
}
