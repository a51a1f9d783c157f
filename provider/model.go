package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/target"
)

// model is the provider block.
type model struct {
	Target                    types.String `tfsdk:"target"`
	Region                    types.String `tfsdk:"region"`
	Profile                   types.String `tfsdk:"profile"`
	AccessKey                 types.String `tfsdk:"access_key"`
	SecretKey                 types.String `tfsdk:"secret_key"`
	Token                     types.String `tfsdk:"token"`
	SharedConfigFiles         types.List   `tfsdk:"shared_config_files"`
	SharedCredentialsFiles    types.List   `tfsdk:"shared_credentials_files"`
	CustomCABundle            types.String `tfsdk:"custom_ca_bundle"`
	Insecure                  types.Bool   `tfsdk:"insecure"`
	UseFIPSEndpoint           types.Bool   `tfsdk:"use_fips_endpoint"`
	UseDualStackEndpoint      types.Bool   `tfsdk:"use_dualstack_endpoint"`
	SkipCredentialsValidation types.Bool   `tfsdk:"skip_credentials_validation"`
	SkipMetadataAPICheck      types.Bool   `tfsdk:"skip_metadata_api_check"`
	SkipRegionValidation      types.Bool   `tfsdk:"skip_region_validation"`
	SkipRequestingAccountID   types.Bool   `tfsdk:"skip_requesting_account_id"`
	MaxRetries                types.Int64  `tfsdk:"max_retries"`
	RetryMode                 types.String `tfsdk:"retry_mode"`
	AllowedAccountIDs         types.Set    `tfsdk:"allowed_account_ids"`
	ForbiddenAccountIDs       types.Set    `tfsdk:"forbidden_account_ids"`

	Engine      []engineModel      `tfsdk:"engine"`
	AssumeRole  []assumeRoleModel  `tfsdk:"assume_role"`
	WebIdentity []webIdentityModel `tfsdk:"assume_role_with_web_identity"`
	Endpoints   []endpointsModel   `tfsdk:"endpoints"`
	DefaultTags []defaultTagsModel `tfsdk:"default_tags"`
	IgnoreTags  []ignoreTagsModel  `tfsdk:"ignore_tags"`
}

type assumeRoleModel struct {
	RoleARN           types.String `tfsdk:"role_arn"`
	SessionName       types.String `tfsdk:"session_name"`
	ExternalID        types.String `tfsdk:"external_id"`
	Duration          types.String `tfsdk:"duration"`
	Policy            types.String `tfsdk:"policy"`
	PolicyARNs        types.List   `tfsdk:"policy_arns"`
	SourceIdentity    types.String `tfsdk:"source_identity"`
	Tags              types.Map    `tfsdk:"tags"`
	TransitiveTagKeys types.List   `tfsdk:"transitive_tag_keys"`
}

type webIdentityModel struct {
	RoleARN     types.String `tfsdk:"role_arn"`
	SessionName types.String `tfsdk:"session_name"`
	Duration    types.String `tfsdk:"duration"`
	Policy      types.String `tfsdk:"policy"`
	PolicyARNs  types.List   `tfsdk:"policy_arns"`
	Token       types.String `tfsdk:"web_identity_token"`
	TokenFile   types.String `tfsdk:"web_identity_token_file"`
}

type endpointsModel struct {
	Lambda types.String `tfsdk:"lambda"`
	STS    types.String `tfsdk:"sts"`
}

type defaultTagsModel struct {
	Tags types.Map `tfsdk:"tags"`
}

type ignoreTagsModel struct {
	Keys        types.List `tfsdk:"keys"`
	KeyPrefixes types.List `tfsdk:"key_prefixes"`
}

// config translates the block for the package target.
func (m model) config(ctx context.Context, version string) (target.Config, diag.Diagnostics) {
	var diags diag.Diagnostics
	c := target.Config{
		Region: m.Region.ValueString(), Profile: m.Profile.ValueString(),
		AccessKey: m.AccessKey.ValueString(), SecretKey: m.SecretKey.ValueString(), Token: m.Token.ValueString(),
		SharedConfigFiles: elements(ctx, &diags, m.SharedConfigFiles), SharedCredentialsFiles: elements(ctx, &diags, m.SharedCredentialsFiles),
		CustomCABundle: m.CustomCABundle.ValueString(), Insecure: m.Insecure.ValueBool(),
		UseFIPS: m.UseFIPSEndpoint.ValueBool(), UseDualStack: m.UseDualStackEndpoint.ValueBool(),
		SkipCredentialValidation: m.SkipCredentialsValidation.ValueBool(), SkipMetadataAPICheck: m.SkipMetadataAPICheck.ValueBool(),
		MaxRetries: int(m.MaxRetries.ValueInt64()), RetryMode: m.RetryMode.ValueString(),
		AllowedAccountIDs: elements(ctx, &diags, m.AllowedAccountIDs), ForbiddenAccountIDs: elements(ctx, &diags, m.ForbiddenAccountIDs),
		UserAgent: "terraform-provider-lambda-" + version,
	}
	if len(m.Endpoints) > 0 {
		c.LambdaEndpoint, c.STSEndpoint = m.Endpoints[0].Lambda.ValueString(), m.Endpoints[0].STS.ValueString()
		if m.target() == targetLocal && c.LambdaEndpoint != "" {
			diags.AddAttributeError(path.Root("endpoints").AtListIndex(0).AtName("lambda"), "Two ways to name an endpoint",
				"The target \"local\" takes its endpoint from engine.endpoint. Set that instead, or set target = \"aws\" to talk to something that is not this provider's engine.")
		}
	}
	if m.target() == targetAWS && len(m.Engine) > 0 {
		diags.AddAttributeWarning(path.Root("engine"), "The engine block has no effect", "It is for target = \"local\"; the target is \"aws\".")
	}
	if len(m.AssumeRole) > 0 {
		r := m.AssumeRole[0]
		c.AssumeRole = &target.AssumeRole{
			RoleARN: r.RoleARN.ValueString(), SessionName: r.SessionName.ValueString(), ExternalID: r.ExternalID.ValueString(),
			Policy: r.Policy.ValueString(), SourceIdentity: r.SourceIdentity.ValueString(),
			PolicyARNs: elements(ctx, &diags, r.PolicyARNs), TransitiveTagKeys: elements(ctx, &diags, r.TransitiveTagKeys),
			Tags:     stringMap(ctx, &diags, r.Tags),
			Duration: duration(&diags, r.Duration, path.Root("assume_role").AtListIndex(0).AtName("duration")),
		}
	}
	if len(m.WebIdentity) > 0 {
		w := m.WebIdentity[0]
		c.WebIdentity = &target.WebIdentity{
			RoleARN: w.RoleARN.ValueString(), SessionName: w.SessionName.ValueString(), Policy: w.Policy.ValueString(),
			PolicyARNs: elements(ctx, &diags, w.PolicyARNs), Token: w.Token.ValueString(), TokenFile: w.TokenFile.ValueString(),
			Duration: duration(&diags, w.Duration, path.Root("assume_role_with_web_identity").AtListIndex(0).AtName("duration")),
		}
	}
	return c, diags
}

// tagging puts what the block says of tags into conn.
func (m model) tagging(ctx context.Context, conn *target.Connection) diag.Diagnostics {
	var diags diag.Diagnostics
	if len(m.DefaultTags) > 0 {
		conn.DefaultTags = stringMap(ctx, &diags, m.DefaultTags[0].Tags)
	}
	if len(m.IgnoreTags) > 0 {
		conn.IgnoreTags = target.IgnoreTags{
			Keys:        elements(ctx, &diags, m.IgnoreTags[0].Keys),
			KeyPrefixes: elements(ctx, &diags, m.IgnoreTags[0].KeyPrefixes),
		}
	}
	return diags
}

// elements returns the strings of a list or set.
func elements(ctx context.Context, diags *diag.Diagnostics, v interface {
	attr.Value
	ElementsAs(ctx context.Context, target any, allowUnhandled bool) diag.Diagnostics
},
) []string {
	if v.IsNull() {
		return nil
	}
	var out []string
	diags.Append(v.ElementsAs(ctx, &out, false)...)
	return out
}

func stringMap(ctx context.Context, diags *diag.Diagnostics, v types.Map) map[string]string {
	if v.IsNull() {
		return nil
	}
	var out map[string]string
	diags.Append(v.ElementsAs(ctx, &out, false)...)
	return out
}

func duration(diags *diag.Diagnostics, v types.String, at path.Path) time.Duration {
	if v.IsNull() {
		return 0
	}
	d, err := time.ParseDuration(v.ValueString())
	if err != nil || d <= 0 {
		diags.AddAttributeError(at, "Not a duration", "Write it as a number with a unit, such as \"1h\" or \"90m\".")
	}
	return d
}
