package session

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// patience is how long a new connection may take to say what it is for.
const patience = 10 * time.Second

func (s *Session) accept() {
	for {
		conn, err := protocol.Accept(s.ln)
		if err != nil {
			s.hangUp()
			return
		}
		if s.track(conn) {
			s.wg.Go(func() { s.admit(conn) })
		}
	}
}

// track remembers a connection, so that hangUp reaches it.
func (s *Session) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung {
		_ = conn.Close()
		return false
	}
	s.open[conn] = struct{}{}
	return true
}

func (s *Session) forget(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// admit reads what a connection is for. A control connection is then received
// from until it ends.
func (s *Session) admit(conn net.Conn) {
	defer s.forget(conn)
	var kind [1]byte
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	switch kind[0] {
	case protocol.Control:
		s.control(conn)
	case protocol.Endpoint:
		s.serve(conn)
	default:
		_ = conn.Close()
	}
}

func (s *Session) control(raw net.Conn) {
	conn := protocol.NewConn(raw)
	frame, err := conn.Receive()
	var hello protocol.Hello
	if err != nil || frame.Kind != protocol.KindHello || frame.Decode(&hello) != nil {
		_ = conn.Close()
		return
	}
	if hello.Version != protocol.Version {
		s.logger.Error("supervisor of another version", "version", hello.Version)
		_ = conn.Close()
		return
	}
	s.mu.Lock()
	if s.conn != nil || s.hung {
		s.mu.Unlock()
		_ = conn.Close()
		return
	}
	s.conn, s.lender = conn, newLender(conn, hello)
	s.mu.Unlock()
	close(s.greeted)
	s.receive(conn)
}

// serveEndpoint takes the function's AWS calls from where it makes them.
func (s *Session) serveEndpoint(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung {
		_ = ln.Close()
		return
	}
	ln = netutil.LimitListener(ln, protocol.MaxCalls)
	s.borrowed = ln
	s.wg.Go(func() {
		for {
			conn, err := protocol.Accept(ln)
			if err != nil {
				return
			}
			s.serve(conn)
		}
	})
}

// endpoint serves the function's AWS calls. It exists once there is one.
type endpoint struct {
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	served sync.WaitGroup
}

func (s *Session) serve(conn net.Conn) {
	s.mu.Lock()
	if s.spec.Endpoint == nil || s.hung {
		s.mu.Unlock()
		_ = conn.Close()
		return
	}
	if s.endpoint == nil {
		s.endpoint = newEndpoint(s.spec.Endpoint)
	}
	e := s.endpoint
	s.mu.Unlock()
	select {
	case e.conns <- conn:
	case <-e.closed:
		_ = conn.Close()
	}
}

func newEndpoint(handler http.Handler) *endpoint {
	e := &endpoint{
		server: &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute},
		conns:  make(chan net.Conn),
		closed: make(chan struct{}),
	}
	e.served.Go(func() { _ = e.server.Serve(e) })
	return e
}

// Accept, Close and Addr make an endpoint the listener of its own server.
func (e *endpoint) Accept() (net.Conn, error) {
	select {
	case conn := <-e.conns:
		return conn, nil
	case <-e.closed:
		return nil, net.ErrClosed
	}
}

// Close stops Accept.
func (e *endpoint) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// Addr is of no interest to anybody.
func (e *endpoint) Addr() net.Addr { return &net.UnixAddr{Name: "endpoint", Net: "unix"} }

// close lets running calls end, but not for long: their caller has gone.
func (e *endpoint) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := e.server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		_ = e.server.Close()
	}
	e.served.Wait()
}
