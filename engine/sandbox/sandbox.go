// Package sandbox starts and stops execution environments.
//
// An environment is one running copy of a function's code: a container (driver
// docker) or a process (driver process). In both, the first process is the
// supervisor, which serves AWS's Runtime API to the runtime inside and talks to
// the engine over one connection. A driver knows nothing of functions, versions
// or aliases; package invoke decides what to start and when to stop it.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Driver starts environments.
type Driver interface {
	// Name is "docker" or "process".
	Name() string
	// Start boots an environment and returns once its runtime has asked for the
	// first invocation. It returns an *InitError when the function's own code
	// failed to start, and any other error when the driver did.
	Start(ctx context.Context, spec Spec) (Environment, error)
	// Close stops every environment, including warm ones, and removes what they left.
	Close(ctx context.Context) error
}

// ImageDriver is a Driver that also runs container images.
type ImageDriver interface {
	Driver
	// ResolveImage finds an image, on this machine or else in its registry, of
	// the architecture if there is a choice. The error is ErrNoImage when there is
	// none and ErrInvalidImage when the name is not one of an image.
	ResolveImage(ctx context.Context, name, architecture string) (Image, error)
}

// PoolDriver is a Driver that keeps environments started before anybody needs them.
type PoolDriver interface {
	Driver
	// Warm has an environment ready for the spec's first start. It returns at once.
	Warm(spec Spec)
	// Pool tells what is ready.
	Pool() []Spares
}

// Spares are the environments of one image that wait for work.
type Spares struct {
	Image  string `json:"image"`
	TmpMB  int    `json:"tmp_mb,omitempty"` // size of /tmp, if it is limited
	Ready  int    `json:"ready"`
	Coming int    `json:"coming"`
}

// Image is one image for ever, whatever becomes of its tag.
type Image struct {
	Name         string // REPOSITORY@sha256:DIGEST, good for Spec.Image
	Architecture string // "x86_64" or "arm64"
}

// Errors of ResolveImage.
var (
	ErrNoImage      = errors.New("not there, and cannot be pulled")
	ErrInvalidImage = errors.New("not the name of an image")
)

// Spec says what an environment runs.
type Spec struct {
	Name         string            // for labels and process listings, such as "hello:3"
	Runtime      string            // Lambda runtime identifier, such as "python3.13"; empty with Image
	Image        string            // container image of a function of package type Image
	Architecture string            // "x86_64" or "arm64"
	Entrypoint   []string          // overrides of a package type Image; nil keeps the image's own
	Command      []string          //
	WorkingDir   string            //
	CodeDir      string            // unpacked package on this machine, read-only and shared; empty with Image
	LayersDir    string            // merged layers on this machine, read-only and shared, found in /opt; empty without layers
	Handler      string            // becomes _HANDLER
	MemoryMB     int               // limit of memory and, in proportion, of CPU
	EphemeralMB  int               // size of /tmp
	Account      string            // of the function, which extensions may ask for
	BillingStep  time.Duration     // what extensions hear of billing is rounded up to; 0 is a millisecond
	BilledInit   bool              // and whether the init is billed with the first call
	Env          map[string]string // function and reserved variables; the driver adds those that depend on its layout
	InitTimeout  time.Duration     // budget of the runtime's own start, the driver's excluded
	// Log receives each line of output, in order. All lines that the runtime wrote
	// before its response arrive before Invoke returns. Never nil.
	Log func(Line)
	// Endpoint serves the AWS calls that the function makes to AWS_ENDPOINT_URL.
	Endpoint http.Handler
}

// Line is one line of a runtime's output.
type Line struct {
	Time      time.Time
	RequestID string // invocation it belongs to; empty during init
	Text      string // without the line break
}

// Environment is a booted runtime that handles one invocation at a time.
type Environment interface {
	// Invoke hands one event to the runtime and waits for its answer. An error
	// means that the engine failed, not the function. After an Outcome other than
	// Success or FunctionError the environment is dead.
	Invoke(ctx context.Context, inv Invocation) (Result, error)
	// InitDuration is how long the runtime took from its start to its first
	// request for an invocation.
	InitDuration() time.Duration
	// Done is closed when the environment has died, for whatever reason.
	Done() <-chan struct{}
	// Stop ends the runtime and removes everything the environment had on this
	// machine. It may be called more than once.
	Stop(ctx context.Context) error
}

// ErrGone says that an environment had died before its runtime saw the event,
// so the event can be given to another one without being handled twice.
var ErrGone = errors.New("the environment had ended before it saw the event")

// Invocation is one event for a runtime.
type Invocation struct {
	RequestID       string
	FunctionARN     string // as the caller named it: unqualified, version or alias
	Deadline        time.Time
	TraceID         string // X-Ray header; may be empty
	ClientContext   string // JSON, decoded; may be empty
	CognitoIdentity string // JSON; may be empty
	Payload         []byte
	// Stream takes the response as the runtime writes it, when the runtime streams
	// it. With nil, and for a runtime that does not stream, Result has all of it.
	Stream Stream
}

// Stream is the consumer of a streamed response. Its methods are called one at a
// time, before Invoke returns. The function waits while they block, and its end is
// not noticed meanwhile: whoever may block for long must set a limit.
type Stream interface {
	// Begin is called before the first Write, as soon as the runtime begins to answer.
	Begin(contentType string)
	// Write takes a piece. After an error the rest of the response is dropped; the
	// function goes on, as on AWS when a caller has gone.
	io.Writer
}

// Outcome tells how an invocation ended. It is decided by which Runtime API
// endpoint the runtime called, never by looking into the payload.
type Outcome int

// How an invocation can end.
const (
	Success          Outcome = iota
	FunctionError            // the runtime reported an error for this invocation
	Timeout                  // the deadline passed; the runtime was killed
	Exited                   // the runtime ended without an answer
	OutOfMemory              // the kernel killed the runtime at its memory limit
	ResponseTooLarge         // the response was over 6 MB, or streamed over 200 MB; Payload is empty
	ExtensionFailed          // an extension ended; ErrorType and Exit say how
)

// Result is a runtime's answer.
type Result struct {
	Outcome     Outcome
	Payload     []byte        // what the runtime posted; of a streamed response only the error that ended it
	Streamed    bool          // the response, or its beginning, went to Invocation.Stream
	ErrorType   string        // Lambda-Runtime-Function-Error-Type, for FunctionError; such as Extension.Crash, for ExtensionFailed
	Exit        string        // such as "exit status 1" or "signal: killed", for Exited and OutOfMemory
	Duration    time.Duration // from hand-over to the runtime's answer
	MaxMemoryMB int           // peak memory of the environment so far
	// Rest is what the extensions do after the answer; nil without extensions. The
	// environment is busy as long.
	Rest *Rest
}

// Rest is the part of an invocation that follows its answer.
type Rest struct {
	done   chan struct{}
	result Result
}

// NewRest returns one that has not ended.
func NewRest() *Rest { return &Rest{done: make(chan struct{})} }

// End says how it ended. It is called once.
func (r *Rest) End(result Result) {
	r.result = result
	close(r.done)
}

// Done is closed when it has ended.
func (r *Rest) Done() <-chan struct{} { return r.done }

// Wait returns how it ended, with the duration and the memory of the whole
// invocation. The environment is free after Success, and dead after anything else.
func (r *Rest) Wait() Result {
	<-r.done
	return r.result
}

// InitError says that the function's code failed before it could take an event.
type InitError struct {
	Payload   []byte // what the runtime posted to /init/error; nil when it just ended
	ErrorType string // Lambda-Runtime-Function-Error-Type, or Runtime.ExitError, or Sandbox.Timedout
	Exit      string // such as "exit status 1"
	Problem   string // with Runtime.InvalidEntrypoint and those of extensions: such as "fork/exec /var/task/bootstrap: permission denied"
	TimedOut  bool
	Duration  time.Duration

	MaxMemoryMB int
}

func (e *InitError) Error() string {
	if e.TimedOut {
		return fmt.Sprintf("runtime did not finish its init within %s", e.Duration.Round(time.Millisecond))
	}
	return fmt.Sprintf("runtime failed to initialise: %s %s%s", e.ErrorType, e.Exit, e.Problem)
}
