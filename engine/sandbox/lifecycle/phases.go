//go:build linux

package lifecycle

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/protocol"
)

// runtimeReady takes in that the runtime has asked for an event, the first one or one
// after an answer.
func (l *Life) runtimeReady(first bool) {
	x := l.ext
	switch {
	case first:
		x.telemetry.initRuntimeDone("success", "")
	case x.round != nil && x.answer != nil && !x.runtimeDone:
		x.runtimeDone = true
		l.out.syncLines(x.through()) // what it wrote after the answer
		x.telemetry.runtimeDone(x.round, *x.answer)
	}
	l.advance()
}

// advance ends the init, or an invocation, when everybody is ready.
func (l *Life) advance() {
	x := l.ext
	switch {
	case l.dead:
	case !l.inited:
		if l.asked && x.ready("") {
			l.announce()
			x.telemetry.initReport(time.Since(l.started), "success", "")
			x.telemetry.close()
			l.initialised(x.patience())
			l.freezer.Reset(grace)
		}
	case x.round != nil:
		if x.runtimeDone && x.ready(eventInvoke) {
			l.settle()
		}
	default:
		l.freezer.Reset(grace)
	}
}

// settle ends an invocation whose answer the engine has had.
func (l *Life) settle() {
	inv := l.ext.round
	l.deadline.Stop()
	l.out.sync()
	res := protocol.Result{RequestID: inv.RequestID, Duration: time.Since(inv.start), Memory: l.mem.peak()}
	l.ext.report(inv, res)
	l.ext.round = nil
	l.engine.Settled(res)
	l.freezer.Reset(grace)
}

// beginRound has an invocation go to the extensions too.
func (l *Life) beginRound(inv *invocation) []call {
	x := l.ext
	x.round, x.answer, x.runtimeDone, x.waited = inv, nil, false, 0
	x.telemetry.start(inv)
	var body []byte
	var calls []call
	for _, e := range x.all {
		if !slices.Contains(e.events, eventInvoke) {
			continue
		}
		if body == nil {
			body = invokeEvent(inv)
		}
		if c, ok := e.post(body); ok {
			calls = append(calls, c)
		}
	}
	return calls
}

// roundBroke takes in that an invocation, or the extensions after it, came to a bad end.
func (l *Life) roundBroke(inv *invocation, res protocol.Result) {
	if l.ext.round == nil {
		return
	}
	if !l.ext.runtimeDone {
		l.ext.telemetry.runtimeDone(inv, res)
	}
	l.ext.report(inv, res)
	l.ext.round = nil
}

// report is the end of an invocation in the telemetry.
func (x *extensions) report(inv *invocation, res protocol.Result) {
	x.telemetry.report(inv, res, !x.reported)
	x.reported = true
}

// initFailed takes in that there will be no invocation.
func (l *Life) initFailed(failed protocol.InitFailed) {
	status := "error"
	if failed.TimedOut {
		status = "timeout"
	}
	if l.proc != nil && !l.asked {
		l.ext.telemetry.initRuntimeDone(status, failed.ErrorType)
	}
	l.announce()
	l.ext.telemetry.initReport(failed.Duration, status, failed.ErrorType)
	l.ext.telemetry.close()
}

// announce logs what has become of each extension in the init.
func (l *Life) announce() {
	for _, e := range l.ext.all {
		line := fmt.Sprintf("EXTENSION\tName: %s\tState: %s\tEvents: [%s]", e.name, e.state, strings.Join(e.events, ", "))
		if e.problem != "" {
			line += "\tError Type: " + e.problem
		}
		l.out.say(line)
		l.ext.telemetry.extension(e)
	}
}

// tracing is how events name the trace that a call belongs to.
type tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func traceOf(inv *invocation) *tracing {
	if inv.TraceID == "" {
		return nil
	}
	return &tracing{Type: "X-Amzn-Trace-Id", Value: inv.TraceID}
}

func invokeEvent(inv *invocation) []byte {
	body, _ := json.Marshal(struct {
		EventType   string   `json:"eventType"`
		DeadlineMS  int64    `json:"deadlineMs"`
		RequestID   string   `json:"requestId"`
		FunctionARN string   `json:"invokedFunctionArn"`
		Tracing     *tracing `json:"tracing,omitempty"`
	}{eventInvoke, inv.DeadlineMS, inv.RequestID, inv.FunctionARN, traceOf(inv)})
	return body
}
