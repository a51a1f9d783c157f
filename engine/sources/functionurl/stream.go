package functionurl

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
)

// withPrelude is the content type of streams that begin with their status, headers
// and cookies in JSON, and eight zero bytes.
const withPrelude = "application/vnd.awslambda.http-integration-response"

var preludeEnd = make([]byte, 8)

const maxPrelude = 1 << 20

// slowest is how long after a function's deadline its caller may still be reading.
const slowest = 5 * time.Second

// stream answers while the function runs.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, c cors, request invoke.Request, f catalog.Function) {
	out := &stream{w: w, cors: c}
	request.Stream = out
	response, err := s.Invoker.Invoke(r.Context(), request)
	out.limit(time.Now())
	switch {
	case err == nil && response.FunctionError != "":
		err = fmt.Errorf("the function failed: %s", response.Payload)
	case err == nil && !response.Streamed:
		out.Begin(invoke.Head{ContentType: "application/json", Deadline: time.Now()})
		_, _ = out.Write(response.Payload)
		return
	case err == nil && !out.begun && len(out.prelude) > 0:
		err = errors.New("the function ended its response within the prelude: " + string(out.prelude))
	case err == nil && out.bad != nil:
		err = out.bad
	case err == nil && !out.begun && !out.reading: // all of it is empty
		out.begin(answer{status: http.StatusOK})
	}
	switch {
	case err != nil && out.begun: // the caller learns by a response without an end
		s.Log.Warn("function URL", "function", f.Name, "err", err)
		panic(http.ErrAbortHandler)
	case err != nil:
		s.fail(w, f, err)
	}
}

// stream is an invoke.Stream that writes an HTTP response.
type stream struct {
	w       http.ResponseWriter
	cors    cors
	reading bool   // the prelude has not ended yet
	prelude []byte // as far as it has come
	begun   bool   // the response has a status
	bad     error  // why the prelude is none
}

func (s *stream) Begin(h invoke.Head) {
	s.limit(h.Deadline)
	if s.reading = h.ContentType == withPrelude; s.reading {
		return
	}
	// The caller has nothing before the first byte: the function may fail without one.
	a := answer{status: http.StatusOK}
	a.headers(s.w, s.cors)
	if h.ContentType != "" {
		s.w.Header().Set("Content-Type", h.ContentType)
	}
}

func (s *stream) begin(a answer) {
	s.begun = true
	s.w.WriteHeader(a.status)
	_ = http.NewResponseController(s.w).Flush()
}

func (s *stream) Write(piece []byte) (int, error) {
	size := len(piece)
	if s.reading {
		s.prelude = append(s.prelude, piece...)
		head, rest, ok := bytes.Cut(s.prelude, preludeEnd)
		if !ok {
			if len(s.prelude) > maxPrelude {
				return 0, s.spoil(fmt.Errorf("the prelude of the response is over %d bytes", maxPrelude))
			}
			return size, nil
		}
		var a answer
		if err := a.decode(head); err != nil {
			return 0, s.spoil(err)
		}
		s.reading = false
		a.headers(s.w, s.cors)
		s.begin(a)
		piece = rest
	}
	if !s.begun {
		s.begin(answer{status: http.StatusOK})
	}
	if len(piece) > 0 {
		if _, err := s.w.Write(piece); err != nil {
			return 0, err
		}
		if err := http.NewResponseController(s.w).Flush(); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// spoil ends the stream before it has begun for the caller.
func (s *stream) spoil(err error) error {
	s.bad, s.prelude = err, nil
	return err
}

// limit drops a caller that has not taken what it is sent soon after t.
func (s *stream) limit(t time.Time) {
	_ = http.NewResponseController(s.w).SetWriteDeadline(t.Add(slowest))
}
