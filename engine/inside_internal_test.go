package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
)

func request(ctx context.Context, t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestInsideStreams reads an answer while its handler goes on.
func TestInsideStreams(t *testing.T) {
	for name, leave := range map[string]func(*http.Response, context.CancelFunc){
		"close":  func(r *http.Response, _ context.CancelFunc) { _ = r.Body.Close() },
		"cancel": func(_ *http.Response, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			next := make(chan struct{})
			client := inside{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X", "y")
				w.WriteHeader(http.StatusAccepted)
				_, _ = w.Write([]byte("one"))
				_ = http.NewResponseController(w).Flush()
				w.Header().Set("X", "late")
				<-next
				_, _ = w.Write([]byte("two"))
				<-r.Context().Done()
				_, err := w.Write([]byte("nobody reads this"))
				ended <- err
			})}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			response, err := client.Do(request(ctx, t))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusAccepted || response.Header.Get("X") != "y" || response.ContentLength != -1 {
				t.Errorf("head: %d, %v, %d", response.StatusCode, response.Header, response.ContentLength)
			}
			b := make([]byte, 3)
			for _, want := range []string{"one", "two"} {
				if _, err := io.ReadFull(response.Body, b); err != nil || string(b) != want {
					t.Fatalf("read %q, %v", b, err)
				}
				if want == "one" {
					close(next)
				}
			}
			leave(response, cancel)
			if err := <-ended; err == nil {
				t.Error("the handler could go on writing")
			}
		})
	}
}

func TestInsideEnds(t *testing.T) {
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		body    string
		length  int64
		refused bool // by Do
		broken  bool // while it is read
	}{
		"kept":            {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("all")) }, "all", 3, false, false},
		"streamed":        {func(w http.ResponseWriter, _ *http.Request) { flush(w); _, _ = w.Write([]byte("all")) }, "all", -1, false, false},
		"aborted":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", 0, true, false},
		"aborted halfway": {func(w http.ResponseWriter, _ *http.Request) { flush(w); panic(http.ErrAbortHandler) }, "", -1, false, true},
	} {
		response, err := inside{tt.handler}.Do(request(t.Context(), t))
		if tt.refused || err != nil {
			if !tt.refused || !errors.Is(err, http.ErrAbortHandler) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		body, err := io.ReadAll(response.Body)
		if string(body) != tt.body || response.ContentLength != tt.length || (err != nil) != tt.broken {
			t.Errorf("%s: %q, %d, %v", name, body, response.ContentLength, err)
		}
		_ = response.Body.Close()
	}
}
