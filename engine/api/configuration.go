package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/runtimes"
)

// Limits that AWS has had all along (spec usecases §15, api §E.1).
const (
	maxEnvironmentBytes = 4096
)

// UpdateFunctionConfiguration implements spec api §A.24.
func (s *Service) UpdateFunctionConfiguration(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput) (*lambda.UpdateFunctionConfigurationOutput, error) {
	r, err := latestRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Change(ctx, r, func(f *catalog.Function) error {
		if err := f.CheckChangeable(in.RevisionId); err != nil {
			return err
		}
		if err := s.configure(ctx, &f.Latest, in); err != nil {
			return err
		}
		return s.seal(ctx, f, false, nil)
	})
	if err != nil {
		return nil, err
	}
	s.Invoker.Settle(f)
	return answer[lambda.UpdateFunctionConfigurationOutput](f.Latest.Config), nil
}

// latestRef reads the name of a function whose $LATEST is to be changed.
func latestRef(ctx context.Context, name *string) (catalog.Ref, error) {
	r, err := ref(ctx, name, nil)
	if err != nil {
		return r, err
	}
	if r.Qualifier != "" && r.Qualifier != catalog.LatestVersion {
		return r, catalog.Invalid("This operation changes $LATEST only: published versions cannot be modified. Remove the qualifier %s from the function name.", r.Qualifier)
	}
	r.Qualifier = ""
	return r, nil
}

// checkCreate checks what the model leaves optional because images do without it.
func checkCreate(in *lambda.CreateFunctionInput) error {
	if in.PackageType == types.PackageTypeImage {
		if value(in.Code.ImageUri) == "" {
			return catalog.Invalid("Please provide ImageUri when creating a function with packageType Image.")
		}
		return unsupported(map[string]bool{"TenancyConfig": in.TenancyConfig != nil, "PublishTo": in.PublishTo != ""})
	}
	if in.Code.ImageUri != nil {
		return catalog.Invalid("Please don't provide ImageUri when creating a function with packageType Zip.")
	}
	for field, value := range map[string]string{"runtime": string(in.Runtime), "handler": value(in.Handler)} {
		if value == "" {
			return catalog.Invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null. Runtime and Handler are mandatory parameters for functions created with deployment packages.", field)
		}
	}
	return unsupported(map[string]bool{"TenancyConfig": in.TenancyConfig != nil, "PublishTo": in.PublishTo != ""})
}

// unsupported refuses parameters that the engine would have to ignore.
func unsupported(given map[string]bool) error {
	for name, set := range given {
		if set {
			return catalog.Invalid("%s is not supported by the local engine. Remove it for this target.", name)
		}
	}
	return nil
}

func configurationOf(in *lambda.CreateFunctionInput) *lambda.UpdateFunctionConfigurationInput {
	return answer[lambda.UpdateFunctionConfigurationInput](*in)
}

// defaults is the configuration of a function of which only the name is known.
func defaults(r catalog.Ref, in *lambda.CreateFunctionInput) types.FunctionConfiguration {
	c := types.FunctionConfiguration{
		FunctionName:     ptr(r.Name),
		FunctionArn:      ptr(r.ARN()),
		Version:          ptr(catalog.LatestVersion),
		Description:      ptr(""),
		MemorySize:       ptr(int32(128)),
		Timeout:          ptr(int32(3)),
		PackageType:      types.PackageTypeZip,
		Architectures:    []types.Architecture{types.ArchitectureX8664},
		EphemeralStorage: &types.EphemeralStorage{Size: ptr(int32(512))},
		TracingConfig:    &types.TracingConfigResponse{Mode: types.TracingModePassThrough},
		SnapStart:        &types.SnapStartResponse{ApplyOn: types.SnapStartApplyOnNone, OptimizationStatus: types.SnapStartOptimizationStatusOff},
		LoggingConfig:    &types.LoggingConfig{LogFormat: types.LogFormatText, LogGroup: ptr(observe.FunctionGroup(r.Name))},
	}
	if in.PackageType != "" {
		c.PackageType = in.PackageType
	}
	if len(in.Architectures) > 0 {
		c.Architectures = in.Architectures
	}
	return c
}

// configure changes what in supplies and leaves the rest.
func (s *Service) configure(ctx context.Context, v *catalog.Version, in *lambda.UpdateFunctionConfigurationInput) error {
	c := &v.Config
	if err := s.checkConfiguration(in); err != nil {
		return err
	}
	if err := checkPackageType(c.PackageType, in); err != nil {
		return err
	}
	if in.Layers != nil {
		if err := s.setLayers(ctx, v, in.Layers); err != nil {
			return err
		}
	}
	set(&c.Description, in.Description)
	set(&c.Handler, in.Handler)
	set(&c.Role, in.Role)
	set(&c.MemorySize, in.MemorySize)
	set(&c.Timeout, in.Timeout)
	set(&c.KMSKeyArn, in.KMSKeyArn)
	set(&c.EphemeralStorage, in.EphemeralStorage)
	if in.Runtime != "" {
		c.Runtime = in.Runtime
		c.RuntimeVersionConfig = &types.RuntimeVersionConfig{RuntimeVersionArn: ptr(fmt.Sprintf("arn:aws:lambda:%s::runtime:%s", strings.Split(*c.FunctionArn, ":")[3], in.Runtime))}
	}
	if in.Environment != nil {
		c.Environment = &types.EnvironmentResponse{Variables: in.Environment.Variables}
	}
	if in.TracingConfig != nil {
		c.TracingConfig = &types.TracingConfigResponse{Mode: in.TracingConfig.Mode}
	}
	if in.SnapStart != nil {
		c.SnapStart.ApplyOn = in.SnapStart.ApplyOn
	}
	if in.DeadLetterConfig != nil {
		c.DeadLetterConfig = in.DeadLetterConfig
		if value(in.DeadLetterConfig.TargetArn) == "" {
			c.DeadLetterConfig = nil
		}
	}
	if in.ImageConfig != nil {
		c.ImageConfigResponse = &types.ImageConfigResponse{ImageConfig: in.ImageConfig}
		if i := in.ImageConfig; len(i.EntryPoint) == 0 && len(i.Command) == 0 && value(i.WorkingDirectory) == "" {
			c.ImageConfigResponse = nil
		}
	}
	if in.LoggingConfig != nil {
		if err := applyLogging(c, in.LoggingConfig); err != nil {
			return err
		}
	}
	if in.VpcConfig != nil {
		applyVPC(c, in.VpcConfig)
	}
	return nil
}

func set[T any](field **T, v *T) {
	if v != nil {
		*field = v
	}
}

func applyLogging(c *types.FunctionConfiguration, in *types.LoggingConfig) error {
	logging := *in
	if logging.LogFormat == "" {
		logging.LogFormat = c.LoggingConfig.LogFormat
	}
	if value(logging.LogGroup) == "" {
		logging.LogGroup = c.LoggingConfig.LogGroup
	}
	if logging.LogFormat == types.LogFormatJson { // AWS fills the levels in
		if logging.ApplicationLogLevel == "" {
			logging.ApplicationLogLevel = types.ApplicationLogLevelInfo
		}
		if logging.SystemLogLevel == "" {
			logging.SystemLogLevel = types.SystemLogLevelInfo
		}
	} else if logging.ApplicationLogLevel != "" || logging.SystemLogLevel != "" {
		return catalog.Invalid(`LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`)
	}
	c.LoggingConfig = &logging
	return nil
}

// applyVPC records the VPC configuration. Two empty lists detach the function.
func applyVPC(c *types.FunctionConfiguration, in *types.VpcConfig) {
	c.VpcConfig = &types.VpcConfigResponse{
		SubnetIds:               list(in.SubnetIds),
		SecurityGroupIds:        list(in.SecurityGroupIds),
		Ipv6AllowedForDualStack: ptr(value(in.Ipv6AllowedForDualStack)),
		VpcId:                   ptr(""),
	}
	if len(in.SubnetIds) > 0 {
		c.VpcConfig.VpcId = ptr("vpc-local")
	}
}

// reservedVariables may not be set by a function's configuration.
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
	"AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

func (s *Service) checkConfiguration(in *lambda.UpdateFunctionConfigurationInput) error {
	if err := checkRuntime(in.Runtime); err != nil {
		return err
	}
	m, most, step := int(value(in.MemorySize)), s.Catalog.Limits.MaxMemoryMB, s.Catalog.Limits.MemoryStepMB
	if m > most {
		return catalog.Invalid("'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to %d", most)
	}
	if m%step != 0 {
		return catalog.Invalid("1 validation error detected: Value '%d' at 'memorySize' failed to satisfy constraint: Member must be a multiple of %d", m, step)
	}
	if t, most := int(value(in.Timeout)), int(s.Catalog.Limits.MaxTimeout.Seconds()); t > most {
		return catalog.Invalid("1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to %d", t, most)
	}
	if in.DeadLetterConfig != nil {
		if err := catalog.CheckDeadLetter(value(in.DeadLetterConfig.TargetArn)); err != nil {
			return err
		}
	}
	if in.Environment != nil {
		if err := checkEnvironment(in.Environment.Variables); err != nil {
			return err
		}
	}
	if v := in.VpcConfig; v != nil && (len(v.SubnetIds) == 0) != (len(v.SecurityGroupIds) == 0) {
		return catalog.Invalid("SubnetIds and SecurityIds must coexist or be both empty list.")
	}
	return unsupported(map[string]bool{
		"FileSystemConfigs":      len(in.FileSystemConfigs) > 0,
		"CapacityProviderConfig": in.CapacityProviderConfig != nil,
		"DurableConfig":          in.DurableConfig != nil,
	})
}

// checkPackageType refuses what goes with the other package type only.
func checkPackageType(kind types.PackageType, in *lambda.UpdateFunctionConfigurationInput) error {
	switch {
	case kind == types.PackageTypeImage && (in.Runtime != "" || in.Handler != nil || len(in.Layers) > 0):
		return catalog.Invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	case kind != types.PackageTypeImage && in.ImageConfig != nil:
		return catalog.Invalid("ImageConfig is supported for functions of package type Image only. Remove it, or set PackageType to Image.")
	}
	return nil
}

// checkRuntime refuses what AWS does not know with AWS's error, and what the engine
// cannot run with a list of what it can.
func checkRuntime(runtime types.Runtime) error {
	if runtime == "" {
		return nil
	}
	if slices.Contains(runtime.Values(), runtime) {
		if _, err := runtimes.Lookup(string(runtime)); err != nil {
			return catalog.Invalid("%v", err)
		}
		return nil
	}
	names := make([]string, 0, 64)
	for _, known := range runtime.Values() {
		names = append(names, string(known))
	}
	return catalog.Invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", runtime, strings.Join(names, ", "))
}

func checkEnvironment(variables map[string]string) error {
	size := 0
	var reserved []string
	for name, v := range variables {
		size += len(name) + len(v)
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return catalog.Invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	if size > maxEnvironmentBytes {
		return catalog.Invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. Bytes measured: %d", size)
	}
	return nil
}
