package datasources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// functions is the data source lambda_functions.
type functions struct{ connected }

func newFunctions() datasource.DataSource { return &functions{} }

type functionsModel struct {
	ID     tf.String `tfsdk:"id"`
	Region tf.String `tfsdk:"region"`
	ARNs   []string  `tfsdk:"function_arns"`
	Names  []string  `tfsdk:"function_names"`
}

func (d *functions) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_functions"
}

func (d *functions) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "All functions of a region.",
		Attributes: map[string]schema.Attribute{
			"id":             computed("The region."),
			"region":         regionAttribute(),
			"function_arns":  computedList("ARNs of the functions."),
			"function_names": computedList("Names of the functions, in the same order."),
		},
	}
}

func (d *functions) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m functionsModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := d.client(&m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	m.ID, m.ARNs, m.Names = m.Region, []string{}, []string{}
	pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			fail(&resp.Diagnostics, "region", "Listing the functions", err)
			return
		}
		for _, f := range page.Functions {
			m.ARNs = append(m.ARNs, aws.ToString(f.FunctionArn))
			m.Names = append(m.Names, aws.ToString(f.FunctionName))
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
