package resources

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// read puts what Lambda says of $LATEST into the model, which holds what was
// said before: where Lambda has nothing, the way in which the configuration says
// nothing stays as it is.
func (m *functionModel) read(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	functionARN := arn.Unqualified(aws.ToString(c.FunctionArn))
	if name := aws.ToString(c.FunctionName); !arn.SameFunction(m.FunctionName.ValueString(), functionARN) {
		m.FunctionName = tf.StringValue(name)
	}
	m.ID = m.FunctionName
	m.ARN = tf.StringValue(functionARN)
	m.InvokeARN = known(aws.String(arn.Invoke(functionARN)))
	m.ResponseStreamingInvokeARN = known(aws.String(arn.InvokeStreaming(functionARN)))
	if len(c.Architectures) > 0 || m.Architectures.IsUnknown() {
		m.Architectures = stringList(names(c.Architectures))
	}
	m.CodeSHA256 = known(c.CodeSha256)
	m.SourceCodeSize = tf.Int64Value(c.CodeSize)
	m.LastModified = known(c.LastModified)
	m.SigningJobARN = known(c.SigningJobArn)
	m.SigningProfileVersionARN = known(c.SigningProfileVersionArn)
	m.Description = text(m.Description, c.Description)
	m.Handler = text(m.Handler, c.Handler)
	m.KMSKeyARN = text(m.KMSKeyARN, c.KMSKeyArn)
	m.MemorySize = int64Of(c.MemorySize)
	m.PackageType = known(aws.String(string(c.PackageType)))
	m.Role = known(c.Role)
	m.Runtime = text(m.Runtime, aws.String(string(c.Runtime)))
	m.Timeout = int64Of(c.Timeout)
	var layers []string
	for _, l := range c.Layers {
		layers = append(layers, aws.ToString(l.Arn))
	}
	keepList(ctx, &m.Layers, layers, diags)
	m.readBlocks(ctx, c, diags)
	m.readFilledIn(ctx, c, diags)
	m.readManaged(ctx, c, diags)
	m.ConfigSHA256 = known(c.ConfigSha256)
	if m.ConfigSHA256.IsNull() {
		m.ConfigSHA256 = tf.StringValue(m.configurationHash(ctx, diags))
	}
	if m.SourceCodeHash.IsUnknown() {
		m.SourceCodeHash = tf.StringNull()
	}
}

// setVersion puts the version that the qualified names lead to into the model.
func (m *functionModel) setVersion(version string) {
	m.Version = tf.StringValue(version)
	qualified := m.ARN.ValueString() + ":" + version
	m.QualifiedARN = tf.StringValue(qualified)
	m.QualifiedInvokeARN = known(aws.String(arn.Invoke(qualified)))
}

// readBlocks reads the blocks that are there only if the configuration has them.
func (m *functionModel) readBlocks(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	var dead []deadLetterModel
	if c.DeadLetterConfig != nil && aws.ToString(c.DeadLetterConfig.TargetArn) != "" {
		dead = []deadLetterModel{{TargetARN: tf.StringValue(*c.DeadLetterConfig.TargetArn)}}
	}
	listOf(ctx, &m.DeadLetterConfig, dead, diags)

	var variables map[string]string
	if c.Environment != nil {
		variables = c.Environment.Variables
	}
	prior := block[environmentModel](ctx, m.Environment, diags)
	if prior == nil || !maps.Equal(textMap(ctx, prior.Variables, diags), variables) {
		var environment []environmentModel
		if len(variables) > 0 {
			environment = []environmentModel{{Variables: stringMap(variables)}}
		}
		listOf(ctx, &m.Environment, environment, diags)
	}

	var systems []fileSystemModel
	for _, f := range c.FileSystemConfigs {
		systems = append(systems, fileSystemModel{ARN: known(f.Arn), LocalMountPath: known(f.LocalMountPath)})
	}
	listOf(ctx, &m.FileSystemConfig, systems, diags)
	m.readImage(ctx, c, diags)
	m.readSnapStart(ctx, c, diags)
	m.readVPC(ctx, c, diags)
}

func (m *functionModel) readImage(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	var is types.ImageConfig
	if c.ImageConfigResponse != nil && c.ImageConfigResponse.ImageConfig != nil {
		is = *c.ImageConfigResponse.ImageConfig
	}
	image := block[imageModel](ctx, m.ImageConfig, diags)
	if image == nil {
		if len(is.Command) == 0 && len(is.EntryPoint) == 0 && aws.ToString(is.WorkingDirectory) == "" {
			return
		}
		null := tf.ListNull(tf.StringType)
		image = &imageModel{Command: null, EntryPoint: null}
	}
	keepList(ctx, &image.Command, is.Command, diags)
	keepList(ctx, &image.EntryPoint, is.EntryPoint, diags)
	image.WorkingDirectory = text(image.WorkingDirectory, is.WorkingDirectory)
	listOf(ctx, &m.ImageConfig, []imageModel{*image}, diags)
}

func (m *functionModel) readSnapStart(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	is := types.SnapStartResponse{ApplyOn: types.SnapStartApplyOnNone, OptimizationStatus: types.SnapStartOptimizationStatusOff}
	if c.SnapStart != nil {
		is = *c.SnapStart
	}
	if is.ApplyOn != types.SnapStartApplyOnPublishedVersions && len(m.SnapStart.Elements()) == 0 {
		return
	}
	listOf(ctx, &m.SnapStart, []snapStartModel{{
		ApplyOn: tf.StringValue(string(is.ApplyOn)), OptimizationStatus: known(aws.String(string(is.OptimizationStatus))),
	}}, diags)
}

func (m *functionModel) readVPC(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	var is types.VpcConfigResponse
	if c.VpcConfig != nil {
		is = *c.VpcConfig
	}
	prior := block[vpcModel](ctx, m.VPCConfig, diags)
	switch {
	case len(is.SubnetIds) > 0:
		prior = &vpcModel{
			IPv6AllowedForDualStack: tf.BoolValue(aws.ToBool(is.Ipv6AllowedForDualStack)),
			SecurityGroupIDs:        stringSet(is.SecurityGroupIds), SubnetIDs: stringSet(is.SubnetIds), VPCID: known(is.VpcId),
		}
	case prior == nil:
		return
	case len(prior.SubnetIDs.Elements()) > 0: // detached behind our back
		listOf[vpcModel](ctx, &m.VPCConfig, nil, diags)
		return
	default: // a block with empty sets means no VPC
		prior.VPCID = tf.StringNull()
	}
	listOf(ctx, &m.VPCConfig, []vpcModel{*prior}, diags)
}

// readFilledIn reads the blocks that Lambda fills in.
func (m *functionModel) readFilledIn(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	if c.EphemeralStorage != nil {
		listOf(ctx, &m.EphemeralStorage, []ephemeralStorageModel{{Size: int64Of(c.EphemeralStorage.Size)}}, diags)
	} else if m.EphemeralStorage.IsUnknown() {
		listOf[ephemeralStorageModel](ctx, &m.EphemeralStorage, nil, diags)
	}
	if c.TracingConfig != nil {
		listOf(ctx, &m.TracingConfig, []tracingModel{{Mode: known(aws.String(string(c.TracingConfig.Mode)))}}, diags)
	} else if m.TracingConfig.IsUnknown() {
		listOf[tracingModel](ctx, &m.TracingConfig, nil, diags)
	}
	switch l := c.LoggingConfig; {
	case l != nil:
		is := loggingModel{
			ApplicationLogLevel: known(aws.String(string(l.ApplicationLogLevel))), LogFormat: known(aws.String(string(l.LogFormat))),
			LogGroup: known(l.LogGroup), SystemLogLevel: known(aws.String(string(l.SystemLogLevel))),
		}
		// Core wants back what the configuration left out of the block as it was.
		if was := block[loggingModel](ctx, m.LoggingConfig, diags); was != nil {
			is.ApplicationLogLevel = asBefore(was.ApplicationLogLevel, is.ApplicationLogLevel)
			is.LogGroup = asBefore(was.LogGroup, is.LogGroup)
			is.SystemLogLevel = asBefore(was.SystemLogLevel, is.SystemLogLevel)
		}
		listOf(ctx, &m.LoggingConfig, []loggingModel{is}, diags)
	case m.LoggingConfig.IsUnknown():
		listOf[loggingModel](ctx, &m.LoggingConfig, nil, diags)
	}
}

// asBefore returns is, but what was there before if that said nothing.
func asBefore(was, is tf.String) tf.String {
	if was.IsNull() || (was.ValueString() == "" && !was.IsUnknown()) {
		return was
	}
	return is
}

// readManaged reads what only functions on managed or durable infrastructure have.
func (m *functionModel) readManaged(ctx context.Context, c *types.FunctionConfiguration, diags *diag.Diagnostics) {
	var durable []durableModel
	if d := c.DurableConfig; d != nil {
		durable = []durableModel{{ExecutionTimeout: int64Of(d.ExecutionTimeout), RetentionPeriod: int64Of(d.RetentionPeriodInDays)}}
	}
	listOf(ctx, &m.DurableConfig, durable, diags)
	var tenancy []tenancyModel
	if t := c.TenancyConfig; t != nil {
		tenancy = []tenancyModel{{IsolationMode: tf.StringValue(string(t.TenantIsolationMode))}}
	}
	listOf(ctx, &m.TenancyConfig, tenancy, diags)
	var providers []capacityProviderModel
	if p := c.CapacityProviderConfig; p != nil && p.LambdaManagedInstancesCapacityProviderConfig != nil {
		i := p.LambdaManagedInstancesCapacityProviderConfig
		object := m.CapacityProviderConfig.ElementType(ctx).(tf.ObjectType)
		managed := tf.ListNull(object.AttrTypes["lambda_managed_instances_capacity_provider_config"].(tf.ListType).ElemType)
		listOf(ctx, &managed, []managedInstancesModel{{
			CapacityProviderARN: known(i.CapacityProviderArn), MaxConcurrency: int64Of(i.PerExecutionEnvironmentMaxConcurrency),
			MemoryPerVCPU: tf.Float64PointerValue(i.ExecutionEnvironmentMemoryGiBPerVCpu),
		}}, diags)
		providers = []capacityProviderModel{{Managed: managed}}
	}
	listOf(ctx, &m.CapacityProviderConfig, providers, diags)
}
