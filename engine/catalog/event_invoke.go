package catalog

import (
	"strings"
	"time"

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
	for _, destination := range []string{config.OnSuccess, config.OnFailure} {
		if err := f.checkDestination(destination); err != nil {
			return err
		}
	}
	if f.EventInvoke == nil {
		f.EventInvoke = map[string]EventInvoke{}
	}
	f.EventInvoke[qualifier] = config
	return nil
}

func (f *Function) checkDestination(arn string) error {
	switch {
	case arn == "":
		return nil
	case !strings.HasPrefix(arn, "arn:aws:lambda:"):
		return Invalid("The destination ARN %s is not supported by the local engine: use the ARN of a function, or remove the destination for this target.", arn)
	}
	to, err := ParseRef(f.Scope, arn, "")
	if err != nil {
		return Invalid("The provided destination config DestinationConfig(onSuccess=, onFailure=) is invalid: %s is not the ARN of a function in this account and region.", arn)
	}
	if to.With("") == f.Ref() {
		return Invalid("You can't specify the function as a destination for itself.")
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
