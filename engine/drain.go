package engine

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
)

// drain lets the requests that an engine has begun end, and takes no others.
type drain struct {
	mu      sync.Mutex
	begun   int
	closing bool
	empty   chan struct{} // closed once closing, with nothing begun
}

func newDrain() *drain { return &drain{empty: make(chan struct{})} }

// enter counts a request, unless it comes too late.
func (d *drain) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return false
	}
	d.begun++
	return true
}

func (d *drain) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun--; d.begun == 0 && d.closing {
		close(d.empty)
	}
}

// close takes no more requests and waits for those that have begun.
func (d *drain) close(ctx context.Context) {
	d.mu.Lock()
	if !d.closing && d.begun == 0 {
		close(d.empty)
	}
	d.closing = true
	d.mu.Unlock()
	select {
	case <-d.empty:
	case <-ctx.Done():
	}
}

// drained serves what comes in time, and refuses the rest in a way that clients take for
// a reason to try again soon. The engine keeps its address until it has ended, so
// that whoever wants to start the next one knows what to wait for.
func (e *Engine) drained(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.drain.enter() {
			defer e.drain.leave()
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		if r.URL.Path == daemon.HealthPath {
			health := e.health()
			health.Stopping = true
			writeJSON(w, http.StatusServiceUnavailable, health)
			return
		}
		w.Header().Set("Retry-After", "1")
		if strings.HasPrefix(r.URL.Path, "/_engine/") {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"message": "The engine is stopping."})
			return
		}
		w.Header().Set("x-amzn-ErrorType", "ServiceUnavailableException")
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"__type": "ServiceUnavailableException", "Type": "Service", "message": "The engine is stopping."})
	})
}

func (e *Engine) health() daemon.Health {
	return daemon.Health{
		Version: e.config.Version, PID: os.Getpid(), Driver: e.driver.Name(), DataDir: e.config.DataDir,
		Authentication: e.config.Authentication, IssuedKey: e.issued,
	}
}
