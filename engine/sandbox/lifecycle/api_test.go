//go:build linux

package lifecycle

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// host starts programs on this machine.
type host struct{ *programs.Family }

func (host) Dial(port int) (net.Conn, error) {
	return net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// framed tells the engine in frames, which the test reads.
type framed struct{ conn *protocol.Conn }

func (f *framed) Log(l protocol.Log, text []byte)    { _ = f.conn.Send(protocol.KindLog, l, text) }
func (f *framed) Flush()                             {}
func (f *framed) Ready(r protocol.Ready)             { _ = f.conn.Send(protocol.KindReady, r, nil) }
func (f *framed) Settled(r protocol.Result)          { _ = f.conn.Send(protocol.KindSettled, r, nil) }
func (f *framed) Result(r protocol.Result, p []byte) { _ = f.conn.Send(protocol.KindResult, r, p) }
func (f *framed) Chunk(c protocol.Chunk, p []byte) error {
	return f.conn.Send(protocol.KindChunk, c, p)
}

func (f *framed) InitFailed(i protocol.InitFailed, p []byte) {
	_ = f.conn.Send(protocol.KindInitFailed, i, p)
}

// bench is a supervisor whose runtime does nothing; the test asks for events in
// its place, and is the engine as well.
type bench struct {
	t      *testing.T
	url    string
	addr   string
	engine *protocol.Conn
	life   *Life
}

func newBench(t *testing.T, extensions ...string) *bench {
	t.Helper()
	dir := t.TempDir()
	for _, name := range extensions {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nexec sleep 600\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a, b := net.Pipe()
	inside, engine := protocol.NewConn(a), protocol.NewConn(b)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	family, done := programs.NewFamily(), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		family.Serve(done)
	}()
	life := New(host{family}, &framed{conn: inside}, Group{})
	life.Boot(protocol.Assign{
		Command:    [][]string{{"sleep", "600"}},
		Dir:        t.TempDir(),
		Env:        map[string]string{"PATH": "/usr/bin:/bin", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "3"},
		InitBudget: time.Minute,
		Function:   protocol.Function{Account: "123456789012", Handler: "h", MemoryMB: 256},
	}, programs.Executables(dir), ln, "127.0.0.1:1")
	t.Cleanup(func() {
		_ = engine.Close()
		family.Kill(5 * time.Second)
		<-life.done // it kills all children of this process, so the next test's must not be there yet
		life.Close()
		close(done)
	})
	return &bench{t: t, url: "http://" + ln.Addr().String() + apiRoot, addr: ln.Addr().String(), engine: engine, life: life}
}

func (b *bench) frame(kind protocol.Kind) protocol.Frame {
	b.t.Helper()
	for {
		frame, err := b.engine.Receive()
		if err != nil {
			b.t.Fatal(err)
		}
		if frame.Kind == kind {
			return frame
		}
	}
}

func (b *bench) result() (protocol.Result, string) {
	b.t.Helper()
	frame := b.frame(protocol.KindResult)
	var res protocol.Result
	if err := frame.Decode(&res); err != nil {
		b.t.Fatal(err)
	}
	return res, string(frame.Payload)
}

// event is what a request for one got.
type event struct {
	status int
	header http.Header
	body   string
}

// next asks for an event in the background. The channel is closed when the
// connection breaks instead.
func (b *bench) next() <-chan event {
	ch := make(chan event, 1)
	go func() {
		defer close(ch)
		res, err := http.Get(b.url + "runtime/invocation/next")
		if err != nil {
			return
		}
		defer func() { _ = res.Body.Close() }()
		if body, err := io.ReadAll(res.Body); err == nil {
			ch <- event{res.StatusCode, res.Header, string(body)}
		}
	}()
	return ch
}

// begin goes through init and hands the runtime an event.
func (b *bench) begin(id string) { b.beginAs(protocol.Invoke{RequestID: id, Budget: time.Minute}) }

func (b *bench) beginAs(inv protocol.Invoke) {
	b.t.Helper()
	asked := b.next()
	b.frame(protocol.KindReady)
	b.life.invoke(&invocation{Invoke: inv, payload: []byte(`{}`)})
	if got := <-asked; got.status != http.StatusOK || got.body != `{}` {
		b.t.Fatalf("no event: %+v", got)
	}
}

func (b *bench) do(req *http.Request, status int, text string) {
	b.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status || !strings.Contains(string(body), text) {
		b.t.Errorf("%s %s: %d %s (%v), want %d %s", req.Method, req.URL.Path, res.StatusCode, body, err, status, text)
	}
}

func (b *bench) post(path, body string, status int, text string) {
	b.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, b.url+path, strings.NewReader(body))
	b.do(req, status, text)
}

func TestEventHeaders(t *testing.T) {
	b := newBench(t)
	asked := b.next()
	b.frame(protocol.KindReady)
	b.life.invoke(&invocation{Invoke: protocol.Invoke{
		RequestID: "id-1", FunctionARN: "arn:f:live", DeadlineMS: 1700000000123, Budget: time.Minute,
		TraceID: "Root=1", ClientContext: "{\n \"custom\": {}\r\n}", CognitoIdentity: `{"cognitoIdentityId":"x"}`,
	}, payload: []byte(`"event"`)})
	got := <-asked
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id":       "id-1",
		"Lambda-Runtime-Deadline-Ms":          "1700000000123",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:f:live",
		"Lambda-Runtime-Trace-Id":             "Root=1",
		"Lambda-Runtime-Client-Context":       `{  "custom": {}  }`,
		"Lambda-Runtime-Cognito-Identity":     `{"cognitoIdentityId":"x"}`,
		"Content-Type":                        "application/json",
	} {
		if value := got.header.Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
	if got.body != `"event"` {
		t.Errorf("event %s", got.body)
	}
}

func TestAnswers(t *testing.T) {
	large := strings.Repeat("x", protocol.MaxPayload+1)
	for name, tc := range map[string]struct {
		path    string
		header  map[string]string
		body    string
		chunked bool
		trailer map[string]string
		status  int
		text    string
		outcome protocol.Outcome
		kind    string
		payload string
	}{
		"response":        {path: "response", body: `{"a":1}`, status: 202, text: `{"status":"OK"}`, payload: `{"a":1}`},
		"empty response":  {path: "response", status: 202},
		"largest":         {path: "response", body: large[1:], status: 202, payload: large[1:]},
		"chunked":         {path: "response", body: `"streamed"`, chunked: true, status: 202, payload: `"streamed"`},
		"expect":          {path: "response", header: map[string]string{"Expect": "100-continue"}, body: "1", status: 202, payload: "1"},
		"too large":       {path: "response", body: large, status: 413, text: "RequestEntityTooLarge", outcome: protocol.ResponseTooLarge},
		"chunks too many": {path: "response", body: large, chunked: true, status: 413, text: "6291556 bytes", outcome: protocol.ResponseTooLarge},
		"error": {
			path: "error", header: map[string]string{"Lambda-Runtime-Function-Error-Type": "My.Error"}, body: `{"errorType":"My.Error"}`,
			status: 202, outcome: protocol.FunctionError, kind: "My.Error", payload: `{"errorType":"My.Error"}`,
		},
		"error of no type": {path: "error", body: `{}`, status: 202, outcome: protocol.FunctionError, kind: "Runtime.Unknown", payload: `{}`},
		"late error": {
			path: "response", body: "half an answer", chunked: true,
			trailer: map[string]string{
				"Lambda-Runtime-Function-Error-Type": "Late.Error",
				"Lambda-Runtime-Function-Error-Body": base64.StdEncoding.EncodeToString([]byte(`{"late":1}`)),
			},
			status: 202, outcome: protocol.FunctionError, kind: "Late.Error", payload: `{"late":1}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.begin("id-1")
			body := io.Reader(strings.NewReader(tc.body))
			if tc.chunked {
				body = io.MultiReader(body) // of unknown length
			}
			req, _ := http.NewRequest(http.MethodPost, b.url+"runtime/invocation/id-1/"+tc.path, body)
			for k, v := range tc.header {
				req.Header.Set(k, v)
			}
			for k, v := range tc.trailer {
				if req.Trailer == nil {
					req.Trailer = http.Header{}
				}
				req.Trailer.Set(k, v)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				b.do(req, tc.status, tc.text)
			}()
			res, payload := b.result()
			<-done
			if res.RequestID != "id-1" || res.Outcome != tc.outcome || res.ErrorType != tc.kind || payload != tc.payload {
				t.Errorf("result %+v with %d bytes %.100q", res, len(payload), payload)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	b.post("runtime/invocation/id-1/response", "1", 403, "InvalidStateTransition")
	b.begin("id-1")
	b.post("runtime/invocation/id-2/response", "1", 400, "InvalidRequestID")
	b.post("runtime/invocation/id-2/error", "1", 400, "InvalidRequestID")
	if got := <-b.next(); got.status != http.StatusForbidden {
		t.Errorf("a second event during an invocation: %+v", got)
	}
	b.post("runtime/init/error", "{}", 403, "InvalidStateTransition")
	b.post("runtime/nothing", "", 404, "")
	go b.post("runtime/invocation/id-1/response", "1", 202, "OK")
	b.result()
	b.post("runtime/invocation/id-1/response", "2", 403, "State transition to InvocationResponse failed for runtime")
}

// A stream that breaks off leaves room for an error and for nothing else.
func TestBrokenStream(t *testing.T) {
	b := newBench(t)
	b.beginAs(protocol.Invoke{RequestID: "id-1", Budget: time.Minute, Stream: true})
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	const head = "POST %sruntime/invocation/id-1/response HTTP/1.1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
	if _, err := fmt.Fprintf(conn, head, apiRoot); err != nil {
		t.Fatal(err)
	}
	for i, want := range []protocol.Chunk{{RequestID: "id-1", ContentType: "text/plain"}, {RequestID: "id-1"}} {
		frame := b.frame(protocol.KindChunk)
		var chunk protocol.Chunk
		if err := frame.Decode(&chunk); err != nil || chunk != want || string(frame.Payload) != []string{"", "first"}[i] {
			t.Errorf("%v: %+v %q, want %+v", err, chunk, frame.Payload, want)
		}
	}
	b.post("runtime/invocation/id-1/response", "1", 403, "InvalidStateTransition") // beside the stream
	b.post("runtime/invocation/id-1/error", "{}", 403, "InvalidStateTransition")
	_ = conn.Close()
	b.life.mu.Lock()
	for b.life.answering > 0 {
		b.life.answered.Wait()
	}
	b.life.mu.Unlock()
	b.post("runtime/invocation/id-1/response", "1", 403, "InvalidStateTransition") // after it
	go b.post("runtime/invocation/id-1/error", `{"why":1}`, 202, "OK")
	if res, payload := b.result(); res.Outcome != protocol.FunctionError || payload != `{"why":1}` {
		t.Errorf("%+v %s", res, payload)
	}
}

func TestInitError(t *testing.T) {
	b := newBench(t)
	go b.post("runtime/init/error", `{"errorType":"x"}`, 202, "OK")
	frame := b.frame(protocol.KindInitFailed)
	var failed protocol.InitFailed
	if err := frame.Decode(&failed); err != nil || !failed.Posted || string(frame.Payload) != `{"errorType":"x"}` {
		t.Errorf("%v: %+v %s", err, failed, frame.Payload)
	}
	<-b.life.done
}

// A shell script asks with one connection for each request, and may be
// interrupted while it waits.
func TestConnectionsComeAndGo(t *testing.T) {
	b := newBench(t)
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %sruntime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", apiRoot); err != nil {
		t.Fatal(err)
	}
	b.frame(protocol.KindReady)
	_ = conn.Close()
	for deadline := time.Now().Add(5 * time.Second); ; {
		b.life.mu.Lock()
		gone := b.life.parked == nil
		b.life.mu.Unlock()
		if gone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the lost connection still waits")
		}
		time.Sleep(time.Millisecond)
	}
	b.life.invoke(&invocation{Invoke: protocol.Invoke{RequestID: "id-1", Budget: time.Minute}, payload: []byte("1")})
	conn, err = net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "GET http://%s%sruntime/invocation/next HTTP/1.0\r\n\r\n", b.addr, apiRoot); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.Header.Get("Lambda-Runtime-Aws-Request-Id") != "id-1" {
		t.Fatalf("%v %v", res, err)
	}
	_ = res.Body.Close()
}

func TestDeadlines(t *testing.T) {
	b := newBench(t)
	asked := b.next()
	b.frame(protocol.KindReady)
	start := time.Now()
	b.life.invoke(&invocation{Invoke: protocol.Invoke{RequestID: "id-1", Budget: 50 * time.Millisecond}, payload: []byte("1")})
	<-asked
	res, _ := b.result()
	if took := time.Since(start); res.Outcome != protocol.Timeout || took < 50*time.Millisecond {
		t.Errorf("%+v after %v", res, took)
	}
	<-b.life.done
	select {
	case <-b.life.proc.Exited():
	case <-time.After(5 * time.Second):
		t.Error("the runtime lives on")
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
		"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: t\r\n\r\n",
		"POST /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: -1\r\n\r\n",
		"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n7fffffffffffffff\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &client{conn: nowhere{}, r: bufio.NewReader(bytes.NewReader(data))}
		for {
			req, err := c.head()
			if err != nil {
				return
			}
			if err := c.read(req, 1000); err != nil {
				return
			}
			if len(req.body) > 1000 || (req.large && req.body != nil) {
				t.Fatalf("body of %d bytes, large %v", len(req.body), req.large)
			}
		}
	})
}

// nowhere is a connection that takes everything.
type nowhere struct{ net.Conn }

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
