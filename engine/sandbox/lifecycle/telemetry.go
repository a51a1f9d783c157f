//go:build linux

package lifecycle

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"sync"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// source is where a line or an event comes from: the types that can be subscribed to.
type source byte

// The sources.
const (
	platform source = 1 << iota
	function
	extensionSource
)

var sources = map[string]source{"platform": platform, "function": function, "extension": extensionSource}

// earlyBytes bounds what is kept of the init for those who subscribe later in it.
const earlyBytes = 256 << 10

// telemetry tells subscribers what happens in the environment. Nothing in it waits
// for a subscriber.
type telemetry struct {
	life   *Life
	assign protocol.Assign
	kind   string // of the init: on-demand or provisioned-concurrency
	init   time.Duration

	mu          sync.Mutex
	subscribers []*subscriber
	early       []telemetryEvent
	earlySize   int
	closed      bool // nobody may subscribe any more
}

// telemetryEvent is one thing that has happened.
type telemetryEvent struct {
	at     time.Time
	source source
	kind   string
	record any // of the Telemetry API
	logs   any // of the Logs API, where it differs; nil: not known there
}

func newTelemetry(l *Life) *telemetry {
	a := l.assign
	kind := a.Env["AWS_LAMBDA_INITIALIZATION_TYPE"]
	if kind == "" {
		kind = "on-demand"
	}
	return &telemetry{life: l, assign: a, kind: kind}
}

// emit passes an event to those who have subscribed to its source.
func (t *telemetry) emit(e telemetryEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && t.earlySize < earlyBytes {
		t.early = append(t.early, e)
		text, _ := e.record.(string)
		t.earlySize += 100 + len(text)
	}
	for _, s := range t.subscribers {
		s.add(e)
	}
}

// close ends the time of subscriptions.
func (t *telemetry) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, t.early = true, nil
}

// line is a line of output. With the log format JSON one that is an object is passed on as such.
func (t *telemetry) line(from source, at time.Time, text string) {
	kind := "function"
	if from == extensionSource {
		kind = "extension"
	}
	e := telemetryEvent{at: at, source: from, kind: kind, record: text, logs: text + "\n"}
	if t.assign.Env["AWS_LAMBDA_LOG_FORMAT"] == "JSON" && len(text) > 0 && text[0] == '{' && json.Valid([]byte(text)) {
		e.record = json.RawMessage(text)
	}
	t.emit(e)
}

// happened emits an event of the platform.
func (t *telemetry) happened(kind string, record, logs any) {
	t.emit(telemetryEvent{at: time.Now(), source: platform, kind: "platform." + kind, record: record, logs: logs})
}

// only of the Logs API.
func (t *telemetry) logged(kind string, logs any) { t.happened(kind, nil, logs) }

type initRecord struct {
	Type      string   `json:"initializationType"`
	Phase     string   `json:"phase"`
	Status    string   `json:"status,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Function  string   `json:"functionName,omitempty"`
	Version   string   `json:"functionVersion,omitempty"`
	Memory    int64    `json:"instanceMaxMemory,omitempty"`
	Metrics   *metrics `json:"metrics,omitempty"`
}

func (t *telemetry) initStart(at time.Time) {
	t.emit(telemetryEvent{at: at, source: platform, kind: "platform.initStart", record: initRecord{
		Type: t.kind, Phase: "init", Function: t.assign.Env["AWS_LAMBDA_FUNCTION_NAME"],
		Version: t.assign.Env["AWS_LAMBDA_FUNCTION_VERSION"], Memory: int64(t.assign.Function.MemoryMB) << 20,
	}})
}

func (t *telemetry) initRuntimeDone(status, errorType string) {
	t.happened("initRuntimeDone", initRecord{Type: t.kind, Phase: "init", Status: status, ErrorType: errorType}, nil)
}

func (t *telemetry) initReport(took time.Duration, status, errorType string) {
	t.init = took
	t.happened("initReport", initRecord{
		Type: t.kind, Phase: "init", Status: status, ErrorType: errorType, Metrics: &metrics{Duration: milliseconds(took)},
	}, nil)
}

type extensionRecord struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Events    []string `json:"events"`
	ErrorType string   `json:"errorType,omitempty"`
}

func (t *telemetry) extension(e *extension) {
	r := extensionRecord{Name: e.name, State: e.state, Events: append([]string{}, e.events...), ErrorType: e.problem}
	t.happened("extension", r, r)
}

type startRecord struct {
	RequestID string   `json:"requestId"`
	Version   string   `json:"version,omitempty"`
	Tracing   *tracing `json:"tracing,omitempty"`
}

func (t *telemetry) start(inv *invocation) {
	version := t.assign.Env["AWS_LAMBDA_FUNCTION_VERSION"]
	t.happened("start", startRecord{inv.RequestID, version, traceOf(inv)}, startRecord{RequestID: inv.RequestID, Version: version})
}

// doneRecord is platform.runtimeDone and platform.report.
type doneRecord struct {
	RequestID string   `json:"requestId"`
	Status    string   `json:"status,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Metrics   any      `json:"metrics,omitempty"`
	Tracing   *tracing `json:"tracing,omitempty"`
}

type metrics struct {
	Duration float64 `json:"durationMs"`
	Produced *int    `json:"producedBytes,omitempty"`
}

type reportMetrics struct {
	Duration  float64 `json:"durationMs"`
	Billed    int64   `json:"billedDurationMs"`
	Memory    int     `json:"memorySizeMB"`
	MaxMemory int     `json:"maxMemoryUsedMB"`
	Init      float64 `json:"initDurationMs,omitempty"`
}

// status of an invocation, and the same as the Logs API has it. An error that the
// function has reported is none of the runtime's.
func status(o protocol.Outcome) (telemetry, logs string) {
	switch o {
	case protocol.Success, protocol.FunctionError:
		return "success", "success"
	case protocol.Timeout:
		return "timeout", "timeout"
	default:
		return "error", "failure"
	}
}

// runtimeDone says that the runtime is through with an invocation.
func (t *telemetry) runtimeDone(inv *invocation, res protocol.Result) {
	now, then := status(res.Outcome)
	r := doneRecord{
		RequestID: inv.RequestID, Status: now, Tracing: traceOf(inv),
		Metrics: &metrics{Duration: milliseconds(time.Since(inv.start)), Produced: &inv.produced},
	}
	if now == "error" {
		r.ErrorType = res.ErrorType
	}
	t.happened("runtimeDone", r, doneRecord{RequestID: inv.RequestID, Status: then})
}

// report says that everybody is. The first one tells what the init took, too.
func (t *telemetry) report(inv *invocation, res protocol.Result, first bool) {
	total := res.Duration
	if first && t.assign.Function.BilledInit {
		total += t.init
	}
	m := reportMetrics{
		Duration:  milliseconds(res.Duration),
		Billed:    billed(total, t.assign.Function.BillingStep),
		Memory:    t.assign.Function.MemoryMB,
		MaxMemory: int((res.Memory + 1<<20 - 1) >> 20),
	}
	if os.Getpid() == 1 && m.Memory > 0 { // in a container, whose limit has some room for the supervisor
		m.MaxMemory = min(m.MaxMemory, m.Memory)
	}
	if first {
		m.Init = milliseconds(t.init)
	}
	now, then := status(res.Outcome)
	r := doneRecord{RequestID: inv.RequestID, Status: now, Metrics: &m, Tracing: traceOf(inv)}
	if now == "error" {
		r.ErrorType = res.ErrorType
	}
	if then == "failure" {
		t.logged("fault", "RequestId: "+inv.RequestID+" Process exited before completing request")
	}
	t.logged("end", doneRecord{RequestID: inv.RequestID})
	t.happened("report", r, doneRecord{RequestID: inv.RequestID, Metrics: &m})
}

// milliseconds with the precision that AWS shows.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*1000) / 1000
}

// billed rounds what the log shows of a duration, two decimals, up to whole steps.
func billed(d, step time.Duration) int64 {
	if step <= 0 {
		step = time.Millisecond
	}
	shown := math.Round(milliseconds(d)*100) / 100
	return int64(math.Ceil(shown/milliseconds(step))) * step.Milliseconds()
}

// encode renders an event as an API has it; nil when it does not know the event.
func (e telemetryEvent) encode(a *api, schema string) []byte {
	record := e.record
	if a == logsAPI {
		record = e.logs
		if e.kind == "platform.runtimeDone" && schema != logsSchemaDone {
			return nil
		}
	}
	if record == nil {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{e.at.UTC().Format("2006-01-02T15:04:05.000Z"), e.kind, record})
	if err != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
