package engine

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuard(t *testing.T) {
	tests := []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:4574", "", 200},
		{"localhost:4574", "", 200},
		{"[::1]:4574", "", 200},
		{"[::1]", "", 200},
		{"engine:4574", "", 200}, // a service of a Compose file
		{"host.docker.internal:4574", "", 200},
		{"lambda.localhost:4574", "", 200},
		{"evil.example:4574", "", 403}, // DNS rebinding
		{"127.0.0.1.evil.example", "", 403},
		{"127.0.0.1:4574", "http://localhost:3000", 200},
		{"127.0.0.1:4574", "http://127.0.0.1:8080", 200},
		{"127.0.0.1:4574", "https://evil.example", 403},
		{"127.0.0.1:4574", "http://localhost.evil.example", 403},
		{"127.0.0.1:4574", "http://192.168.1.5", 403},
		{"127.0.0.1:4574", "null", 403},
		{"abc.lambda-url.us-east-1.localhost:4574", "https://evil.example", 200}, // reaches its function only
		{"abc.lambda-url.us-east-1.localhost:4574", "null", 200},
		{"abc.lambda-url.us-east-1.evil.example:4574", "", 403},
		{"127.0.0.1:4574", "http://abc.lambda-url.us-east-1.localhost:4574", 403}, // a function's page
		{"abc.lambda-url.us-east-1.localhost:4574", "http://abc.lambda-url.us-east-1.localhost:4574", 200},
		{"lambda-url.us-east-1.localhost:4574", "https://evil.example", 403},
	}
	loopback := engineOn(t, "127.0.0.1:0", authenticateStrict)
	handler := loopback.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "/2015-03-31/functions", nil)
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("Host %q, Origin %q: %d, want %d", tt.host, tt.origin, w.Code, tt.want)
		}
	}
}

// Beyond loopback names are many; where signatures are verified, they need not be known.
func TestGuardBeyondLoopback(t *testing.T) {
	for authentication, want := range map[string]int{authenticateStrict: 200, authenticateAny: 403} {
		handler := engineOn(t, "0.0.0.0:0", authentication).guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest(http.MethodPost, "http://lambda.example/2015-03-31/functions", nil)
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: %d", authentication, w.Code)
		}
		r.Header.Set("Origin", "https://lambda.example")
		w = httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusForbidden {
			t.Errorf("%s: a page got %d", authentication, w.Code)
		}
	}
}

// engineOn is an engine that has got as far as listening.
func engineOn(t *testing.T, addr, authentication string) *Engine {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &Engine{listener: l, config: Config{Authentication: authentication}}
}
