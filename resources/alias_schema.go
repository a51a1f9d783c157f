package resources

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

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
