package invoke

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

const (
	// initBudget is what a runtime may take to start, on top of the function's timeout.
	initBudget = 10 * time.Second
	// tailBytes is how much log a caller gets back.
	tailBytes = 4096
	// stopTimeout bounds the removal of one environment.
	stopTimeout = 30 * time.Second
)

// worker is one environment and its log.
type worker struct {
	fleet     *fleet
	env       sandbox.Environment
	source    observe.Source
	idleSince time.Time
	kept      bool // it is one of the fleet's provisioned concurrency
	used      bool // a call has run here, so that the next is no cold start
	spent     bool // the last call has ended the environment, whether or not it has noticed

	mu   sync.Mutex
	tail bytes.Buffer // log of the call that is running
}

// startWorker boots an environment of f's version.
func startWorker(ctx context.Context, f *fleet, kept bool) (*worker, error) {
	w := &worker{fleet: f, kept: kept, source: observe.Source{
		Account: f.function.Account, Region: f.function.Region, Function: f.function.Name,
		Stream: streamName(*f.version.Config.Version),
	}}
	spec := f.spec()
	spec.Env = environment(f, w.source.Stream)
	if kept {
		spec.Env["AWS_LAMBDA_INITIALIZATION_TYPE"] = "provisioned-concurrency"
	}
	spec.Log = func(l sandbox.Line) { w.line(l.Time, l.Text) }
	if err := f.invoker.Code.ready(ctx, f.version); err != nil {
		return nil, err
	}
	env, err := f.invoker.Driver.Start(ctx, spec)
	var failed *sandbox.InitError
	if errors.As(err, &failed) {
		return nil, &initFailure{failed, w}
	}
	if err != nil {
		return nil, err
	}
	w.env = env
	return w, nil
}

// initFailure is the function's own failure to start, and the environment, dead by
// now, whose log says more.
type initFailure struct {
	*sandbox.InitError
	worker *worker
}

func (e *initFailure) Unwrap() error { return e.InitError }

// spec is what all environments of the version have in common.
func (f *fleet) spec() sandbox.Spec {
	config := f.version.Config
	spec := sandbox.Spec{
		Name:         f.function.Name + ":" + *config.Version,
		Runtime:      string(config.Runtime),
		Image:        f.version.Code.Resolved,
		Architecture: string(config.Architectures[0]),
		CodeDir:      f.invoker.Code.Path(f.version.Packages()...),
		LayersDir:    f.invoker.Code.Path(f.version.LayerPackages()...),
		Handler:      value(config.Handler),
		MemoryMB:     int(*config.MemorySize),
		EphemeralMB:  int(*config.EphemeralStorage.Size),
		Account:      f.function.Account,
		BillingStep:  f.invoker.Catalog.Limits.BillingStep,
		InitTimeout:  initBudget + f.timeout(),
		Endpoint:     f.invoker.Endpoint(f.function.Ref(), value(config.Role)),
	}
	if image := config.ImageConfigResponse; image != nil && image.ImageConfig != nil {
		spec.Entrypoint, spec.Command, spec.WorkingDir = image.ImageConfig.EntryPoint, image.ImageConfig.Command, value(image.ImageConfig.WorkingDirectory)
	}
	return spec
}

func (f *fleet) timeout() time.Duration {
	return time.Duration(*f.version.Config.Timeout) * time.Second
}

// environment is the variables of a function: those that AWS reserves, then its own.
func environment(f *fleet, stream string) map[string]string {
	config := f.version.Config
	env := map[string]string{
		"AWS_REGION":                      f.function.Region,
		"AWS_DEFAULT_REGION":              f.function.Region,
		"AWS_ACCESS_KEY_ID":               f.function.Account, // which the engine reads as the caller's account
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_SESSION_TOKEN":               "local",
		"AWS_LAMBDA_FUNCTION_NAME":        f.function.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     *config.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(int(*config.MemorySize)),
		"AWS_LAMBDA_LOG_GROUP_NAME":       *config.LoggingConfig.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
	}
	if config.Runtime != "" {
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + string(config.Runtime)
	}
	if config.Environment != nil {
		maps.Copy(env, config.Environment.Variables)
	}
	return env
}

// streamName makes the name of an environment's log stream.
func streamName(version string) string {
	var id [16]byte
	_, _ = rand.Read(id[:])
	return fmt.Sprintf("%s/[%s]%s", time.Now().UTC().Format("2006/01/02"), version, hex.EncodeToString(id[:]))
}

func (w *worker) alive() bool {
	select {
	case <-w.env.Done():
		return false
	default:
		return true
	}
}

func (w *worker) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return w.env.Stop(ctx)
}

// line adds a line to the log, and to the tail of the call that is running.
func (w *worker) line(at time.Time, text string) {
	w.fleet.invoker.Logs.Append(w.source, at, text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail.WriteString(text)
	w.tail.WriteByte('\n')
	if extra := w.tail.Len() - tailBytes; extra > tailBytes { // trim now and then, not at each line
		w.tail.Next(extra)
	}
}

// takeTail returns the end of the log since the last call of it.
func (w *worker) takeTail() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if extra := w.tail.Len() - tailBytes; extra > 0 {
		w.tail.Next(extra)
	}
	tail := bytes.Clone(w.tail.Bytes())
	w.tail.Reset()
	return tail
}

// run hands one event to the environment, which it gives back to the fleet.
func (w *worker) run(ctx context.Context, r Request) (Response, error) {
	version := *w.fleet.version.Config.Version
	cold := !w.used
	w.used = true
	if !cold { // the first call's log begins with that of the init
		w.takeTail()
	}

	start := time.Now()
	w.line(start, fmt.Sprintf("START RequestId: %s Version: %s", r.RequestID, version))
	inv := sandbox.Invocation{
		RequestID:     r.RequestID,
		FunctionARN:   r.Ref.ARN(),
		Deadline:      start.Add(w.fleet.timeout()),
		TraceID:       r.TraceID,
		ClientContext: r.ClientContext,
		Payload:       r.Payload,
	}
	if r.Stream != nil {
		inv.Stream = stream{r.Stream, Head{Version: version, Deadline: inv.Deadline}}
	}
	result, err := w.env.Invoke(ctx, inv)
	if err != nil {
		w.spent = true
		w.fleet.release(w)
		return Response{}, fmt.Errorf("the execution environment failed: %w", err)
	}
	w.spent = result.Outcome != sandbox.Success && result.Outcome != sandbox.FunctionError
	payload, functionError, status := w.answer(r.RequestID, &result)
	response := Response{Payload: payload, Streamed: result.Streamed, Version: version, FunctionError: functionError}
	switch {
	case result.Rest != nil && !r.Tail:
		w.fleet.tasks.Go(func() { w.rest(r.RequestID, result.Rest, cold, status); w.fleet.release(w) })
		return response, nil
	case result.Rest != nil:
		w.rest(r.RequestID, result.Rest, cold, status)
	default:
		w.report(r.RequestID, result, cold, status)
	}
	response.Log = w.takeTail()
	w.fleet.release(w)
	return response, nil
}

// rest waits until the extensions are through, which is when AWS reports.
func (w *worker) rest(requestID string, rest *sandbox.Rest, cold bool, status string) {
	result := rest.Wait()
	if result.Outcome != sandbox.Success {
		w.spent = true
		_, _, status = w.answer(requestID, &result)
	}
	w.report(requestID, result, cold, status)
}

// stream tells a consumer what the sandbox does not know.
type stream struct {
	Stream
	head Head
}

func (s stream) Begin(contentType string) {
	s.head.ContentType = contentType
	s.Stream.Begin(s.head)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
