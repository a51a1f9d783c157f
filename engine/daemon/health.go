package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// DefaultEndpoint is where an engine listens unless it is told otherwise.
const DefaultEndpoint = "http://127.0.0.1:4574"

// HealthPath is what an engine answers with its [Health] once it serves.
const HealthPath = "/_engine/health"

// Health is what an engine says of itself.
type Health struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
	Driver  string `json:"driver"`
	DataDir string `json:"data_dir"`

	Authentication string `json:"authentication,omitempty"` // any or strict
	IssuedKey      bool   `json:"issued_key,omitempty"`     // sign with the key in the data directory
	Stopping       bool   `json:"stopping,omitempty"`       // it takes no more requests
}

// ErrNotRunning means that nothing listens at the endpoint.
var ErrNotRunning = errors.New("no engine is running")

// probeTimeout bounds one question to an endpoint that may not be an engine.
const probeTimeout = 3 * time.Second

// probeAttempts bounds how often a connection that breaks is tried again.
const probeAttempts = 10

// Probe asks the engine at endpoint for its health. The error wraps
// [ErrNotRunning] if nothing listens there, and says so if something else does.
func Probe(ctx context.Context, endpoint string) (*Health, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		h, err := ask(ctx, endpoint)
		// An engine that is just dying still accepts a connection, and resets it.
		broken := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
		if !broken || attempt == probeAttempts {
			return h, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pollInterval):
		}
	}
}

func ask(ctx context.Context, endpoint string) (*Health, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+HealthPath, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the engine at %s: %w", endpoint, err)
	}
	// A transport of its own: no proxy stands between us and this machine, and
	// no idle connection is left behind.
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return nil, fmt.Errorf("%w at %s (%w)", ErrNotRunning, endpoint, dial.Err)
	case err != nil:
		return nil, fmt.Errorf("what listens at %s did not answer as an engine does: %w", endpoint, err)
	}
	defer resp.Body.Close()
	var h Health
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the engine's answer: %w", err)
	}
	answers := resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusServiceUnavailable
	if !answers || json.Unmarshal(body, &h) != nil || h.DataDir == "" && h.Version == "" || h.PID == 0 {
		return nil, fmt.Errorf("what listens at %s is not an engine: it answered %s with status %d. Stop it, or choose another port (engine.endpoint in the provider, --listen on the command line)",
			endpoint, HealthPath, resp.StatusCode)
	}
	return &h, nil
}

// listenAddress returns the host:port of endpoint, which must be on this machine: on
// loopback, or all of its addresses.
func listenAddress(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("engine endpoint %q: %w", endpoint, err)
	}
	if u.Scheme != "http" || u.Port() == "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("engine endpoint %q: must have the form http://HOST:PORT", endpoint)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback() && !ip.IsUnspecified()) {
		return "", fmt.Errorf("engine endpoint %q: only an engine on this machine can be started from here", endpoint)
	}
	return u.Host, nil
}
