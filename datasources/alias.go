package datasources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// alias is the data source lambda_alias.
type alias struct{ connected }

func newAlias() datasource.DataSource { return &alias{} }

type aliasModel struct {
	ID              tf.String      `tfsdk:"id"`
	Region          tf.String      `tfsdk:"region"`
	FunctionName    tf.String      `tfsdk:"function_name"`
	Name            tf.String      `tfsdk:"name"`
	ARN             tf.String      `tfsdk:"arn"`
	Description     tf.String      `tfsdk:"description"`
	FunctionVersion tf.String      `tfsdk:"function_version"`
	InvokeARN       tf.String      `tfsdk:"invoke_arn"`
	RevisionID      tf.String      `tfsdk:"revision_id"`
	RoutingConfig   []routingModel `tfsdk:"routing_config"`
}

type routingModel struct {
	Weights map[string]float64 `tfsdk:"additional_version_weights"`
}

func (d *alias) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_alias"
}

func (d *alias) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An alias of a function: the version that it points at, and the weights if calls are shared with another one.",
		Attributes: map[string]schema.Attribute{
			"id":               computed("ARN of the alias."),
			"region":           regionAttribute(),
			"function_name":    required("Name or ARN of the function."),
			"name":             required("Name of the alias."),
			"arn":              computed("ARN of the alias."),
			"description":      computed("Description."),
			"function_version": computed("Version that the alias points at."),
			"invoke_arn":       computed("ARN by which API Gateway calls the alias."),
			"revision_id":      computed("Changes with every change of the alias."),
			"routing_config": computedObjects("The other version that gets calls, and its share, in `additional_version_weights`; empty if there is none.",
				map[string]attr.Type{"additional_version_weights": tf.MapType{ElemType: tf.Float64Type}}),
		},
	}
}

func (d *alias) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m aliasModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := d.client(&m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	out, err := client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer()})
	if err != nil {
		fail(&resp.Diagnostics, "name", "Reading alias "+m.Name.ValueString(), err)
		return
	}
	m.ID, m.ARN, m.InvokeARN = text(out.AliasArn), text(out.AliasArn), tf.StringValue(arn.Invoke(aws.ToString(out.AliasArn)))
	m.Description, m.FunctionVersion, m.RevisionID = text(out.Description), text(out.FunctionVersion), text(out.RevisionId)
	m.RoutingConfig = []routingModel{}
	if r := out.RoutingConfig; r != nil && len(r.AdditionalVersionWeights) > 0 {
		m.RoutingConfig = []routingModel{{r.AdditionalVersionWeights}}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
