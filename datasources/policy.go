package datasources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/policy"
)

// functionPolicy is the data source lambda_policy.
type functionPolicy struct{ connected }

func newPolicy() datasource.DataSource { return &functionPolicy{} }

type policyModel struct {
	ID           tf.String        `tfsdk:"id"`
	Region       tf.String        `tfsdk:"region"`
	FunctionName tf.String        `tfsdk:"function_name"`
	Qualifier    tf.String        `tfsdk:"qualifier"`
	Policy       tf.String        `tfsdk:"policy"`
	RevisionID   tf.String        `tfsdk:"revision_id"`
	Statements   []statementModel `tfsdk:"statements"`
}

type statementModel struct {
	SID           string    `tfsdk:"statement_id"`
	Effect        string    `tfsdk:"effect"`
	Action        string    `tfsdk:"action"`
	Principal     string    `tfsdk:"principal"`
	Resource      string    `tfsdk:"resource"`
	SourceAccount tf.String `tfsdk:"source_account"`
	SourceARN     tf.String `tfsdk:"source_arn"`
}

func (d *functionPolicy) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_policy"
}

func (d *functionPolicy) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	one := map[string]attr.Type{}
	for _, name := range []string{"statement_id", "effect", "action", "principal", "resource", "source_account", "source_arn"} {
		one[name] = tf.StringType
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The policy of a function, a version or an alias: who may call it. A function without a policy has none of the attributes set, and no statements.",
		Attributes: map[string]schema.Attribute{
			"id":            computed("Name of the function, with the qualifier if there is one."),
			"region":        regionAttribute(),
			"function_name": required("Name or ARN of the function."),
			"qualifier":     optional("Version or alias whose policy it is."),
			"policy":        computed("The policy, as JSON."),
			"revision_id":   computed("Changes with every change of the policy."),
			"statements":    computedObjects("The statements: `statement_id`, `effect`, `action`, `principal`, `resource`, `source_account` and `source_arn`.", one),
		},
	}
}

func (d *functionPolicy) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m policyModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := d.client(&m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	name := m.FunctionName.ValueString()
	m.ID, m.Statements = m.FunctionName, []statementModel{}
	in := &lambda.GetPolicyInput{FunctionName: &name}
	if q := m.Qualifier.ValueString(); q != "" {
		in.Qualifier, m.ID = &q, tf.StringValue(name+":"+q)
	}
	out, err := client.GetPolicy(ctx, in)
	if isNotFound(err) {
		// AWS says the same of a function that is not there.
		if _, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name, Qualifier: in.Qualifier}); err != nil {
			fail(&resp.Diagnostics, "function_name", "Reading function "+name, err)
			return
		}
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		return
	}
	if err != nil {
		fail(&resp.Diagnostics, "function_name", "Reading the policy of "+name, err)
		return
	}
	document, err := policy.Parse(aws.ToString(out.Policy))
	if err != nil {
		resp.Diagnostics.AddError("Cannot read the policy of "+name, err.Error())
		return
	}
	m.Policy, m.RevisionID = text(out.Policy), text(out.RevisionId)
	for _, s := range document.Statements {
		m.Statements = append(m.Statements, statementModel{
			SID: s.SID, Effect: s.Effect, Action: string(s.Action), Principal: string(s.Principal), Resource: string(s.Resource),
			SourceAccount: text(aws.String(s.Compared("AWS:SourceAccount"))), SourceARN: text(aws.String(s.Compared("AWS:SourceArn"))),
		})
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
