// Package invoke runs functions: it keeps the fleet of execution environments of
// each version, hands them one event at a time, and composes the answers and log
// lines that AWS gives (spec behaviour §1, §10, api §A.13).
//
// The life of a call: Invoke resolves the name to a version, takes a free
// environment of the version's fleet or waits for one (fleet.go), runs the event
// there (worker.go) and reports (report.go). Asynchronous events come out of a
// durable queue (async.go) and take the same road.
package invoke

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/exposition"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/metrics"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// Options says what an Invoker works with. All fields but the times and those that say so are required.
type Options struct {
	Catalog *catalog.Catalog
	Driver  sandbox.Driver
	Code    *CodeCache
	Logs    *observe.Logs
	Metrics *metrics.Store         // may be nil: no metrics are kept
	Shown   *exposition.Exposition // what Prometheus sees; may be nil
	// Endpoint serves the AWS calls of a function, which has taken on its role.
	Endpoint func(function catalog.Ref, role string) http.Handler
	Log      *slog.Logger
	// Role returns what is known of a role's policies; nil, of every role too, if nothing is.
	Role func(arn string) *catalog.RolePolicy

	// HotReload heeds packaging.HotReloadTag: whoever may tag functions may run what is on this machine.
	HotReload   bool
	IdleTimeout time.Duration // after which a free environment is stopped; 0 means 10 minutes
	SettleDelay time.Duration // how long creations and updates stay in progress at least
}

// Invoker runs functions. It must be closed.
type Invoker struct {
	Options
	boots chan struct{} // a token for each environment that may boot at the same time

	mu     sync.Mutex
	fleets map[string]*fleet // by generation of the version
	hot    map[catalog.Ref]*hotCode
	closed bool

	running running
	meter   *meter
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	tasks   sync.WaitGroup
}

// Request is one call.
type Request struct {
	Ref           catalog.Ref // as the caller named it
	RequestID     string
	Payload       []byte
	ClientContext string // JSON; may be empty
	TraceID       string
	Stream        Stream // takes the response as it is written; nil wants it in one piece
	Tail          bool   // the caller wants the log, and waits for extensions that still add to it

	admitted bool // it is counted in Invoker.running already
}

// Stream is the consumer of a streamed response, as sandbox.Stream is.
type Stream interface {
	Begin(Head)
	io.Writer
}

// Head is what is known of a streamed response when it begins.
type Head struct {
	Version     string // that is running
	ContentType string
	Deadline    time.Time // of the function; whoever has not taken a piece by then holds it up
}

// Response is what a call came to. A function that fails gives a Response with
// FunctionError set; an error of Invoke means that the function was not run, and
// that no Stream has begun.
type Response struct {
	Payload       []byte // with Streamed, only the error that ended the stream
	Streamed      bool   // the response, or its beginning, went to Request.Stream
	Version       string // that was run
	FunctionError string // "", "Handled" or "Unhandled"
	Log           []byte // the last 4 KB
}

// New returns an Invoker with no environments.
func New(o Options) *Invoker {
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 10 * time.Minute
	}
	ctx, stop := context.WithCancel(context.Background())
	i := &Invoker{
		Options: o,
		boots:   make(chan struct{}, maxBoots),
		fleets:  map[string]*fleet{},
		hot:     map[catalog.Ref]*hotCode{},
		running: newRunning(o.Catalog.Limits.Concurrency),
		meter:   newMeter(o.Metrics, o.Shown, o.Catalog.Limits.GuideMetrics),
		ctx:     ctx,
		stop:    stop,
	}
	i.tasks.Go(func() { i.retireIdle(ctx) })
	i.tasks.Go(func() { i.sample(ctx) })
	return i
}

// Resume takes up what an earlier engine has left: updates that are not complete,
// and provisioned concurrency.
func (i *Invoker) Resume() {
	var settling sync.WaitGroup
	for f := range i.Catalog.All() {
		i.provision(f)
		if !f.Settled() {
			settling.Go(func() { i.Settle(f) })
		}
	}
	settling.Wait()
}

// Close stops every environment, and waits for calls that are running.
func (i *Invoker) Close() {
	i.stop()
	i.mu.Lock()
	i.closed = true
	for generation, f := range i.fleets {
		f.retire()
		delete(i.fleets, generation)
	}
	i.mu.Unlock()
	i.tasks.Wait()
}

// errShutdown is what a call gets that comes while the engine stops.
var errShutdown = errors.New("the engine is shutting down")

// Invoke runs a function once and waits for its answer. The call goes on when the
// caller goes away, as on AWS.
func (i *Invoker) Invoke(ctx context.Context, r Request) (Response, error) {
	f, v, err := i.Catalog.Resolve(r.Ref)
	if err != nil {
		return Response{}, err
	}
	return i.run(ctx, f, v, r)
}

// run runs a version of f once.
func (i *Invoker) run(ctx context.Context, f catalog.Function, v catalog.Version, r Request) (Response, error) {
	var fl *fleet
	var err error
	if r.TraceID, err = chain(r.TraceID, &f); err != nil {
		return Response{}, err
	}
	if dir, ok := i.hotDir(f); ok && *v.Config.Version == catalog.LatestVersion {
		fl, err = i.hotFleet(ctx, f, v, dir)
	} else {
		fl, err = i.fleet(f, v)
	}
	if err != nil {
		return Response{}, err
	}
	defer fl.calls.Done()
	began := time.Now()
	if !r.admitted {
		if err := i.running.enter(f); err != nil {
			i.meter.throttled(r.Ref, *v.Config.Version, began)
			return Response{}, err
		}
		defer i.running.leave(f.Ref())
	}
	i.meter.load(r.Ref, began, i.running.now(f.Ref()))

	ctx = context.WithoutCancel(ctx)
	for attempt := 1; ; attempt++ {
		response, err := i.attempt(ctx, fl, r)
		if errors.Is(err, errUnpack) {
			i.meter.finished(r.Ref, *v.Config.Version, began, measured{failed: true})
		}
		if err == nil || !errors.Is(err, sandbox.ErrGone) || attempt == maxAttempts {
			return response, serviceError(err)
		}
	}
}

// maxAttempts is how many environments may die under a call before they see its event.
const maxAttempts = 3

// attempt runs a call in one environment.
func (i *Invoker) attempt(ctx context.Context, fl *fleet, r Request) (Response, error) {
	w, err := fl.acquire(ctx)
	var failed *initFailure
	switch {
	case errors.As(err, &failed):
		return failed.worker.initAgain(ctx, r, failed.InitError)
	case err != nil:
		return Response{}, err
	}
	return w.run(ctx, r)
}

// serviceError tells the caller that it was not the function that failed, and why.
func serviceError(err error) error {
	if err == nil {
		return nil
	}
	message, kind := err.Error(), "Service"
	if errors.Is(err, errUnpack) {
		kind = "User"
		return &types.InvalidZipFileException{Message: &message, Type: &kind}
	}
	return &types.ServiceException{Message: &message, Type: &kind}
}

// fleet returns the fleet of a version, made when missing, with a call entered into it.
func (i *Invoker) fleet(f catalog.Function, v catalog.Version) (*fleet, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil, errShutdown
	}
	fl, ok := i.fleets[v.Generation]
	if ok {
		fl.calls.Add(1)
		return fl, nil
	}
	fl = newFleet(i, f, v)
	fl.calls.Add(1)
	// The function may have changed since the caller looked it up. FunctionChanged
	// has come and gone then, and would never retire this fleet.
	if now, err := i.Catalog.Function(f.Ref()); err != nil || !i.current(now, fl) {
		fl.retire()
		return fl, nil
	}
	i.fleets[v.Generation] = fl
	return fl, nil
}

// FunctionChanged retires the fleets that a change of f has made obsolete: calls
// that run finish, new ones get new environments.
func (i *Invoker) FunctionChanged(f catalog.Function) {
	if driver, ok := i.Driver.(sandbox.PoolDriver); ok && f.Exists() {
		driver.Warm(newFleet(i, f, f.Latest).spec())
	}
	i.provision(f)
	i.running.changed(f.Ref())
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, hot := i.hotDir(f); !hot {
		delete(i.hot, f.Ref())
	}
	i.retireObsolete(f)
}

// retireObsolete retires the fleets of f that no new call belongs to. The caller holds
// the lock.
func (i *Invoker) retireObsolete(f catalog.Function) {
	for generation, fl := range i.fleets {
		if fl.function.Ref() != f.Ref() || i.current(f, fl) {
			continue
		}
		fl.retire()
		delete(i.fleets, generation)
	}
}

// hotDir is the directory with the code of $LATEST, of a function that has one.
func (i *Invoker) hotDir(f catalog.Function) (dir string, ok bool) {
	if f.Exists() {
		dir, ok = f.Tags[packaging.HotReloadTag]
	}
	return dir, ok
}

func (i *Invoker) current(f catalog.Function, fl *fleet) bool {
	if !f.Exists() {
		return false
	}
	number := *fl.version.Config.Version
	if number == catalog.LatestVersion {
		if h := i.hot[f.Ref()]; h != nil && h.base == f.Latest.Generation {
			return h.generation == fl.version.Generation
		}
		return f.Latest.Generation == fl.version.Generation
	}
	return f.HasVersion(number)
}

// retireIdle stops environments that have been free for long.
func (i *Invoker) retireIdle(ctx context.Context) {
	tick := time.NewTicker(i.IdleTimeout / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		i.mu.Lock()
		for _, fl := range i.fleets {
			fl.retireIdle(time.Now().Add(-i.IdleTimeout))
		}
		i.mu.Unlock()
	}
}
