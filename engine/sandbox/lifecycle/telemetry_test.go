//go:build linux

package lifecycle

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

func TestSubscribe(t *testing.T) {
	const to = `"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:9999"}`
	b := newBench(t, "one", "two")
	one, _ := b.register("one", `["INVOKE"]`)
	two, _ := b.register("two", `[]`)
	b.launched()
	const telemetry, logs = "/2022-07-01/telemetry", "/2020-08-15/logs"
	for _, tc := range []struct {
		name, path, body string
		status           int
		text             string
	}{
		{"no JSON", telemetry, `x`, 400, `"errorType":"ValidationError"`},
		{"nothing", telemetry, `{}`, 400, `types should not be empty`},
		{"no port", telemetry, `{"schemaVersion":"2022-07-01","destination":{"protocol":"HTTP","URI":"http://sandbox/x"}}`, 400, `"types should not be empty; URI port is not provided"`},
		{"elsewhere", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"HTTP","URI":"http://example.com:80"}}`, 400, `URI host \"example.com\" is not sandbox.localdomain`},
		{"schema", telemetry, `{"schemaVersion":"2020-08-15","types":["function"],` + to + `}`, 400, `schemaVersion`},
		{"type", telemetry, `{"schemaVersion":"2022-07-01","types":["functions"],` + to + `}`, 400, `type \"functions\" is not one of platform, function, extension`},
		{"items", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"buffering":{"maxItems":999},` + to + `}`, 400, `buffering.maxItems 999 is not between 1000 and 10000`},
		{"bytes", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"buffering":{"maxBytes":1048577},` + to + `}`, 400, `buffering.maxBytes 1048577 is not between 262144 and 1048576`},
		{"timeout", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"buffering":{"timeoutMs":24},` + to + `}`, 400, `buffering.timeoutMs 24 is not between 25 and 30000`},
		{"protocol", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"UDP"}}`, 400, `protocol`},
		{"no TCP port", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"TCP"}}`, 400, `destination.port`},
		{"https", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"HTTP","URI":"https://sandbox:1"}}`, 400, `not an http URI`},
		{"path", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1/a b"}}`, 400, `not valid`},
		{"logs", logs, `{"types":[],` + to + `}`, 400, `"errorType":"Logs.ValidationError"`},
		{"good", telemetry, `{"schemaVersion":"2022-07-01","types":["function"],` + to + `}`, 200, `"OK"`},
		{"again", telemetry, `{"schemaVersion":"2022-12-13","types":["function"],` + to + `}`, 200, `"OK"`},
		{"other API", logs, `{"schemaVersion":"2020-08-15","types":["function"],` + to + `}`, 400, `one has subscribed through the Telemetry API already`},
	} {
		if status, _, body := one.send("PUT", tc.path, tc.body); status != tc.status || !strings.Contains(body, tc.text) {
			t.Errorf("%s: %d %s, want %d %s", tc.name, status, body, tc.status, tc.text)
		}
	}
	if status, _, body := two.send("PUT", logs, `{"types":["platform"],`+to+`}`); status != 200 || body != `"OK"` {
		t.Errorf("%d %s", status, body)
	}
	one.ask()
	two.ask()
	b.next()
	b.frame(protocol.KindReady)
	for path, kind := range map[string]string{telemetry: "Telemetry", logs: "Logs"} {
		want := fmt.Sprintf(`{"errorMessage":"%s API subscription is closed","errorType":"%s.SubscriptionClosed"}`, kind, kind)
		if status, _, body := one.send("PUT", path, `{"schemaVersion":"`+map[string]string{telemetry: "2022-07-01", logs: "2020-08-15"}[path]+`","types":["function"],`+to+`}`); status != 403 || strings.TrimSpace(body) != want {
			t.Errorf("%d %s, want %s", status, body, want)
		}
	}
}

// slowServer takes events when the test lets it.
type slowServer struct {
	*httptest.Server
	got  chan []map[string]any
	pass chan int // the status of an answer
}

func newSlowServer(t *testing.T) *slowServer {
	s := &slowServer{got: make(chan []map[string]any, 100), pass: make(chan int, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []map[string]any
		data, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(data, &events); err != nil {
			t.Errorf("%v: %.200s", err, data)
		}
		s.got <- events
		w.WriteHeader(<-s.pass)
	}))
	t.Cleanup(func() { close(s.pass); s.Close() })
	return s
}

func subscribed(t *testing.T, uri, types, buffering string) *telemetry {
	t.Helper()
	var s subscription
	body := fmt.Sprintf(`{"schemaVersion":"2022-07-01","types":%s,"buffering":%s,"destination":{"protocol":"HTTP","URI":%q}}`, types, buffering, uri)
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	if problems := s.check(telemetryAPI); len(problems) > 0 {
		t.Fatal(problems)
	}
	tel := newTelemetry(New(host{}, nil, Group{}))
	if problem, err := tel.subscribe("one", telemetryAPI, s); problem != "" || err != nil {
		t.Fatal(problem, err)
	}
	return tel
}

// A subscriber that does not keep up costs bounded memory and hears what it has missed.
func TestSlowSubscriber(t *testing.T) {
	s := newSlowServer(t)
	tel := subscribed(t, s.URL, `["platform","function"]`, `{"maxItems":1000}`)
	const lines = 5000
	for i := range lines {
		tel.line(function, time.Now(), fmt.Sprint(i))
	}
	s.pass <- 200
	received, dropped := 0, 0
	for received+dropped < lines {
		select {
		case events := <-s.got:
			if len(events) > 1000 {
				t.Errorf("a batch of %d", len(events))
			}
			for _, e := range events {
				switch e["type"] {
				case "function":
					received++
				case "platform.logsDropped":
					record := e["record"].(map[string]any)
					dropped += int(record["droppedRecords"].(float64))
					if bytes := record["droppedBytes"].(float64); bytes < float64(dropped) {
						t.Errorf("%v bytes dropped", bytes)
					}
				}
			}
			s.pass <- 200
			tel.flush()
		case <-time.After(5 * time.Second):
			t.Fatalf("%d received, %d dropped of %d", received, dropped, lines)
		}
	}
	if received > 2000 || received < 1990 {
		t.Errorf("%d received", received)
	}
}

// What is refused is sent again.
func TestDeliveryIsRetried(t *testing.T) {
	s := newSlowServer(t)
	s.pass <- 500
	s.pass <- 200
	tel := subscribed(t, s.URL+"/path?q", `["function"]`, `{"timeoutMs":25}`)
	tel.line(function, time.Now(), "<once>")
	first, second := <-s.got, <-s.got
	if len(first) != 1 || len(second) != 1 || first[0]["record"] != "<once>" || second[0]["record"] != "<once>" {
		t.Errorf("%v, then %v", first, second)
	}
	tel.drain(5 * time.Second)
	if tel.flush() {
		t.Error("something is still to be delivered")
	}
}

// A listener that opens late gets what came before, and TCP is lines.
func TestTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	_ = ln.Close()
	s := subscription{Schema: "2022-07-01", Types: []string{"extension"}, Destination: destination{Protocol: "TCP", Port: port}}
	if problems := s.check(telemetryAPI); len(problems) > 0 {
		t.Fatal(problems)
	}
	tel := newTelemetry(New(host{}, nil, Group{}))
	tel.line(extensionSource, time.Now(), "early")
	if _, err := tel.subscribe("one", telemetryAPI, s); err != nil {
		t.Fatal(err)
	}
	tel.line(function, time.Now(), "of no interest")
	tel.line(extensionSource, time.Now(), "late")
	tel.flush()
	if ln, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	decoder := json.NewDecoder(conn)
	for _, want := range []string{"early", "late"} {
		var e struct{ Time, Type, Record string }
		if err := decoder.Decode(&e); err != nil || e.Record != want || e.Type != "extension" {
			t.Errorf("%v: %+v, want %s", err, e, want)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", e.Time); err != nil {
			t.Error(err)
		}
	}
}

// The shapes of the two APIs, as documented.
func TestShapes(t *testing.T) {
	tel := newTelemetry(&Life{assign: protocol.Assign{
		Env:      map[string]string{"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_LOG_FORMAT": "JSON"},
		Function: protocol.Function{MemoryMB: 128, BillingStep: 100 * time.Millisecond},
	}})
	inv := &invocation{Invoke: protocol.Invoke{RequestID: "id", TraceID: "Root=1"}, start: time.Now()}
	tel.initReport(125330*time.Microsecond, "success", "")
	tel.start(inv)
	tel.line(function, time.Now(), `{"level":"INFO"}`)
	tel.line(function, time.Now(), `{"level":`)
	tel.extension(&extension{name: "x", state: stateReady})
	tel.report(inv, protocol.Result{Duration: 693921 * time.Microsecond, Memory: 84 << 20}, true)
	tel.report(inv, protocol.Result{Outcome: protocol.Exited, ErrorType: "Runtime.ExitError", Duration: time.Millisecond}, false)
	for a, want := range map[*api][]string{
		telemetryAPI: {
			`"platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":125.33}}}`,
			`"platform.start","record":{"requestId":"id","version":"$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}}`,
			`"function","record":{"level":"INFO"}}`,
			`"function","record":"{\"level\":"}`,
			`"platform.extension","record":{"name":"x","state":"Ready","events":[]}}`,
			`"platform.report","record":{"requestId":"id","status":"success","metrics":{"durationMs":693.921,"billedDurationMs":700,"memorySizeMB":128,"maxMemoryUsedMB":84,"initDurationMs":125.33},"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}}`,
			`"platform.report","record":{"requestId":"id","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":1,"billedDurationMs":100,"memorySizeMB":128,"maxMemoryUsedMB":0},"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}}`,
		},
		logsAPI: {
			`"platform.start","record":{"requestId":"id","version":"$LATEST"}}`,
			`"function","record":"{\"level\":\"INFO\"}\n"}`,
			`"function","record":"{\"level\":\n"}`,
			`"platform.extension","record":{"name":"x","state":"Ready","events":[]}}`,
			`"platform.end","record":{"requestId":"id"}}`,
			`"platform.report","record":{"requestId":"id","metrics":{"durationMs":693.921,"billedDurationMs":700,"memorySizeMB":128,"maxMemoryUsedMB":84,"initDurationMs":125.33}}}`,
			`"platform.fault","record":"RequestId: id Process exited before completing request"}`,
			`"platform.end","record":{"requestId":"id"}}`,
			`"platform.report","record":{"requestId":"id","metrics":{"durationMs":1,"billedDurationMs":100,"memorySizeMB":128,"maxMemoryUsedMB":0}}}`,
		},
	} {
		var got []string
		for _, e := range tel.early {
			if data := e.encode(a, a.schemas[0]); data != nil {
				_, text, _ := strings.Cut(string(data), `"type":`)
				got = append(got, text)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", a.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}
