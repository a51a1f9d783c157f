package resources

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

func (r *mapping) ConfigValidators(context.Context) []resource.ConfigValidator {
	return []resource.ConfigValidator{
		resourcevalidator.ExactlyOneOf(path.MatchRoot("event_source_arn"), path.MatchRoot("self_managed_event_source")),
		resourcevalidator.Conflicting(path.MatchRoot("amazon_managed_kafka_event_source_config"), path.MatchRoot("self_managed_kafka_event_source_config")),
	}
}

// service returns the service in an ARN, or "".
func service(arn tf.String) string {
	parts := strings.SplitN(arn.ValueString(), ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// ModifyPlan plans the region, the tags and the batch size of the kind of source.
func (r *mapping) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	diags := &resp.Diagnostics
	r.planRegion(ctx, req, resp)
	r.planTags(ctx, req, resp)
	var configured mappingModel
	if diags.Append(req.Config.Get(ctx, &configured)...); diags.HasError() {
		return
	}
	if configured.BatchSize.IsNull() && !configured.EventSourceARN.IsUnknown() {
		size := int64(100)
		if service(configured.EventSourceARN) == "sqs" {
			size = 10
		}
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("batch_size"), size)...)
	}
	if req.State.Raw.IsNull() || diags.HasError() {
		return
	}
	var m, was mappingModel
	diags.Append(resp.Plan.Get(ctx, &m)...)
	diags.Append(req.State.Get(ctx, &was)...)
	if diags.HasError() {
		return
	}
	// What follows from the settings stays known where they do not change it.
	set := func(attribute string, value tf.String) {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root(attribute), value)...)
	}
	if m.FunctionName.Equal(was.FunctionName) {
		set("function_arn", was.FunctionARN)
	}
	if !m.BatchSize.Equal(was.BatchSize) { // planned after Terraform looked for changes
		for _, a := range []string{"last_modified", "last_processing_result", "state", "state_transition_reason"} {
			set(a, tf.StringUnknown())
		}
	}
	keepUnchanged(req, resp)
}
