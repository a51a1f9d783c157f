//go:build linux

package lifecycle

import (
	"bytes"
	"encoding/binary"
	"time"
)

// AWS's interface clients frame what is one log event, whatever lines it has, when
// they are given a file descriptor for that. Here it is their standard output once
// more, so that framed messages keep their place among the lines. A frame is its type
// (four bytes, of which frameMark is common to all), the length of the message (four
// bytes), the time (eight bytes, Unix microseconds) and the message.
const (
	framesVariable = "_LAMBDA_TELEMETRY_LOG_FD"
	framesFD       = 3
	frameHead      = 16
	// maxFramed is more than any log event; what claims to be longer is no frame.
	maxFramed = 16 << 20
)

// frameMark is no text: neither UTF-8 nor without a zero byte.
var frameMark = []byte{0xa5, 0x5a, 0x00}

// rejoin returns data with the beginning of a mark before it that an earlier read has
// cut off.
func (p *pipe) rejoin(data []byte) []byte {
	if p.framed {
		return data
	}
	for n := len(frameMark) - 1; n > 0; n-- {
		if bytes.HasSuffix(p.partial, frameMark[:n]) {
			p.partial = p.partial[:len(p.partial)-n]
			return append(bytes.Clone(frameMark[:n]), data...)
		}
	}
	return data
}

// unframe takes data into the frame that has begun, and returns what is behind it.
func (o *output) unframe(p *pipe, data []byte) []byte {
	data = p.fill(data, frameHead)
	if len(p.partial) < frameHead {
		return nil
	}
	size := binary.BigEndian.Uint32(p.partial[4:])
	if size > maxFramed {
		p.framed = false
		return data // the head is a line like another
	}
	data = p.fill(data, frameHead+int(size))
	if len(p.partial) < frameHead+int(size) {
		return nil
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(p.partial[8:])))
	text := bytes.TrimSuffix(bytes.TrimSuffix(p.partial[frameHead:], []byte{'\n'}), []byte{'\r'})
	for len(text) > maxLine {
		o.event(p, at, text[:maxLine])
		text = text[maxLine:]
	}
	o.event(p, at, text)
	p.partial, p.framed = p.partial[:0], false
	if cap(p.partial) > maxLine {
		p.partial = nil
	}
	return data
}

// fill appends data until there are n bytes, and returns the rest.
func (p *pipe) fill(data []byte, n int) []byte {
	n = min(max(n-len(p.partial), 0), len(data))
	p.partial = append(p.partial, data[:n]...)
	return data[n:]
}
