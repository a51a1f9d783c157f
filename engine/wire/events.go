package wire

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// EventStream is a response in AWS's encoding of events. Each goes out at once.
type EventStream struct {
	w       http.ResponseWriter
	encoder *eventstream.Encoder
}

// NewEventStream returns a stream that is written to w. What an operation sends of
// headers, and how long a client may take, is the business of its handler.
func NewEventStream(w http.ResponseWriter) *EventStream {
	return &EventStream{w: w, encoder: eventstream.NewEncoder()}
}

// Begin answers a request with the head of the stream.
func (s *EventStream) Begin() {
	s.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	s.w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(s.w).Flush() // a writer that cannot flush sends later
}

// Send sends an event with a payload of some type.
func (s *EventStream) Send(event, contentType string, payload []byte) error {
	return s.send("event", event, contentType, payload)
}

// SendJSON sends an event. Operations of JSON protocols begin with initial-response.
func (s *EventStream) SendJSON(event string, body any) error { return s.sendJSON("event", event, body) }

// Fail sends an exception of the operation, which ends the stream.
func (s *EventStream) Fail(code, message string) error {
	return s.sendJSON("exception", code, map[string]string{"message": message})
}

func (s *EventStream) sendJSON(kind, name string, body any) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return s.send(kind, name, "application/json", payload)
}

func (s *EventStream) send(kind, name, contentType string, payload []byte) error {
	message := eventstream.Message{Payload: payload}
	message.Headers.Set(":message-type", eventstream.StringValue(kind))
	message.Headers.Set(":"+kind+"-type", eventstream.StringValue(name))
	message.Headers.Set(":content-type", eventstream.StringValue(contentType))
	if err := s.encoder.Encode(s.w, message); err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	return http.NewResponseController(s.w).Flush()
}
