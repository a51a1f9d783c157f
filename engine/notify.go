package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
)

// alarmService is what policies call the alarms of CloudWatch.
const alarmService = "lambda.alarms.cloudwatch.amazonaws.com"

// notify tells a target of an alarm that it has changed its state. A function must let
// alarms invoke it, as on AWS.
func (e *Engine) notify(ctx context.Context, n alarms.Notice) error {
	if alarms.IsTopic(n.Target) {
		return e.topics(ctx, n.Target, n.Message)
	}
	target, err := catalog.ParseRef(n.Scope, n.Target, "")
	if err != nil {
		return fmt.Errorf("target %s: %w", n.Target, err)
	}
	f, err := e.catalog.Function(target)
	if err != nil {
		return err
	}
	if _, ok := f.VersionOf(target.Qualifier); !ok {
		return catalog.NotFound("Function not found: %s", target.ARN())
	}
	err = f.Authorize(target.Qualifier, catalog.Access{
		Caller: catalog.Caller{Service: alarmService, SourceARN: n.Alarm, SourceAccount: n.Scope.Account}, Action: catalog.InvokeAction,
	})
	if denied := (*catalog.Denied)(nil); errors.As(err, &denied) {
		return fmt.Errorf("%w: %s", err, strings.Join(denied.Reasons, "; "))
	}
	if err != nil {
		return err
	}
	return e.queue.Enqueue(ctx, invoke.Request{Ref: target, RequestID: n.ID, Payload: n.Message})
}
