package destination

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Dead letters carry the first kilobyte of the error, in whole characters.
func TestAttributes(t *testing.T) {
	for message, want := range map[string]string{
		"":                             "-",
		"boom":                         "boom",
		strings.Repeat("x", 1025):      strings.Repeat("x", 1024),
		"x" + strings.Repeat("é", 600): "x" + strings.Repeat("é", 511),
	} {
		m := Message{RequestID: "id", Failure: &Failure{Code: 200, Message: message}}
		got := fmt.Sprint(m.attributes())
		if got != "[[RequestID String id] [ErrorCode Number 200] [ErrorMessage String "+want+"]]" {
			t.Errorf("%.10q: %s", message, got)
		}
	}
	if record := (&Message{RequestID: "id"}); record.attributes() != nil {
		t.Error("a record has attributes")
	}
}

// What a service says for good is told from what may pass.
func TestRejections(t *testing.T) {
	for name, c := range map[string]struct {
		arn, code string
		status    int
		final     bool
	}{
		"too long":          {"arn:aws:sqs:us-east-1:000000000000:q", "InvalidParameterValue", 400, true},
		"no queue":          {"arn:aws:sqs:us-east-1:000000000000:q", "AWS.SimpleQueueService.NonExistentQueue", 400, false},
		"overloaded":        {"arn:aws:sqs:us-east-1:000000000000:q", "ThrottlingException", 400, false},
		"down":              {"arn:aws:sqs:us-east-1:000000000000:q", "InternalFailure", 500, false},
		"denied":            {"arn:aws:events:us-east-1:000000000000:event-bus/b", "AccessDeniedException", 400, false},
		"too large":         {"arn:aws:events:us-east-1:000000000000:event-bus/b", "PayloadTooLarge", 413, true},
		"other service":     {"arn:aws:dynamodb:us-east-1:000000000000:table/t", "", 0, true},
		"not an ARN at all": {"q", "", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amzn-ErrorType", c.code)
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(c.status)
				fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, c.code)
			}))
			defer server.Close()
			s := Sender{Route: func(_ context.Context, _ string, scope catalog.Scope) (Route, error) {
				return Route{
					Config:   aws.Config{Region: scope.Region, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")},
					Endpoint: func(*string) *string { return &server.URL },
				}, nil
			}}
			err := s.Send(t.Context(), Message{ARN: c.arn, Body: []byte("{}")})
			var rejected *RejectedError
			if err == nil || errors.As(err, &rejected) != c.final {
				t.Errorf("%v is final: %v", err, !c.final)
			}
		})
	}
}
