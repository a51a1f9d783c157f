// Package logs is a local Amazon CloudWatch Logs: what functions print, and what
// others put beside it, in groups and streams.
//
//	groups.go    log groups, their retention and protection
//	streams.go   log streams
//	tags.go      tags of groups
//	put.go       PutLogEvents
//	get.go       GetLogEvents: one stream, in both directions
//	filter.go    FilterLogEvents: a group, by time and pattern
//	livetail.go  StartLiveTail: events as they come
//
// The events themselves are kept by engine/observe. There are no metric filters,
// subscriptions, queries (Insights) or resource policies.
package logs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service implements the operations of CloudWatch Logs over the SDK's types.
type Service struct {
	Logs     *observe.Logs
	Now      func() time.Time
	Stopping context.Context // ends with the engine; nobody may follow a log any longer
}

// Wire binds the operations to the model, for wire.NewServer.
func (s *Service) Wire() (*wire.Service, error) {
	model, err := wire.LoadModel("logs")
	if err != nil {
		return nil, err
	}
	return wire.NewService(model, s, wire.WithViolation("InvalidParameterException"), wire.WithRaw("StartLiveTail", s.startLiveTail))
}

// group names a group of the caller's.
func group(ctx context.Context, name string) observe.Group {
	caller := wire.CallerFrom(ctx)
	return observe.Group{Account: caller.Account, Region: caller.Region, Name: name}
}

// identified resolves the two ways in which a request names a group.
func identified(ctx context.Context, name, identifier *string) (observe.Group, error) {
	switch {
	case (name == nil) == (identifier == nil):
		return observe.Group{}, invalid("You must specify exactly one of logGroupName and logGroupIdentifier.")
	case name != nil:
		return group(ctx, *name), nil
	case strings.HasPrefix(*identifier, "arn:"):
		return parseARN(ctx, *identifier)
	}
	return group(ctx, *identifier), nil
}

// parseARN reads the ARN of a group of the caller's account.
func parseARN(ctx context.Context, arn string) (observe.Group, error) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) != 7 || parts[2] != "logs" || parts[5] != "log-group" {
		return observe.Group{}, invalid("%s is not the ARN of a log group.", arn)
	}
	caller := wire.CallerFrom(ctx)
	if parts[4] != caller.Account {
		return observe.Group{}, &types.AccessDeniedException{Message: aws.String("User: " + caller.Name() + " is not authorized to access the resource: " + arn)}
	}
	return observe.Group{Account: parts[4], Region: parts[3], Name: strings.TrimSuffix(parts[6], ":*")}, nil
}

func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// known turns the errors of observe into AWS's.
func known(err error) error {
	switch {
	case errors.Is(err, observe.ErrNoGroup):
		return &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
	case errors.Is(err, observe.ErrNoStream):
		return &types.ResourceNotFoundException{Message: aws.String("The specified log stream does not exist.")}
	case errors.Is(err, observe.ErrGroupExists):
		return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log group already exists")}
	case errors.Is(err, observe.ErrStreamThere):
		return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log stream already exists")}
	}
	return err
}

var errToken = &types.InvalidParameterException{Message: aws.String("The specified nextToken is invalid.")}

// token makes an opaque token of the key of the last item on a page.
func token(key string) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(key)))
}

// readToken returns the key that a token was made of; "" for no token.
func readToken(token *string) (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(aws.ToString(token))
	if err != nil {
		return "", errToken
	}
	return string(key), nil
}

// page cuts one page out of items, which are in the order of their keys.
func page[T any](items []T, key func(T) string, next *string, limit *int32, standard int32) ([]T, *string, error) {
	after, err := readToken(next)
	if err != nil {
		return nil, nil, err
	}
	for after != "" && len(items) > 0 && key(items[0]) <= after {
		items = items[1:]
	}
	n := standard
	if limit != nil {
		n = *limit
	}
	if len(items) <= int(n) {
		return items, nil, nil
	}
	items = items[:n]
	return items, token(key(items[n-1])), nil
}

// millis is a time as the API has it; nil for none.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return aws.Int64(t.UnixMilli())
}

// fromMillis is the reverse.
func fromMillis(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ms)
}
