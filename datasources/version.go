package datasources

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// version is the data source lambda_version.
type version struct{ connected }

func newVersion() datasource.DataSource { return &version{} }

type versionModel struct {
	ID             tf.String `tfsdk:"id"`
	Region         tf.String `tfsdk:"region"`
	FunctionName   tf.String `tfsdk:"function_name"`
	Version        tf.String `tfsdk:"version"`
	Alias          tf.String `tfsdk:"alias"`
	CodeSHA256     tf.String `tfsdk:"code_sha256"`
	Aliases        []string  `tfsdk:"aliases"`
	ARN            tf.String `tfsdk:"arn"`
	InvokeARN      tf.String `tfsdk:"invoke_arn"`
	ConfigSHA256   tf.String `tfsdk:"config_sha256"`
	Description    tf.String `tfsdk:"description"`
	Handler        tf.String `tfsdk:"handler"`
	LastModified   tf.String `tfsdk:"last_modified"`
	MemorySize     tf.Int64  `tfsdk:"memory_size"`
	Role           tf.String `tfsdk:"role"`
	Runtime        tf.String `tfsdk:"runtime"`
	SourceCodeSize tf.Int64  `tfsdk:"source_code_size"`
	State          tf.String `tfsdk:"state"`
	Timeout        tf.Int64  `tfsdk:"timeout"`
}

func (d *version) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_version"
}

func (d *version) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{datasourcevalidator.Conflicting(path.MatchRoot("version"), path.MatchRoot("alias"), path.MatchRoot("code_sha256"))}
}

func (d *version) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A published version of a function: the one with the given number, the one that an alias points at, the newest one with the given code, or else the newest of all.",
		Attributes: map[string]schema.Attribute{
			"id":               computed("`FUNCTION/VERSION`."),
			"region":           regionAttribute(),
			"function_name":    required("Name or ARN of the function."),
			"version":          schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Number of the version."},
			"alias":            optional("Alias that points at the version."),
			"code_sha256":      schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Base64-encoded SHA-256 of the archive."},
			"aliases":          computedList("Aliases that point at the version, if only with a weight."),
			"arn":              computed("ARN of the version."),
			"invoke_arn":       computed("ARN by which API Gateway calls the version."),
			"config_sha256":    computed("Hash of the version's configuration."),
			"description":      computed("Description."),
			"handler":          computed("What the runtime calls."),
			"last_modified":    computed("When the version was published."),
			"memory_size":      computedNumber("Memory in MB."),
			"role":             computed("ARN of the role that the version runs as."),
			"runtime":          computed("Runtime."),
			"source_code_size": computedNumber("Size of the archive in bytes."),
			"state":            computed("State of the version."),
			"timeout":          computedNumber("Seconds that an invocation may take."),
		},
	}
}

func (d *version) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m versionModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	diags := &resp.Diagnostics
	client := d.client(&m.Region, diags)
	if client == nil {
		return
	}
	name := m.FunctionName.ValueString()
	versions, err := versionsOf(ctx, client, name)
	if err != nil {
		fail(diags, "function_name", "Listing the versions of "+name, err)
		return
	}
	aliases, err := aliasesOf(ctx, client, name)
	if err != nil {
		fail(diags, "function_name", "Listing the aliases of "+name, err)
		return
	}
	at, c := m.find(versions, aliases)
	if c == nil {
		diags.AddAttributeError(path.Root(at), "No such version", fmt.Sprintf("The function %s has no published version that is asked for here.", name))
		return
	}
	m.read(c, aliases)
	diags.Append(resp.State.Set(ctx, &m)...)
}

// find returns the version asked for, or nil, and the attribute that asked for it.
func (m *versionModel) find(versions []types.FunctionConfiguration, aliases []types.AliasConfiguration) (attribute string, c *types.FunctionConfiguration) {
	attribute, matches := "function_name", func(types.FunctionConfiguration) bool { return true }
	switch {
	case !m.Version.IsNull():
		attribute = "version"
		matches = func(c types.FunctionConfiguration) bool { return aws.ToString(c.Version) == m.Version.ValueString() }
	case !m.Alias.IsNull():
		attribute = "alias"
		i := slices.IndexFunc(aliases, func(a types.AliasConfiguration) bool { return aws.ToString(a.Name) == m.Alias.ValueString() })
		matches = func(c types.FunctionConfiguration) bool {
			return i >= 0 && aws.ToString(c.Version) == aws.ToString(aliases[i].FunctionVersion)
		}
	case !m.CodeSHA256.IsNull():
		attribute = "code_sha256"
		matches = func(c types.FunctionConfiguration) bool {
			return aws.ToString(c.CodeSha256) == m.CodeSHA256.ValueString()
		}
	}
	return attribute, newest(slices.DeleteFunc(versions, func(c types.FunctionConfiguration) bool { return !matches(c) }))
}

func (m *versionModel) read(c *types.FunctionConfiguration, aliases []types.AliasConfiguration) {
	m.ID = tf.StringValue(aws.ToString(c.FunctionName) + "/" + aws.ToString(c.Version))
	m.Version, m.ARN, m.InvokeARN = text(c.Version), text(c.FunctionArn), tf.StringValue(arn.Invoke(aws.ToString(c.FunctionArn)))
	m.CodeSHA256, m.ConfigSHA256, m.SourceCodeSize = text(c.CodeSha256), text(c.ConfigSha256), tf.Int64Value(c.CodeSize)
	m.Description, m.Handler, m.Role, m.Runtime = text(c.Description), text(c.Handler), text(c.Role), enum(c.Runtime)
	m.LastModified, m.State = text(c.LastModified), enum(c.State)
	m.MemorySize, m.Timeout = number(c.MemorySize), number(c.Timeout)
	m.Aliases = []string{}
	for _, a := range aliases {
		points := aws.ToString(a.FunctionVersion) == aws.ToString(c.Version)
		if a.RoutingConfig != nil {
			_, shares := a.RoutingConfig.AdditionalVersionWeights[aws.ToString(c.Version)]
			points = points || shares
		}
		if points {
			m.Aliases = append(m.Aliases, aws.ToString(a.Name))
		}
	}
}

func aliasesOf(ctx context.Context, client *lambda.Client, name string) ([]types.AliasConfiguration, error) {
	var all []types.AliasConfiguration
	pages := lambda.NewListAliasesPaginator(client, &lambda.ListAliasesInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Aliases...)
	}
	return all, nil
}
