package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func (p *lambdaProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Functions, versions, aliases, permissions and event source mappings of AWS Lambda: in AWS, or in an engine on this machine that runs them as AWS does.",
		Attributes: map[string]schema.Attribute{
			"target": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Where the resources live: `local` (the default), an engine on this machine, or `aws`. Also `LAMBDA_TARGET`.",
				Validators:          []validator.String{stringvalidator.OneOf(targetLocal, targetAWS)},
			},
			"region":                      text("Region of the resources that name none. Also `AWS_REGION` or `AWS_DEFAULT_REGION`; `us-east-1` if the target is `local`."),
			"profile":                     text("Profile of the shared configuration to use. Also `AWS_PROFILE`."),
			"access_key":                  secret("Access key. Also `AWS_ACCESS_KEY_ID`. The local target takes any, and one of 12 digits is the account to work in; where the engine verifies signatures, the default is the key that it has issued.", stringvalidator.AlsoRequires(path.MatchRoot("secret_key"))),
			"secret_key":                  secret("Secret key. Also `AWS_SECRET_ACCESS_KEY`.", stringvalidator.AlsoRequires(path.MatchRoot("access_key"))),
			"token":                       secret("Session token. Also `AWS_SESSION_TOKEN`."),
			"shared_config_files":         texts("Shared configuration files. Also `AWS_CONFIG_FILE`."),
			"shared_credentials_files":    texts("Shared credentials files. Also `AWS_SHARED_CREDENTIALS_FILE`."),
			"custom_ca_bundle":            text("File with the certificates to trust. Also `AWS_CA_BUNDLE`."),
			"insecure":                    flag("Do not verify certificates."),
			"use_fips_endpoint":           flag("Use AWS's FIPS endpoints."),
			"use_dualstack_endpoint":      flag("Use AWS's dual-stack endpoints."),
			"skip_credentials_validation": flag("Do not look for credentials before the first call."),
			"skip_metadata_api_check":     flag("Do not look for credentials in the instance metadata service."),
			"skip_region_validation":      flag("Accepted for compatibility: regions are not validated."),
			"skip_requesting_account_id":  flag("Accepted for compatibility: the account is asked for only when `allowed_account_ids` or `forbidden_account_ids` is set."),
			"max_retries": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "How often a failing call is made at most. Default 25.",
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"retry_mode": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "`standard` or `adaptive`. Also `AWS_RETRY_MODE`.",
				Validators:          []validator.String{stringvalidator.OneOf("standard", "adaptive")},
			},
			"allowed_account_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Accounts that this configuration may be applied to.",
				Validators:          []validator.Set{setvalidator.ConflictsWith(path.MatchRoot("forbidden_account_ids"))},
			},
			"forbidden_account_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Accounts that this configuration may not be applied to.",
			},
		},
		Blocks: map[string]schema.Block{
			"engine": block("The local engine. Only for `target = \"local\"`.", map[string]schema.Attribute{
				"endpoint":  text("Where the engine listens. Default `http://127.0.0.1:4574`. Also `LAMBDA_ENGINE_ENDPOINT`."),
				"data_dir":  text("Where the engine keeps its data. Default: the user's directory for such state. Also `LAMBDA_ENGINE_DATA_DIR`."),
				"autostart": flag("Start the engine when none answers. Default true."),
			}),
			"assume_role": block("A role to take on before anything else.", map[string]schema.Attribute{
				"role_arn":            requiredText("ARN of the role."),
				"session_name":        text("Name of the session."),
				"external_id":         text("External identifier that the role asks for."),
				"duration":            text("How long the credentials last, such as `1h`."),
				"policy":              text("Policy that limits the session further, as JSON."),
				"policy_arns":         texts("Policies that limit the session further."),
				"source_identity":     text("Source identity of the session."),
				"tags":                textMap("Tags of the session."),
				"transitive_tag_keys": texts("Tags that a next role's session keeps."),
			}),
			"assume_role_with_web_identity": block("A role to take on with the token of an identity provider.", map[string]schema.Attribute{
				"role_arn":                requiredText("ARN of the role."),
				"session_name":            text("Name of the session."),
				"duration":                text("How long the credentials last, such as `1h`."),
				"policy":                  text("Policy that limits the session further, as JSON."),
				"policy_arns":             texts("Policies that limit the session further."),
				"web_identity_token":      secret("The token.", stringvalidator.ExactlyOneOf(path.MatchRelative().AtParent().AtName("web_identity_token_file"))),
				"web_identity_token_file": text("File with the token."),
			}),
			"endpoints": block("Other endpoints than AWS's. Only for `target = \"aws\"`; that of the local engine is `engine.endpoint`.", map[string]schema.Attribute{
				"lambda": text("Endpoint of Lambda. Also `AWS_ENDPOINT_URL_LAMBDA`."),
				"sts":    text("Endpoint of STS. Also `AWS_ENDPOINT_URL_STS`."),
			}),
			"default_tags": block("Tags of every resource that takes tags.", map[string]schema.Attribute{
				"tags": textMap("The tags. A resource's own tag of the same key wins."),
			}),
			"ignore_tags": block("Tags that others manage: neither changed nor reported.", map[string]schema.Attribute{
				"keys":         texts("Keys of such tags."),
				"key_prefixes": texts("How the keys of such tags begin."),
			}),
		},
	}
}

func text(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description}
}

func requiredText(description string) schema.StringAttribute {
	return schema.StringAttribute{Required: true, MarkdownDescription: description}
}

func secret(description string, validators ...validator.String) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: description, Validators: validators}
}

func texts(description string) schema.ListAttribute {
	return schema.ListAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
}

func textMap(description string) schema.MapAttribute {
	return schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
}

func flag(description string) schema.BoolAttribute {
	return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
}

// block is one that may be there once. It is a list for the sake of
// configurations written for hashicorp/aws.
func block(description string, attributes map[string]schema.Attribute) schema.ListNestedBlock {
	return schema.ListNestedBlock{
		MarkdownDescription: description,
		Validators:          []validator.List{listvalidator.SizeAtMost(1)},
		NestedObject:        schema.NestedBlockObject{Attributes: attributes},
	}
}
