package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Limits of payloads in bytes (spec api §A.13); that of events is in catalog.Limits.
const (
	maxSyncPayload     = 6291456
	maxInvokeAsyncBody = 262144
)

// uncheckedMembers have constraints for which AWS answers another error than
// ValidationException; the handlers check them.
var uncheckedMembers = []string{
	"CreateFunctionInput.Runtime", "UpdateFunctionConfigurationInput.Runtime",
	"CreateEventSourceMappingInput.EventSourceArn", "ListEventSourceMappingsInput.EventSourceArn", // DynamoDB Local's region is none
}

// Wire binds the operations to the Lambda API. queue takes asynchronous events.
func (s *Service) Wire(queue *invoke.Queue) (*wire.Service, error) {
	model, err := wire.LoadModel("lambda")
	if err != nil {
		return nil, err
	}
	calls := &calls{Service: s, queue: queue}
	return wire.NewService(model, s,
		wire.WithUnchecked(uncheckedMembers...),
		wire.WithRaw("Invoke", calls.invoke),
		wire.WithRaw("InvokeAsync", calls.invokeAsync),
		wire.WithRaw("InvokeWithResponseStream", calls.invokeWithResponseStream),
	)
}

// calls serves the operations that run functions. They are bound by hand: nothing
// of a call may pay for reflection.
type calls struct {
	*Service
	queue *invoke.Queue
}

// invoke implements Invoke, spec api §A.13.
func (s *calls) invoke(w http.ResponseWriter, r *http.Request, labels wire.Labels) error {
	kind := types.InvocationType(labels.Get("InvocationType"))
	if kind == "" {
		kind = types.InvocationTypeRequestResponse
	}
	request, version, err := s.request(r, labels, kind == types.InvocationTypeEvent)
	if err != nil {
		return err
	}
	switch kind {
	case types.InvocationTypeDryRun:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case types.InvocationTypeEvent:
		if err := s.queue.Enqueue(r.Context(), request); err != nil {
			return err
		}
		w.Header().Set("X-Amz-Executed-Version", version)
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	request.Tail = labels.Get("LogType") == string(types.LogTypeTail)
	response, err := s.Invoker.Invoke(r.Context(), request)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amz-Executed-Version", response.Version)
	if response.FunctionError != "" {
		h.Set("X-Amz-Function-Error", response.FunctionError)
	}
	if request.Tail {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(response.Log))
	}
	h.Set("Content-Length", strconv.Itoa(len(response.Payload)))
	_, err = w.Write(response.Payload)
	return err
}

// request reads a call, whose version may still change by the weights of an alias.
func (s *calls) request(r *http.Request, labels wire.Labels, event bool) (request invoke.Request, version string, err error) {
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return request, "", err
	}
	read, limit := readPayload, int64(maxSyncPayload)
	if event {
		read, limit = readEvent, s.Catalog.Limits.MaxEventBytes
	}
	if request.Payload, err = read(r, limit); err != nil {
		return request, "", err
	}
	if request.ClientContext, err = decodeClientContext(labels.Get("ClientContext")); err != nil {
		return request, "", err
	}
	request.RequestID, request.TraceID = wire.CallerFrom(r.Context()).RequestID, r.Header.Get("X-Amzn-Trace-Id")
	request.Ref, version, err = s.callee(r, labels.Get("FunctionName"), labels.Get("Qualifier"))
	return request, version, err
}

// invokeAsync implements the deprecated InvokeAsync, spec api §A.14.
func (s *calls) invokeAsync(w http.ResponseWriter, r *http.Request, labels wire.Labels) error {
	payload, err := readEvent(r, min(maxInvokeAsyncBody, s.Catalog.Limits.MaxEventBytes))
	if err != nil {
		return err
	}
	if r.ContentLength == 0 {
		return &types.InvalidRequestContentException{Message: ptr("InvokeArgs is missing: send the event as the body of the request."), Type: ptr("User")}
	}
	target, _, err := s.callee(r, labels.Get("FunctionName"), "")
	if err != nil {
		return err
	}
	err = s.queue.Enqueue(r.Context(), invoke.Request{
		Ref: target, RequestID: wire.CallerFrom(r.Context()).RequestID, TraceID: r.Header.Get("X-Amzn-Trace-Id"), Payload: payload,
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// callee finds what a call names, and whether the caller may call it.
func (s *calls) callee(r *http.Request, name, qualifier string) (catalog.Ref, string, error) {
	target, err := parseRef(r.Context(), &name, &qualifier)
	if err != nil {
		return target, "", err
	}
	f, err := s.Catalog.Function(target)
	if err != nil { // whoever may not call it need not know that it is missing
		f = catalog.Function{Scope: target.Scope, Name: target.Name}
	}
	if err := s.authorize(r.Context(), &f, target.Qualifier); err != nil {
		return target, "", err
	}
	if err != nil {
		if target.Qualifier == "" { // AWS names the version that it looked for
			err = catalog.NotFound("Function not found: %s", target.With(catalog.LatestVersion).ARN())
		}
		return target, "", err
	}
	version, ok := f.VersionOf(target.Qualifier)
	if !ok {
		return target, "", catalog.NotFound("Function not found: %s", target.ARN())
	}
	return target, version, nil
}

// authorize refuses callers that may not invoke f by that qualifier. Why is for
// the owner's eyes only: it goes to the log.
func (s *Service) authorize(ctx context.Context, f *catalog.Function, qualifier string) error {
	err := f.Authorize(qualifier, catalog.Access{Caller: caller(ctx), Action: catalog.InvokeAction})
	var denied *catalog.Denied
	if !errors.As(err, &denied) {
		return err
	}
	for _, reason := range denied.Reasons {
		s.Log.InfoContext(ctx, "access denied", "caller", denied.User, "resource", denied.Resource, "action", denied.Action, "why", reason)
	}
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: denied.Error()}
}

// readPayload reads an event, which must be JSON. None at all counts as {}.
func readPayload(r *http.Request, limit int64) ([]byte, error) {
	payload, err := wire.ReadBody(r, limit, "InvokeFunction")
	switch {
	case err != nil:
		return nil, err
	case len(payload) == 0:
		return []byte("{}"), nil
	case json.Valid(payload):
		return payload, nil
	}
	var v any
	err = json.Unmarshal(payload, &v)
	return nil, &types.InvalidRequestContentException{Message: ptr(fmt.Sprintf("Could not parse request body into json: %v", err)), Type: ptr("User")}
}

// readEvent is readPayload for asynchronous events, for which AWS has another text.
func readEvent(r *http.Request, limit int64) ([]byte, error) {
	payload, err := readPayload(r, limit)
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Status == http.StatusRequestEntityTooLarge && r.ContentLength > 0 {
		refused.Message = fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", r.ContentLength, limit)
	}
	return payload, err
}

// checkMediaType refuses what clearly is not JSON; SDKs send no type or a binary one.
func checkMediaType(contentType string) error {
	kind, _, err := mime.ParseMediaType(contentType)
	if contentType == "" || err == nil && acceptedTypes[kind] {
		return nil
	}
	return &types.UnsupportedMediaTypeException{Message: ptr("The content type " + contentType + " is not supported: send application/json."), Type: ptr("User")}
}

var acceptedTypes = map[string]bool{
	"application/json": true, "application/octet-stream": true, "binary/octet-stream": true,
	"application/x-amz-json-1.0": true, "application/x-amz-json-1.1": true,
	"application/x-www-form-urlencoded": true, // what curl -d says unless told otherwise
}

// decodeClientContext reads the base64 of a JSON object.
func decodeClientContext(encoded string) (string, error) {
	if encoded == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err == nil && !json.Valid(raw) {
		err = errors.New("not a JSON document")
	}
	if err != nil {
		return "", &types.InvalidRequestContentException{Message: ptr("Client context must be a valid Base64-encoded JSON object: " + err.Error()), Type: ptr("User")}
	}
	return string(raw), nil
}
