// Package functionurl serves the HTTP addresses of functions (spec api §E.7).
//
// A function URL is http://<id>.lambda-url.<region>.localhost:<port>/, with AWS's
// own labels; names below localhost lead to this machine by themselves in browsers,
// curl and most resolvers. For clients without, the same is at
// /_engine/url/<id>/ on the engine's own address.
//
//	server.go    who is called, and whether the caller may
//	event.go     the request as the function sees it: payload format 2.0
//	response.go  what the function returns as an HTTP response
//	stream.go    the same, while the function writes it
//	cors.go      answers to browsers
package functionurl

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// maxEvent is the limit of an event in bytes, as for Invoke.
const maxEvent = 6291456

// Server serves all function URLs. All fields are required.
type Server struct {
	Catalog      *catalog.Catalog
	Invoker      *invoke.Invoker
	Authenticate func(*http.Request) (wire.Caller, error) // who has signed a request
	Log          *slog.Logger
}

// Path is where the URLs are on hosts that are not their own.
const Path = "/_engine/url/"

// label follows the id in the host name of a function URL.
const label = "lambda-url"

// URL returns the address of the URL with an id on an engine that listens at addr.
func URL(id, region string, addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return fmt.Sprintf("http://%s/", net.JoinHostPort(domain(id, region), port))
}

func domain(id, region string) string { return id + "." + label + "." + region + ".localhost" }

// Addresses tells whether a request is for a function URL, and for nothing else
// that the engine serves.
func Addresses(r *http.Request) bool {
	_, _, ok := split(r)
	return ok
}

// split returns the id and the path that a request asks for.
func split(r *http.Request) (id, path string, ok bool) {
	if id, ok := hostID(r.Host); ok {
		return id, r.URL.EscapedPath(), true
	}
	if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), Path); ok {
		id, path, _ := strings.Cut(rest, "/")
		return id, "/" + path, true
	}
	return "", "", false
}

// OwnHost tells whether a host, with or without a port, is that of a function URL.
func OwnHost(host string) bool {
	_, ok := hostID(host)
	return ok
}

func hostID(hostport string) (id string, ok bool) {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	if len(labels) != 4 || labels[1] != label || labels[3] != "localhost" {
		return "", false
	}
	return labels[0], true
}

// ServeHTTP answers a request that Addresses a function URL.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, path, _ := split(r)
	requestID := uuid.NewString()
	w.Header().Set("x-amzn-RequestId", requestID)
	f, u, ok := s.Catalog.FindURL(id)
	if !ok {
		refuse(w, http.StatusForbidden, "AccessDeniedException", nil)
		return
	}
	cors := corsOf(u, r)
	cors.headers(w.Header()) // of errors too, for a page to see them
	if cors.preflight(w) {
		return
	}
	caller, err := s.authorize(r, f, u)
	if err != nil {
		s.Log.Info("function URL refuses a call", "function", f.Name, "err", err)
		message := forbidden
		refuse(w, http.StatusForbidden, "AccessDeniedException", &message)
		return
	}
	request := invoke.Request{Ref: f.Ref().With(u.Qualifier), RequestID: requestID, TraceID: traceOf(r)}
	w.Header().Set("X-Amzn-Trace-Id", request.TraceID)
	if request.Payload, err = event(r, path, f, u, request, caller); err != nil {
		s.fail(w, f, err)
		return
	}
	if u.Streams() {
		s.stream(w, r, cors, request, f)
		return
	}
	response, err := s.Invoker.Invoke(r.Context(), request)
	if err != nil {
		s.fail(w, f, err)
		return
	}
	a, err := answerOf(response)
	if err != nil {
		s.fail(w, f, err)
		return
	}
	a.headers(w, cors)
	a.write(w)
}

// forbidden is AWS's text for a caller whom the policy does not let through.
const forbidden = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

// authorize tells who calls, or why they may not: with NONE the policy decides about
// everybody, with AWS_IAM about those of other accounts, and all have to sign.
func (s *Server) authorize(r *http.Request, f catalog.Function, u catalog.URL) (caller wire.Caller, err error) {
	if u.AuthType == types.FunctionUrlAuthTypeAwsIam {
		if caller, err = s.Authenticate(r); err != nil {
			return caller, err
		}
		if caller.AccessKeyID == "" {
			return caller, errors.New("the request is not signed")
		}
	}
	err = f.Authorize(u.Qualifier, catalog.Access{
		Caller: catalog.Caller(caller.Identity), Action: catalog.InvokeURLAction, FunctionURLAuthType: string(u.AuthType),
	})
	var denied *catalog.Denied
	if errors.As(err, &denied) {
		return caller, fmt.Errorf("%w: %s", err, strings.Join(denied.Reasons, "; "))
	}
	return caller, err
}

// fail answers a call that has come to nothing. What the function did wrong is no
// more of the caller's business than on AWS, but its owner's.
func (s *Server) fail(w http.ResponseWriter, f catalog.Function, err error) {
	var throttled *types.TooManyRequestsException
	var own *wire.Error
	switch {
	case errors.As(err, &throttled):
		w.Header().Set("Retry-After", *throttled.RetryAfterSeconds)
		refuse(w, http.StatusTooManyRequests, throttled.ErrorCode(), throttled.Message)
	case errors.As(err, &own):
		refuse(w, own.Status, own.Code, &own.Message)
	default:
		s.Log.Warn("function URL", "function", f.Name, "err", err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("Internal Server Error"))
	}
}

// refuse answers in the words of AWS, which has none for a URL that does not exist.
func refuse(w http.ResponseWriter, status int, code string, message *string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-amzn-ErrorType", code)
	w.WriteHeader(status)
	body, _ := json.Marshal(struct{ Message *string }{message})
	_, _ = w.Write(body)
}
