package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// invokeWithResponseStream implements InvokeWithResponseStream, spec api §E.6: the
// response as events, in as many chunks as the function makes of it.
func (s *calls) invokeWithResponseStream(w http.ResponseWriter, r *http.Request, labels wire.Labels) error {
	request, _, err := s.request(r, labels, false)
	if err != nil {
		return err
	}
	if labels.Get("InvocationType") == string(types.ResponseStreamingInvocationTypeDryRun) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	events := &eventWriter{w: w, events: wire.NewEventStream(w)}
	request.Stream = events
	request.Tail = labels.Get("LogType") == string(types.LogTypeTail)
	response, err := s.Invoker.Invoke(r.Context(), request)
	if err != nil {
		return err
	}
	complete := struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}{ErrorCode: response.FunctionError}
	if !response.Streamed {
		events.Begin(invoke.Head{Version: response.Version, Deadline: time.Now()})
	}
	events.limit(time.Now())
	switch {
	case response.FunctionError != "":
		complete.ErrorDetails = string(response.Payload)
	case !response.Streamed:
		if _, err := events.Write(response.Payload); err != nil {
			return err
		}
	}
	if request.Tail {
		complete.LogResult = base64.StdEncoding.EncodeToString(response.Log)
	}
	body, err := json.Marshal(complete)
	if err != nil {
		return fmt.Errorf("encode the end of a stream: %w", err)
	}
	return events.events.Send("InvokeComplete", "application/json", body)
}

// slowest is how long after a function's deadline its caller may still be reading.
const slowest = 5 * time.Second

// eventWriter is an invoke.Stream that sends each piece as an event.
type eventWriter struct {
	w      http.ResponseWriter
	events *wire.EventStream
}

func (e *eventWriter) Begin(h invoke.Head) {
	e.limit(h.Deadline)
	e.w.Header().Set("X-Amz-Executed-Version", h.Version)
	e.events.Begin()
}

func (e *eventWriter) Write(piece []byte) (int, error) {
	return len(piece), e.events.Send("PayloadChunk", "application/octet-stream", piece)
}

// limit drops a caller that has not taken what it is sent soon after t.
func (e *eventWriter) limit(t time.Time) {
	_ = http.NewResponseController(e.w).SetWriteDeadline(t.Add(slowest))
}
