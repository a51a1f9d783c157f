package resources

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// configuration returns everything that a version freezes besides the code. What
// the model leaves out is said explicitly ("no layers"), so that two models have
// the same configuration if and only if the results are deeply equal.
func (m *functionModel) configuration(ctx context.Context, diags *diag.Diagnostics) *lambda.UpdateFunctionConfigurationInput {
	in := &lambda.UpdateFunctionConfigurationInput{
		Description:       aws.String(m.Description.ValueString()),
		Handler:           optionalText(m.Handler),
		KMSKeyArn:         aws.String(m.KMSKeyARN.ValueString()),
		MemorySize:        optionalNumber(m.MemorySize),
		Role:              optionalText(m.Role),
		Runtime:           types.Runtime(m.Runtime.ValueString()),
		Timeout:           optionalNumber(m.Timeout),
		Layers:            append([]string{}, texts(ctx, m.Layers, diags)...),
		DeadLetterConfig:  &types.DeadLetterConfig{TargetArn: aws.String("")},
		Environment:       &types.Environment{Variables: map[string]string{}},
		ImageConfig:       &types.ImageConfig{},
		SnapStart:         &types.SnapStart{ApplyOn: types.SnapStartApplyOnNone},
		VpcConfig:         &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}},
		FileSystemConfigs: []types.FileSystemConfig{},
	}
	if d := block[deadLetterModel](ctx, m.DeadLetterConfig, diags); d != nil {
		in.DeadLetterConfig.TargetArn = aws.String(d.TargetARN.ValueString())
	}
	if e := block[environmentModel](ctx, m.Environment, diags); e != nil {
		if variables := textMap(ctx, e.Variables, diags); len(variables) > 0 {
			in.Environment.Variables = variables
		}
	}
	if i := block[imageModel](ctx, m.ImageConfig, diags); i != nil {
		in.ImageConfig.WorkingDirectory = optionalText(i.WorkingDirectory)
		if command := texts(ctx, i.Command, diags); len(command) > 0 {
			in.ImageConfig.Command = command
		}
		if entry := texts(ctx, i.EntryPoint, diags); len(entry) > 0 {
			in.ImageConfig.EntryPoint = entry
		}
	}
	if s := block[snapStartModel](ctx, m.SnapStart, diags); s != nil {
		in.SnapStart.ApplyOn = types.SnapStartApplyOn(s.ApplyOn.ValueString())
	}
	if v := block[vpcModel](ctx, m.VPCConfig, diags); v != nil {
		if subnets := texts(ctx, v.SubnetIDs, diags); len(subnets) > 0 {
			in.VpcConfig.SubnetIds = subnets
			in.VpcConfig.SecurityGroupIds = append([]string{}, texts(ctx, v.SecurityGroupIDs, diags)...)
			in.VpcConfig.Ipv6AllowedForDualStack = aws.Bool(v.IPv6AllowedForDualStack.ValueBool())
		}
	}
	for _, f := range elements[fileSystemModel](ctx, m.FileSystemConfig, diags) {
		in.FileSystemConfigs = append(in.FileSystemConfigs, types.FileSystemConfig{Arn: optionalText(f.ARN), LocalMountPath: optionalText(f.LocalMountPath)})
	}
	m.filledIn(ctx, in, diags)
	m.managed(ctx, in, diags)
	return in
}

// filledIn adds the blocks that Lambda fills in: leaving one out keeps it.
func (m *functionModel) filledIn(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput, diags *diag.Diagnostics) {
	if e := block[ephemeralStorageModel](ctx, m.EphemeralStorage, diags); e != nil && !e.Size.IsNull() {
		in.EphemeralStorage = &types.EphemeralStorage{Size: optionalNumber(e.Size)}
	}
	if t := block[tracingModel](ctx, m.TracingConfig, diags); t != nil {
		in.TracingConfig = &types.TracingConfig{Mode: types.TracingMode(t.Mode.ValueString())}
	}
	if l := block[loggingModel](ctx, m.LoggingConfig, diags); l != nil {
		in.LoggingConfig = &types.LoggingConfig{
			LogFormat: types.LogFormat(l.LogFormat.ValueString()), LogGroup: optionalText(l.LogGroup),
			ApplicationLogLevel: types.ApplicationLogLevel(l.ApplicationLogLevel.ValueString()),
			SystemLogLevel:      types.SystemLogLevel(l.SystemLogLevel.ValueString()),
		}
	}
}

// managed adds what only functions on managed or durable infrastructure have.
func (m *functionModel) managed(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput, diags *diag.Diagnostics) {
	if d := block[durableModel](ctx, m.DurableConfig, diags); d != nil {
		in.DurableConfig = &types.DurableConfig{ExecutionTimeout: optionalNumber(d.ExecutionTimeout), RetentionPeriodInDays: optionalNumber(d.RetentionPeriod)}
	}
	if c := block[capacityProviderModel](ctx, m.CapacityProviderConfig, diags); c != nil {
		if i := block[managedInstancesModel](ctx, c.Managed, diags); i != nil {
			managed := &types.LambdaManagedInstancesCapacityProviderConfig{
				CapacityProviderArn: optionalText(i.CapacityProviderARN), PerExecutionEnvironmentMaxConcurrency: optionalNumber(i.MaxConcurrency),
			}
			if !i.MemoryPerVCPU.IsNull() && !i.MemoryPerVCPU.IsUnknown() {
				managed.ExecutionEnvironmentMemoryGiBPerVCpu = i.MemoryPerVCPU.ValueFloat64Pointer()
			}
			in.CapacityProviderConfig = &types.CapacityProviderConfig{LambdaManagedInstancesCapacityProviderConfig: managed}
		}
	}
}

// configurationChange returns what of the configuration differs between two
// models, ready to be sent, or nil if nothing does.
func configurationChange(ctx context.Context, from, to *functionModel, diags *diag.Diagnostics) *lambda.UpdateFunctionConfigurationInput {
	was, is := from.configuration(ctx, diags), to.configuration(ctx, diags)
	if !changes(was, is) {
		return nil
	}
	is.FunctionName = aws.String(to.FunctionName.ValueString())
	return is
}

// creation returns the request that makes a function of the model, but the code.
func (m *functionModel) creation(ctx context.Context, diags *diag.Diagnostics) *lambda.CreateFunctionInput {
	in := &lambda.CreateFunctionInput{}
	if config := configurationChange(ctx, &functionModel{}, m, diags); config != nil {
		copyFields(in, config)
	}
	in.FunctionName = aws.String(m.FunctionName.ValueString())
	in.Architectures = enums[types.Architecture](texts(ctx, m.Architectures, diags))
	in.CodeSigningConfigArn = optionalText(m.CodeSigningConfigARN)
	in.PackageType = types.PackageType(m.PackageType.ValueString())
	in.Publish = m.Publish.ValueBool()
	in.PublishTo = types.FunctionVersionLatestPublished(m.PublishTo.ValueString())
	in.Tags = textMap(ctx, m.TagsAll, diags)
	if t := block[tenancyModel](ctx, m.TenancyConfig, diags); t != nil {
		in.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationMode(t.IsolationMode.ValueString())}
	}
	return in
}

// copyFields copies the fields of one of the SDK's structs to another's of the
// same name and type: the SDK has a type of its own for each operation.
func copyFields(to, from any) {
	dst, src := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for i := range src.NumField() {
		field := dst.FieldByName(src.Type().Field(i).Name)
		if field.IsValid() && field.CanSet() && field.Type() == src.Field(i).Type() {
			field.Set(src.Field(i))
		}
	}
}
