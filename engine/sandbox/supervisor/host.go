//go:build linux

package main

import (
	"net"
	"strconv"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// host is the lifecycle.Host whose programs this process starts itself.
type host struct{ *programs.Family }

// Dial implements lifecycle.Host.
func (host) Dial(port int) (net.Conn, error) {
	return net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
}

// engine is the lifecycle.Engine at the other end of the connection. That it is lost
// is noticed by whoever receives from it.
type engine struct {
	conn  *protocol.Conn
	lines []byte // encoded, sent together
}

// Log implements lifecycle.Engine.
func (e *engine) Log(l protocol.Log, text []byte) {
	lines, err := protocol.Append(e.lines, protocol.KindLog, l, text)
	if err != nil {
		return // a string and a number always encode
	}
	if e.lines = lines; len(e.lines) > 256<<10 {
		e.Flush()
	}
}

// Flush implements lifecycle.Engine.
func (e *engine) Flush() {
	if len(e.lines) == 0 {
		return
	}
	_ = e.conn.SendRaw(e.lines)
	if e.lines = e.lines[:0]; cap(e.lines) > 64<<10 {
		e.lines = nil
	}
}

// Ready implements lifecycle.Engine.
func (e *engine) Ready(r protocol.Ready) { _ = e.conn.Send(protocol.KindReady, r, nil) }

// InitFailed implements lifecycle.Engine.
func (e *engine) InitFailed(failed protocol.InitFailed, payload []byte) {
	_ = e.conn.Send(protocol.KindInitFailed, failed, payload)
}

// Result implements lifecycle.Engine.
func (e *engine) Result(res protocol.Result, payload []byte) {
	_ = e.conn.Send(protocol.KindResult, res, payload)
}

// Chunk implements lifecycle.Engine.
func (e *engine) Chunk(c protocol.Chunk, piece []byte) error {
	return e.conn.Send(protocol.KindChunk, c, piece)
}

// Settled implements lifecycle.Engine.
func (e *engine) Settled(res protocol.Result) { _ = e.conn.Send(protocol.KindSettled, res, nil) }
