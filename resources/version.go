package resources

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

const versionTimeout = 10 * time.Minute

// version is the resource lambda_version: a published version of a function.
// Its schema is in version_schema.go, what it keeps and removes in version_prune.go.
type version struct{ connected }

func newVersion() resource.Resource { return &version{} }

var (
	_ resource.ResourceWithConfigure   = &version{}
	_ resource.ResourceWithImportState = &version{}
	_ resource.ResourceWithModifyPlan  = &version{}
)

type versionModel struct {
	ID             tf.String      `tfsdk:"id"`
	Region         tf.String      `tfsdk:"region"`
	FunctionName   tf.String      `tfsdk:"function_name"`
	CodeSHA256     tf.String      `tfsdk:"code_sha256"`
	Triggers       tf.Map         `tfsdk:"triggers"`
	Description    tf.String      `tfsdk:"description"`
	PublishTo      tf.String      `tfsdk:"publish_to"`
	KeepLast       tf.Int64       `tfsdk:"keep_last"`
	SkipDestroy    tf.Bool        `tfsdk:"skip_destroy"`
	WaitForActive  tf.Bool        `tfsdk:"wait_for_active"`
	Version        tf.String      `tfsdk:"version"`
	ARN            tf.String      `tfsdk:"arn"`
	InvokeARN      tf.String      `tfsdk:"invoke_arn"`
	ConfigSHA256   tf.String      `tfsdk:"config_sha256"`
	LastModified   tf.String      `tfsdk:"last_modified"`
	SourceCodeSize tf.Int64       `tfsdk:"source_code_size"`
	Runtime        tf.String      `tfsdk:"runtime"`
	Timeouts       timeouts.Value `tfsdk:"timeouts"`
}

func (r *version) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_version"
}

// ModifyPlan plans the region.
func (r *version) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.planRegion(ctx, req, resp)
		keepUnchanged(req, resp)
	}
}

// Create publishes $LATEST. Publishing what is published already is no error:
// Lambda then answers with the version that there is.
func (r *version) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m versionModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Create(ctx, versionTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m.Region = r.region(m.Region)
	in := &lambda.PublishVersionInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Description: optionalText(m.Description),
		CodeSha256: optionalText(m.CodeSHA256), PublishTo: types.FunctionVersionLatestPublished(m.PublishTo.ValueString()),
	}
	var out *lambda.PublishVersionOutput
	err := retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) (err error) {
		out, err = client.PublishVersion(ctx, in)
		return err
	})
	if err != nil {
		report(diags, "Publishing a version of "+*in.FunctionName, err,
			blame{"codesha256", "code_sha256"}, blame{"function not found", "function_name"}, blame{"function_name", "function_name"}, blame{"description", "description"})
		return
	}
	config := &types.FunctionConfiguration{}
	copyFields(config, out)
	m.read(config)
	diags.Append(resp.State.Set(ctx, &m)...)
	if m.WaitForActive.ValueBool() {
		if config, err = r.active(ctx, client, &m); err != nil {
			report(diags, "Waiting for "+m.ARN.ValueString(), err)
			return
		}
		m.read(config)
		diags.Append(resp.State.Set(ctx, &m)...)
	}
	if !m.KeepLast.IsNull() {
		r.prune(ctx, client, &m, diags)
	}
}

// active waits until the version can be invoked and, if it starts from a
// snapshot, until it has that.
func (r *version) active(ctx context.Context, client *lambda.Client, m *versionModel) (*types.FunctionConfiguration, error) {
	in := &lambda.GetFunctionConfigurationInput{FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: m.Version.ValueStringPointer()}
	var config *types.FunctionConfiguration
	err := poll(ctx, r.conn.PollMax, func(ctx context.Context) (done bool, err error) {
		if config, err = settleVersion(ctx, client, r.conn.PollMax, in); err != nil {
			return false, err
		}
		s := config.SnapStart
		return s == nil || s.ApplyOn != types.SnapStartApplyOnPublishedVersions || s.OptimizationStatus == types.SnapStartOptimizationStatusOn, nil
	})
	return config, err
}

// read puts what Lambda says of the version into the model.
func (m *versionModel) read(c *types.FunctionConfiguration) {
	m.Version = known(c.Version)
	m.ARN = known(c.FunctionArn)
	m.InvokeARN = known(aws.String(arn.Invoke(m.ARN.ValueString())))
	m.CodeSHA256 = known(c.CodeSha256)
	m.ConfigSHA256 = known(c.ConfigSha256)
	m.Description = m.readDescription(c)
	m.LastModified = known(c.LastModified)
	m.SourceCodeSize = tf.Int64Value(c.CodeSize)
	m.Runtime = known(aws.String(string(c.Runtime)))
	m.ID = tf.StringValue(arn.FunctionName(m.FunctionName.ValueString()) + "/" + m.Version.ValueString())
}

// readDescription returns the version's description. One that the resource does
// not set is the function's, and one that was published before keeps its own.
func (m *versionModel) readDescription(c *types.FunctionConfiguration) tf.String {
	if m.Description.IsUnknown() {
		return tf.StringValue(aws.ToString(c.Description))
	}
	return m.Description
}

// Read refreshes the state.
func (r *version) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m versionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	out, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: m.Version.ValueStringPointer(),
	})
	if isNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading "+m.ARN.ValueString(), err)
		return
	}
	var config types.FunctionConfiguration
	copyFields(&config, out)
	m.Region = r.region(m.Region)
	if m.ARN.IsNull() { // imported
		m.Description = tf.StringValue(aws.ToString(out.Description))
		m.SkipDestroy, m.WaitForActive = tf.BoolValue(true), tf.BoolValue(true)
	}
	m.read(&config)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update has nothing to change on Lambda's side but, perhaps, to prune.
func (r *version) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, was versionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &was)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if client := r.client(m.Region, &resp.Diagnostics); client != nil && !m.KeepLast.IsNull() && !m.KeepLast.Equal(was.KeepLast) {
		r.prune(ctx, client, &m, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Delete removes the version, unless something still needs it.
func (r *version) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m versionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.SkipDestroy.ValueBool() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	timeout, d := m.Timeouts.Delete(ctx, versionTimeout)
	if resp.Diagnostics.Append(d...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r.remove(ctx, client, m.FunctionName.ValueString(), m.Version.ValueString(), &resp.Diagnostics)
}

// ImportState takes FUNCTION/VERSION or the version's ARN.
func (r *version) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	name, number, found := strings.Cut(req.ID, "/")
	region := ""
	if f, err := arn.ParseFunction(req.ID); err == nil && f.Qualifier != "" {
		name, number, found, region = f.Name, f.Qualifier, true, f.Region
	}
	if !found || !isNumber(number) {
		resp.Diagnostics.AddError("Not a version", fmt.Sprintf("%q: import a version as FUNCTION/VERSION, such as hello/3, or by its ARN.", req.ID))
		return
	}
	importAs(ctx, resp, map[string]string{"id": name + "/" + number, "function_name": name, "version": number, "region": firstOf(region, r.conn.Region)})
}

// importAs sets the attributes by which Read finds what is imported.
func importAs(ctx context.Context, resp *resource.ImportStateResponse, attributes map[string]string) {
	for name, value := range attributes {
		if value != "" {
			resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
		}
	}
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
