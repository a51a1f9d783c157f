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
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

const aliasTimeout = 15 * time.Minute

// alias is the resource lambda_alias: a name that points at a version. Its schema
// and the checks of its plan are in alias_schema.go.
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
		report(diags, "Creating alias "+*in.Name, r.withVersions(ctx, client, *in.FunctionName, err), aliasBlames...)
		return
	}
	var config types.AliasConfiguration
	copyFields(&config, out)
	m.read(ctx, &config, diags)
	diags.Append(resp.State.Set(ctx, &m)...)
}

// withVersions adds to an error about a version that is not there which is.
func (r *alias) withVersions(ctx context.Context, client *lambda.Client, function string, err error) error {
	if !isNotFound(err) {
		return err
	}
	newest, listErr := newestVersion(ctx, client, function)
	if listErr != nil {
		return err // the function is what is missing
	}
	if newest == latest {
		return hinted{err, "The function has no published version: publish one, with publish = true or a lambda_version."}
	}
	return hinted{err, "The newest version of the function is " + newest + ". Numbers are never used again, also not after the function was deleted and created anew."}
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
		report(diags, "Updating alias "+m.Name.ValueString(), r.withVersions(ctx, client, m.FunctionName.ValueString(), err), aliasBlames...)
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
