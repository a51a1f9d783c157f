package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// inside is the HTTP client of the engine's own callers: it needs no connection.
type inside struct{ http.Handler }

// Do has the handler answer a request. An answer that the handler flushes is read while
// it is being written: its handler ends when the body is closed, or with the request.
func (i inside) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	caller := r.Context()
	ctx, cancel := context.WithCancel(caller)
	r = r.WithContext(ctx)
	if r.Host == "" { // as a server has it
		r.Host = r.URL.Host
	}
	a := &answer{header: http.Header{}, status: http.StatusOK, flushed: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		defer a.finish()
		i.ServeHTTP(a, r)
	}()
	response := &http.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r}
	select {
	case <-a.flushed:
		response.Header, response.ContentLength = a.sent, -1
		response.Body = &streamed{Reader: io.MultiReader(&a.body, a.reader), pipe: a.reader, cancel: cancel, done: a.done}
		context.AfterFunc(ctx, func() { _ = a.reader.CloseWithError(context.Canceled) }) // nobody reads what the handler may be writing
	case <-a.done:
		cancel()
		response.Header, response.ContentLength = a.header, int64(a.body.Len())
		response.Body = io.NopCloser(&a.body)
	}
	response.StatusCode, response.Status = a.status, http.StatusText(a.status)
	err := caller.Err()
	if err == nil {
		err = a.aborted
	}
	if err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

// answer is what a handler writes. Until it flushes, that is kept; from then on the
// handler waits for the reader.
type answer struct {
	header  http.Header
	status  int
	body    bytes.Buffer // what was written before the first flush
	aborted error

	flushed chan struct{} // closed at the first flush
	sent    http.Header
	reader  *io.PipeReader
	writer  *io.PipeWriter // nil before
	done    chan struct{}  // closed when the handler has returned
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.writer == nil {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	if a.writer != nil {
		return a.writer.Write(b)
	}
	return a.body.Write(b)
}

// Flush hands the answer to the reader.
func (a *answer) Flush() {
	if a.writer == nil {
		a.sent = a.header.Clone()
		a.reader, a.writer = io.Pipe()
		close(a.flushed)
	}
}

// finish ends the answer when the handler returns, or gives it up by a panic.
func (a *answer) finish() {
	p := recover()
	var aborted error
	if p != nil {
		err, ok := p.(error)
		if !ok || !errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		aborted = err
	}
	if a.writer == nil {
		a.aborted = aborted
		return
	}
	_ = a.writer.CloseWithError(aborted) // nil: the end
}

// streamed is the body of an answer that is being written.
type streamed struct {
	io.Reader
	pipe   *io.PipeReader
	cancel context.CancelFunc
	done   <-chan struct{}
}

// Close ends the handler, and waits until it has.
func (s *streamed) Close() error {
	s.cancel()
	_ = s.pipe.Close()
	<-s.done
	return nil
}
