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
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

const aliasTimeout = 15 * time.Minute

// alias is the resource lambda_alias: a name that points at a version.
type alias struct{ connected }

func newAlias() resource.Resource { return &alias{} }

var (
	_ resource.ResourceWithConfigure      = &alias{}
	_ resource.ResourceWithImportState    = &alias{}
	_ resource.ResourceWithModifyPlan     = &alias{}
	_ resource.ResourceWithValidateConfig = &alias{}
)

type aliasModel struct {
	ID              tf.String      `tfsdk:"id"`
	Region          tf.String      `tfsdk:"region"`
	ARN             tf.String      `tfsdk:"arn"`
	Description     tf.String      `tfsdk:"description"`
	FunctionName    tf.String      `tfsdk:"function_name"`
	FunctionVersion tf.String      `tfsdk:"function_version"`
	InvokeARN       tf.String      `tfsdk:"invoke_arn"`
	Name            tf.String      `tfsdk:"name"`
	RevisionID      tf.String      `tfsdk:"revision_id"`
	RoutingConfig   tf.List        `tfsdk:"routing_config"`
	Timeouts        timeouts.Value `tfsdk:"timeouts"`
}

type routingModel struct {
	Weights tf.Map `tfsdk:"additional_version_weights"`
}

func (r *alias) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_alias"
}

func (r *alias) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	fixed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An alias: a name that points at a version of a function. Pointing it at another version promotes that one, for everyone who calls the alias at once, or for a share of the calls with `routing_config`.",
		Attributes: map[string]schema.Attribute{
			"id":          fixed("ARN of the alias."),
			"arn":         fixed("ARN of the alias."),
			"invoke_arn":  fixed("ARN by which API Gateway calls the alias."),
			"region":      regionAttribute(),
			"revision_id": schema.StringAttribute{Computed: true, MarkdownDescription: "Changes with every change of the alias. An apply fails if someone else changed the alias after the plan."},
			"description": schema.StringAttribute{Optional: true, MarkdownDescription: "Description."},
			"function_name": schema.StringAttribute{
				Required: true, MarkdownDescription: "Name or ARN of the function. Changing it forces a new resource.", Validators: []validator.String{isFunction()},
				PlanModifiers: []planmodifier.String{sameFunction(), stringplanmodifier.RequiresReplace()},
			},
			"function_version": schema.StringAttribute{Required: true, MarkdownDescription: "Version that the alias points at, or `$LATEST`.", Validators: []validator.String{isVersion()}},
			"name": schema.StringAttribute{
				Required: true, MarkdownDescription: "Name of the alias. Changing it forces a new resource.", Validators: []validator.String{isAliasName()},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
		},
		Blocks: map[string]schema.Block{
			"routing_config": onceBlock("Send a share of the calls to another version.", map[string]schema.Attribute{
				"additional_version_weights": schema.MapAttribute{
					Optional: true, ElementType: tf.Float64Type,
					MarkdownDescription: "The other version, and the share of the calls that it gets, between 0 and 1.",
				},
			}, nil),
			"timeouts": timeouts.Block(ctx, timeouts.Opts{Update: true}),
		},
	}
}

// ValidateConfig checks the weights against the version.
func (r *alias) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m aliasModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() || anyUnknownElement(ctx, m.RoutingConfig) {
		return
	}
	at := path.Root("routing_config").AtListIndex(0).AtName("additional_version_weights")
	weights := m.weights(ctx, &resp.Diagnostics)
	complain := func(format string, args ...any) {
		resp.Diagnostics.AddAttributeError(at, "Invalid weights", fmt.Sprintf(format, args...))
	}
	if len(weights) > 1 {
		complain("An alias has one version besides function_version at most; these are %d.", len(weights))
	}
	for number, weight := range weights {
		switch {
		case !isNumber(number):
			complain("%q: only a published version, which has a number, can have a weight.", number)
		case number == m.FunctionVersion.ValueString():
			complain("Version %s is function_version; the weight is that of another one.", number)
		case m.FunctionVersion.ValueString() == latest:
			complain("An alias of $LATEST cannot send calls to other versions as well.")
		case weight < 0 || weight > 1:
			complain("Version %s has the weight %g; a weight is between 0 and 1.", number, weight)
		}
	}
}

// ModifyPlan plans the region.
func (r *alias) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		r.planRegion(ctx, req, resp)
		keepUnchanged(req, resp)
	}
}

func (m *aliasModel) weights(ctx context.Context, diags *diag.Diagnostics) map[string]float64 {
	routing := block[routingModel](ctx, m.RoutingConfig, diags)
	if routing == nil || routing.Weights.IsNull() || routing.Weights.IsUnknown() {
		return nil
	}
	var weights map[string]float64
	diags.Append(routing.Weights.ElementsAs(ctx, &weights, false)...)
	return weights
}

var aliasBlames = []blame{
	{"alias already exists", "name"},
	{"routing", "routing_config"},
	{"weight", "routing_config"},
	{"additional_version_weights", "routing_config"},
	{"function_version", "function_version"},
	{"function not found", "function_version"},
	{"version", "function_version"},
	{"name", "name"},
	{"description", "description"},
}

// Create makes the alias.
func (r *alias) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m aliasModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := r.client(m.Region, diags)
	if client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, aliasTimeout)
	defer cancel()
	m.Region = r.region(m.Region)
	in := &lambda.CreateAliasInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer(),
		FunctionVersion: m.FunctionVersion.ValueStringPointer(), Description: optionalText(m.Description),
	}
	if weights := m.weights(ctx, diags); len(weights) > 0 {
		in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	}
	var out *lambda.CreateAliasOutput
	err := retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) (err error) {
		out, err = client.CreateAlias(ctx, in)
		return err
	})
	if err != nil {
		if errorCode(err) == "ResourceConflictException" {
			err = hinted{err, fmt.Sprintf("To manage the alias that exists, import it: terraform import ADDRESS %s/%s", arn.FunctionName(*in.FunctionName), *in.Name)}
		}
		report(diags, "Creating alias "+*in.Name, err, aliasBlames...)
		return
	}
	var config types.AliasConfiguration
	copyFields(&config, out)
	m.read(ctx, &config, diags)
	diags.Append(resp.State.Set(ctx, &m)...)
}

func (m *aliasModel) read(ctx context.Context, a *types.AliasConfiguration, diags *diag.Diagnostics) {
	m.ARN = known(a.AliasArn)
	m.ID = m.ARN
	m.InvokeARN = known(aws.String(arn.Invoke(m.ARN.ValueString())))
	m.Description = text(m.Description, a.Description)
	m.FunctionVersion = known(a.FunctionVersion)
	m.Name = known(a.Name)
	m.RevisionID = known(a.RevisionId)
	var weights map[string]float64
	if a.RoutingConfig != nil {
		weights = a.RoutingConfig.AdditionalVersionWeights
	}
	if len(weights) == 0 {
		if len(m.weights(ctx, diags)) > 0 { // taken away behind our back
			listOf[routingModel](ctx, &m.RoutingConfig, nil, diags)
		}
		return // an empty block is the same as none
	}
	value, d := tf.MapValueFrom(ctx, tf.Float64Type, weights)
	diags.Append(d...)
	listOf(ctx, &m.RoutingConfig, []routingModel{{Weights: value}}, diags)
}

// Read refreshes the state.
func (r *alias) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m aliasModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	out, err := client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer()})
	if isNotFound(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		report(&resp.Diagnostics, "Reading alias "+m.Name.ValueString(), err)
		return
	}
	m.Region = r.region(m.Region)
	var config types.AliasConfiguration
	copyFields(&config, out)
	m.read(ctx, &config, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Update points the alias at another version. It fails if someone else changed
// the alias after the plan was made.
func (r *alias) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, was aliasModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &was)...)
	diags := &resp.Diagnostics
	if diags.HasError() {
		return
	}
	client := r.client(m.Region, diags)
	timeout, d := m.Timeouts.Update(ctx, aliasTimeout)
	if diags.Append(d...); diags.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	weights := m.weights(ctx, diags)
	if weights == nil {
		weights = map[string]float64{} // sent, to clear those that there are
	}
	var out *lambda.UpdateAliasOutput
	err := retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) (err error) {
		out, err = client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
			FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer(),
			FunctionVersion: m.FunctionVersion.ValueStringPointer(), Description: aws.String(m.Description.ValueString()),
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights},
			RevisionId:    optionalText(was.RevisionID),
		})
		return err
	})
	if errorCode(err) == "PreconditionFailedException" {
		err = hinted{err, "Someone changed the alias after the plan was made. Plan again to see what it is now."}
	}
	if err != nil {
		report(diags, "Updating alias "+m.Name.ValueString(), err, aliasBlames...)
		return
	}
	var config types.AliasConfiguration
	copyFields(&config, out)
	if len(weights) == 0 {
		// AWS itself shifts weights for a while when provisioned concurrency moves.
		if err := r.cleared(ctx, client, &m, &config); err != nil {
			report(diags, "Waiting for the weights of alias "+m.Name.ValueString()+" to clear", err)
			return
		}
	}
	m.read(ctx, &config, diags)
	diags.Append(resp.State.Set(ctx, &m)...)
}

// cleared waits until the alias has no weights.
func (r *alias) cleared(ctx context.Context, client *lambda.Client, m *aliasModel, config *types.AliasConfiguration) error {
	return poll(ctx, r.conn.PollMax, func(ctx context.Context) (bool, error) {
		if config.RoutingConfig == nil || len(config.RoutingConfig.AdditionalVersionWeights) == 0 {
			return true, nil
		}
		out, err := client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer()})
		if err != nil {
			return false, err
		}
		copyFields(config, out)
		return false, nil
	})
}

// Delete removes the alias.
func (r *alias) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m aliasModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.client(m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, aliasTimeout)
	defer cancel()
	err := retry(ctx, r.conn.PollMax, busy, func(ctx context.Context) error {
		_, err := client.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer()})
		return err
	})
	if err != nil && !isNotFound(err) {
		report(&resp.Diagnostics, "Deleting alias "+m.Name.ValueString(), err)
	}
}

// ImportState takes FUNCTION/ALIAS or the alias's ARN.
func (r *alias) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	function, name, found := strings.Cut(req.ID, "/")
	region := ""
	if f, err := arn.ParseFunction(req.ID); err == nil && f.Qualifier != "" && f.Account != "" {
		function, name, found, region = f.Name, f.Qualifier, true, f.Region
	}
	if !found || function == "" || name == "" {
		resp.Diagnostics.AddError("Not an alias", fmt.Sprintf("%q: import an alias as FUNCTION/ALIAS, such as hello/live, or by its ARN.", req.ID))
		return
	}
	importAs(ctx, resp, map[string]string{"function_name": function, "name": name, "region": firstOf(region, r.conn.Region)})
}
