//go:build linux

package lifecycle

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// member is an extension whose requests the test makes.
type member struct {
	*bench
	name string
	id   string
}

// send makes a request; headers are pairs of names and values.
func (m *member) send(method, path, body string, headers ...string) (int, http.Header, string) {
	m.t.Helper()
	req, _ := http.NewRequest(method, "http://"+m.addr+path, strings.NewReader(body))
	if m.id != "" {
		req.Header.Set("Lambda-Extension-Identifier", m.id)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(data)
}

func (b *bench) register(name, events string, headers ...string) (*member, string) {
	b.t.Helper()
	m := &member{bench: b, name: name}
	status, header, body := m.send("POST", "/2020-01-01/extension/register", `{"events":`+events+`}`,
		append([]string{"Lambda-Extension-Name", name}, headers...)...)
	if status != http.StatusOK {
		b.t.Fatalf("register: %d %s", status, body)
	}
	m.id = header.Get("Lambda-Extension-Identifier")
	return m, body
}

// launched waits until the extensions have registered and the runtime has been started.
func (b *bench) launched() {
	b.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		b.life.mu.Lock()
		started := b.life.proc != nil
		b.life.mu.Unlock()
		if started {
			return
		}
		runtime.Gosched()
	}
	b.t.Fatal("the runtime has not been started")
}

// ask asks for the extension's next event.
func (m *member) ask() <-chan event {
	ch := make(chan event, 1)
	asked := make(chan struct{})
	go func() {
		defer close(ch)
		req, _ := http.NewRequest(http.MethodGet, "http://"+m.addr+"/2020-01-01/extension/event/next", nil)
		req.Header.Set("Lambda-Extension-Identifier", m.id)
		close(asked)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		defer func() { _ = res.Body.Close() }()
		if body, err := io.ReadAll(res.Body); err == nil {
			ch <- event{res.StatusCode, res.Header, string(body)}
		}
	}()
	<-asked
	return ch
}

// waits waits until the extension is in a state.
func (m *member) waits(state string) {
	m.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		m.life.mu.Lock()
		e := m.life.ext.find(func(e *extension) bool { return e.id == m.id })
		is := e.state
		m.life.mu.Unlock()
		if is == state {
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("%s is %s, not %s", m.name, is, state)
		}
	}
}

// freezes waits until everybody is frozen.
func (b *bench) freezes() {
	b.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		b.life.mu.Lock()
		frozen := b.life.frozen
		b.life.mu.Unlock()
		if frozen {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatal("the environment does not freeze")
		}
	}
}

func TestRegister(t *testing.T) {
	b := newBench(t, "outer")
	for name, tc := range map[string]struct {
		headers []string
		body    string
		status  int
		text    string
	}{
		"no name":          {nil, `{"events":[]}`, 403, `{"errorMessage":"Empty extension name","errorType":"Extension.InvalidExtensionName"}`},
		"no JSON":          {[]string{"Lambda-Extension-Name", "outer"}, `events`, 403, `"errorType":"InvalidRequestFormat"`},
		"no body":          {[]string{"Lambda-Extension-Name", "outer"}, ``, 403, `"errorType":"InvalidRequestFormat"`},
		"old":              {[]string{"Lambda-Extension-Name", "outer"}, `{"configurationKeys":["a"]}`, 403, `configurationKeys are deprecated; use environment variables instead`},
		"unknown event":    {[]string{"Lambda-Extension-Name", "outer"}, `{"events":["SLEEP"]}`, 403, `{"errorMessage":"SLEEP: ErrorInvalidEventType","errorType":"Extension.InvalidEventType"}`},
		"shutdown, inside": {[]string{"Lambda-Extension-Name", "inner"}, `{"events":["SHUTDOWN"]}`, 403, `SHUTDOWN: ShutdownEventNotSupportedForInternalExtension`},
	} {
		t.Run(name, func(t *testing.T) {
			m := &member{bench: b}
			if status, _, body := m.send("POST", "/2020-01-01/extension/register", tc.body, tc.headers...); status != tc.status || !strings.Contains(body, tc.text) {
				t.Errorf("%d %s, want %d %s", status, body, tc.status, tc.text)
			}
		})
	}
	m, body := b.register("outer", `["INVOKE","SHUTDOWN","INVOKE"]`)
	if !isID(m.id) || body != `{"functionName":"f","functionVersion":"3","handler":"h"}` {
		t.Errorf("%s %s", m.id, body)
	}
	b.launched()
	if _, body := b.register("inner", `[]`, "Lambda-Extension-Accept-Feature", "other, accountId"); !strings.HasPrefix(body, `{"accountId":"123456789012",`) {
		t.Error(body)
	}
	for name, want := range map[string]string{
		"outer": `{"errorMessage":"State transition from Registered to Registered failed for extension outer. Error: State transition is not allowed","errorType":"Extension.InvalidExtensionState"}`,
		"inner": `{"errorMessage":"Extension with this name already registered","errorType":"Extension.InvalidExtensionState"}`,
	} {
		if status, _, body := (&member{bench: b}).send("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name", name); status != 403 || strings.TrimSpace(body) != want {
			t.Errorf("%s once more: %d %s", name, status, body)
		}
	}
	for i := range maxExtensions - 2 {
		b.register(fmt.Sprintf("inner-%d", i), `["INVOKE"]`)
	}
	tooMany := &member{bench: b}
	if status, _, body := tooMany.send("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name", "more"); status != 403 || !strings.Contains(body, "Extension limit (10) reached") {
		t.Errorf("one too many: %d %s", status, body)
	}
	b.next()
	m.waits(stateRegistered)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) { // until the runtime has asked
		status, _, body := tooMany.send("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name", "late")
		if status == 403 && strings.Contains(body, `"Extension registration closed already","errorType":"Extension.RegistrationClosed"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("too late: %d %s", status, body)
		}
	}
}

func TestIdentified(t *testing.T) {
	b := newBench(t, "outer")
	m, _ := b.register("outer", `["INVOKE"]`)
	const unknown = "0b1cd2e3-0000-4000-8000-0123456789ab"
	for _, path := range []string{
		"GET /2020-01-01/extension/event/next", "POST /2020-01-01/extension/init/error", "POST /2020-01-01/extension/exit/error",
		"PUT /2022-07-01/telemetry", "PUT /2020-08-15/logs/",
	} {
		method, path, _ := strings.Cut(path, " ")
		for id, want := range map[string]string{
			"":           `{"errorMessage":"Missing Lambda-Extension-Identifier header","errorType":"Extension.MissingExtensionIdentifier"}`,
			"x":          `{"errorMessage":"Invalid Lambda-Extension-Identifier","errorType":"Extension.InvalidExtensionIdentifier"}`,
			unknown:      `"errorType":"Extension.UnknownExtensionIdentifier"}`,
			unknown[:35]: `"errorType":"Extension.InvalidExtensionIdentifier"}`,
		} {
			who := &member{bench: b, id: id}
			if status, _, body := who.send(method, path, "{}", "Lambda-Extension-Function-Error-Type", "x"); status != 403 || !strings.Contains(body, want) {
				t.Errorf("%s of %q: %d %s", path, id, status, body)
			}
		}
	}
	if status, _, body := m.send("POST", "/2020-01-01/extension/exit/error", ""); status != 403 || !strings.Contains(body, `"Lambda-Extension-Function-Error-Type not found","errorType":"Extension.MissingHeader"`) {
		t.Errorf("%d %s", status, body)
	}
	first := m.ask()
	m.waits(stateReady)
	if got := <-m.ask(); got.status != 403 || !strings.Contains(got.body, "State transition from Ready to Ready failed for extension "+m.id) {
		t.Errorf("a second request for an event: %+v", got)
	}
	if status, _, body := m.send("POST", "/2020-01-01/extension/init/error", "", "Lambda-Extension-Function-Error-Type", "x"); status != 403 || !strings.Contains(body, "from Ready to InitError failed") {
		t.Errorf("%d %s", status, body)
	}
	for range 2 {
		if status, _, body := m.send("POST", "/2020-01-01/extension/exit/error", "", "Lambda-Extension-Function-Error-Type", "x"); status != 202 || body != `{"status":"OK"}`+"\n" {
			t.Errorf("%d %s", status, body)
		}
	}
	select {
	case got := <-first:
		t.Errorf("an event: %+v", got)
	default:
	}
}

// The init ends with everybody's first request, an invocation with their next.
func TestPhases(t *testing.T) {
	b := newBench(t, "one", "two")
	one, _ := b.register("one", `["INVOKE","SHUTDOWN"]`)
	two, _ := b.register("two", `["SHUTDOWN"]`)
	b.launched()
	runtime, waitsTwo := b.next(), two.ask()
	two.waits(stateReady)
	b.life.mu.Lock()
	if b.life.inited {
		t.Error("the init ends before everybody is ready")
	}
	b.life.mu.Unlock()
	waitsOne := one.ask()
	var ready protocol.Ready
	if frame := b.frame(protocol.KindReady); frame.Decode(&ready) != nil || ready.Shutdown != 2*time.Second {
		t.Errorf("ready %+v", ready)
	}
	b.life.invoke(&invocation{Invoke: protocol.Invoke{
		RequestID: "id-1", FunctionARN: "arn", DeadlineMS: 1700000000123, Budget: time.Minute, TraceID: "Root=1",
	}, payload: []byte("1")})
	if got := <-runtime; got.body != "1" {
		t.Errorf("event %+v", got)
	}
	want := `{"eventType":"INVOKE","deadlineMs":1700000000123,"requestId":"id-1","invokedFunctionArn":"arn","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}`
	if got := <-waitsOne; got.body != want || !isID(got.header.Get("Lambda-Extension-Event-Identifier")) {
		t.Errorf("event %+v", got)
	}
	go b.post("runtime/invocation/id-1/response", "2", 202, "OK")
	if res, payload := b.result(); !res.More || payload != "2" {
		t.Errorf("%+v %s", res, payload)
	}
	go b.life.invoke(&invocation{Invoke: protocol.Invoke{RequestID: "id-2", Budget: time.Minute}})
	if res, _ := b.result(); res.Outcome != protocol.Gone {
		t.Errorf("an event in between: %+v", res)
	}
	b.next()
	waitsOne = one.ask()
	var settled protocol.Result
	if frame := b.frame(protocol.KindSettled); frame.Decode(&settled) != nil || settled.RequestID != "id-1" || settled.Outcome != protocol.Success {
		t.Errorf("settled %+v", settled)
	}
	b.freezes()
	go b.life.Stop()
	for name, ch := range map[string]<-chan event{"one": waitsOne, "two": waitsTwo} {
		got := <-ch
		var e struct {
			EventType, ShutdownReason string
			DeadlineMS                int64
		}
		if err := json.Unmarshal([]byte(got.body), &e); err != nil || e.EventType != "SHUTDOWN" || e.ShutdownReason != "spindown" || time.Until(time.UnixMilli(e.DeadlineMS)) > 2*time.Second {
			t.Errorf("%s: %+v", name, got)
		}
	}
	select {
	case <-b.life.proc.Exited():
		if b.life.proc.Status().Signal() != syscall.SIGTERM {
			t.Errorf("the runtime has ended by %v", b.life.proc.Status().Signal())
		}
	default:
		t.Error("the runtime lives on")
	}
}

// An event whose receiver has hung up is for the connection that asks next.
func TestExtensionReconnects(t *testing.T) {
	b := newBench(t, "one")
	one, _ := b.register("one", `["INVOKE"]`)
	b.launched()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET /2020-01-01/extension/event/next HTTP/1.1\r\nLambda-Extension-Identifier: %s\r\nConnection: close\r\n\r\n", one.id); err != nil {
		t.Fatal(err)
	}
	one.waits(stateReady)
	b.next()
	b.frame(protocol.KindReady)
	_ = conn.Close()
	one.waits(stateRunning)
	b.life.invoke(&invocation{Invoke: protocol.Invoke{RequestID: "id-1", Budget: time.Minute}, payload: []byte("1")})
	if got := <-one.ask(); !strings.Contains(got.body, `"requestId":"id-1"`) {
		t.Errorf("event %+v", got)
	}
}

// The deadline counts for extensions after the answer, too.
func TestOverrun(t *testing.T) {
	b := newBench(t, "one")
	one, _ := b.register("one", `["INVOKE","SHUTDOWN"]`)
	b.launched()
	first := one.ask()
	runtime := b.next()
	b.frame(protocol.KindReady)
	b.life.invoke(&invocation{Invoke: protocol.Invoke{RequestID: "id-1", Budget: 200 * time.Millisecond}, payload: []byte("1")})
	<-runtime
	<-first
	go b.post("runtime/invocation/id-1/response", "2", 202, "OK")
	if res, _ := b.result(); res.Outcome != protocol.Success || !res.More {
		t.Errorf("%+v", res)
	}
	b.next()
	var settled protocol.Result
	if frame := b.frame(protocol.KindSettled); frame.Decode(&settled) != nil || settled.Outcome != protocol.Timeout || settled.Duration < 200*time.Millisecond {
		t.Errorf("settled %+v", settled)
	}
	if got := <-one.ask(); !strings.Contains(got.body, `"shutdownReason":"timeout"`) {
		t.Errorf("event %+v", got)
	}
}
