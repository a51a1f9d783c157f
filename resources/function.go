package resources

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// latest is the version that can be changed.
const latest = "$LATEST"

const (
	functionTimeout    = 10 * time.Minute
	propagationTimeout = 5 * time.Minute // of roles and keys that were just made
)

// function is the resource lambda_function.
//
// The schema is in function_schema.go; function_plan.go decides what a plan
// changes, function_apply.go changes it; function_expand.go and
// function_flatten.go translate between the model and the API; function_code.go
// deals with packages.
type function struct{ connected }

func newFunction() resource.Resource { return &function{} }

var (
	_ resource.ResourceWithConfigure        = &function{}
	_ resource.ResourceWithImportState      = &function{}
	_ resource.ResourceWithModifyPlan       = &function{}
	_ resource.ResourceWithConfigValidators = &function{}
	_ resource.ResourceWithValidateConfig   = &function{}
)

func (r *function) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_function"
}

func (r *function) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{resourcevalidator.ExactlyOneOf(
		path.MatchRoot("source_dir"), path.MatchRoot("filename"), path.MatchRoot("s3_bucket"), path.MatchRoot("image_uri"))}
}

// functionBlames say which attribute an error of Lambda's is about.
var functionBlames = []blame{
	{"function already exist", "function_name"},
	{"reservedconcurrentexecutions", "reserved_concurrent_executions"},
	{"reserved_concurrent_executions", "reserved_concurrent_executions"},
	{"environment variable", "environment"},
	{"environment", "environment"},
	{"layer", "layers"},
	{"runtime", "runtime"},
	{"role", "role"},
	{"memory", "memory_size"},
	{"memory_size", "memory_size"},
	{"timeout", "timeout"},
	{"handler", "handler"},
	{"dead_letter_config", "dead_letter_config"},
	{"destination", "dead_letter_config"},
	{"function_name", "function_name"},
	{"description", "description"},
	{"image", "image_uri"},
	{"s3", "s3_key"},
	{"subnet", "vpc_config"},
	{"security group", "vpc_config"},
	{"kms", "kms_key_arn"},
	{"tag", "tags"},
}

// origin is what the resource remembers besides its state.
type origin struct {
	Code     string `json:"code"`     // CodeSha256 that was deployed here
	Imported bool   `json:"imported"` // and not changed since
}

const originKey = "origin"

func loadOrigin(ctx context.Context, p interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}, diags *diag.Diagnostics,
) (o origin) {
	b, d := p.GetKey(ctx, originKey)
	diags.Append(d...)
	if len(b) > 0 {
		if err := json.Unmarshal(b, &o); err != nil {
			diags.AddWarning("Cannot read the private state", err.Error())
		}
	}
	return o
}

func (o origin) save(ctx context.Context, p interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}, diags *diag.Diagnostics,
) {
	b, err := json.Marshal(o)
	if err != nil {
		diags.AddError("Cannot write the private state", err.Error())
		return
	}
	diags.Append(p.SetKey(ctx, originKey, b)...)
}

// Read refreshes the state.
func (r *function) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m functionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	name := m.FunctionName.ValueString()
	out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	if isNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading function "+name, err)
		return
	}
	m.Region = r.region(m.Region)
	m.read(ctx, out.Configuration, &resp.Diagnostics)
	m.Tags, m.TagsAll = r.readTags(ctx, out.Tags, m.Tags, &resp.Diagnostics)
	m.ReservedConcurrentExecutions = tf.Int64Value(unreserved)
	if out.Concurrency != nil && out.Concurrency.ReservedConcurrentExecutions != nil {
		m.ReservedConcurrentExecutions = int64Of(out.Concurrency.ReservedConcurrentExecutions)
	}
	if out.Code != nil {
		if out.Configuration.PackageType == types.PackageTypeImage {
			m.ImageURI = text(m.ImageURI, out.Code.ImageUri)
		}
		m.SourceKMSKeyARN = text(m.SourceKMSKeyARN, out.Code.SourceKMSKeyArn)
	}
	imported := m.Publish.IsNull()
	if imported {
		m.Publish, m.SkipDestroy = tf.BoolValue(false), tf.BoolValue(false)
		origin{Code: m.CodeSHA256.ValueString(), Imported: true}.save(ctx, resp.Private, &resp.Diagnostics)
	}
	r.readVersion(ctx, client, &m, imported, &resp.Diagnostics)
	r.readSigning(ctx, client, &m, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// readVersion finds the newest published version. It asks for the list of
// versions, which may be long, only if the resource publishes.
func (r *function) readVersion(ctx context.Context, client *lambda.Client, m *functionModel, imported bool, diags *diag.Diagnostics) {
	if was := m.Version.ValueString(); !imported && !m.Publish.ValueBool() && (was == "" || was == latest) {
		m.setVersion(latest)
		return
	}
	newest, err := newestVersion(ctx, client, m.FunctionName.ValueString())
	if err != nil {
		report(diags, "Listing the versions of function "+m.FunctionName.ValueString(), err)
		return
	}
	m.setVersion(newest)
}

// newestVersion returns the newest published version of a function, or $LATEST.
func newestVersion(ctx context.Context, client *lambda.Client, name string) (string, error) {
	newest := latest
	pages := lambda.NewListVersionsByFunctionPaginator(client, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, v := range page.Versions {
			if version := aws.ToString(v.Version); newer(version, newest) {
				newest = version
			}
		}
	}
	return newest, nil
}

// newer reports whether version a was published after b.
func newer(a, b string) bool {
	if !isNumber(a) {
		return false
	}
	return !isNumber(b) || len(a) > len(b) || (len(a) == len(b) && a > b)
}

// readSigning asks for the code signing configuration if there should be one.
func (r *function) readSigning(ctx context.Context, client *lambda.Client, m *functionModel, diags *diag.Diagnostics) {
	if m.CodeSigningConfigARN.ValueString() == "" {
		return
	}
	out, err := client.GetFunctionCodeSigningConfig(ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: m.FunctionName.ValueStringPointer()})
	if err != nil {
		report(diags, "Reading the code signing configuration", err, blame{"", "code_signing_config_arn"})
		return
	}
	m.CodeSigningConfigARN = text(m.CodeSigningConfigARN, out.CodeSigningConfigArn)
}

// Delete removes the function with all its versions and aliases.
func (r *function) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m functionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	name := m.FunctionName.ValueString()
	if m.SkipDestroy.ValueBool() {
		resp.Diagnostics.AddWarning("The function was left where it is", fmt.Sprintf("%s is no longer managed, but it still exists: skip_destroy is true.", name))
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	timeout, diags := m.Timeouts.Delete(ctx, functionTimeout)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if m.ReplaceSecurityGroupsOnDestroy.ValueBool() {
		r.leaveSecurityGroups(ctx, client, &m, &resp.Diagnostics)
	}
	err := retry(ctx, r.conn.PollMax, either(busy, replicated), func(ctx context.Context) error {
		_, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
		return err
	})
	if err != nil && !isNotFound(err) {
		report(&resp.Diagnostics, "Deleting function "+name, err)
	}
}

// leaveSecurityGroups puts the function's network interfaces, which outlive it
// by a while, into other security groups, so that its own can be deleted.
func (r *function) leaveSecurityGroups(ctx context.Context, client *lambda.Client, m *functionModel, diags *diag.Diagnostics) {
	vpc := block[vpcModel](ctx, m.VPCConfig, diags)
	if vpc == nil || len(vpc.SubnetIDs.Elements()) == 0 {
		return
	}
	_, err := client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: m.FunctionName.ValueStringPointer(),
		VpcConfig:    &types.VpcConfig{SubnetIds: texts(ctx, vpc.SubnetIDs, diags), SecurityGroupIds: texts(ctx, m.ReplacementSecurityGroupIDs, diags)},
	})
	if err == nil {
		_, err = r.settle(ctx, client, m.FunctionName.ValueString())
	}
	if err != nil && !isNotFound(err) {
		report(diags, "Moving the function to other security groups", err, blame{"", "replacement_security_group_ids"})
	}
}

// ImportState takes a function's name or ARN.
func (r *function) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	f, err := arn.ParseFunction(req.ID)
	if err != nil || f.Qualifier != "" {
		resp.Diagnostics.AddError("Not a function", fmt.Sprintf("%q: import a function by its name or its unqualified ARN.", req.ID))
		return
	}
	region := f.Region
	if region == "" {
		region = r.conn.Region
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), f.Name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("function_name"), f.Name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("region"), region)...)
}
