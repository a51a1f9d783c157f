package datasources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// function is the data source lambda_function.
type function struct{ connected }

func newFunction() datasource.DataSource { return &function{} }

type functionModel struct {
	ID                           tf.String          `tfsdk:"id"`
	Region                       tf.String          `tfsdk:"region"`
	FunctionName                 tf.String          `tfsdk:"function_name"`
	Qualifier                    tf.String          `tfsdk:"qualifier"`
	Architectures                []string           `tfsdk:"architectures"`
	ARN                          tf.String          `tfsdk:"arn"`
	CodeSHA256                   tf.String          `tfsdk:"code_sha256"`
	CodeSigningConfigARN         tf.String          `tfsdk:"code_signing_config_arn"`
	ConfigSHA256                 tf.String          `tfsdk:"config_sha256"`
	DeadLetterConfig             []deadLetterModel  `tfsdk:"dead_letter_config"`
	Description                  tf.String          `tfsdk:"description"`
	Environment                  []environmentModel `tfsdk:"environment"`
	EphemeralStorage             []ephemeralModel   `tfsdk:"ephemeral_storage"`
	FileSystemConfig             []fileSystemModel  `tfsdk:"file_system_config"`
	Handler                      tf.String          `tfsdk:"handler"`
	ImageURI                     tf.String          `tfsdk:"image_uri"`
	InvokeARN                    tf.String          `tfsdk:"invoke_arn"`
	KMSKeyARN                    tf.String          `tfsdk:"kms_key_arn"`
	LastModified                 tf.String          `tfsdk:"last_modified"`
	Layers                       []string           `tfsdk:"layers"`
	LoggingConfig                []loggingModel     `tfsdk:"logging_config"`
	MemorySize                   tf.Int64           `tfsdk:"memory_size"`
	QualifiedARN                 tf.String          `tfsdk:"qualified_arn"`
	QualifiedInvokeARN           tf.String          `tfsdk:"qualified_invoke_arn"`
	ReservedConcurrentExecutions tf.Int64           `tfsdk:"reserved_concurrent_executions"`
	ResponseStreamingInvokeARN   tf.String          `tfsdk:"response_streaming_invoke_arn"`
	Role                         tf.String          `tfsdk:"role"`
	Runtime                      tf.String          `tfsdk:"runtime"`
	SigningJobARN                tf.String          `tfsdk:"signing_job_arn"`
	SigningProfileVersionARN     tf.String          `tfsdk:"signing_profile_version_arn"`
	SourceCodeHash               tf.String          `tfsdk:"source_code_hash"`
	SourceCodeSize               tf.Int64           `tfsdk:"source_code_size"`
	SourceKMSKeyARN              tf.String          `tfsdk:"source_kms_key_arn"`
	State                        tf.String          `tfsdk:"state"`
	Tags                         map[string]string  `tfsdk:"tags"`
	Timeout                      tf.Int64           `tfsdk:"timeout"`
	TracingConfig                []tracingModel     `tfsdk:"tracing_config"`
	Version                      tf.String          `tfsdk:"version"`
	VPCConfig                    []vpcModel         `tfsdk:"vpc_config"`
}

type deadLetterModel struct {
	TargetARN tf.String `tfsdk:"target_arn"`
}

type environmentModel struct {
	Variables map[string]string `tfsdk:"variables"`
}

type ephemeralModel struct {
	Size tf.Int64 `tfsdk:"size"`
}

type fileSystemModel struct {
	ARN            tf.String `tfsdk:"arn"`
	LocalMountPath tf.String `tfsdk:"local_mount_path"`
}

type loggingModel struct {
	ApplicationLogLevel tf.String `tfsdk:"application_log_level"`
	LogFormat           tf.String `tfsdk:"log_format"`
	LogGroup            tf.String `tfsdk:"log_group"`
	SystemLogLevel      tf.String `tfsdk:"system_log_level"`
}

type tracingModel struct {
	Mode tf.String `tfsdk:"mode"`
}

type vpcModel struct {
	IPv6             tf.Bool   `tfsdk:"ipv6_allowed_for_dual_stack"`
	SecurityGroupIDs []string  `tfsdk:"security_group_ids"`
	SubnetIDs        []string  `tfsdk:"subnet_ids"`
	VPCID            tf.String `tfsdk:"vpc_id"`
}

func (d *function) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_function"
}

func (d *function) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	set := tf.SetType{ElemType: tf.StringType}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A function, or one of its versions. Without `qualifier` it is the newest published version, or `$LATEST` if there is none.",
		Attributes: map[string]schema.Attribute{
			"id":                             computed("Name of the function."),
			"region":                         regionAttribute(),
			"function_name":                  required("Name or ARN of the function."),
			"qualifier":                      optional("Version, alias or `$LATEST`."),
			"architectures":                  computedList("Instruction set."),
			"arn":                            computed("ARN of the function, unqualified."),
			"code_sha256":                    computed("Base64-encoded SHA-256 of the deployed archive."),
			"code_signing_config_arn":        computed("Code signing configuration."),
			"config_sha256":                  computed("Hash of the configuration."),
			"dead_letter_config":             computedObjects("Where events go that failed.", map[string]attr.Type{"target_arn": tf.StringType}),
			"description":                    computed("Description."),
			"environment":                    computedObjects("Environment variables.", map[string]attr.Type{"variables": tf.MapType{ElemType: tf.StringType}}),
			"ephemeral_storage":              computedObjects("Size of `/tmp` in MB.", map[string]attr.Type{"size": tf.Int64Type}),
			"file_system_config":             computedObjects("Mounted file system.", map[string]attr.Type{"arn": tf.StringType, "local_mount_path": tf.StringType}),
			"handler":                        computed("What the runtime calls."),
			"image_uri":                      computed("Image with the code."),
			"invoke_arn":                     computed("ARN by which API Gateway calls the function."),
			"kms_key_arn":                    computed("Key that the environment variables are encrypted with."),
			"last_modified":                  computed("When the code or the configuration was changed last."),
			"layers":                         computedList("Layer versions."),
			"logging_config":                 computedObjects("Logs.", map[string]attr.Type{"application_log_level": tf.StringType, "log_format": tf.StringType, "log_group": tf.StringType, "system_log_level": tf.StringType}),
			"memory_size":                    computedNumber("Memory in MB."),
			"qualified_arn":                  computed("ARN with the qualifier, or with the version if none is given."),
			"qualified_invoke_arn":           computed("ARN by which API Gateway calls `qualified_arn`."),
			"reserved_concurrent_executions": computedNumber("Reserved concurrency; -1 if none is."),
			"response_streaming_invoke_arn":  computed("ARN by which API Gateway calls the function and streams its response."),
			"role":                           computed("ARN of the role that the function runs as."),
			"runtime":                        computed("Runtime."),
			"signing_job_arn":                computed("Signing job of the code."),
			"signing_profile_version_arn":    computed("Signing profile version of the code."),
			"source_code_hash":               schema.StringAttribute{Computed: true, MarkdownDescription: "The same as `code_sha256`.", DeprecationMessage: "Use code_sha256."},
			"source_code_size":               computedNumber("Size of the archive in bytes."),
			"source_kms_key_arn":             computed("Key that the archive is encrypted with."),
			"state":                          computed("State of the function."),
			"tags":                           computedMap("Tags."),
			"timeout":                        computedNumber("Seconds that an invocation may take."),
			"tracing_config":                 computedObjects("Tracing.", map[string]attr.Type{"mode": tf.StringType}),
			"version":                        computed("Version that is described."),
			"vpc_config": computedObjects("Network of the function.", map[string]attr.Type{
				"ipv6_allowed_for_dual_stack": tf.BoolType, "security_group_ids": set, "subnet_ids": set, "vpc_id": tf.StringType,
			}),
		},
	}
}

func (d *function) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m functionModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := d.client(&m.Region, &resp.Diagnostics)
	if client == nil {
		return
	}
	name := m.FunctionName.ValueString()
	in := &lambda.GetFunctionInput{FunctionName: &name}
	if m.Qualifier.ValueString() != "" {
		in.Qualifier = m.Qualifier.ValueStringPointer()
	} else {
		versions, err := versionsOf(ctx, client, name)
		if err != nil {
			fail(&resp.Diagnostics, "function_name", "Listing the versions of "+name, err)
			return
		}
		if v := newest(versions); v != nil {
			in.Qualifier = v.Version
		}
	}
	out, err := client.GetFunction(ctx, in)
	if err != nil {
		fail(&resp.Diagnostics, "function_name", "Reading function "+name, err)
		return
	}
	m.read(out)
	m.Tags = map[string]string{}
	for k, v := range out.Tags {
		if !d.conn.IgnoreTags.Ignored(k) {
			m.Tags[k] = v
		}
	}
	if in.Qualifier != nil { // the concurrency is the function's, not a version's
		whole, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
		if err != nil {
			fail(&resp.Diagnostics, "function_name", "Reading function "+name, err)
			return
		}
		out.Concurrency = whole.Concurrency
	}
	m.ReservedConcurrentExecutions = tf.Int64Value(-1)
	if out.Concurrency != nil && out.Concurrency.ReservedConcurrentExecutions != nil {
		m.ReservedConcurrentExecutions = number(out.Concurrency.ReservedConcurrentExecutions)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// read puts what Lambda says into the model.
func (m *functionModel) read(out *lambda.GetFunctionOutput) {
	c := out.Configuration
	unqualified := arn.Unqualified(aws.ToString(c.FunctionArn))
	qualified := unqualified + ":" + aws.ToString(c.Version)
	if q := m.Qualifier.ValueString(); q != "" {
		qualified = unqualified + ":" + q
	}
	m.ID, m.ARN, m.QualifiedARN = text(c.FunctionName), tf.StringValue(unqualified), tf.StringValue(qualified)
	m.InvokeARN, m.QualifiedInvokeARN = tf.StringValue(arn.Invoke(unqualified)), tf.StringValue(arn.Invoke(qualified))
	m.ResponseStreamingInvokeARN = tf.StringValue(arn.InvokeStreaming(unqualified))
	m.Version, m.State = text(c.Version), enum(c.State)
	m.Architectures = strings(c.Architectures)
	m.CodeSHA256, m.SourceCodeHash, m.ConfigSHA256 = text(c.CodeSha256), text(c.CodeSha256), text(c.ConfigSha256)
	m.SourceCodeSize = tf.Int64Value(c.CodeSize)
	m.Description, m.Handler, m.Role, m.Runtime = text(c.Description), text(c.Handler), text(c.Role), enum(c.Runtime)
	m.KMSKeyARN, m.LastModified = text(c.KMSKeyArn), text(c.LastModified)
	m.MemorySize, m.Timeout = number(c.MemorySize), number(c.Timeout)
	m.SigningJobARN, m.SigningProfileVersionARN = text(c.SigningJobArn), text(c.SigningProfileVersionArn)
	m.Layers = []string{}
	for _, l := range c.Layers {
		m.Layers = append(m.Layers, aws.ToString(l.Arn))
	}
	if out.Code != nil {
		m.ImageURI, m.SourceKMSKeyARN = text(out.Code.ImageUri), text(out.Code.SourceKMSKeyArn)
	}
	m.readBlocks(c)
}

func (m *functionModel) readBlocks(c *types.FunctionConfiguration) {
	if d := c.DeadLetterConfig; d != nil && aws.ToString(d.TargetArn) != "" {
		m.DeadLetterConfig = []deadLetterModel{{text(d.TargetArn)}}
	}
	if e := c.Environment; e != nil && len(e.Variables) > 0 {
		m.Environment = []environmentModel{{e.Variables}}
	}
	if e := c.EphemeralStorage; e != nil {
		m.EphemeralStorage = []ephemeralModel{{number(e.Size)}}
	}
	for _, f := range c.FileSystemConfigs {
		m.FileSystemConfig = append(m.FileSystemConfig, fileSystemModel{text(f.Arn), text(f.LocalMountPath)})
	}
	if l := c.LoggingConfig; l != nil {
		m.LoggingConfig = []loggingModel{{enum(l.ApplicationLogLevel), enum(l.LogFormat), text(l.LogGroup), enum(l.SystemLogLevel)}}
	}
	if t := c.TracingConfig; t != nil {
		m.TracingConfig = []tracingModel{{enum(t.Mode)}}
	}
	if v := c.VpcConfig; v != nil && len(v.SubnetIds) > 0 {
		m.VPCConfig = []vpcModel{{tf.BoolValue(aws.ToBool(v.Ipv6AllowedForDualStack)), v.SecurityGroupIds, v.SubnetIds, text(v.VpcId)}}
	}
	// An empty list, not null: references such as length(x) must work.
	orEmpty(&m.DeadLetterConfig)
	orEmpty(&m.Environment)
	orEmpty(&m.EphemeralStorage)
	orEmpty(&m.FileSystemConfig)
	orEmpty(&m.LoggingConfig)
	orEmpty(&m.TracingConfig)
	orEmpty(&m.VPCConfig)
}

func orEmpty[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}
