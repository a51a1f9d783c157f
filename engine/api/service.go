// Package api implements the operations of the Lambda API over the catalog, as
// functions over the SDK's own input and output types. Package wire turns them
// into HTTP; the rules that they apply are the catalog's.
//
// A change is stored once its answer is sent. Creations and updates of functions
// stay Pending or InProgress until package invoke has their code ready; mappings are
// in a transitional state until package sources has begun or ended to poll.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service holds what the operations work on. All fields are required.
type Service struct {
	Catalog  *catalog.Catalog
	Packages *store.Packages
	Invoker  *invoke.Invoker
	Sources  Sources
	Links    *Links
	URL      func(id, region string) string // address of a function URL
	// MayReload tells whether a caller may name directories of this machine (HotReloadTag).
	MayReload func(wire.Caller) bool
	// S3 makes a client of the S3 that holds code packages.
	S3  func(ctx context.Context, region string) (*s3.Client, error)
	Now func() time.Time
	Log *slog.Logger
}

// Sources is what the operations on event source mappings need to know of sources.
type Sources interface {
	// Elsewhere tells whether a service is another server's, neither the engine's own nor AWS's.
	Elsewhere(service string) bool
	// Check returns the error that AWS gives for a source which does not exist, which the
	// role of the function may not read, or which does not go with the function's timeout.
	Check(ctx context.Context, arn string, function catalog.Ref, timeout time.Duration) error
	// Settled tells whether a mapping is in the state that its last change asked for.
	Settled(m catalog.Mapping) bool
	// LastResult is how the last batch of a mapping went, such as "OK"; empty before the first.
	LastResult(mapping string) string
}

// ref reads a function name of a request and makes sure that it is the caller's own.
func ref(ctx context.Context, name, qualifier *string) (catalog.Ref, error) {
	r, err := parseRef(ctx, name, qualifier)
	if err != nil {
		return r, err
	}
	if r.Account != scope(ctx).Account {
		return r, denied(ctx, wire.CallerFrom(ctx).Action, r.ARN())
	}
	return r, nil
}

func parseRef(ctx context.Context, name, qualifier *string) (catalog.Ref, error) {
	return catalog.ParseRef(scope(ctx), value(name), value(qualifier))
}

// denied refuses the caller an action on a resource of another account.
func denied(ctx context.Context, action, arn string) error {
	refusal := catalog.Denied{User: wire.CallerFrom(ctx).Name(), Action: action, Resource: arn}
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: refusal.Error()}
}

func caller(ctx context.Context) catalog.Caller {
	return catalog.Caller(wire.CallerFrom(ctx).Identity)
}

func scope(ctx context.Context) catalog.Scope {
	c := wire.CallerFrom(ctx)
	return catalog.Scope{Account: c.Account, Region: c.Region}
}

// answer copies the fields of a configuration into an output of the SDK, which has
// fields of the same names and types.
func answer[Output any](config any) *Output {
	out := new(Output)
	from, to := reflect.ValueOf(config), reflect.ValueOf(out).Elem()
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if target := to.FieldByName(field.Name); target.IsValid() && target.Type() == field.Type {
			target.Set(from.Field(i))
		}
	}
	return out
}

// listed leaves out what AWS leaves out of lists.
func listed(c types.FunctionConfiguration) types.FunctionConfiguration {
	c.State, c.StateReason, c.StateReasonCode = "", nil, ""
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "", nil, ""
	c.RuntimeVersionConfig = nil
	return c
}

func ptr[T any](v T) *T { return &v }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
