package sandboxtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// sink is the consumer of a stream.
type sink struct {
	contentType string
	text        strings.Builder
	deaf        bool
	size        int
	first       chan struct{} // closed with the first write
}

func newSink() *sink { return &sink{first: make(chan struct{})} }

func (s *sink) Begin(contentType string) { s.contentType += contentType }

func (s *sink) Write(p []byte) (int, error) {
	if s.size == 0 {
		close(s.first)
	}
	s.size += len(p)
	if s.deaf {
		return 0, errors.New("gone")
	}
	if s.size < 1<<20 {
		s.text.Write(p)
	}
	return len(p), nil
}

func to(s *sink) func(*sandbox.Invocation) {
	return func(inv *sandbox.Invocation) { inv.Stream = s }
}

// gated lets the function's request of /gate pass once ch is closed.
func gated(ch <-chan struct{}) func(*sandbox.Spec) {
	return func(spec *sandbox.Spec) {
		spec.Endpoint = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-ch:
			case <-r.Context().Done():
			}
		})
	}
}

var open = func() chan struct{} { ch := make(chan struct{}); close(ch); return ch }()

// streams are responses that the runtime writes piece by piece.
func (s Suite) streams(t *testing.T) {
	node := Node()
	node.Handler = "stream.handler"
	for _, f := range []Function{Go(t), node} {
		t.Run(f.Name, func(t *testing.T) { s.stream(t, f) })
	}
	t.Run("node only", s.nodeStreams)
	t.Run("in one piece", func(t *testing.T) {
		out := newSink()
		res, _ := s.start(t, Python()).invoke(`{"a":1}`, to(out))
		if res.Outcome != sandbox.Success || res.Streamed || !sameJSON(res.Payload, []byte(`{"a":1}`)) || out.size != 0 {
			t.Errorf("outcome %d, streamed %v, payload %s, stream %q", res.Outcome, res.Streamed, res.Payload, &out.text)
		}
	})
}

func (s Suite) stream(t *testing.T, f Function) {
	t.Run("as it comes", func(t *testing.T) {
		out := newSink()
		b := s.start(t, f, gated(out.first)) // "second" is not written before "first" has arrived
		res, _ := b.invoke(`{"op":"stream"}`, to(out))
		if res.Outcome != sandbox.Success || !res.Streamed || len(res.Payload) != 0 || out.text.String() != "first second" {
			t.Errorf("outcome %d, streamed %v, payload %s, stream %q", res.Outcome, res.Streamed, res.Payload, &out.text)
		}
		if out.contentType != "application/octet-stream" {
			t.Errorf("content type %q", out.contentType)
		}
	})
	t.Run("buffered", func(t *testing.T) {
		b := s.start(t, f, gated(open))
		for range 2 {
			res, _ := b.invoke(`{"op":"stream"}`)
			if res.Outcome != sandbox.Success || res.Streamed || string(res.Payload) != "first second" {
				t.Errorf("outcome %d, streamed %v, payload %q", res.Outcome, res.Streamed, res.Payload)
			}
		}
		res, _ := b.invoke(`{"op":"stream","why":"raise"}`)
		if res.Outcome != sandbox.FunctionError || !strings.Contains(string(res.Payload), "no good: today") {
			t.Errorf("outcome %d, payload %q", res.Outcome, res.Payload)
		}
	})
	t.Run("error", func(t *testing.T) {
		b := s.start(t, f, gated(open))
		out := newSink()
		res, _ := b.invoke(`{"op":"stream","why":"raise"}`, to(out))
		var body struct{ ErrorMessage, ErrorType string }
		_ = json.Unmarshal(res.Payload, &body)
		kind := map[string]string{"go": "errorString", "node": "RangeError"}[f.Name]
		if res.Outcome != sandbox.FunctionError || !res.Streamed || body.ErrorMessage != "no good: today" || body.ErrorType != kind || res.ErrorType != kind {
			t.Errorf("outcome %d, streamed %v, type %s, payload %s", res.Outcome, res.Streamed, res.ErrorType, res.Payload)
		}
		again := newSink()
		res, _ = b.invoke(`{"op":"stream"}`, to(again))
		if res.Outcome != sandbox.Success || out.text.String() != "first " || again.text.String() != "first second" {
			t.Errorf("outcome %d, streams %q and %q", res.Outcome, &out.text, &again.text)
		}
	})
	t.Run("consumer gone", func(t *testing.T) {
		b := s.start(t, f, gated(open))
		out := newSink()
		out.deaf = true
		if res, _ := b.invoke(`{"op":"stream"}`, to(out)); res.Outcome != sandbox.Success || out.size != len("first ") {
			t.Errorf("outcome %d after %d bytes", res.Outcome, out.size)
		}
	})
	for why, outcome := range map[string]sandbox.Outcome{"sleep": sandbox.Timeout, "exit": sandbox.Exited} {
		t.Run(why, func(t *testing.T) {
			b := s.start(t, f)
			out := newSink()
			res, _ := b.invoke(fmt.Sprintf(`{"op":"stream","why":%q}`, why), to(out), func(inv *sandbox.Invocation) {
				inv.Deadline = time.Now().Add(time.Second)
			})
			if res.Outcome != outcome || !res.Streamed || out.text.String() != "first " {
				t.Errorf("outcome %d, streamed %v, stream %q", res.Outcome, res.Streamed, &out.text)
			}
			b.dies()
		})
	}
	t.Run("too large", func(t *testing.T) {
		b := s.start(t, f)
		out := newSink()
		res, _ := b.invoke(`{"op":"stream","why":"large"}`, to(out))
		if const200 := 200 << 20; res.Outcome != sandbox.ResponseTooLarge || !res.Streamed || out.size > const200 || out.size < const200-1<<20 {
			t.Errorf("outcome %d after %d bytes", res.Outcome, out.size)
		}
		b.dies()
	})
}

// nodeStreams are the ways of AWS's streamifyResponse.
func (s Suite) nodeStreams(t *testing.T) {
	type want struct {
		handler, event    string
		contentType, text string
		outcome           sandbox.Outcome
		kind              string // of the error
	}
	const octets = "application/octet-stream"
	for _, tc := range []want{
		{"http", `{"statusCode":201,"headers":{"a":"b"},"body":"x"}`, "application/vnd.awslambda.http-integration-response", "{\"statusCode\":201,\"headers\":{\"a\":\"b\"},\"body\":\"x\"}\x00\x00\x00\x00\x00\x00\x00\x00x", 0, ""},
		{"http", `{"statusCode":204}`, "application/vnd.awslambda.http-integration-response", "", 0, ""}, // nothing written, no metadata
		{"typed", `{}`, "text/event-stream", `{"an":"object"}`, 0, ""},
		{"silent", `{}`, octets, "", sandbox.FunctionError, "TypeError"},
		{"sync", `{}`, octets, "", sandbox.FunctionError, "string"},
	} {
		t.Run(tc.handler, func(t *testing.T) {
			f := Node()
			f.Handler = "stream." + tc.handler
			b := s.start(t, f)
			for range 2 {
				out := newSink()
				res, id := b.invoke(tc.event, to(out))
				if res.Outcome != tc.outcome || res.ErrorType != tc.kind || out.contentType != tc.contentType || out.text.String() != tc.text {
					t.Errorf("outcome %d, type %q, content type %q, stream %q, payload %s (log %q)", res.Outcome, res.ErrorType, out.contentType, &out.text, res.Payload, b.lines.Of(id))
				}
			}
		})
	}
	t.Run("without an end", func(t *testing.T) { // which is waited for
		f := Node()
		f.Handler = "stream.handler"
		b := s.start(t, f)
		out := newSink()
		res, _ := b.invoke(`{"why":"unfinished"}`, to(out), func(inv *sandbox.Invocation) { inv.Deadline = time.Now().Add(time.Second) })
		if res.Outcome != sandbox.Timeout || out.text.String() != "first " {
			t.Errorf("outcome %d, stream %q", res.Outcome, &out.text)
		}
	})
	t.Run("work after the end", func(t *testing.T) {
		f := Node()
		f.Handler = "stream.handler"
		gate := make(chan struct{})
		b := s.start(t, f, gated(gate))
		out := newSink()
		res, id := b.invoke(`{"why":"early"}`, to(out)) // is answered while the handler waits for the gate
		if res.Outcome != sandbox.Success || out.text.String() != "first "+id {
			t.Errorf("outcome %d, stream %q", res.Outcome, &out.text)
		}
		close(gate)
		again := newSink()
		if res, _ := b.invoke(`{}`, to(again)); res.Outcome != sandbox.Success || again.text.String() != "first second" {
			t.Errorf("outcome %d, stream %q", res.Outcome, &again.text)
		}
	})
}
