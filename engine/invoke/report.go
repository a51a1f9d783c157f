package invoke

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// Limits of a response in bytes, as AWS names them in the error.
const (
	maxResponse = 6291556
	maxStreamed = 209715200
)

// FunctionError values.
const (
	handled   = "Handled"
	unhandled = "Unhandled"
)

// answer composes what the caller gets, and what REPORT says of the status.
func (w *worker) answer(requestID string, r *sandbox.Result) (payload []byte, functionError, status string) {
	timeout := w.fleet.timeout()
	now := time.Now()
	switch r.Outcome {
	case sandbox.Success:
		payload = r.Payload
	case sandbox.FunctionError:
		payload, functionError = r.Payload, w.fleet.reported()
	case sandbox.Timeout:
		message := fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())
		payload, functionError = failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: %s", requestID, message)), unhandled
		r.Duration = timeout
		status = "\tStatus: timeout"
		w.line(now, fmt.Sprintf("%s %s %s", now.UTC().Format("2006-01-02T15:04:05.000Z"), requestID, message))
	case sandbox.Exited, sandbox.OutOfMemory:
		kind := "Runtime.ExitError"
		if r.Outcome == sandbox.OutOfMemory {
			kind = "Runtime.OutOfMemory"
		}
		message := exitMessage(requestID, r.Exit)
		payload, functionError = failure(kind, message), unhandled
		status = "\tStatus: error\tError Type: " + kind
		w.line(now, message)
		w.line(now, kind)
	case sandbox.ExtensionFailed:
		message := fmt.Sprintf("RequestId: %s Error: %s", requestID, r.Exit)
		payload, functionError = failure(r.ErrorType, message), unhandled
		status = "\tStatus: error\tError Type: " + r.ErrorType
		w.line(now, message)
		w.line(now, r.ErrorType)
	case sandbox.ResponseTooLarge:
		limit := maxResponse
		if r.Streamed {
			limit = maxStreamed
		}
		kind, message := "Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit)
		payload, functionError = failure(kind, message), unhandled
		status = "\tStatus: error\tError Type: " + kind
	}
	return payload, functionError, status
}

// report writes END and REPORT.
func (w *worker) report(requestID string, r sandbox.Result, cold bool, status string) {
	now := time.Now()
	w.line(now, "END RequestId: "+requestID)
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		requestID, milliseconds(r.Duration), billed(r.Duration, w.fleet.invoker.Catalog.Limits.BillingStep), *w.fleet.version.Config.MemorySize, r.MaxMemoryMB)
	if cold {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", milliseconds(w.env.InitDuration()))
	}
	w.line(now, line+status)
}

// guideRuntimes are those of 2016, for which an error that the function reports
// itself is Handled; for all others AWS says Unhandled (spec api §E.11 D3).
var guideRuntimes = []types.Runtime{types.RuntimeNodejs, types.RuntimeNodejs43, types.RuntimeJava8, types.RuntimePython27}

func (f *fleet) reported() string {
	if f.invoker.Catalog.Limits.HandledErrors || slices.Contains(guideRuntimes, f.version.Config.Runtime) {
		return handled
	}
	return unhandled
}

// initFailed composes the answer to a call whose environment did not come up, and
// logs what a call would have logged.
func (w *worker) initFailed(r Request, e *sandbox.InitError) Response {
	version := *w.fleet.version.Config.Version
	kind, payload := e.ErrorType, e.Payload
	if kind == "" {
		kind = "Runtime.ExitError"
	}
	if payload == nil {
		message := exitMessage(r.RequestID, e.Exit)
		switch {
		case e.Problem != "":
			message = fmt.Sprintf("RequestId: %s Error: %s", r.RequestID, e.Problem)
		case e.TimedOut:
			kind = "Sandbox.Timedout"
			message = fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", r.RequestID, w.fleet.timeout().Seconds())
		}
		payload = failure(kind, message)
	}
	now := time.Now()
	w.line(now, fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: error\tError Type: %s", milliseconds(e.Duration), kind))
	w.line(now, fmt.Sprintf("START RequestId: %s Version: %s", r.RequestID, version))
	w.line(now, "END RequestId: "+r.RequestID)
	w.line(now, fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: 0 MB\tStatus: error\tError Type: %s",
		r.RequestID, milliseconds(e.Duration), billed(e.Duration, w.fleet.invoker.Catalog.Limits.BillingStep), *w.fleet.version.Config.MemorySize, kind))
	return Response{Payload: payload, Version: version, FunctionError: unhandled, Log: w.takeTail()}
}

func exitMessage(requestID, exit string) string {
	return fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", requestID, exit)
}

func failure(kind, message string) []byte {
	body, _ := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, message})
	return body
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// billed rounds up to a whole number of increments, in milliseconds. What the
// duration shows is what is rounded: two decimals.
func billed(d, increment time.Duration) int64 {
	shown := math.Round(milliseconds(d)*100) / 100
	steps := math.Ceil(shown / milliseconds(increment))
	return int64(steps) * increment.Milliseconds()
}
