// Package engine assembles AWS Lambda on one machine out of its parts and runs it:
//
//	wire ─► api ─► invoke ─► sandbox     requests, rules, fleets, environments
//	         │       ▲
//	         ▼       │
//	      catalog   sources              what there is; what triggers it
//	         │       │
//	         ▼       ▼
//	        store (JetStream)  ◄─ observe
//
// Everything is served on one address; what is not AWS's API is under /_engine/.
package engine

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

	"github.com/lambdaform/terraform-provider-lambda/engine/api"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/cloudwatch"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/kinesis"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/logs"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/sqs"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/sts"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/companion"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/exposition"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources/functionurl"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Grace is how long a stopping engine lets running invocations finish, unless Config says otherwise.
const Grace = 5 * time.Second

// Config says how an engine runs. The zero value of each field is a good choice,
// but for DataDir, which is required.
type Config struct {
	Listen  string // address; default 127.0.0.1:4574, port 0 for any
	DataDir string // all state; one engine at a time
	Driver  string // "docker", "process" or "auto" (default)
	Account string // of unsigned requests; default 000000000000
	Region  string // of unsigned requests; default us-east-1
	Version string // of the binary, told by the health check
	// Authentication is "any", which believes the access key of a request and serves
	// unsigned ones too, or "strict", which serves only what one of Credentials has
	// signed; default any on loopback, strict beyond it.
	Authentication string
	Credentials    map[string]wire.Credential // by access key; default in strict mode: a key of the engine's own
	// Images overrides the container image of runtimes, such as "python3.13".
	Images map[string]string
	// Commands overrides what boots a runtime with the process driver, by runtime; the
	// function's handler becomes the last argument.
	Commands map[string][]string
	// Network is the Docker network of environments: default bridge; "none" cuts them off.
	Network string
	// Services are endpoints of services by name, instead of the engine's own or AWS's:
	// s3, sqs, sns, events, kinesis, and dynamodb with its streams. The engine's own calls
	// go there, and requests that it is sent for them are forwarded.
	Services map[string]string
	// Companions are servers that run beside the engine as containers, by the service that
	// they are for, with their image, or none for the usual one. There is "dynamodb".
	Companions map[string]string
	// Roles are the policies of execution roles, by ARN or, for any account, by name. A
	// role that is not among them may do everything.
	Roles map[string]*catalog.RolePolicy
	// Clock measures the delays and the age of asynchronous events, and of the records that
	// mappings handle; default the system's.
	Clock clock.Clock
	// StreamClock measures the retention of Kinesis streams; default the system's, however
	// fast Clock runs.
	StreamClock clock.Clock
	Limits      catalog.Limits // the zero value means catalog.Today()
	// CodeCache is how many bytes of unpacked code are kept on disk for when they are
	// used again, beyond the code that is in use; default 2 GB.
	CodeCache int64
	// UpdateDelay is how long creations and updates of functions stay in progress at
	// least, as AWS's do for some seconds.
	UpdateDelay time.Duration
	// Grace is how long a stopping engine lets running invocations finish; default [Grace].
	Grace  time.Duration
	Logger *slog.Logger
}

// Engine is a running engine. It must be closed.
type Engine struct {
	config   Config
	listener net.Listener
	server   *http.Server
	drain    *drain
	services *wire.Server
	outside  outside
	links    *api.Links
	urls     *functionurl.Server
	issued   bool // the only access key is the engine's own
	serving  chan error
	stopping context.Context // ends when the engine begins to stop
	stop     context.CancelFunc

	lock       *os.File
	store      *store.Store
	catalog    *catalog.Catalog
	logs       *observe.Logs
	metrics    *metrics.Store
	shown      *exposition.Exposition
	alarms     *alarms.Manager
	queues     *sqs.Service
	topics     func(ctx context.Context, topic string, message []byte) error // of SNS
	driver     sandbox.Driver
	invoker    *invoke.Invoker
	queue      *invoke.Queue
	sources    *sources.Manager
	companions []*companion.Companion
	streams    *kinesis.Service
	tidying    sync.WaitGroup
	closing    sync.Once
	closeErr   error
}

// Start runs an engine until Close. It returns once the engine serves.
func Start(ctx context.Context, c Config) (*Engine, error) {
	c = c.withDefaults()
	e := &Engine{config: c, serving: make(chan error, 1), drain: newDrain()}
	e.stopping, e.stop = context.WithCancel(context.Background())
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:4574"
	}
	if c.Account == "" {
		c.Account = "000000000000"
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.CodeCache == 0 {
		c.CodeCache = 2e9
	}
	if c.Grace == 0 {
		c.Grace = Grace
	}
	if c.Limits == (catalog.Limits{}) {
		c.Limits = catalog.Today()
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.StreamClock == nil {
		c.StreamClock = clock.System()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (e *Engine) start(ctx context.Context) (err error) {
	if err := e.claim(); err != nil {
		return err
	}
	if e.listener, err = net.Listen("tcp", e.config.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w. Stop what uses the address, or choose another with --listen", e.config.Listen, err)
	}
	if err := e.identify(); err != nil {
		return err
	}
	// Looking for Docker and for what a dead engine left takes as long as opening
	// the store: do both at once.
	beside, driver := make(chan error, 1), make(chan error, 1)
	go func() { beside <- e.openCompanions(ctx) }()
	go func() {
		d, err := openDriver(ctx, e.config)
		if err == nil { // a failed driver is a nil pointer in an interface: not nil
			e.driver = d
		}
		driver <- err
	}()
	err = e.open(ctx)
	if err = errors.Join(err, <-driver, <-beside); err != nil {
		return err
	}
	e.findCompanions()
	if err := e.assemble(ctx); err != nil {
		return err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // which the SDK for JavaScript speaks with Kinesis
	e.server = &http.Server{
		Handler: e.guard(e.drained(e)), ReadHeaderTimeout: 30 * time.Second, Protocols: &protocols,
		ErrorLog: slog.NewLogLogger(e.config.Logger.Handler(), slog.LevelDebug),
	}
	go func() { e.serving <- e.server.Serve(e.listener) }()
	return daemon.WriteIdentity(e.config.DataDir, daemon.Identity{
		PID: os.Getpid(), Addr: e.listener.Addr().String(), Version: e.config.Version, Started: time.Now().UTC(),
	})
}

// open opens what the engine remembers.
func (e *Engine) open(ctx context.Context) (err error) {
	if e.store, err = store.Open(filepath.Join(e.config.DataDir, "jetstream"), e.config.Logger); err != nil {
		return err
	}
	e.catalog, err = catalog.Open(ctx, e.store, e.config.Limits, catalog.Listener{
		Function: func(f catalog.Function) { e.invoker.FunctionChanged(f) },
		Mapping:  func(id string, m catalog.Mapping, exists bool) { e.sources.MappingChanged(id, m, exists) },
	})
	if err != nil {
		return err
	}
	if e.streams, err = kinesis.Open(ctx, e.store, kinesis.WithClock(e.config.StreamClock), kinesis.WithStopping(e.stopping)); err != nil {
		return err
	}
	if e.logs, err = observe.OpenLogs(ctx, e.store, e.config.Logger); err != nil {
		return err
	}
	if err := e.openMetrics(ctx); err != nil {
		return err
	}
	e.queues, err = sqs.New(ctx, sqs.Options{Store: e.store, Stopping: e.stopping, Log: e.config.Logger})
	return err
}

// assemble makes the parts that work on what open and openDriver have opened.
func (e *Engine) assemble(ctx context.Context) error {
	packages, err := store.OpenPackages(ctx, e.store)
	if err != nil {
		return err
	}
	if err := packages.Keep(ctx, e.catalog.Packages, 0); err != nil {
		return err
	}
	code, err := invoke.OpenCodeCache(filepath.Join(e.config.DataDir, "code"), packages, e.catalog.Packages(), e.config.CodeCache)
	if err != nil {
		return err
	}
	e.tidying.Go(func() { e.tidy(packages) })
	e.invoker = invoke.New(invoke.Options{
		Catalog: e.catalog, Driver: e.driver, Code: code, Logs: e.logs, Metrics: e.metrics, Shown: e.shown, Role: e.rolePolicy, Log: e.config.Logger,
		Endpoint: e.functionEndpoint, SettleDelay: e.config.UpdateDelay, HotReload: onLoopback(e.listener.Addr()),
	})
	destinations := (&destination.Sender{Route: e.route}).Send
	e.topics = func(ctx context.Context, topic string, message []byte) error {
		return destinations(ctx, destination.Message{ARN: topic, Body: message})
	}
	e.queue, err = invoke.OpenQueue(ctx, e.store, e.invoker, invoke.QueueOptions{
		Clock: e.config.Clock, Destinations: destinations, Observe: e.invoker.Observe,
	})
	if err != nil {
		return err
	}
	if e.sources, err = e.openSources(ctx, destinations); err != nil {
		return err
	}
	if e.services, err = e.bind(packages); err != nil {
		return err
	}
	e.urls = &functionurl.Server{Catalog: e.catalog, Invoker: e.invoker, Authenticate: e.services.Authenticate, Log: e.config.Logger}
	e.invoker.Resume()
	if err := e.queue.Start(ctx); err != nil {
		return err
	}
	e.sources.Start()
	e.alarms.Start()
	e.shown.Gauges(gauges, e.readGauges)
	return nil
}

// bind puts the services behind their protocols.
func (e *Engine) bind(packages *store.Packages) (*wire.Server, error) {
	key, err := secret(filepath.Join(e.config.DataDir, "link.key"))
	if err != nil {
		return nil, err
	}
	e.links = &api.Links{Key: key, Packages: packages, Now: time.Now}
	functions := &api.Service{
		Catalog: e.catalog, Packages: packages, Invoker: e.invoker, Sources: e.sources,
		Links: e.links, MayReload: e.mayReload, S3: e.s3Client, Now: time.Now, Log: e.config.Logger,
		URL: func(id, region string) string { return functionurl.URL(id, region, e.listener.Addr()) },
	}
	lambda, err := functions.Wire(e.queue)
	if err != nil {
		return nil, fmt.Errorf("bind the Lambda API: %w", err)
	}
	kinesisAPI, err := e.streams.Wire()
	if err != nil {
		return nil, fmt.Errorf("bind the Kinesis API: %w", err)
	}
	identity, err := sts.Service{}.Wire()
	if err != nil {
		return nil, fmt.Errorf("bind the STS API: %w", err)
	}
	logsAPI, err := (&logs.Service{Logs: e.logs, Now: time.Now, Stopping: e.stopping}).Wire()
	if err != nil {
		return nil, fmt.Errorf("bind the CloudWatch Logs API: %w", err)
	}
	monitoring, err := (&cloudwatch.Service{Metrics: e.metrics, Alarms: e.alarms, Now: time.Now}).Wire()
	if err != nil {
		return nil, fmt.Errorf("bind the CloudWatch API: %w", err)
	}
	queues, err := e.queues.Wire()
	if err != nil {
		return nil, fmt.Errorf("bind the SQS API: %w", err)
	}
	elsewhere, err := e.forwarders()
	if err != nil {
		return nil, err
	}
	return wire.NewServer(e.callers(elsewhere), lambda, kinesisAPI, logsAPI, identity, monitoring, queues), nil
}

// URL is where the engine answers.
func (e *Engine) URL() string { return "http://" + e.listener.Addr().String() }

// Driver is the name of the driver in use.
func (e *Engine) Driver() string { return e.driver.Name() }

// Authentication is how callers are known: "any" or "strict".
func (e *Engine) Authentication() string { return e.config.Authentication }

// Wait returns when the engine has stopped serving by itself, with the reason:
// store.ErrBroken, of which an engine that is started anew recovers.
func (e *Engine) Wait() error {
	var err error
	select {
	case err = <-e.serving:
	case <-e.store.Broken():
		return store.ErrBroken
	}
	e.serving <- err
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close stops the engine. It takes no more requests and answers them with 503. Running
// invocations have [Config.Grace] to finish; asynchronous events that have not stay in
// the queue.
func (e *Engine) Close() error {
	e.closing.Do(func() { e.closeErr = e.shutDown() })
	return e.closeErr
}

func (e *Engine) shutDown() error {
	var errs []error
	e.stop()
	ctx, cancel := context.WithTimeout(context.Background(), e.config.Grace)
	defer cancel()

	if e.alarms != nil { // first, so that what they could not tell any more stays to be told
		e.alarms.Close()
	}
	// Whoever still runs when the grace is over loses the environment under it.
	var ending sync.WaitGroup
	if e.sources != nil {
		ending.Go(e.sources.Close)
	}
	if e.queue != nil {
		ending.Go(e.queue.Close)
	}
	ending.Go(func() { e.drain.close(ctx) })
	ended := make(chan struct{})
	go func() { ending.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	if e.driver != nil {
		stop, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		errs = append(errs, e.driver.Close(stop))
		e.drain.close(stop) // whose callers are told
	}
	<-ended
	if len(e.companions) > 0 { // which functions and sources have used
		stop, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		errs = append(errs, e.closeCompanions(stop))
	}
	if e.invoker != nil {
		e.invoker.Close()
	}
	e.tidying.Wait()
	if e.catalog != nil {
		e.catalog.Close()
	}
	if e.streams != nil {
		e.streams.Close()
	}
	if e.logs != nil {
		e.logs.Close()
	}
	if e.metrics != nil {
		e.metrics.Close()
	}
	if e.queues != nil {
		e.queues.Close()
	}
	if e.store != nil {
		e.store.Close()
	}
	if e.lock != nil {
		errs = append(errs, daemon.RemoveIdentity(e.config.DataDir, os.Getpid()), e.release())
	}
	if e.server != nil {
		last, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if e.server.Shutdown(last) != nil {
			_ = e.server.Close()
		}
	} else if e.listener != nil {
		_ = e.listener.Close()
	}
	return errors.Join(errs...)
}
