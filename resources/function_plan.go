package resources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// frozen names the attributes that a published version freezes, besides the code.
var frozen = []string{
	"capacity_provider_config", "dead_letter_config", "description", "durable_config", "environment", "ephemeral_storage",
	"file_system_config", "handler", "image_config", "kms_key_arn", "layers", "logging_config", "memory_size", "role",
	"runtime", "snap_start", "timeout", "tracing_config", "vpc_config",
}

// ValidateConfig checks what the attributes must be together.
func (r *function) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var m functionModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.PackageType.IsUnknown() {
		return
	}
	image := m.PackageType.ValueString() == string(types.PackageTypeImage)
	complain := func(attribute, summary, detail string) {
		resp.Diagnostics.AddAttributeError(path.Root(attribute), summary, detail)
	}
	if !image {
		if m.Handler.IsNull() {
			complain("handler", "Missing attribute", "A function needs a handler, such as \"app.handler\", unless package_type is \"Image\".")
		}
		if m.Runtime.IsNull() {
			complain("runtime", "Missing attribute", "A function needs a runtime, such as \"python3.13\", unless package_type is \"Image\".")
		}
		if !m.ImageURI.IsNull() {
			complain("package_type", "Not the package type of an image", "With image_uri, set package_type = \"Image\".")
		}
	} else if !m.Filename.IsNull() || !m.SourceDir.IsNull() || !m.S3Bucket.IsNull() {
		complain("package_type", "Not the package type of an archive", "With package_type = \"Image\", the code comes from image_uri.")
	}
	if m.ReplaceSecurityGroupsOnDestroy.ValueBool() && m.ReplacementSecurityGroupIDs.IsNull() {
		complain("replacement_security_group_ids", "Missing attribute", "replace_security_groups_on_destroy needs to know the security groups to move to.")
	}
}

// ModifyPlan says what the apply will change: it hashes the code, checks the
// handler, and leaves version and its names known unless a version will be published.
func (r *function) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroying
	}
	diags := &resp.Diagnostics
	r.planRegion(ctx, req, resp)
	r.planTags(ctx, req, resp)
	r.planHotReload(ctx, req, resp)
	var configured, m functionModel
	diags.Append(req.Config.Get(ctx, &configured)...)
	diags.Append(resp.Plan.Get(ctx, &m)...)
	var was *functionModel
	var from origin
	if !req.State.Raw.IsNull() {
		was = &functionModel{}
		diags.Append(req.State.Get(ctx, was)...)
		from = loadOrigin(ctx, req.Private, diags)
	}
	if diags.HasError() {
		return
	}
	m.CodeSHA256 = r.planCode(ctx, &configured, was, from, diags)
	diags.Append(resp.Plan.SetAttribute(ctx, path.Root("code_sha256"), m.CodeSHA256)...)
	if was == nil || diags.HasError() {
		return
	}
	deploys := m.deploys(was)
	configures := anyUnknown(req.Config, frozen) || configurationChange(ctx, was, &m, diags) != nil
	unknown := func(attributes ...string) {
		for _, a := range attributes {
			diags.Append(resp.Plan.SetAttribute(ctx, path.Root(a), tf.StringUnknown())...)
		}
	}
	if deploys || configures {
		unknown("last_modified", "config_sha256")
	}
	if deploys {
		unknown("signing_job_arn", "signing_profile_version_arn")
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("source_code_size"), tf.Int64Unknown())...)
	}
	if m.Publish.IsUnknown() || m.publishes(was, deploys || configures, from.Imported) {
		unknown("version", "qualified_arn", "qualified_invoke_arn")
	}
	r.planNested(ctx, &m, was, resp)
}

// planCode returns the hash of the code that will be deployed.
func (r *function) planCode(ctx context.Context, m, was *functionModel, from origin, diags *diag.Diagnostics) tf.String {
	asked := m.CodeSHA256
	if m.SourceDir.IsUnknown() || m.Filename.IsUnknown() || anyUnknownElement(ctx, m.SourceExcludes) || asked.IsUnknown() {
		return tf.StringUnknown()
	}
	if !m.local() {
		return m.planRemoteCode(was, from)
	}
	digest, err := m.digest(ctx, diags)
	switch {
	case errors.Is(err, fs.ErrNotExist) && was != nil && m.sameSource(was):
		return was.CodeSHA256 // deployed from here before; a checkout need not have it built
	case errors.Is(err, fs.ErrNotExist):
		return tf.StringUnknown() // the apply may build it
	case err != nil:
		diags.AddAttributeError(m.codeAttribute(), "Cannot read the code", err.Error()+".")
		return tf.StringUnknown()
	}
	m.checkHandler(diags)
	if !asked.IsNull() && asked.ValueString() != digest.SHA256 {
		diags.AddAttributeError(path.Root("code_sha256"), "The code has another hash",
			fmt.Sprintf("code_sha256 says %s, but %s has %s. Leave code_sha256 out: it is computed.", asked.ValueString(), m.codeAttribute(), digest.SHA256))
	}
	return tf.StringValue(digest.SHA256)
}

// planRemoteCode is planCode for code that only Lambda reads.
func (m *functionModel) planRemoteCode(was *functionModel, from origin) tf.String {
	if !m.CodeSHA256.IsNull() {
		return m.CodeSHA256
	}
	if was == nil {
		return tf.StringUnknown()
	}
	drifted := from.Code != "" && from.Code != was.CodeSHA256.ValueString()
	if drifted || !m.sameSource(was) {
		// A hash of the archive that is what is deployed settles it: an import, mostly.
		if !drifted && !m.SourceCodeHash.IsNull() && m.SourceCodeHash.Equal(was.CodeSHA256) {
			return was.CodeSHA256
		}
		return tf.StringUnknown()
	}
	return was.CodeSHA256
}

// sameSource reports whether the code comes from where it came from before.
func (m *functionModel) sameSource(was *functionModel) bool {
	return m.Filename.Equal(was.Filename) && m.SourceDir.Equal(was.SourceDir) && m.ImageURI.Equal(was.ImageURI) &&
		m.S3Bucket.Equal(was.S3Bucket) && m.S3Key.Equal(was.S3Key) && m.S3ObjectVersion.Equal(was.S3ObjectVersion) &&
		m.SourceExcludes.Equal(was.SourceExcludes) &&
		(m.SourceCodeHash.IsNull() || m.SourceCodeHash.Equal(was.SourceCodeHash))
}

// planNested makes computed attributes of blocks unknown where their block changes.
func (r *function) planNested(ctx context.Context, m, was *functionModel, resp *resource.ModifyPlanResponse) {
	diags := &resp.Diagnostics
	vpc, before := block[vpcModel](ctx, m.VPCConfig, diags), block[vpcModel](ctx, was.VPCConfig, diags)
	if vpc != nil && before != nil && !vpc.SubnetIDs.Equal(before.SubnetIDs) {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("vpc_config").AtListIndex(0).AtName("vpc_id"), tf.StringUnknown())...)
	}
	snap, beforeSnap := block[snapStartModel](ctx, m.SnapStart, diags), block[snapStartModel](ctx, was.SnapStart, diags)
	if snap != nil && beforeSnap != nil && !snap.ApplyOn.Equal(beforeSnap.ApplyOn) {
		diags.Append(resp.Plan.SetAttribute(ctx, path.Root("snap_start").AtListIndex(0).AtName("optimization_status"), tf.StringUnknown())...)
	}
}

// anyUnknown reports whether one of the attributes is not wholly known.
func anyUnknown(config tfsdk.Config, attributes []string) bool {
	var values map[string]tftypes.Value
	if err := config.Raw.As(&values); err != nil {
		return true
	}
	for _, a := range attributes {
		if v, ok := values[a]; ok && !v.IsFullyKnown() {
			return true
		}
	}
	return false
}

// anyUnknownElement reports whether a list is not wholly known.
func anyUnknownElement(ctx context.Context, list tf.List) bool {
	v, err := list.ToTerraformValue(ctx)
	return err != nil || !v.IsFullyKnown()
}
