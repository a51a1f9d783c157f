package invoke

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Conditions under which an event leaves the queue, as records of it name them.
const (
	succeeded        = "Success"
	retriesExhausted = "RetriesExhausted"
	ageExceeded      = "EventAgeExceeded"
)

// record is what a destination gets to know of an event, in AWS's shape.
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"` // qualified
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// ended tells the destination, if one is set, how an event has ended. response is
// that of the last attempt; its Version is empty if none got through.
func (q *Queue) ended(ctx context.Context, event queued, config catalog.EventInvoke, condition string, attempts int, response Response) error {
	destination := config.OnFailure
	if condition == succeeded {
		destination = config.OnSuccess
	}
	if destination == "" {
		return nil
	}
	target, err := catalog.ParseRef(event.Ref.Scope, destination, "")
	if err != nil {
		return fmt.Errorf("destination %s: %w", destination, err)
	}
	if _, err := q.invoker.Catalog.Function(target); err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	called := event.Ref
	if called.Qualifier == "" {
		called.Qualifier = catalog.LatestVersion
	}
	r := record{
		Version: "1.0", Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: event.Payload,
		RequestContext: requestContext{RequestID: event.RequestID, FunctionARN: called.ARN(), Condition: condition, ApproximateInvokeCount: attempts},
	}
	if response.Version != "" {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: response.Version, FunctionError: response.FunctionError}
		r.ResponsePayload = response.Payload
		if !json.Valid(response.Payload) { // a runtime may answer any bytes
			r.ResponsePayload, _ = json.Marshal(string(response.Payload))
		}
	}
	payload, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record for destination %s: %w", destination, err)
	}
	return q.Enqueue(ctx, Request{Ref: target, RequestID: uuid.NewString(), TraceID: event.TraceID, Payload: payload})
}
