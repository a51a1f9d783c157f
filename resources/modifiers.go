package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// keepEquivalent plans the prior value where the configuration says the same in
// other words. Put it before RequiresReplace.
type keepEquivalent struct {
	description string
	same        func(configured, prior string) bool
}

// sameFunction treats a function's name and its ARN as the same value.
func sameFunction() planmodifier.String {
	return keepEquivalent{"A function's name and its ARN are the same value.", arn.SameFunction}
}

func (m keepEquivalent) Description(context.Context) string         { return m.description }
func (m keepEquivalent) MarkdownDescription(context.Context) string { return m.description }

func (m keepEquivalent) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if m.same(req.ConfigValue.ValueString(), req.StateValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

// keepFilledIn plans the prior value of a block that the API fills in where
// everything that the configuration says in it is so already.
type keepFilledIn struct{}

const keepFilledInText = "What the configuration leaves out of the block is not compared."

func (keepFilledIn) Description(context.Context) string         { return keepFilledInText }
func (keepFilledIn) MarkdownDescription(context.Context) string { return keepFilledInText }

func (keepFilledIn) PlanModifyList(_ context.Context, req planmodifier.ListRequest, resp *planmodifier.ListResponse) {
	switch {
	case req.State.Raw.IsNull() || req.ConfigValue.IsUnknown():
		return
	case req.ConfigValue.IsNull():
		resp.PlanValue = req.StateValue
		return
	}
	configured, prior := req.ConfigValue.Elements(), req.StateValue.Elements()
	if len(configured) != len(prior) {
		return
	}
	for i := range configured {
		c, okC := configured[i].(types.Object)
		p, okP := prior[i].(types.Object)
		if !okC || !okP || c.IsUnknown() {
			return
		}
		for name, value := range c.Attributes() {
			if !value.IsNull() && !value.Equal(p.Attributes()[name]) {
				return
			}
		}
	}
	resp.PlanValue = req.StateValue
}

// keepUnchanged plans the prior state where nothing that the configuration says
// differs from it. Terraform compares configuration and state before the plan
// modifiers find that two values mean the same, and has by then made computed
// attributes unknown.
func keepUnchanged(req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.State.Raw.IsNull() || resp.Diagnostics.HasError() || len(resp.RequiresReplace) > 0 {
		return
	}
	var configured, planned, prior map[string]tftypes.Value
	for raw, values := range map[*tftypes.Value]*map[string]tftypes.Value{&req.Config.Raw: &configured, &resp.Plan.Raw: &planned, &req.State.Raw: &prior} {
		if err := raw.As(values); err != nil {
			resp.Diagnostics.AddError("Cannot read the plan", err.Error())
			return
		}
	}
	for name, value := range planned {
		computed := !value.IsKnown() && configured[name].IsNull()
		if !computed && !value.Equal(prior[name]) {
			return
		}
	}
	resp.Plan.Raw = req.State.Raw
}
