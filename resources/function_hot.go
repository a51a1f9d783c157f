package resources

import (
	"context"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// planHotReload adds the tag that hot_reload stands for to the planned tags_all.
func (r *function) planHotReload(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var m functionModel
	at := path.Root("tags_all")
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, at, &m.TagsAll)...)
	if resp.Diagnostics.HasError() || m.TagsAll.IsUnknown() {
		return
	}
	all := tf.MapUnknown(tf.StringType)
	if !m.HotReload.IsUnknown() && (!m.HotReload.ValueBool() || !m.SourceDir.IsUnknown()) {
		all = r.hotTags(ctx, &m, m.TagsAll, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, at, all)...)
}

// hotTags returns all tags with that of hot_reload, where it has an effect.
func (r *function) hotTags(ctx context.Context, m *functionModel, all tf.Map, diags *diag.Diagnostics) tf.Map {
	if !m.HotReload.ValueBool() || !r.conn.Local() {
		return all
	}
	dir, err := filepath.Abs(m.SourceDir.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("source_dir"), "Cannot find the directory", err.Error())
		return all
	}
	tags := textMap(ctx, all, diags)
	tags[packaging.HotReloadTag] = dir
	return stringMap(tags)
}
