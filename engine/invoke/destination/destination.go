// Package destination tells queues, topics, event buses and buckets what has become
// of asynchronous invocations: a record of one, or the event itself for a dead-letter
// queue, in the shapes that AWS gives them (spec api PutFunctionEventInvokeConfig,
// DeadLetterConfig).
package destination

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Message is what one destination is told of one event.
type Message struct {
	ARN         string // of the destination
	Body        []byte // the record, or the event
	Failure     *Failure
	Function    catalog.Ref // that was called
	FunctionARN string      // the same with its qualifier
	RequestID   string
	TraceID     string
	Success     bool
	At          time.Time // when the event ended
	Key         string    // of the object in a bucket; empty means that of an asynchronous event
}

// Failure is why an event came to a dead-letter queue.
type Failure struct {
	Code    int // HTTP status
	Message string
}

// maxMessage is how much of a Failure's message a dead-letter queue is told, in bytes.
const maxMessage = 1024

// attributes are those of a message in a dead-letter queue, as name, type and value.
func (m *Message) attributes() [][3]string {
	if m.Failure == nil {
		return nil
	}
	message := m.Failure.Message
	if len(message) > maxMessage {
		cut := maxMessage
		for !utf8.RuneStart(message[cut]) {
			cut--
		}
		message = message[:cut]
	}
	if message == "" {
		message = "-" // attributes may not be empty
	}
	return [][3]string{
		{"RequestID", "String", m.RequestID},
		{"ErrorCode", "Number", strconv.Itoa(m.Failure.Code)},
		{"ErrorMessage", "String", message},
	}
}

// Route is how a service is reached.
type Route struct {
	Config aws.Config
	// Endpoint gets what the SDK would use, nil for AWS's own, and may change it.
	Endpoint func(*string) *string
}

// Sender sends messages. Route tells how to reach a service, "sqs", "sns", "events" or
// "s3", for an account and region.
type Sender struct {
	Route func(ctx context.Context, service string, scope catalog.Scope) (Route, error)
}

// RejectedError is a refusal for good: the message is too large, or what the
// destination does not take.
type RejectedError struct{ Err error }

func (e *RejectedError) Error() string { return e.Err.Error() }

// Unwrap returns the service's own error.
func (e *RejectedError) Unwrap() error { return e.Err }

// Send delivers a message once. Only a RejectedError makes it useless to try again.
func (s *Sender) Send(ctx context.Context, m Message) error {
	to, err := arn.Parse(m.ARN)
	if err != nil {
		return &RejectedError{fmt.Errorf("destination %s: %w", m.ARN, err)}
	}
	send, ok := map[string]func(*Sender, context.Context, arn.ARN, *Message) error{
		"sqs": (*Sender).toQueue, "sns": (*Sender).toTopic, "events": (*Sender).toBus, "s3": (*Sender).toBucket,
	}[to.Service]
	if !ok {
		return &RejectedError{fmt.Errorf("destination %s: events of functions do not go to that kind of service", m.ARN)}
	}
	if err := send(s, ctx, to, &m); err != nil {
		return classify(fmt.Errorf("destination %s: %w", m.ARN, err))
	}
	return nil
}

// route finds the service of a destination, in its own region; a bucket's ARN names
// none, so that it is the function's.
func (s *Sender) route(ctx context.Context, to arn.ARN, m *Message) (Route, error) {
	scope := catalog.Scope{Account: to.AccountID, Region: to.Region}
	if scope.Region == "" {
		scope = m.Function.Scope
	}
	r, err := s.Route(ctx, to.Service, scope)
	r.Config.RetryMaxAttempts = 1 // the queue tries again
	return r, err
}

// final are the codes of errors, less the word Exception, that say that a message
// will never do.
var final = []string{
	"InvalidParameterValue", "InvalidParameter", "InvalidMessageContents", "BatchRequestTooLong",
	"AWS.SimpleQueueService.BatchRequestTooLong", "EntityTooLarge", "Validation",
}

// classify tells final refusals from failures that may pass: a queue that is missing
// may be made yet, a permission given.
func classify(err error) error {
	var api smithy.APIError
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusRequestEntityTooLarge ||
		errors.As(err, &api) && slices.Contains(final, strings.TrimSuffix(api.ErrorCode(), "Exception")) {
		return &RejectedError{err}
	}
	return err
}
