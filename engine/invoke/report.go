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
		message := timeoutMessage(timeout)
		payload, functionError = failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: %s", requestID, message)), unhandled
		r.Duration = timeout
		status = "timeout"
		w.line(now, timeoutLine(now, requestID, message))
	case sandbox.Exited, sandbox.OutOfMemory:
		kind := "Runtime.ExitError"
		if r.Outcome == sandbox.OutOfMemory {
			kind = "Runtime.OutOfMemory"
		}
		message := exitMessage(requestID, r.Exit)
		payload, functionError = failure(kind, message), unhandled
		status = "error\tError Type: " + kind
		w.line(now, message)
		w.line(now, kind)
	case sandbox.ExtensionFailed:
		message := fmt.Sprintf("RequestId: %s Error: %s", requestID, r.Exit)
		payload, functionError = failure(r.ErrorType, message), unhandled
		status = "error\tError Type: " + r.ErrorType
		w.line(now, message)
		w.line(now, r.ErrorType)
	case sandbox.ResponseTooLarge:
		limit := maxResponse
		if r.Streamed {
			limit = maxStreamed
		}
		kind, message := "Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit)
		payload, functionError = failure(kind, message), unhandled
		status = "error\tError Type: " + kind
	}
	return payload, functionError, status
}

// report ends the log of a call whose environment has come up.
func (w *worker) report(requestID string, r sandbox.Result, cold bool, status string) {
	var init, extra time.Duration
	if cold {
		init = w.env.InitDuration()
		if w.fleet.invoker.Catalog.Limits.BilledInit && !w.kept {
			extra = init
		}
	}
	w.end(requestID, r, extra, init, status)
}

func timeoutMessage(timeout time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())
}

func timeoutLine(at time.Time, requestID, message string) string {
	return fmt.Sprintf("%s %s %s", at.UTC().Format("2006-01-02T15:04:05.000Z"), requestID, message)
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

func exitMessage(requestID, exit string) string {
	if exit == "exit status 0" {
		return fmt.Sprintf("RequestId: %s Error: Runtime exited without providing a reason", requestID)
	}
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
