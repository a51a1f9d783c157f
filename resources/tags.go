package resources

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

func tagsAttribute() schema.MapAttribute {
	return schema.MapAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Tags. They win over those of the provider's `default_tags` with the same key.",
	}
}

func tagsAllAttribute() schema.MapAttribute {
	return schema.MapAttribute{
		Computed: true, ElementType: types.StringType,
		MarkdownDescription: "All tags, with those of the provider's `default_tags`.",
	}
}

// planTags plans tags_all.
func (c *connected) planTags(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var tags types.Map
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("tags"), &tags)...)
	if resp.Diagnostics.HasError() {
		return
	}
	all := types.MapUnknown(types.StringType)
	if v, err := tags.ToTerraformValue(ctx); err == nil && v.IsFullyKnown() && c.conn != nil && c.conn.Known() {
		all = stringMap(c.conn.AllTags(textMap(ctx, tags, &resp.Diagnostics)))
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("tags_all"), all)...)
}

// allTags returns tags_all for an apply: what was planned or, where that had to
// wait for other resources, what it turns out to be.
func (c *connected) allTags(ctx context.Context, tags, planned types.Map, diags *diag.Diagnostics) types.Map {
	if !planned.IsUnknown() {
		return planned
	}
	return stringMap(c.conn.AllTags(textMap(ctx, tags, diags)))
}

// readTags returns tags and tags_all for what the API says. A default tag, or that of
// hot_reload, is a tag of the resource's own only if it was one before.
func (c *connected) readTags(ctx context.Context, actual map[string]string, prior types.Map, diags *diag.Diagnostics) (tags, all types.Map) {
	was := textMap(ctx, prior, diags)
	own, every := map[string]string{}, map[string]string{}
	for k, v := range actual {
		if c.conn.IgnoreTags.Ignored(k) {
			continue
		}
		every[k] = v
		_, explicit := was[k]
		if value, isDefault := c.conn.DefaultTags[k]; explicit || k != packaging.HotReloadTag && (!isDefault || value != v) {
			own[k] = v
		}
	}
	tags = stringMap(own)
	if len(own) == 0 && len(prior.Elements()) == 0 {
		tags = prior
		if prior.IsNull() || prior.IsUnknown() {
			tags = types.MapNull(types.StringType)
		}
	}
	return tags, stringMap(every)
}

// updateTags makes the tags of a resource what tags_all is planned to be.
func updateTags(ctx context.Context, client *lambda.Client, arn string, was, planned types.Map, diags *diag.Diagnostics) {
	changed, gone := tagChanges(textMap(ctx, was, diags), textMap(ctx, planned, diags))
	blames := []blame{{"tag", "tags"}}
	if len(gone) > 0 {
		if _, err := client.UntagResource(ctx, &lambda.UntagResourceInput{Resource: &arn, TagKeys: gone}); err != nil {
			report(diags, fmt.Sprintf("Removing tags of %s", arn), err, blames...)
			return
		}
	}
	if len(changed) > 0 {
		if _, err := client.TagResource(ctx, &lambda.TagResourceInput{Resource: &arn, Tags: changed}); err != nil {
			report(diags, fmt.Sprintf("Tagging %s", arn), err, blames...)
		}
	}
}

// tagChanges returns what leads from the tags of before to those of after.
func tagChanges(before, after map[string]string) (changed map[string]string, gone []string) {
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[k]; !ok {
			gone = append(gone, k)
		}
	}
	changed = map[string]string{}
	for k, v := range after {
		if old, ok := before[k]; !ok || old != v {
			changed[k] = v
		}
	}
	return changed, gone
}
