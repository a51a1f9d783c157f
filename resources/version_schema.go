package resources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

func (r *version) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	fixed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
	}
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A published version of a function: its code and configuration, frozen under a number. " +
			"What an alias points at is a version; promoting is pointing it at another one.\n\n" +
			"A version cannot change, so every change of its arguments publishes a new one. The old one stays by default, as a rollback needs it.",
		Attributes: map[string]schema.Attribute{
			"id":     fixed("`FUNCTION/VERSION`."),
			"region": regionAttribute(),
			"function_name": schema.StringAttribute{
				Required: true, MarkdownDescription: "Name or ARN of the function.", Validators: []validator.String{isFunction()},
				PlanModifiers: []planmodifier.String{sameFunction(), stringplanmodifier.RequiresReplace()},
			},
			"code_sha256": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "Code to publish: `code_sha256` of the `lambda_function`. A new value publishes a new version; Lambda refuses if the function has other code than this by then.",
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplace()},
			},
			"triggers": schema.MapAttribute{
				Optional: true, ElementType: tf.StringType,
				MarkdownDescription: "Anything else whose change publishes a new version, such as `config_sha256` of the `lambda_function`.",
				PlanModifiers:       []planmodifier.Map{mapplanmodifier.RequiresReplace()},
			},
			"description": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "Description of the version. Default: the function's.",
				Validators:          []validator.String{stringvalidator.LengthAtMost(256)},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplace()},
			},
			"publish_to": schema.StringAttribute{
				Optional: true, MarkdownDescription: "`LATEST_PUBLISHED`, for functions on managed instances.",
				Validators: []validator.String{oneOf(types.FunctionVersionLatestPublished("").Values())}, PlanModifiers: replace,
			},
			"keep_last": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "After publishing, remove the function's versions but the newest ones, as many as this says. A version that an alias, an event source mapping or provisioned concurrency needs stays.",
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"skip_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(true),
				MarkdownDescription: "Leave the version where it is when the resource is replaced or destroyed. Default true. With false, a version that an alias points at stays nevertheless, with a warning.",
			},
			"wait_for_active": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(true),
				MarkdownDescription: "Wait until the version can be invoked, with its snapshot if it starts from one. Default true.",
			},
			"version":       fixed("Number of the version."),
			"arn":           fixed("ARN of the version."),
			"invoke_arn":    fixed("ARN by which API Gateway calls the version."),
			"config_sha256": fixed("Hash of the version's configuration."),
			"last_modified": fixed("When the version was published."),
			"runtime":       fixed("Runtime of the version."),
			"source_code_size": schema.Int64Attribute{
				Computed: true, MarkdownDescription: "Size of the archive in bytes.",
				PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
			},
		},
		Blocks: map[string]schema.Block{"timeouts": timeouts.Block(ctx, timeouts.Opts{Create: true, Delete: true})},
	}
}
