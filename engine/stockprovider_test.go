package engine_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// stock makes the calls that the hashicorp/aws provider makes for a function f with
// an alias "live" and everything that hangs on them.
type stock struct {
	account
	mapping *string // UUID
	signing *string // ARN
}

// Spec api §E.9, F.25.8: create, refresh, update and destroy, in the stock provider's
// order, with the reads and the waits that it makes.
func TestStockProvider(t *testing.T) {
	t.Parallel()
	p := &stock{account: newAccount(t)}
	p.createAll()
	for range 2 { // apply, then plan
		p.refresh(expected{version: "1", timeout: 3, reserved: 5, batch: 100, retries: 0, mode: types.InvokeModeBuffered, tag: "blue"})
	}
	p.updateAll()
	p.refresh(expected{version: "2", timeout: 10, reserved: 6, batch: 10, retries: 1, mode: types.InvokeModeResponseStream, tag: "green", signing: p.signing})
	p.deleteAll()
}

func (p *stock) createAll() {
	f, live := aws.String("f"), aws.String("live")
	layer := p.layer("l", module(p, "m", "one"))
	created := p.create("f", python(p, "return 1"), func(in *lambda.CreateFunctionInput) {
		in.Publish, in.Layers, in.Tags = true, []string{*layer.LayerVersionArn}, map[string]string{"team": "blue"}
		in.Architectures, in.PackageType = []types.Architecture{types.ArchitectureX8664}, types.PackageTypeZip
		in.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(512)}
		in.MemorySize, in.Timeout, in.Description = aws.Int32(128), aws.Int32(3), aws.String("")
	})
	if *created.Version != "1" {
		p.Fatalf("created version %s", *created.Version)
	}
	p.settled()
	do(p, p.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(5)})

	do(p, p.CreateAlias, &lambda.CreateAliasInput{
		FunctionName: f, Name: live, FunctionVersion: created.Version, Description: aws.String(""), RoutingConfig: &types.AliasRoutingConfiguration{},
	})
	do(p, p.AddPermission, &lambda.AddPermissionInput{
		FunctionName: f, Qualifier: live, StatementId: aws.String("bucket"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::b"), SourceAccount: &p.id,
	})
	do(p, p.CreateFunctionUrlConfig, &lambda.CreateFunctionUrlConfigInput{FunctionName: f, Qualifier: live, AuthType: types.FunctionUrlAuthTypeNone, InvokeMode: types.InvokeModeBuffered})
	public := &lambda.AddPermissionInput{
		FunctionName: f, Qualifier: live, StatementId: aws.String("FunctionURLAllowPublicAccess"), Action: aws.String("lambda:InvokeFunctionUrl"),
		Principal: aws.String("*"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone,
	}
	do(p, p.AddPermission, public)
	_, err := p.AddPermission(p.Context(), public) // which the provider takes for success
	refused[*types.ResourceConflictException](p, err, 409, "The statement id (FunctionURLAllowPublicAccess) provided already exists…")

	mapping := do(p, p.CreateEventSourceMapping, &lambda.CreateEventSourceMappingInput{
		EventSourceArn: aws.String(p.stream("s")), FunctionName: aws.String(p.arn("f:live")), Enabled: aws.Bool(true),
		StartingPosition: types.EventSourcePositionLatest, Tags: map[string]string{"team": "blue"},
	})
	p.mapping = mapping.UUID
	p.mapped()
	do(p, p.PutProvisionedConcurrencyConfig, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live, ProvisionedConcurrentExecutions: aws.Int32(1)})
	p.provisioned()
	do(p, p.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: live, MaximumRetryAttempts: aws.Int32(0)})
	out := do(p, p.Invoke, &lambda.InvokeInput{FunctionName: f, Qualifier: aws.String("$LATEST"), Payload: []byte("{}"), InvocationType: types.InvocationTypeRequestResponse})
	if out.FunctionError != nil || string(out.Payload) != "1" {
		p.Errorf("invocation: %s", out.Payload)
	}
}

func (p *stock) updateAll() {
	f, live := aws.String("f"), aws.String("live")
	signing := do(p, p.CreateCodeSigningConfig, &lambda.CreateCodeSigningConfigInput{
		AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{"arn:aws:signer:us-west-2:123456789012:/signing-profiles/p/abc"}},
	})
	p.signing = signing.CodeSigningConfig.CodeSigningConfigArn

	do(p, p.TagResource, &lambda.TagResourceInput{Resource: aws.String(p.arn("f")), Tags: map[string]string{"team": "green"}})
	do(p, p.PutFunctionCodeSigningConfig, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: f, CodeSigningConfigArn: p.signing})
	do(p, p.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: f, Timeout: aws.Int32(10), Environment: &types.Environment{Variables: map[string]string{}},
		VpcConfig: &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}, Ipv6AllowedForDualStack: aws.Bool(false)},
	})
	p.settled()
	do(p, p.UpdateFunctionCode, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: python(p, "return 2"), Architectures: []types.Architecture{types.ArchitectureX8664}})
	p.settled()
	do(p, p.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(6)})
	published := do(p, p.PublishVersion, &lambda.PublishVersionInput{FunctionName: f})
	p.eventually("the version is ready", func() bool { // without a status it would wait for ever
		c := do(p, p.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: published.FunctionArn, Qualifier: published.Version})
		return c.LastUpdateStatus == types.LastUpdateStatusSuccessful && c.State == types.StateActive
	})

	do(p, p.UpdateAlias, &lambda.UpdateAliasInput{
		FunctionName: f, Name: live, FunctionVersion: published.Version, Description: aws.String(""),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"1": 0.5}},
	})
	do(p, p.UpdateAlias, &lambda.UpdateAliasInput{FunctionName: f, Name: live, FunctionVersion: published.Version, RoutingConfig: &types.AliasRoutingConfiguration{}})
	p.eventually("the weights are gone", func() bool {
		return do(p, p.GetAlias, &lambda.GetAliasInput{FunctionName: f, Name: live}).RoutingConfig == nil
	})
	do(p, p.UpdateFunctionUrlConfig, &lambda.UpdateFunctionUrlConfigInput{
		FunctionName: f, Qualifier: live, AuthType: types.FunctionUrlAuthTypeNone, InvokeMode: types.InvokeModeResponseStream, Cors: &types.Cors{},
	})
	do(p, p.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: p.mapping, BatchSize: aws.Int32(10), FilterCriteria: &types.FilterCriteria{}, ScalingConfig: &types.ScalingConfig{}})
	p.mapped()
	do(p, p.PutProvisionedConcurrencyConfig, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live, ProvisionedConcurrentExecutions: aws.Int32(1)})
	p.provisioned()
	do(p, p.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: live, MaximumRetryAttempts: aws.Int32(1)})
}

// expected is what the configuration says, so that a plan is empty.
type expected struct {
	version           string // the newest, and the alias's
	timeout, reserved int32
	batch, retries    int32
	mode              types.InvokeMode
	tag               string
	signing           *string
}

// refresh reads everything as the provider reads it before every plan.
func (p *stock) refresh(want expected) {
	p.Helper()
	f, live := aws.String("f"), aws.String("live")
	same := func(what string, got, want any) {
		p.Helper()
		if got != want {
			p.Errorf("%s is %v, want %v", what, got, want)
		}
	}

	out := do(p, p.GetFunction, &lambda.GetFunctionInput{FunctionName: f})
	c := out.Configuration
	if out.Code == nil || c == nil || c.EphemeralStorage == nil || c.TracingConfig == nil || c.SnapStart == nil || c.LoggingConfig == nil || len(c.Architectures) != 1 || len(c.Layers) != 1 {
		p.Fatalf("the function lacks something: %+v", out)
	}
	same("timeout", *c.Timeout, want.timeout)
	same("package type", c.PackageType, types.PackageTypeZip)
	same("reserved concurrency", *out.Concurrency.ReservedConcurrentExecutions, want.reserved)
	same("tag", out.Tags["team"], want.tag)
	signing := do(p, p.GetFunctionCodeSigningConfig, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: f})
	same("code signing", aws.ToString(signing.CodeSigningConfigArn), aws.ToString(want.signing))
	var latest types.FunctionConfiguration
	pages := lambda.NewListVersionsByFunctionPaginator(p, &lambda.ListVersionsByFunctionInput{FunctionName: f, MaxItems: aws.Int32(10000)})
	for pages.HasMorePages() {
		page := must[*lambda.ListVersionsByFunctionOutput](p)(pages.NextPage(p.Context()))
		latest = page.Versions[len(page.Versions)-1]
	}
	same("newest version", *latest.Version, want.version)
	same("its ARN", *latest.FunctionArn, p.arn("f:"+want.version))
	qualified := do(p, p.GetFunction, &lambda.GetFunctionInput{FunctionName: f, Qualifier: latest.Version}) // the data source's way
	if qualified.Concurrency != nil || len(qualified.Tags) == 0 {
		p.Errorf("a version has the concurrency %v and the tags %v", qualified.Concurrency, qualified.Tags)
	}
	same("its concurrency", *do(p, p.GetFunctionConcurrency, &lambda.GetFunctionConcurrencyInput{FunctionName: f}).ReservedConcurrentExecutions, want.reserved)

	alias := do(p, p.GetAlias, &lambda.GetAliasInput{FunctionName: f, Name: live})
	same("alias", *alias.FunctionVersion, want.version)
	if alias.RoutingConfig != nil {
		p.Errorf("the alias has weights: %v", alias.RoutingConfig)
	}
	for sid, principal := range map[string]string{"bucket": `{"Service":"s3.amazonaws.com"}`, "FunctionURLAllowPublicAccess": `"*"`} {
		s, found := p.permission(sid)
		if !found || string(s.Principal) != principal {
			p.Errorf("permission %s: %+v", sid, s)
		}
		same("resource of "+sid, s.Resource, p.arn("f:live"))
	}
	made := do(p, p.GetFunctionUrlConfig, &lambda.GetFunctionUrlConfigInput{FunctionName: f, Qualifier: live})
	address := must[*url.URL](p)(url.Parse(*made.FunctionUrl))
	if id, _, _ := strings.Cut(address.Host, "."); len(id) != 32 || made.Cors != nil {
		p.Errorf("URL %s, CORS %v", address, made.Cors)
	}
	same("mode", made.InvokeMode, want.mode)
	mapping := do(p, p.GetEventSourceMapping, &lambda.GetEventSourceMappingInput{UUID: p.mapping})
	same("batch size", *mapping.BatchSize, want.batch)
	same("function of the mapping", *mapping.FunctionArn, p.arn("f:live"))
	same("tag of the mapping", do(p, p.ListTags, &lambda.ListTagsInput{Resource: mapping.EventSourceMappingArn}).Tags["team"], "blue")
	same("provisioned concurrency", *p.provisioned().AllocatedProvisionedConcurrentExecutions, int32(1))
	event := do(p, p.GetFunctionEventInvokeConfig, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: live})
	same("retries", *event.MaximumRetryAttempts, want.retries)
	layer := do(p, p.GetLayerVersion, &lambda.GetLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
	same("layer", *layer.LayerVersionArn, *c.Layers[0].Arn)
}

func (p *stock) deleteAll() {
	f, live := aws.String("f"), aws.String("live")
	do(p, p.DeleteFunctionEventInvokeConfig, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: live})
	gone[*types.ResourceNotFoundException](p, p.GetFunctionEventInvokeConfig, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: live})
	do(p, p.DeleteProvisionedConcurrencyConfig, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live})
	gone[*types.ProvisionedConcurrencyConfigNotFoundException](p, p.GetProvisionedConcurrencyConfig, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: live})
	p.unmap(p.mapping)
	gone[*types.ResourceNotFoundException](p, p.GetEventSourceMapping, &lambda.GetEventSourceMappingInput{UUID: p.mapping})
	do(p, p.DeleteFunctionUrlConfig, &lambda.DeleteFunctionUrlConfigInput{FunctionName: f, Qualifier: live})
	gone[*types.ResourceNotFoundException](p, p.GetFunctionUrlConfig, &lambda.GetFunctionUrlConfigInput{FunctionName: f, Qualifier: live})
	for _, sid := range []string{"bucket", "FunctionURLAllowPublicAccess"} {
		do(p, p.RemovePermission, &lambda.RemovePermissionInput{FunctionName: f, Qualifier: live, StatementId: &sid})
		if s, found := p.permission(sid); found {
			p.Errorf("left is %+v", s)
		}
	}
	gone[*types.ResourceNotFoundException](p, p.GetPolicy, &lambda.GetPolicyInput{FunctionName: f, Qualifier: live})
	do(p, p.DeleteAlias, &lambda.DeleteAliasInput{FunctionName: f, Name: live})
	gone[*types.ResourceNotFoundException](p, p.GetAlias, &lambda.GetAliasInput{FunctionName: f, Name: live})
	do(p, p.DeleteFunction, &lambda.DeleteFunctionInput{FunctionName: f})
	gone[*types.ResourceNotFoundException](p, p.GetFunction, &lambda.GetFunctionInput{FunctionName: f})
	do(p, p.DeleteCodeSigningConfig, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: p.signing})
	gone[*types.ResourceNotFoundException](p, p.GetCodeSigningConfig, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: p.signing})
	do(p, p.DeleteLayerVersion, &lambda.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
	gone[*types.ResourceNotFoundException](p, p.GetLayerVersion, &lambda.GetLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
}

// settled waits for the function as the provider does after every change.
func (p *stock) settled() {
	p.Helper()
	p.eventually("the function has settled", func() bool {
		c := do(p, p.GetFunction, &lambda.GetFunctionInput{FunctionName: aws.String("f")}).Configuration
		return c.State == types.StateActive && c.LastUpdateStatus == types.LastUpdateStatusSuccessful
	})
}

func (p *stock) mapped() {
	p.Helper()
	p.eventually("the mapping has settled", func() bool {
		return *do(p, p.GetEventSourceMapping, &lambda.GetEventSourceMappingInput{UUID: p.mapping}).State == "Enabled"
	})
}

func (p *stock) provisioned() (out *lambda.GetProvisionedConcurrencyConfigOutput) {
	p.Helper()
	p.eventually("concurrency is provisioned", func() bool {
		out = do(p, p.GetProvisionedConcurrencyConfig, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
		return out.Status == types.ProvisionedConcurrencyStatusEnumReady
	})
	return out
}

// permission finds a statement in the alias's policy.
func (p *stock) permission(sid string) (statement, bool) {
	p.Helper()
	statements, _ := p.policy("live")
	for _, s := range statements {
		if s.Sid == sid {
			return s, true
		}
	}
	return statement{}, false
}
