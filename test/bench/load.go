package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// event is what every function gets, and gives back.
const event = `{"hello":"world"}`

// authorization is what SDKs send, without a signature that anybody would verify:
// moto tells services apart by it.
const authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=none"

// patience is how long one call may take.
const patience = 60 * time.Second

// figures are what a load came to.
type figures struct {
	calls     int
	p50, p99  time.Duration
	perSecond float64
}

// load is a number of clients, each with a connection of its own. It speaks as
// much HTTP/1.1 as it must, by hand: on two cores, what a client costs is
// missing to whom it measures.
type load struct {
	clients []*client
	turn    *sync.Mutex // held during a call where calls must not overlap
}

// newLoad has serial clients call one after the other.
func newLoad(target string, clients int, serial bool) (*load, error) {
	l := &load{}
	if serial {
		l.turn = &sync.Mutex{}
	}
	for range clients {
		c, err := newClient(target)
		if err != nil {
			return nil, err
		}
		l.clients = append(l.clients, c)
	}
	return l, nil
}

func (l *load) close() {
	for _, c := range l.clients {
		c.hangUp()
	}
}

// run has all clients call for a while, once at least.
func (l *load) run(ctx context.Context, duration time.Duration) (*figures, error) {
	all := make([][]time.Duration, len(l.clients))
	errs := make([]error, len(l.clients))
	var running sync.WaitGroup
	begin := time.Now()
	for i, c := range l.clients {
		running.Go(func() {
			for first := true; ctx.Err() == nil && (first || time.Since(begin) < duration); first = false {
				took, err := l.call(c)
				if err != nil {
					errs[i] = err
					return
				}
				all[i] = append(all[i], took)
			}
		})
	}
	running.Wait()
	elapsed := time.Since(begin)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	times := slices.Concat(all...)
	slices.Sort(times)
	n := len(times)
	return &figures{calls: n, p50: times[n/2], p99: times[n*99/100], perSecond: float64(n) / elapsed.Seconds()}, nil
}

// settle has the clients call until they are served no faster than before, for two steps
// on end: until environments for all of them have booted.
func (l *load) settle(ctx context.Context, step time.Duration) error {
	best, still := 0.0, 0
	for range 20 {
		f, err := l.run(ctx, step)
		if err != nil {
			return err
		}
		if f.perSecond < best*1.1 {
			still++
		} else {
			still = 0
		}
		if still == 2 {
			return nil
		}
		best = max(best, f.perSecond)
	}
	return nil
}

func (l *load) call(c *client) (time.Duration, error) {
	if l.turn != nil {
		l.turn.Lock()
		defer l.turn.Unlock()
	}
	begin := time.Now()
	err := c.call()
	return time.Since(begin), err
}

// client keeps a connection as long as its server does.
type client struct {
	address string
	request []byte
	conn    net.Conn
	reader  *bufio.Reader
	body    []byte
}

func newClient(target string) (*client, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return &client{
		address: u.Host,
		reader:  bufio.NewReader(nil),
		request: fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			u.RequestURI(), u.Host, fmt.Sprintf(authorization, "lambda"), len(event), event),
	}, nil
}

// callOnce makes one call over a connection of its own.
func callOnce(target string) (time.Duration, error) {
	c, err := newClient(target)
	if err != nil {
		return 0, err
	}
	defer c.hangUp()
	begin := time.Now()
	err = c.call()
	return time.Since(begin), err
}

// call invokes the function and checks that it answers with its event.
func (c *client) call() error {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, patience)
		if err != nil {
			return err
		}
		if err := conn.SetDeadline(time.Now().Add(10 * patience)); err != nil {
			return err
		}
		c.conn = conn
		c.reader.Reset(conn)
	}
	if _, err := c.conn.Write(c.request); err != nil {
		c.hangUp()
		return fmt.Errorf("send the request: %w", err)
	}
	status, keep, err := c.receive()
	if err != nil || !keep {
		c.hangUp()
	}
	if err != nil {
		return fmt.Errorf("read the response: %w", err)
	}
	if status != 200 || !isEvent(c.body) {
		return fmt.Errorf("%s answers %d: %.200s", c.address, status, c.body)
	}
	return nil
}

func (c *client) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// isEvent tells whether body is the event, with whatever spaces: it has none in its strings.
func isEvent(body []byte) bool {
	return string(body) == event || string(bytes.ReplaceAll(bytes.TrimSpace(body), []byte(" "), nil)) == event
}

// receive reads a response into c.body, and tells its status and whether the connection lives on.
func (c *client) receive() (status int, keep bool, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, false, fmt.Errorf("not HTTP: %.40q", line)
	}
	keep = line[7] == '1'
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, err
	}
	length, chunked, failed := -1, false, false
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, false, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if !found {
			break
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Connection")):
			keep = keep && !bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte("X-Amz-Function-Error")):
			failed = true
		}
	}
	c.body = c.body[:0]
	switch {
	case chunked:
		err = c.chunks()
	case length >= 0:
		err = c.take(length)
	default:
		keep = false
		c.body, err = io.ReadAll(c.reader)
	}
	if failed {
		status = -status
	}
	return status, keep, err
}

// take appends the next n bytes to the body.
func (c *client) take(n int) error {
	at := len(c.body)
	c.body = slices.Grow(c.body, n)[:at+n]
	_, err := io.ReadFull(c.reader, c.body[at:])
	return err
}

func (c *client) chunks() error {
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line), 16, 32)
		if err != nil {
			return err
		}
		if err := c.take(int(n)); err != nil {
			return err
		}
		if _, err := c.reader.ReadString('\n'); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}
