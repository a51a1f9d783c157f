// Package protocol is what the engine and the supervisor of an environment say
// to each other: small frames over a stream.
//
// A frame is its kind (one byte), the sizes of its header and its payload (four
// bytes each, big endian), a JSON header and a raw payload. Payloads of
// functions are never decoded or escaped on their way.
//
// There are two ways to share the work. Given an assignment, the supervisor runs the
// environment's lifecycle and tells the engine of events and results. Where both are
// on one machine the engine runs the lifecycle itself, and the supervisor lends it
// the sockets and pipes of the runtime (lend.go): one process less to wake for a call.
//
// A supervisor opens one control connection, on which frames travel, and one
// more for each connection that the function opens to its AWS endpoint; the
// first byte of a connection says which it is.
package protocol

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Version must be the same on both sides; Hello carries it.
const Version = 4

// First byte of a connection.
const (
	Control  = 'C' // frames
	Endpoint = 'E' // HTTP of the function's AWS clients, byte for byte
)

// Kind says what a frame means.
type Kind byte

// The frames.
const (
	KindHello      Kind = iota + 1 // supervisor: ready to be assigned
	KindAssign                     // engine: start this runtime
	KindReady                      // supervisor: the runtime asked for its first invocation
	KindInitFailed                 // supervisor: it never will
	KindInvoke                     // engine: one event
	KindResult                     // supervisor: how it ended
	KindChunk                      // supervisor: a piece of a streamed response
	KindLog                        // supervisor: one line of output
	KindSettled                    // supervisor: the extensions are through with an invocation
	KindShutdown                   // engine: end, but let the extensions end first
	KindOpen                       // engine: be the hands of a lifecycle that is run by the engine (lend.go)
	KindOpened                     // supervisor: what it has got for that
	KindStart                      // engine: start this program
	KindStarted                    // supervisor: it runs, or does not
	KindEnded                      // supervisor: it has ended
	KindSignal                     // engine: signal a program, or all of them
	KindKill                       // engine: end all programs
	KindKilled                     // supervisor: they have ended, or refuse to
	KindDial                       // engine: connect to a port of the environment's loopback
	KindDialed                     // supervisor: there it is
)

// The largest responses that Lambda accepts from a function: 6 MB and some room
// for the envelope in one piece, 200 MB in a stream.
const (
	MaxPayload = 6*1024*1024 + 100
	MaxStream  = 200 * 1024 * 1024
)

// Limits that only a broken peer exceeds.
const (
	maxHeader = 4 << 20
	maxFrame  = 64 << 20
)

// Hello is the supervisor's first frame.
type Hello struct {
	Version  int  `json:"version"`
	PID      int  `json:"pid"`
	Measured bool `json:"measured,omitempty"` // by a control group of its own, which tells the peak of memory
}

// Assign tells the supervisor what to run.
type Assign struct {
	// Command lists what to run, best first: the first whose program exists is taken.
	Command    [][]string        `json:"command"`
	Dir        string            `json:"dir"` // working directory
	Env        map[string]string `json:"env"` // all of it, but for what the supervisor adds
	InitBudget time.Duration     `json:"initBudget"`
	Extensions string            `json:"extensions,omitempty"` // directory of external extensions, which need not exist
	Function   Function          `json:"function"`             // what extensions are told of it
}

// Function is what the variables of the runtime do not say, or not to extensions.
type Function struct {
	Account     string        `json:"account,omitempty"`
	Handler     string        `json:"handler,omitempty"`
	MemoryMB    int           `json:"memory,omitempty"`
	BillingStep time.Duration `json:"billing,omitempty"`
	BilledInit  bool          `json:"billInit,omitempty"`
}

// Ready reports a finished init.
type Ready struct {
	Init time.Duration `json:"init"`
	// Shutdown is how long the environment may take to end after KindShutdown; 0
	// without extensions, when it ends with its connection.
	Shutdown time.Duration `json:"shutdown,omitempty"`
}

// InitFailed reports a failed init; the payload is what the runtime posted.
type InitFailed struct {
	ErrorType string        `json:"errorType,omitempty"`
	Exit      string        `json:"exit,omitempty"`
	TimedOut  bool          `json:"timedOut,omitempty"`
	Posted    bool          `json:"posted,omitempty"` // the runtime called /init/error
	Problem   string        `json:"problem,omitempty"`
	Duration  time.Duration `json:"duration"`
	Shutdown  time.Duration `json:"shutdown,omitempty"` // as that of Ready; the end has begun
	Memory    int64         `json:"memory"`             // peak, in bytes
}

// Invoke is one event; the payload is the event.
type Invoke struct {
	RequestID       string        `json:"id"`
	FunctionARN     string        `json:"arn"`
	DeadlineMS      int64         `json:"deadline"` // for the runtime's eyes
	Budget          time.Duration `json:"budget"`   // what counts: clocks may differ
	TraceID         string        `json:"trace,omitempty"`
	ClientContext   string        `json:"client,omitempty"`
	CognitoIdentity string        `json:"cognito,omitempty"`
	Stream          bool          `json:"stream,omitempty"` // a response may come in chunks
}

// Outcome of an invocation.
type Outcome int

// The outcomes.
const (
	Success Outcome = iota
	FunctionError
	Timeout
	Exited
	OutOfMemory
	ResponseTooLarge
	Gone            // the runtime had ended before it saw the event
	ExtensionFailed // an extension ended
)

// Result answers an Invoke; the payload is what the runtime posted. That of
// KindSettled says how the extensions ended the invocation: the environment is free
// after Success and about to end after anything else.
type Result struct {
	RequestID string        `json:"id"`
	Outcome   Outcome       `json:"outcome"`
	ErrorType string        `json:"errorType,omitempty"`
	Exit      string        `json:"exit,omitempty"`
	Duration  time.Duration `json:"duration"`
	Memory    int64         `json:"memory"`         // peak, in bytes
	More      bool          `json:"more,omitempty"` // KindSettled follows
}

// Chunk is a piece of a streamed response; the payload is the piece. The first one,
// which is empty, comes before the runtime has written any and has the content
// type. The result that follows the last has no payload but that of an error.
type Chunk struct {
	RequestID   string `json:"id"`
	ContentType string `json:"type,omitempty"`
}

// Log is one line of output; the payload is the line.
type Log struct {
	RequestID string `json:"id,omitempty"`
	Time      int64  `json:"t"` // Unix nanoseconds
}

// Frame is a received frame.
type Frame struct {
	Kind    Kind
	Header  []byte
	Payload []byte
}

// Decode reads the header into v.
func (f Frame) Decode(v any) error {
	if err := json.Unmarshal(f.Header, v); err != nil {
		return fmt.Errorf("decode header of frame %d: %w", f.Kind, err)
	}
	return nil
}

const prefix = 1 + 4 + 4

// Append adds an encoded frame to dst.
func Append(dst []byte, kind Kind, header any, payload []byte) ([]byte, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return dst, fmt.Errorf("encode header of frame %d: %w", kind, err)
	}
	dst = append(dst, byte(kind))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(h)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, h...)
	return append(dst, payload...), nil
}

// Conn sends and receives frames. Send may be called from several goroutines,
// Receive from one.
type Conn struct {
	rw    io.ReadWriteCloser
	r     *bufio.Reader
	files *fileCarrier // nil where files cannot be sent

	mu  sync.Mutex
	buf []byte
}

// NewConn speaks frames over rw. Over a Unix socket they can bring open files along.
func NewConn(rw io.ReadWriteCloser) *Conn {
	files := carrier(rw)
	if files != nil {
		rw = files
	}
	return &Conn{rw: rw, r: bufio.NewReaderSize(rw, 16<<10), files: files}
}

// keep is the largest buffer that a connection holds on to between frames.
const keep = 64 << 10

// Send writes one frame in one write.
func (c *Conn) Send(kind Kind, header any, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	buf, err := Append(c.buf[:0], kind, header, payload)
	if err != nil {
		return err
	}
	if cap(buf) <= keep {
		c.buf = buf
	}
	_, err = c.rw.Write(buf)
	return err
}

// SendRaw writes frames made with Append.
func (c *Conn) SendRaw(frames []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.rw.Write(frames)
	return err
}

// Receive reads one frame. Its bytes belong to the caller. At the end of the
// stream the error is io.EOF.
func (c *Conn) Receive() (Frame, error) {
	frame, err := c.receive()
	if err != nil && c.files != nil {
		c.files.discard()
	}
	return frame, err
}

func (c *Conn) receive() (Frame, error) {
	var head [prefix]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return Frame{}, err
	}
	h, p := binary.BigEndian.Uint32(head[1:]), binary.BigEndian.Uint32(head[5:])
	if h > maxHeader || p > maxFrame {
		return Frame{}, errors.New("frame too large: the peer does not speak this protocol")
	}
	body := make([]byte, int(h)+int(p))
	if _, err := io.ReadFull(c.r, body); err != nil {
		return Frame{}, fmt.Errorf("read frame: %w", err)
	}
	return Frame{Kind: Kind(head[0]), Header: body[:h:h], Payload: body[h:]}, nil
}

// Close closes the stream.
func (c *Conn) Close() error { return c.rw.Close() }
