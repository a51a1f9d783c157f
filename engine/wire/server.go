package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Header names.
const (
	targetHeader    = "X-Amz-Target"
	requestIDHeader = "x-amzn-RequestId"
	errorTypeHeader = "x-amzn-ErrorType"
)

// ServerConfig says for whom unsigned requests are, who else there is, and where errors are logged.
type ServerConfig struct {
	Account     string                // default 000000000000
	Region      string                // default us-east-1
	Credentials map[string]Credential // by access key
	Strict      bool                  // serve only what one of Credentials has signed
	Now         func() time.Time      // default time.Now
	Logger      *slog.Logger          // default none
	// Elsewhere returns what serves a service, by signing name, that is not here or not to
	// be served here, else nil. Requests for it come as they were sent, with a [Caller].
	Elsewhere func(service string) http.Handler
}

// Server serves AWS APIs, all on one port. It must see the path as the client
// sent it: no http.ServeMux in front, which would clean it.
type Server struct {
	config   ServerConfig
	services []*Service
}

// NewServer returns a server of those services.
func NewServer(config ServerConfig, services ...*Service) *Server {
	if config.Account == "" {
		config.Account = "000000000000"
	}
	if config.Region == "" {
		config.Region = "us-east-1"
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{config: config, services: services}
}

// Serves tells whether a service is here, by the name that requests to it are signed for.
func (s *Server) Serves(service string) bool {
	return slices.ContainsFunc(s.services, func(svc *Service) bool { return svc.model.Metadata.SigningName == service })
}

// exchange is what an error needs to find its way back to the client.
type exchange struct {
	service *Service // nil when the request named none
	log     *slog.Logger
}

type exchangeKey struct{}

// ServeHTTP routes a request to its operation and writes the answer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, sig, refused := s.authenticate(r)
	rw := &response{ResponseWriter: w}
	rw.Header().Set(requestIDHeader, caller.RequestID)
	log := s.config.Logger
	if name, elsewhere := s.elsewhere(r, sig); elsewhere != nil {
		r = r.WithContext(WithCaller(r.Context(), caller))
		if refused == nil {
			refused = s.permitsElsewhere(caller, sig, name)
		}
		if refused != nil {
			rw.fail(r, refused)
			return
		}
		elsewhere.ServeHTTP(rw, r)
		return
	}
	inflate(r)
	svc, op, labels := s.find(r, sig.service)
	if op != nil {
		caller.Action = svc.model.Metadata.SigningName + ":" + op.name
	}
	ctx := WithCaller(r.Context(), caller)
	r = r.WithContext(context.WithValue(ctx, exchangeKey{}, exchange{svc, log}))

	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		log.Error("panic in a handler", "request", caller.RequestID, "panic", p, "stack", string(debug.Stack()))
		rw.fail(r, fmt.Errorf("panic: %v", p))
	}()
	if refused == nil {
		refused = s.permits(caller, sig, svc, op)
	}
	if refused != nil {
		rw.fail(r, refused)
		return
	}
	if op == nil {
		rw.fail(r, unknownOperation(r))
		return
	}
	defer func() {
		if log.Enabled(ctx, slog.LevelDebug) {
			log.Debug("served", "service", svc.model.Name, "operation", op.name, "status", cmp.Or(rw.status, http.StatusOK),
				"account", caller.Account, "request", caller.RequestID, "client", r.UserAgent())
		}
	}()
	if err := op.serve(rw, r, labels); err != nil {
		rw.fail(r, err)
	}
}

// find picks the service by target, by signature or by path, and asks it for the operation.
func (s *Server) find(r *http.Request, signedFor string) (*Service, *operation, []string) {
	if target := r.Header.Get(targetHeader); target != "" {
		for _, svc := range s.services {
			if p := svc.model.Metadata.TargetPrefix; p != "" && strings.HasPrefix(target, p+".") {
				op, labels := svc.protocolOf(r).find(r)
				return svc, op, labels
			}
		}
		return nil, nil, nil
	}
	for _, svc := range s.services {
		if signedFor != "" && svc.model.Metadata.SigningName == signedFor {
			op, labels := svc.protocolOf(r).find(r)
			return svc, op, labels
		}
	}
	for _, svc := range s.services {
		if op, labels := svc.protocolOf(r).find(r); op != nil {
			return svc, op, labels
		}
	}
	return nil, nil, nil
}

func unknownOperation(r *http.Request) *Error {
	asked := r.Method + " " + r.URL.EscapedPath()
	if target := r.Header.Get(targetHeader); target != "" {
		asked = target
	} else if isForm(r) {
		asked = r.FormValue("Action")
	}
	return &Error{
		Code: "UnknownOperationException", Status: http.StatusNotFound,
		Message: fmt.Sprintf("The engine serves no operation %q.", asked),
	}
}

// WriteError answers err as an API error of the service that r was sent to.
// Handlers return their errors; this is for code that answers beside them.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	ex, _ := r.Context().Value(exchangeKey{}).(exchange)
	f := ex.service.faultOf(err)
	if f.cause != nil && ex.log != nil && r.Context().Err() == nil {
		ex.log.Error("request failed", "request", CallerFrom(r.Context()).RequestID, "method", r.Method, "path", r.URL.Path, "target", r.Header.Get(targetHeader), "error", f.cause)
	}
	switch {
	case ex.service != nil:
		ex.service.protocolOf(r).fail(w, f)
	case r.Header.Get(targetHeader) != "":
		newAWSJSON(nil).fail(w, f)
	default:
		(&restJSON{}).fail(w, f)
	}
}

// response remembers whether the answer has begun, and how.
type response struct {
	http.ResponseWriter
	begun  bool
	status int // 0 when the handler left it at 200
}

func (w *response) WriteHeader(status int) {
	w.begun, w.status = true, status
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Flush sends what has been written so far.
func (w *response) Flush() {
	w.begun = true
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a writer that cannot flush sends later
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) fail(r *http.Request, err error) {
	if w.begun {
		if ex, _ := r.Context().Value(exchangeKey{}).(exchange); ex.log != nil && r.Context().Err() == nil {
			ex.log.Error("request failed after its answer had begun", "request", CallerFrom(r.Context()).RequestID, "path", r.URL.Path, "error", err)
		}
		return
	}
	WriteError(w, r, err)
}
