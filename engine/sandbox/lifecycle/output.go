//go:build linux

package lifecycle

import (
	"bytes"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// maxLine is where an endless line is cut: the largest log event that
// CloudWatch Logs takes.
const maxLine = 256 << 10

// output forwards what the runtime and the extensions print, line by line.
//
// The order that matters is that of a line before the runtime's response: it
// must reach the engine before the result. So whoever sends a result calls sync
// first, which empties the pipes by hand instead of hoping that the goroutines
// that watch them have been scheduled.
type output struct {
	engine Engine

	mu        sync.Mutex
	requestID string
	pipes     []*pipe
	tap       *telemetry // gets the lines too; nil without extensions
}

// pipe is the reading end of stdout or stderr.
type pipe struct {
	file    *os.File
	raw     syscall.RawConn
	partial []byte // a line without its end yet, or a framed message
	framed  bool
	source  source
}

func newOutput(engine Engine) *output {
	return &output{engine: engine}
}

// watch forwards what comes out of a pipe, for as long as that is open.
func (o *output) watch(file *os.File, from source, tasks *sync.WaitGroup) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	p := &pipe{file: file, raw: raw, source: from}
	o.mu.Lock()
	o.pipes = append(o.pipes, p)
	o.mu.Unlock()
	tasks.Go(func() {
		_ = raw.Read(func(fd uintptr) bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			ended := o.drain(p, int(fd))
			o.engine.Flush()
			return ended
		})
	})
	return nil
}

// close stops watching. (Closing waits for whoever reads, so it is done without the lock.)
func (o *output) close() {
	o.mu.Lock()
	pipes := o.pipes
	o.pipes = nil
	o.mu.Unlock()
	for _, p := range pipes {
		_ = p.file.Close()
	}
}

// observe has the lines from now on go to the telemetry too.
func (o *output) observe(t *telemetry) {
	o.mu.Lock()
	o.tap = t
	o.mu.Unlock()
}

// say adds a line of the platform's own to the log.
func (o *output) say(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(time.Now(), []byte(text))
	o.engine.Flush()
}

// begin names the invocation that lines belong to from now on.
func (o *output) begin(requestID string) {
	o.mu.Lock()
	o.requestID = requestID
	o.mu.Unlock()
}

// sync sends everything that has been written so far, lines without an end included.
func (o *output) sync() { o.syncLines(function | extensionSource) }

// syncLines sends everything, but lines without an end only of some sources: others
// may be in the middle of one.
func (o *output) syncLines(unfinished source) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.pipes {
		_ = p.raw.Control(func(fd uintptr) { o.drain(p, int(fd)) })
		if unfinished&p.source != 0 {
			o.flush(p)
		}
	}
	o.engine.Flush()
}

// buffers are to read into. Few are in use at a time, whatever the number of environments.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// drain reads until the pipe is empty and reports whether it has ended.
// The descriptor does not block: Go's poller waits on it.
func (o *output) drain(p *pipe, fd int) bool {
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := syscall.Read(fd, buf[:])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false
		case n <= 0:
			return true
		default:
			o.split(p, buf[:n])
		}
	}
}

func (o *output) split(p *pipe, data []byte) {
	data = p.rejoin(data)
	for {
		if p.framed {
			if data = o.unframe(p, data); p.framed {
				return
			}
		}
		end, mark := bytes.IndexByte(data, '\n'), bytes.Index(data, frameMark)
		if mark >= 0 && (end < 0 || mark < end) {
			p.partial = append(p.partial, data[:mark]...)
			o.flush(p)
			p.framed, data = true, data[mark:]
			continue
		}
		if end < 0 {
			break
		}
		if len(p.partial) > 0 {
			p.partial = append(p.partial, data[:end]...)
			o.flush(p)
		} else {
			o.line(p, data[:end])
		}
		data = data[end+1:]
	}
	for len(p.partial)+len(data) >= maxLine {
		n := maxLine - len(p.partial)
		p.partial = append(p.partial, data[:n]...)
		o.flush(p)
		data = data[n:]
	}
	p.partial = append(p.partial, data...)
}

func (o *output) flush(p *pipe) {
	if len(p.partial) == 0 || p.framed {
		return
	}
	o.line(p, p.partial)
	p.partial = p.partial[:0]
}

// line forwards one line. AWS's interface clients write a carriage return where
// a message that is one log event has a line break.
func (o *output) line(p *pipe, text []byte) {
	text = bytes.TrimSuffix(text, []byte{'\r'})
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte{'\r'}, []byte{'\n'})
	}
	o.event(p, time.Now(), text)
}

// event forwards a message of a program.
func (o *output) event(p *pipe, at time.Time, text []byte) {
	if o.tap != nil {
		o.tap.line(p.source, at, string(text))
	}
	o.add(at, text)
}

func (o *output) add(at time.Time, text []byte) {
	o.engine.Log(protocol.Log{RequestID: o.requestID, Time: at.UnixNano()}, text)
}
