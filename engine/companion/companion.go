// Package companion runs a server of somebody else's beside the engine, as a container
// of its own: DynamoDB Local, which AWS publishes as an image.
//
//	companion.go  what there is, its life: start, watch, close
//	container.go  the container: image, create, stop, remove
//
// A companion is restarted when it dies or does not answer any more. It keeps its data in
// a directory of this machine, and its address for as long as the engine lives. What a
// killed engine has left is stopped, not killed, at the next start: it may have something
// to write.
package companion

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/docker/docker/client"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
)

// Kind is a server that can be a companion.
type Kind struct {
	Service string   // that it serves, as in the engine's services
	Image   string   // by default
	StandIn string   // local image with the same contract, for machines that reach no registry
	Command []string // arguments of the image's entry point
	Env     []string
	Port    int    // that it listens on, in the container
	Data    string // where it keeps its data, in the container
	Memory  int64  // bytes that it may use
}

// DynamoDB is DynamoDB Local, which has tables by access key and region.
var DynamoDB = Kind{
	Service: "dynamodb",
	Image:   "amazon/dynamodb-local:latest",
	StandIn: "lambdaform/dynamodb:latest",
	Command: []string{"-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-dbPath", "/data", "-port", "8000"},
	Env:     []string{"DDB_LOCAL_TELEMETRY=0"},
	Port:    8000,
	Data:    "/data",
	Memory:  1 << 30,
}

// Options of a companion. Image may be empty.
type Options struct {
	Kind   Kind
	Image  string       // instead of the kind's
	Dir    string       // its data on this machine; created. One companion at a time
	Logger *slog.Logger // nil is slog.Default
}

// Status is how a companion is.
type Status struct {
	Service   string `json:"service"`
	Endpoint  string `json:"endpoint"`
	Image     string `json:"image"`
	Container string `json:"container"` // id, short; empty between two
	Serves    bool   `json:"serves"`
	Restarts  int    `json:"restarts"`
}

// Companion is a running companion. It must be closed.
type Companion struct {
	options Options
	client  *client.Client
	logger  *slog.Logger
	user    string
	port    int
	http    *http.Client
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex
	status Status
	id     string // of the container
}

// How a companion is watched.
const (
	patience   = time.Minute      // until it serves
	pulse      = 5 * time.Second  // between two looks at it
	misses     = 3                // looks in a row without an answer, until it is restarted
	firstPause = time.Second / 2  // before a restart; doubles
	lastPause  = 30 * time.Second // at most
	steady     = time.Minute      // after which the pause is the first one again
)

// Start starts a companion, and removes one that a dead engine has left. It returns once
// it serves. The first start may pull the image, which the log says.
func Start(ctx context.Context, o Options) (*Companion, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	fail := func(err error) error {
		return fmt.Errorf("run %s beside the engine: %w. Without it, name one that runs elsewhere: services { %s = \"http://127.0.0.1:%d\" }", o.Kind.Service, err, o.Kind.Service, o.Kind.Port)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fail(err)
	}
	o.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fail(fmt.Errorf("make its directory: %w", err))
	}
	cli, err := docker.Connect(ctx)
	if err != nil {
		return nil, fail(err)
	}
	c := &Companion{
		options: o, client: cli, logger: o.Logger.With("companion", o.Kind.Service), done: make(chan struct{}),
		http: &http.Client{Timeout: pulse, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(fail(err), c.remove(context.WithoutCancel(ctx)), cli.Close())
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	go c.watch(watching)
	return c, nil
}

func (c *Companion) open(ctx context.Context) error {
	if err := c.sweep(ctx); err != nil {
		return err
	}
	image, err := c.findImage(ctx)
	if err != nil {
		return err
	}
	if c.user, err = c.findUser(ctx); err != nil {
		return err
	}
	c.status = Status{Service: c.options.Kind.Service, Image: image}
	err = c.first(ctx)
	if err != nil && c.user != root {
		// An image may let nobody but its own user and root at its files.
		c.logger.Warn("the companion does not run as this user: running it as root in its container", "user", c.user, "error", err)
		c.user = root
		err = errors.Join(c.remove(ctx), c.first(ctx))
	}
	return err
}

// first launches the companion on a port that is free.
func (c *Companion) first(ctx context.Context) (err error) {
	for attempt := 1; ; attempt++ { // somebody else may take the port before the container does
		if c.port, err = freePort(); err != nil {
			return err
		}
		err = c.launch(ctx)
		if err == nil || !portTaken(err) || attempt == 5 {
			return err
		}
	}
}

// Endpoint is where the companion answers.
func (c *Companion) Endpoint() string { return fmt.Sprintf("http://127.0.0.1:%d", c.port) }

// Status tells how the companion is.
func (c *Companion) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Endpoint = c.Endpoint()
	s.Container = c.id[:min(len(c.id), 12)]
	return s
}

// Close stops the companion and removes its container. Its data stays.
func (c *Companion) Close(ctx context.Context) error {
	c.cancel()
	<-c.done
	c.http.CloseIdleConnections()
	return errors.Join(c.remove(ctx), c.client.Close())
}

// launch runs a container and waits until it serves.
func (c *Companion) launch(ctx context.Context) error {
	if err := c.create(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it does not answer after %v", patience))
	defer cancel()
	ended := c.wait(ctx)
	for look := time.NewTicker(50 * time.Millisecond); ; {
		if c.answers(ctx) {
			look.Stop()
			c.set(func(s *Status) { s.Serves = true })
			return nil
		}
		select {
		case <-ended:
			look.Stop()
			return fmt.Errorf("it has ended: %s", c.lastWords(context.WithoutCancel(ctx)))
		case <-ctx.Done():
			look.Stop()
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}

// answers tells whether the companion speaks HTTP: what it says does not matter.
func (c *Companion) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Endpoint()+"/", nil)
	if err != nil {
		return false
	}
	response, err := c.http.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return true
}

// watch restarts the companion for as long as it is not closed.
func (c *Companion) watch(ctx context.Context) {
	defer close(c.done)
	pause := firstPause
	for {
		began := time.Now()
		why := c.ends(ctx)
		if ctx.Err() != nil {
			return
		}
		c.set(func(s *Status) { s.Serves = false; s.Restarts++ })
		if time.Since(began) > steady {
			pause = firstPause
		}
		c.logger.Warn("the companion is restarted", "reason", why, "after", pause)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
			err := c.remove(ctx)
			if err == nil {
				err = c.launch(ctx)
			}
			if err == nil {
				c.logger.Info("the companion serves again")
				break
			}
			if ctx.Err() != nil {
				return
			}
			c.logger.Error("the companion cannot be restarted", "error", err, "again", pause)
		}
	}
}

// ends waits until the companion has ended, or has not answered for a while, and tells which.
func (c *Companion) ends(ctx context.Context) string {
	ended := c.wait(ctx)
	look := time.NewTicker(pulse)
	defer look.Stop()
	for missed := 0; missed < misses; {
		select {
		case <-ctx.Done():
			return "it is closed"
		case <-ended:
			return "it has ended: " + c.lastWords(ctx)
		case <-look.C:
			if missed++; c.answers(ctx) {
				missed = 0
			}
			c.set(func(s *Status) { s.Serves = missed == 0 })
		}
	}
	return "it does not answer"
}

func (c *Companion) set(change func(*Status)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.status)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
