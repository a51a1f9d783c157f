package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The generator reads every way in which peers send a body, keeps the connection
// where it may, and takes nothing for an answer but the event.
func TestClientReadsResponses(t *testing.T) {
	tests := map[string]struct {
		answer func(w http.ResponseWriter)
		fails  string
		closes bool
	}{
		"length":         {answer: func(w http.ResponseWriter) { _, _ = w.Write([]byte(event)) }},
		"spaces":         {answer: func(w http.ResponseWriter) { _, _ = w.Write([]byte("{\"hello\": \"world\"}\n")) }},
		"chunks":         {answer: func(w http.ResponseWriter) { w.(http.Flusher).Flush(); _, _ = w.Write([]byte(event)) }},
		"closed":         {answer: func(w http.ResponseWriter) { w.Header().Set("Connection", "close"); _, _ = w.Write([]byte(event)) }, closes: true},
		"another body":   {answer: func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"hello":"word"}`)) }, fails: `answers 200: {"hello":"word"}`},
		"nothing":        {answer: func(http.ResponseWriter) {}, fails: "answers 200"},
		"another status": {answer: func(w http.ResponseWriter) { w.WriteHeader(502); _, _ = w.Write([]byte(event)) }, fails: "answers 502"},
		"a function error": {answer: func(w http.ResponseWriter) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = w.Write([]byte(event))
		}, fails: "answers -200"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/invocations" || r.ContentLength != int64(len(event)) {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				test.answer(w)
			}))
			defer server.Close()
			c, err := newClient(server.URL + "/invocations")
			if err != nil {
				t.Fatal(err)
			}
			defer c.hangUp()
			for range 3 { // over one connection, where it is kept
				err := c.call()
				if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
					t.Fatalf("call: %v, want an error with %q", err, test.fails)
				}
				if closed := c.conn == nil; closed != test.closes {
					t.Fatalf("connection closed: %t, want %t", closed, test.closes)
				}
			}
		})
	}
}

// Serial clients never call at the same time; others do.
func TestLoadTakesTurns(t *testing.T) {
	for _, serial := range []bool{true, false} {
		inside := make(chan struct{}, 8)
		overlapped := make(chan struct{}, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			inside <- struct{}{}
			if len(inside) > 1 {
				select {
				case overlapped <- struct{}{}:
				default:
				}
			}
			time.Sleep(2 * time.Millisecond) // a function that takes its time
			<-inside
			_, _ = w.Write([]byte(event))
		}))
		l, err := newLoad(server.URL, 8, serial)
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.run(t.Context(), 100*time.Millisecond)
		l.close()
		server.Close()
		if err != nil || f.calls < 8 || f.p50 < 2*time.Millisecond || f.p99 < f.p50 {
			t.Fatalf("serial %t: %+v, %v", serial, f, err)
		}
		if overlap := len(overlapped) > 0; overlap == serial {
			t.Errorf("serial %t: overlapping calls: %t", serial, overlap)
		}
	}
}

func TestReportOfNothing(t *testing.T) {
	b := &bench{options: options{}, busy: []float64{0}}
	if err := b.report("", nil, nil); err != nil {
		t.Fatal(err)
	}
}
