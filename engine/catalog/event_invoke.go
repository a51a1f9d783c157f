package catalog

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// EventInvoke says how the asynchronous invocations through one ARN are handled.
type EventInvoke struct {
	MaximumRetryAttempts     *int32 `json:",omitempty"` // nil means AWS's 2
	MaximumEventAgeInSeconds *int32 `json:",omitempty"` // nil means AWS's 6 hours
	OnSuccess, OnFailure     string `json:",omitempty"` // ARNs of destinations
	LastModified             time.Time
}

// EventInvokeOf returns what is set for a qualifier; the empty one is $LATEST's.
func (f *Function) EventInvokeOf(qualifier string) (EventInvoke, error) {
	if qualifier == "" {
		qualifier = LatestVersion
	}
	config, ok := f.EventInvoke[qualifier]
	if !ok {
		return EventInvoke{}, NotFound("The function %s doesn't have an EventInvokeConfig", f.Ref().With(qualifier).ARN())
	}
	return config, nil
}

// SetEventInvoke replaces what is set for a qualifier.
func (f *Function) SetEventInvoke(qualifier string, config EventInvoke) error {
	if qualifier == "" {
		qualifier = LatestVersion
	}
	if _, ok := f.VersionOf(qualifier); !ok {
		return NotFound("The function doesn't exist.")
	}
	if err := f.checkDestination(config.OnSuccess, "sqs", "sns", "lambda", "events"); err != nil {
		return err
	}
	if err := f.checkDestination(config.OnFailure, "sqs", "sns", "lambda", "events", "s3"); err != nil {
		return err
	}
	if f.EventInvoke == nil {
		f.EventInvoke = map[string]EventInvoke{}
	}
	f.EventInvoke[qualifier] = config
	return nil
}

// checkDestination refuses what is not the ARN of one of those kinds of services.
func (f *Function) checkDestination(text string, kinds ...string) error {
	if text == "" {
		return nil
	}
	to, err := arn.Parse(text)
	if err != nil || !slices.Contains(kinds, to.Service) {
		return Invalid("The provided destination %s is invalid: use the ARN of one of %s.", text, strings.Join(kinds, ", "))
	}
	switch to.Service {
	case "sqs", "sns":
		return standard(to)
	case "events":
		if !strings.HasPrefix(to.Resource, "event-bus/") {
			return Invalid("The provided destination %s is invalid: it is not the ARN of an event bus.", text)
		}
	case "lambda":
		function, err := ParseRef(f.Scope, text, "")
		if err != nil || !strings.HasPrefix(to.Resource, "function:") {
			return Invalid("The provided destination %s is invalid: it is not the ARN of a function in this region.", text)
		}
		if function.With("") == f.Ref() {
			return Invalid("You can't specify the function as a destination for itself.")
		}
	}
	return nil
}

// CheckDeadLetter refuses what a dead-letter queue cannot be; empty is none.
func CheckDeadLetter(text string) error {
	if text == "" {
		return nil
	}
	to, err := arn.Parse(text)
	if err != nil || to.Service != "sqs" && to.Service != "sns" {
		return Invalid("The dead-letter target %s is invalid: use the ARN of an SQS queue or an SNS topic.", text)
	}
	return standard(to)
}

// standard refuses FIFO queues and topics.
func standard(to arn.ARN) error {
	if strings.HasSuffix(to.Resource, ".fifo") {
		return Invalid("The destination %s is a FIFO %s, which asynchronous invocation does not support: use a standard one.", to, map[string]string{"sqs": "queue", "sns": "topic"}[to.Service])
	}
	return nil
}

// Answer returns e as the API writes it. The destinations are always there.
func (e EventInvoke) Answer(ref Ref) types.FunctionEventInvokeConfig {
	arn := ref.ARN()
	to := &types.DestinationConfig{OnSuccess: &types.OnSuccess{}, OnFailure: &types.OnFailure{}}
	if e.OnSuccess != "" {
		to.OnSuccess.Destination = &e.OnSuccess
	}
	if e.OnFailure != "" {
		to.OnFailure.Destination = &e.OnFailure
	}
	return types.FunctionEventInvokeConfig{
		FunctionArn: &arn, LastModified: &e.LastModified, DestinationConfig: to,
		MaximumRetryAttempts: e.MaximumRetryAttempts, MaximumEventAgeInSeconds: e.MaximumEventAgeInSeconds,
	}
}
