package invoke_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// driver is a sandbox in memory, of which the test decides when environments have
// booted and what becomes of their invocations.
type driver struct {
	boots chan *boot       // environments that want to boot; nil lets all boot
	calls chan *invocation // invocations that want an answer; nil answers with the environment's name

	// easy is a name of environments that boot and answer by themselves in any case.
	easy string

	mu   sync.Mutex
	envs []*environment
}

type boot struct {
	spec    sandbox.Spec
	verdict chan error
}

type invocation struct {
	sandbox.Invocation
	env    *environment
	answer chan answer
}

type answer struct {
	sandbox.Result
	err error
}

func (d *driver) Name() string                { return "test" }
func (d *driver) Close(context.Context) error { return nil }

func (d *driver) Start(_ context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	if d.boots != nil && spec.Name != d.easy {
		b := &boot{spec, make(chan error)}
		d.boots <- b
		if err := <-b.verdict; err != nil {
			return nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := &environment{driver: d, spec: spec, name: fmt.Sprintf("env-%d", len(d.envs)+1), done: make(chan struct{})}
	d.envs = append(d.envs, e)
	return e, nil
}

// alive names the environments that have not been stopped.
func (d *driver) alive() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.envs {
		if !e.stopped.Load() {
			names = append(names, e.name)
		}
	}
	return names
}

func (d *driver) env(n int) *environment {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.envs[n-1]
}

type environment struct {
	driver  *driver
	spec    sandbox.Spec
	name    string
	done    chan struct{}
	dying   sync.Once
	stopped atomic.Bool
	busy    atomic.Int32
}

func (e *environment) Invoke(_ context.Context, inv sandbox.Invocation) (sandbox.Result, error) {
	if e.busy.Add(1) > 1 {
		return sandbox.Result{}, fmt.Errorf("%s was given two invocations at a time", e.name)
	}
	defer e.busy.Add(-1)
	select {
	case <-e.done:
		return sandbox.Result{}, sandbox.ErrGone
	default:
	}
	if e.driver.calls == nil || e.spec.Name == e.driver.easy {
		return sandbox.Result{Payload: []byte(e.name), Duration: time.Millisecond}, nil
	}
	i := &invocation{inv, e, make(chan answer)}
	e.driver.calls <- i
	a := <-i.answer
	return a.Result, a.err
}

func (e *environment) InitDuration() time.Duration { return 5 * time.Millisecond }
func (e *environment) Done() <-chan struct{}       { return e.done }
func (e *environment) die()                        { e.dying.Do(func() { close(e.done) }) }

func (e *environment) Stop(context.Context) error {
	e.die()
	e.stopped.Store(true)
	return nil
}

// succeed answers with the name of the environment.
func (i *invocation) succeed() {
	i.answer <- answer{Result: sandbox.Result{Payload: []byte(i.env.name)}}
}

func (i *invocation) end(o sandbox.Outcome) { i.answer <- answer{Result: sandbox.Result{Outcome: o}} }

// bench is an Invoker with a catalog, on a store of its own.
type bench struct {
	testing.TB
	*driver
	*invoke.Invoker
	store   *store.Store
	catalog *catalog.Catalog
	logs    *observe.Logs
}

var home = catalog.Scope{Account: "000000000000", Region: "us-east-1"}

func newBench(t testing.TB, d *driver, edit ...func(*invoke.Options)) *bench {
	t.Helper()
	b := &bench{TB: t, driver: d}
	log := slog.New(slog.DiscardHandler)
	var err error
	if b.store, err = store.Open(t.TempDir(), log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.store.Close)
	b.catalog, err = catalog.Open(t.Context(), b.store, catalog.Today(), catalog.Listener{Function: func(f catalog.Function) { b.FunctionChanged(f) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.catalog.Close)
	if b.logs, err = observe.OpenLogs(t.Context(), b.store, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.logs.Close)
	noAWS := func(catalog.Ref, string) http.Handler { return http.NotFoundHandler() }
	options := invoke.Options{Catalog: b.catalog, Driver: d, Logs: b.logs, Endpoint: noAWS, Log: log}
	for _, e := range edit {
		e(&options)
	}
	b.Invoker = invoke.New(options)
	t.Cleanup(b.Invoker.Close)
	return b
}

func ref(name string) catalog.Ref { return catalog.Ref{Scope: home, Name: name} }

// function makes a function of package type Image, so that it needs no package.
func (b *bench) function(name string) {
	b.Helper()
	_, err := b.catalog.Create(b.Context(), ref(name), func(f *catalog.Function) error {
		f.Latest = catalog.Version{Code: catalog.Code{Resolved: "image"}, Config: types.FunctionConfiguration{
			FunctionName: aws.String(name), FunctionArn: aws.String(ref(name).ARN()), Version: aws.String(catalog.LatestVersion), CodeSha256: aws.String("sum"),
			Architectures: []types.Architecture{types.ArchitectureX8664}, MemorySize: aws.Int32(128), Timeout: aws.Int32(3),
			EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(512)}, LoggingConfig: &types.LoggingConfig{LogGroup: aws.String("/aws/lambda/" + name)},
		}}
		f.Changed(time.Now())
		return f.Seal()
	})
	if err != nil {
		b.Fatal(err)
	}
}

// change changes the function f, as an operation of the API does.
func (b *bench) change(change func(f *catalog.Function)) {
	b.Helper()
	_, err := b.catalog.Change(b.Context(), ref("f"), func(f *catalog.Function) error {
		change(f)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// outcome is what a call came to.
type outcome struct {
	invoke.Response
	err error
}

// call invokes a function in the background.
func (b *bench) call(r catalog.Ref) <-chan outcome {
	result := make(chan outcome, 1)
	go func() {
		response, err := b.Invoke(context.Background(), invoke.Request{Ref: r, RequestID: "request", Payload: []byte("{}")})
		result <- outcome{response, err}
	}()
	return result
}

// served invokes a function that answers by itself, and tells which environment did.
func (b *bench) served(r catalog.Ref) string {
	b.Helper()
	got := <-b.call(r)
	if got.err != nil {
		b.Fatal(got.err)
	}
	return string(got.Payload)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
