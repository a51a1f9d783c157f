package engine_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

// Spec api F.11.6, F.23.5, F.24.8, F.25.4 and §E.2: what the states of a function
// are on the way, what is refused meanwhile, and that every step has a revision of its own.
func TestUpdateInProgress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := func(delay time.Duration) (*engine.Engine, account) {
		e, err := engine.Start(t.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", UpdateDelay: delay, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return e, accountOn(t, e.URL(), "123456789012")
	}
	revisions := map[string]bool{}
	fresh := func(when string, revision *string) {
		t.Helper()
		if revisions[*revision] {
			t.Errorf("%s: the revision is an old one", when)
		}
		revisions[*revision] = true
	}
	name := aws.String("f")

	// An engine that is killed in the middle leaves the rest to the next one.
	e, a := begin(time.Hour)
	created := a.create("f", python(t, "return 1"))
	if created.State != types.StatePending || created.StateReasonCode != types.StateReasonCodeCreating || created.LastUpdateStatus != "" {
		t.Errorf("answer to the creation: %s, %s, update %q", created.State, created.StateReasonCode, created.LastUpdateStatus)
	}
	fresh("created", created.RevisionId)
	_, err := a.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: name})
	refused[*types.ResourceConflictException](t, err, 409, "The operation cannot be performed at this time. The function is currently in the following state: Pending")
	if got := a.call("f"); got != "1" {
		t.Errorf("a pending function answers %s", got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e, a = begin(0)
	if err := lambda.NewFunctionActiveV2Waiter(a.Client, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = time.Millisecond }).
		Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	active := a.config("")
	if active.StateReason != nil || active.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		t.Errorf("active, but %v, update %q", aws.ToString(active.StateReason), active.LastUpdateStatus)
	}
	fresh("active", active.RevisionId)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e, a = begin(time.Hour)
	updating := must[*lambda.UpdateFunctionConfigurationOutput](t)(a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Timeout: aws.Int32(5)}))
	if updating.State != types.StateActive || updating.LastUpdateStatus != types.LastUpdateStatusInProgress || aws.ToString(updating.LastUpdateStatusReason) != "The function is being created." {
		t.Errorf("answer to the update: %s, update %s, %v", updating.State, updating.LastUpdateStatus, aws.ToString(updating.LastUpdateStatusReason))
	}
	fresh("updating", updating.RevisionId)
	busy := "The operation cannot be performed at this time. An update is in progress for resource: " + a.arn("f")
	_, err = a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Timeout: aws.Int32(6)})
	refused[*types.ResourceConflictException](t, err, 409, busy)
	_, err = a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: python(t, "return 2")})
	refused[*types.ResourceConflictException](t, err, 409, busy)
	_, err = a.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: name})
	refused[*types.ResourceConflictException](t, err, 409, busy)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e, a = begin(0)
	defer e.Close()
	if err := lambda.NewFunctionUpdatedV2Waiter(a.Client, func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = time.Millisecond }).
		Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	fresh("updated", a.config("").RevisionId)
	if timeout := *a.config("").Timeout; timeout != 5 {
		t.Errorf("timeout %d", timeout)
	}

	published := must[*lambda.PublishVersionOutput](t)(a.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: name}))
	if published.State != types.StatePending {
		t.Errorf("answer to the publication: %s", published.State)
	}
	if v := a.config("1"); v.State != types.StateActive || *v.RevisionId != *published.RevisionId {
		t.Errorf("version 1 is %s, revision %s, was %s", v.State, *v.RevisionId, *published.RevisionId)
	}
	fresh("$LATEST after a publication", a.config("").RevisionId)
}
