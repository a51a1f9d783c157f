//go:build linux

package lifecycle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
)

// This file is as much of an HTTP/1.1 server as interface clients need. Two
// requests come with every invocation, and net/http's goroutines, maps and
// buffers would be most of what an invocation costs here (and two thirds of the
// supervisor's size, which every environment pays). A request for an event is
// answered by whoever has the event, straight onto the connection.

// maxHead bounds the request line and headers: interface clients repeat an error of up
// to 1 MB in one, for X-Ray.
const maxHead = 2 << 20

// request is a request with its whole body.
type request struct {
	method string
	path   string
	header map[string]string // the ones that matter, keys in lower case
	body   []byte
	large  bool // the body was more than a response may be, and is not kept
	last   bool // the client closes the connection after it

	streamed int // bytes that were handed on instead of kept in body
}

// client is one connection of the runtime.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	mu   sync.Mutex // of writing
	buf  []byte
	last bool // the connection ends with the next response
}

func newClient(conn net.Conn) *client {
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 8<<10)}
}

// wanted are the headers that somebody reads.
var wanted = []string{"content-length", "content-type", "transfer-encoding", "connection", "expect", headerErrorType, headerErrorBody}

// Headers of extensions begin alike, so that nobody else's need be compared with all of them.
const extensionPrefix = "lambda-extension-"

var wantedOfExtensions = []string{headerExtensionName, headerExtensionID, headerExtensionFeature, headerExtensionError}

// head reads the request up to its body.
func (c *client) head() (*request, error) {
	line, err := c.line(maxHead)
	if err != nil {
		return nil, err
	}
	method, rest, _ := strings.Cut(line, " ")
	target, version, ok := strings.Cut(rest, " ")
	if !ok || !strings.HasPrefix(version, "HTTP/1.") {
		return nil, fmt.Errorf("not an HTTP request: %.40q", line)
	}
	if i := strings.Index(target, "://"); i >= 0 { // the absolute form, as to a proxy
		if j := strings.IndexByte(target[i+3:], '/'); j >= 0 {
			target = target[i+3+j:]
		}
	}
	target, _, _ = strings.Cut(target, "?")
	req := &request{method: method, path: target, header: map[string]string{}, last: version == "HTTP/1.0"}
	if err := c.headers(req.header); err != nil {
		return nil, err
	}
	if v := strings.ToLower(req.header["connection"]); v != "" {
		req.last = strings.Contains(v, "close") || (req.last && !strings.Contains(v, "keep-alive"))
	}
	return req, nil
}

// headers reads header or trailer lines.
func (c *client) headers(into map[string]string) error {
	for left := maxHead; ; {
		line, err := c.line(left)
		if err != nil || line == "" {
			return err
		}
		left -= len(line)
		name, value, _ := strings.Cut(line, ":")
		names := wanted
		if len(name) > len(extensionPrefix) && strings.EqualFold(name[:len(extensionPrefix)], extensionPrefix) {
			names = wantedOfExtensions
		}
		for _, w := range names {
			if strings.EqualFold(name, w) {
				into[w] = strings.TrimSpace(value)
			}
		}
	}
}

// line reads one line, without its end.
func (c *client) line(limit int) (string, error) {
	var long []byte
	for {
		part, err := c.r.ReadSlice('\n')
		if err == nil && long == nil {
			return string(bytes.TrimRight(part, "\r\n")), nil
		}
		long = append(long, part...)
		switch {
		case err == nil:
			return string(bytes.TrimRight(long, "\r\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		case len(long) > limit:
			return "", errors.New("request line or headers too long")
		}
	}
}

// read takes the body in. What is too large is read all the same, so that the
// runtime hears why it was refused instead of a broken connection.
func (c *client) read(req *request, limit int) error {
	if err := c.expected(req); err != nil {
		return err
	}
	if req.chunked() {
		return c.chunks(req, func(size int64) error { return c.take(req, size, limit) })
	}
	text := req.header["content-length"]
	if text == "" {
		return nil
	}
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 {
		return fmt.Errorf("content length %q", text)
	}
	return c.take(req, size, limit)
}

// stream hands a chunked body on as it comes, in pieces that are overwritten by the next.
func (c *client) stream(req *request, each func(piece []byte) error) error {
	if err := c.expected(req); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	return c.chunks(req, func(size int64) error {
		for size > 0 {
			n, err := c.r.Read(buf[:min(size, int64(len(buf)))])
			if err == nil {
				err = each(buf[:n])
			}
			if err != nil {
				return err
			}
			size -= int64(n)
		}
		return nil
	})
}

// expected tells a client that waits for it to send the body.
func (c *client) expected(req *request) error {
	if !strings.EqualFold(req.header["expect"], "100-continue") {
		return nil
	}
	return c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"), nil)
}

func (r *request) chunked() bool {
	return strings.Contains(strings.ToLower(r.header["transfer-encoding"]), "chunked")
}

// take appends size bytes to the body, or drops them.
func (c *client) take(req *request, size int64, limit int) error {
	if req.large = req.large || size > int64(limit-len(req.body)); req.large {
		req.body = nil
		_, err := io.CopyN(io.Discard, c.r, size)
		return err
	}
	at := len(req.body)
	req.body = append(req.body, make([]byte, size)...)
	_, err := io.ReadFull(c.r, req.body[at:])
	return err
}

// chunks reads a chunked body and its trailers; take reads the data of one chunk.
func (c *client) chunks(req *request, take func(size int64) error) error {
	for {
		line, err := c.line(1 << 10)
		if err != nil {
			return err
		}
		text, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseInt(strings.TrimSpace(text), 16, 64)
		if err != nil || size < 0 {
			return fmt.Errorf("chunk size %q", line)
		}
		if size == 0 {
			return c.headers(req.header)
		}
		if err := take(size); err != nil {
			return err
		}
		if end, err := c.line(2); err != nil || end != "" {
			return errors.Join(err, errors.New("chunk without an end"))
		}
	}
}

// ends says whether the connection ends with the answer, which may take its time.
func (c *client) ends(last bool) {
	c.mu.Lock()
	c.last = last
	c.mu.Unlock()
}

// field is a header of a response.
type field struct{ name, value string }

// respond writes a response in one go.
func (c *client) respond(status string, body []byte, fields ...field) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := append(c.buf[:0], "HTTP/1.1 "...)
	b = append(b, status...)
	b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	for _, f := range fields {
		if f.value != "" {
			b = append(b, "\r\n"...)
			b = append(b, f.name...)
			b = append(b, ": "...)
			b = append(b, oneLine.Replace(f.value)...)
		}
	}
	if c.last {
		b = append(b, "\r\nConnection: close"...)
		defer func() { _ = c.conn.Close() }()
	}
	b = append(b, "\r\n\r\n"...)
	if len(body) <= 32<<10 {
		b = append(b, body...)
		body = nil
	}
	c.buf = b
	return c.send(b, body)
}

// oneLine keeps line breaks, which JSON may have, out of headers.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

func (c *client) write(head, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(head, body)
}

func (c *client) send(head, body []byte) error {
	if len(body) == 0 {
		_, err := c.conn.Write(head)
		return err
	}
	both := net.Buffers{head, body}
	_, err := both.WriteTo(c.conn)
	return err
}
