package resources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/lambdaform/terraform-provider-lambda/provider/policy"
)

func (r *permission) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	optional := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{
			Optional: true, MarkdownDescription: description, Validators: validators,
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		}
	}
	generated := func(description string, validators ...validator.String) schema.StringAttribute {
		a := optional(description, append(validators, matches(`^[0-9A-Za-z_-]{1,100}$`, "has 1 to 100 letters, digits, - and _"))...)
		a.Computed = true
		a.PlanModifiers = []planmodifier.String{stringplanmodifier.UseStateForUnknown(), stringplanmodifier.RequiresReplace()}
		return a
	}
	action := optional("What is allowed, such as `lambda:InvokeFunction`.", matches(`^(lambda:[*]|lambda:[A-Za-z]+|[*])$`, "must be lambda: and the name of an action"))
	action.Optional, action.Required = false, true
	function := optional("Name or ARN of the function.", isFunction())
	function.Optional, function.Required = false, true
	function.PlanModifiers = []planmodifier.String{sameFunction(), stringplanmodifier.RequiresReplace()}
	who := optional("Who is allowed: a service such as `s3.amazonaws.com`, an account, an ARN or `*`.")
	who.Optional, who.Required = false, true
	who.PlanModifiers = []planmodifier.String{
		keepEquivalent{"An account and the ARN of its root are the same value.", policy.SamePrincipal}, stringplanmodifier.RequiresReplace(),
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A permission: one statement of a function's policy, which lets a service or another account call it. Every change forces a new resource.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{
				Computed: true, MarkdownDescription: "The statement id.", PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
			},
			"region":                 regionAttribute(),
			"action":                 action,
			"event_source_token":     optional("Token that Alexa skills must present.", matches(`^[0-9A-Za-z_.-]{1,256}$`, "has 1 to 256 letters, digits, ., - and _")),
			"function_name":          function,
			"function_url_auth_type": optional("`AWS_IAM` or `NONE`, for the action `lambda:InvokeFunctionUrl`.", oneOf(types.FunctionUrlAuthType("").Values())),
			"invoked_via_function_url": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Allow calls through the function's URL only.",
				PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()},
			},
			"principal":           who,
			"principal_org_id":    optional("Organization that the principal must belong to."),
			"qualifier":           optional("Version or alias that may be called.", matches(`^[0-9A-Za-z_$-]{1,128}$`, "must be a version or an alias")),
			"source_account":      optional("Account that the calling resource must belong to.", matches(`^\d{12}$`, "must be an account, 12 digits")),
			"source_arn":          optional("Resource on whose behalf the service may call.", isARN()),
			"statement_id":        generated("Id of the statement. Generated if left out.", stringvalidator.ConflictsWith(path.MatchRoot("statement_id_prefix"))),
			"statement_id_prefix": generated("How the generated id of the statement begins."),
		},
		Blocks: map[string]schema.Block{"timeouts": timeouts.Block(ctx, timeouts.Opts{Create: true, Read: true, Delete: true})},
	}
}
