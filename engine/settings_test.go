package engine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Spec api §E.7: what is set for asynchronous invocations, and that it is heeded.
func TestEventInvokeConfig(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	dir := t.TempDir()
	a.create("f", python(t, "return 1/event['n']"))
	a.create("sink", python(t, "open(os.environ['OUT'] + '/' + event['requestContext']['condition'], 'w').write(__import__('json').dumps(event))"), func(in *lambda.CreateFunctionInput) {
		in.Environment = variables("OUT", dir)
	})
	a.publish("f")
	a.alias("f", "live", "1")
	name := aws.String("f")

	get := func(qualifier string) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
		return a.GetFunctionEventInvokeConfig(t.Context(), &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String(qualifier)})
	}
	_, err := get("live")
	refused[*types.ResourceNotFoundException](t, err, 404, "The function "+a.arn("f:live")+" doesn't have an EventInvokeConfig")
	_, err = a.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name})
	refused[*types.InvalidParameterValueException](t, err, 400, "You must specify at least one of error handling or destination setting.")
	_, err = a.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("nope"), MaximumRetryAttempts: aws.Int32(1)})
	refused[*types.ResourceNotFoundException](t, err, 404, "The function doesn't exist.")
	put := must[*lambda.PutFunctionEventInvokeConfigOutput](t)(a.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumEventAgeInSeconds: aws.Int32(60)}))
	if *put.FunctionArn != a.arn("f:$LATEST") || put.LastModified == nil || put.MaximumRetryAttempts != nil || put.DestinationConfig.OnFailure == nil || put.DestinationConfig.OnSuccess == nil {
		t.Errorf("put answers %+v", put)
	}
	updated := must[*lambda.UpdateFunctionEventInvokeConfigOutput](t)(a.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{
		FunctionName: name, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{
			OnFailure: &types.OnFailure{Destination: aws.String(a.arn("sink"))}, OnSuccess: &types.OnSuccess{Destination: aws.String(a.arn("sink"))},
		},
	}))
	if *updated.MaximumEventAgeInSeconds != 60 || *updated.MaximumRetryAttempts != 0 {
		t.Errorf("update answers %+v", updated)
	}
	_, err = a.UpdateFunctionEventInvokeConfig(t.Context(), &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String("live"), MaximumRetryAttempts: aws.Int32(0)})
	refused[*types.ResourceNotFoundException](t, err, 404, "The function "+a.arn("f:live")+" doesn't have an EventInvokeConfig")

	for n, condition := range map[string]string{"1": "Success", "0": "RetriesExhausted"} {
		a.invoke(&lambda.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"n":` + n + `}`)})
		var record struct {
			RequestContext struct {
				FunctionArn            string
				ApproximateInvokeCount int
			}
			RequestPayload  map[string]int
			ResponseContext struct{ ExecutedVersion, FunctionError string }
			ResponsePayload any
		}
		a.eventually("the record arrives", func() bool {
			raw, err := os.ReadFile(filepath.Join(dir, condition))
			return err == nil && json.Unmarshal(raw, &record) == nil
		})
		if record.RequestContext.FunctionArn != a.arn("f:$LATEST") || record.RequestContext.ApproximateInvokeCount != 1 ||
			record.ResponseContext.ExecutedVersion != "$LATEST" || (record.ResponseContext.FunctionError == "") != (condition == "Success") || record.ResponsePayload == nil {
			t.Errorf("%s: %+v", condition, record)
		}
	}

	must[*lambda.PutFunctionEventInvokeConfigOutput](t)(a.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: aws.String("live"), MaximumRetryAttempts: aws.Int32(1)}))
	list := must[*lambda.ListFunctionEventInvokeConfigsOutput](t)(a.ListFunctionEventInvokeConfigs(t.Context(), &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: name}))
	if len(list.FunctionEventInvokeConfigs) != 2 || *list.FunctionEventInvokeConfigs[1].FunctionArn != a.arn("f:live") {
		t.Errorf("list %+v", list.FunctionEventInvokeConfigs)
	}
	must[*lambda.DeleteFunctionEventInvokeConfigOutput](t)(a.DeleteFunctionEventInvokeConfig(t.Context(), &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name}))
	_, err = get("$LATEST")
	refused[*types.ResourceNotFoundException](t, err, 404, "The function "+a.arn("f:$LATEST")+" doesn't have an EventInvokeConfig")
	must[*lambda.DeleteAliasOutput](t)(a.DeleteAlias(t.Context(), &lambda.DeleteAliasInput{FunctionName: name, Name: aws.String("live")}))
	a.alias("f", "live", "1")
	if _, err = get("live"); err == nil {
		t.Error("the configuration has survived its alias")
	}
}

// Spec api §E.7: environments are kept ready before any call.
func TestProvisionedConcurrency(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']"))
	a.publish("f")
	a.alias("f", "live", "1")
	a.alias("f", "edge", "$LATEST")
	name := aws.String("f")
	put := func(qualifier string, n int32) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
		return a.PutProvisionedConcurrencyConfig(t.Context(), &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String(qualifier), ProvisionedConcurrentExecutions: aws.Int32(n)})
	}
	get := func(qualifier string) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
		return a.GetProvisionedConcurrencyConfig(t.Context(), &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String(qualifier)})
	}
	for _, qualifier := range []string{"$LATEST", "edge"} {
		_, err := put(qualifier, 1)
		refused[*types.InvalidParameterValueException](t, err, 400, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	_, err := put("9", 1)
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("f:9"))
	_, err = get("live")
	refused[*types.ProvisionedConcurrencyConfigNotFoundException](t, err, 404, "No Provisioned Concurrency Config found for this function")

	out := must[*lambda.PutProvisionedConcurrencyConfigOutput](t)(put("live", 2))
	if out.Status != types.ProvisionedConcurrencyStatusEnumInProgress || *out.RequestedProvisionedConcurrentExecutions != 2 || *out.AvailableProvisionedConcurrentExecutions != 0 {
		t.Errorf("put answers %s, %d of %d", out.Status, *out.AvailableProvisionedConcurrentExecutions, *out.RequestedProvisionedConcurrentExecutions)
	}
	_, err = put("1", 1)
	refused[*types.ResourceConflictException](t, err, 409, "Version is pointed by a Provisioned Concurrency alias")
	_, err = put("live", 1000)
	refused[*types.InvalidParameterValueException](t, err, 400, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000].")
	_, err = a.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(1)})
	refused[*types.InvalidParameterValueException](t, err, 400, " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
	a.eventually("the environments are ready", func() bool {
		got, err := get("live")
		return err == nil && got.Status == types.ProvisionedConcurrencyStatusEnumReady && *got.AvailableProvisionedConcurrentExecutions == 2
	})
	if got := a.call("f:live"); got != `"provisioned-concurrency"` {
		t.Errorf("the call ran in an environment of type %s", got)
	}
	if got := a.call("f"); got != `"on-demand"` {
		t.Errorf("$LATEST ran in an environment of type %s", got)
	}
	list := must[*lambda.ListProvisionedConcurrencyConfigsOutput](t)(a.ListProvisionedConcurrencyConfigs(t.Context(), &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: name}))
	if len(list.ProvisionedConcurrencyConfigs) != 1 || *list.ProvisionedConcurrencyConfigs[0].FunctionArn != a.arn("f:live") {
		t.Errorf("list %+v", list.ProvisionedConcurrencyConfigs)
	}
	must[*lambda.DeleteProvisionedConcurrencyConfigOutput](t)(a.DeleteProvisionedConcurrencyConfig(t.Context(), &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String("live")}))
	a.eventually("the environments have gone", func() bool { return a.call("f:live") == `"on-demand"` })

	a.deploy("f", zipOf(t, map[string]string{"app.py": "raise SystemExit(1)"}))
	a.publish("f")
	if _, err := put("2", 1); err != nil {
		t.Fatal(err)
	}
	a.eventually("a function that cannot start has failed", func() bool {
		got, err := get("2")
		return err == nil && got.Status == types.ProvisionedConcurrencyStatusEnumFailed && *got.StatusReason == "FUNCTION_ERROR_INIT_FAILURE"
	})
}

// Code signing configurations, and that Enforce lets no unsigned code in.
func TestCodeSigning(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	name := aws.String("f")
	publishers := &types.AllowedPublishers{SigningProfileVersionArns: []string{"arn:aws:signer:us-west-2:123456789012:/signing-profiles/p/abc"}}
	made := must[*lambda.CreateCodeSigningConfigOutput](t)(a.CreateCodeSigningConfig(t.Context(), &lambda.CreateCodeSigningConfigInput{AllowedPublishers: publishers, Tags: map[string]string{"k": "v"}})).CodeSigningConfig
	if made.CodeSigningPolicies.UntrustedArtifactOnDeployment != types.CodeSigningPolicyWarn || *made.Description != "" {
		t.Errorf("%+v", made)
	}
	arn := made.CodeSigningConfigArn
	if tags := must[*lambda.ListTagsOutput](t)(a.ListTags(t.Context(), &lambda.ListTagsInput{Resource: arn})).Tags; tags["k"] != "v" {
		t.Errorf("tags %v", tags)
	}
	if got := must[*lambda.GetFunctionCodeSigningConfigOutput](t)(a.GetFunctionCodeSigningConfig(t.Context(), &lambda.GetFunctionCodeSigningConfigInput{FunctionName: name})); got.CodeSigningConfigArn != nil {
		t.Errorf("a function without a configuration has %s", *got.CodeSigningConfigArn)
	}

	unknown := aws.String((*arn)[:len(*arn)-17] + "00000000000000000")
	_, err := a.PutFunctionCodeSigningConfig(t.Context(), &lambda.PutFunctionCodeSigningConfigInput{FunctionName: name, CodeSigningConfigArn: unknown})
	refused[*types.CodeSigningConfigNotFoundException](t, err, 404, "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "+*unknown+".")
	must[*lambda.PutFunctionCodeSigningConfigOutput](t)(a.PutFunctionCodeSigningConfig(t.Context(), &lambda.PutFunctionCodeSigningConfigInput{FunctionName: name, CodeSigningConfigArn: arn}))
	a.deploy("f", python(t, "return 2")) // Warn lets it in

	enforce := &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyEnforce}
	changed := must[*lambda.UpdateCodeSigningConfigOutput](t)(a.UpdateCodeSigningConfig(t.Context(), &lambda.UpdateCodeSigningConfigInput{CodeSigningConfigArn: arn, CodeSigningPolicies: enforce}))
	if len(changed.CodeSigningConfig.AllowedPublishers.SigningProfileVersionArns) != 1 {
		t.Error("an update of the policy has lost the publishers")
	}
	unsigned := "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for unsigned."
	_, err = a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: python(t, "return 3")})
	refused[*types.CodeVerificationFailedException](t, err, 400, unsigned)
	in := newFunction("g", python(t, "return 3"))
	in.CodeSigningConfigArn = arn
	_, err = a.CreateFunction(t.Context(), in)
	refused[*types.CodeVerificationFailedException](t, err, 400, unsigned)

	if arns := must[*lambda.ListFunctionsByCodeSigningConfigOutput](t)(a.ListFunctionsByCodeSigningConfig(t.Context(), &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: arn})).FunctionArns; !slices.Equal(arns, []string{a.arn("f")}) {
		t.Errorf("functions %v", arns)
	}
	if list := must[*lambda.ListCodeSigningConfigsOutput](t)(a.ListCodeSigningConfigs(t.Context(), &lambda.ListCodeSigningConfigsInput{})).CodeSigningConfigs; len(list) != 1 {
		t.Errorf("%d configurations", len(list))
	}
	_, err = a.DeleteCodeSigningConfig(t.Context(), &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn})
	refused[*types.ResourceConflictException](t, err, 409, "The code signing configuration "+*arn+" cannot be deleted: it is associated with the function f.")
	must[*lambda.DeleteFunctionCodeSigningConfigOutput](t)(a.DeleteFunctionCodeSigningConfig(t.Context(), &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: name}))
	must[*lambda.DeleteCodeSigningConfigOutput](t)(a.DeleteCodeSigningConfig(t.Context(), &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: arn}))
	_, err = a.GetCodeSigningConfig(t.Context(), &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: arn})
	refused[*types.ResourceNotFoundException](t, err, 404, "The Lambda code signing configuration "+*arn+" can not be found.")
}

// Account settings, runtime management and recursion.
func TestSettings(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := python(t, "return 1")
	a.create("f", pkg)
	a.publish("f")
	name := aws.String("f")
	account := must[*lambda.GetAccountSettingsOutput](t)(a.GetAccountSettings(t.Context(), &lambda.GetAccountSettingsInput{}))
	if u := account.AccountUsage; u.FunctionCount != 1 || u.TotalCodeSize != int64(2*len(pkg)) {
		t.Errorf("usage %+v", u)
	}
	if l := account.AccountLimit; l.TotalCodeSize != 80530636800 || l.ConcurrentExecutions != 1000 || *l.UnreservedConcurrentExecutions != 1000 || l.CodeSizeUnzipped != 262144000 || l.CodeSizeZipped != 52428800 {
		t.Errorf("limits %+v", l)
	}
	must[*lambda.PutFunctionConcurrencyOutput](t)(a.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(10)}))
	account = must[*lambda.GetAccountSettingsOutput](t)(a.GetAccountSettings(t.Context(), &lambda.GetAccountSettingsInput{}))
	if *account.AccountLimit.UnreservedConcurrentExecutions != 990 {
		t.Errorf("unreserved %d", *account.AccountLimit.UnreservedConcurrentExecutions)
	}

	managed := func(qualifier string) *lambda.GetRuntimeManagementConfigOutput {
		return must[*lambda.GetRuntimeManagementConfigOutput](t)(a.GetRuntimeManagementConfig(t.Context(), &lambda.GetRuntimeManagementConfigInput{FunctionName: name, Qualifier: aws.String(qualifier)}))
	}
	runtime := aws.String("arn:aws:lambda:us-west-2::runtime:0123456789012345678901234567890123456789012345678901234567890123")
	if got := managed("1"); got.UpdateRuntimeOn != types.UpdateRuntimeOnAuto || *got.FunctionArn != a.arn("f:1") || got.RuntimeVersionArn != nil {
		t.Errorf("default %+v", got)
	}
	must[*lambda.PutRuntimeManagementConfigOutput](t)(a.PutRuntimeManagementConfig(t.Context(), &lambda.PutRuntimeManagementConfigInput{FunctionName: name, Qualifier: aws.String("1"), UpdateRuntimeOn: types.UpdateRuntimeOnManual, RuntimeVersionArn: runtime}))
	if got := managed("1"); got.UpdateRuntimeOn != types.UpdateRuntimeOnManual || *got.RuntimeVersionArn != *runtime {
		t.Errorf("set to Manual: %+v", got)
	}
	if got := managed("$LATEST"); got.UpdateRuntimeOn != types.UpdateRuntimeOnAuto {
		t.Errorf("$LATEST is not version 1: %+v", got)
	}
	_, err := a.PutRuntimeManagementConfig(t.Context(), &lambda.PutRuntimeManagementConfigInput{FunctionName: name, UpdateRuntimeOn: types.UpdateRuntimeOnManual})
	refused[*types.InvalidParameterValueException](t, err, 400, "The RuntimeVersionArn parameter is required when UpdateRuntimeOn is set to Manual.")

	recursion := func() types.RecursiveLoop {
		return must[*lambda.GetFunctionRecursionConfigOutput](t)(a.GetFunctionRecursionConfig(t.Context(), &lambda.GetFunctionRecursionConfigInput{FunctionName: name})).RecursiveLoop
	}
	if got := recursion(); got != types.RecursiveLoopTerminate {
		t.Errorf("default %s", got)
	}
	must[*lambda.PutFunctionRecursionConfigOutput](t)(a.PutFunctionRecursionConfig(t.Context(), &lambda.PutFunctionRecursionConfigInput{FunctionName: name, RecursiveLoop: types.RecursiveLoopAllow}))
	if got := recursion(); got != types.RecursiveLoopAllow {
		t.Errorf("set to %s", got)
	}
}
