package invoke

import (
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// spec is what all environments of the version have in common.
func (f *fleet) spec() sandbox.Spec {
	config := f.version.Config
	spec := sandbox.Spec{
		Name:         f.function.Name + ":" + *config.Version,
		Runtime:      string(config.Runtime),
		Image:        f.version.Code.Resolved,
		Architecture: string(config.Architectures[0]),
		CodeDir:      f.invoker.Code.pathOf(f.version),
		LayersDir:    f.invoker.Code.Path(f.version.LayerPackages()...),
		Handler:      value(config.Handler),
		MemoryMB:     int(*config.MemorySize),
		EphemeralMB:  int(*config.EphemeralStorage.Size),
		Account:      f.function.Account,
		BillingStep:  f.invoker.Catalog.Limits.BillingStep,
		BilledInit:   f.invoker.Catalog.Limits.BilledInit,
		Endpoint:     f.invoker.Endpoint(f.function.Ref(), value(config.Role)),
	}
	if image := config.ImageConfigResponse; image != nil && image.ImageConfig != nil {
		spec.Entrypoint, spec.Command, spec.WorkingDir = image.ImageConfig.EntryPoint, image.ImageConfig.Command, value(image.ImageConfig.WorkingDirectory)
	}
	return spec
}

func (f *fleet) timeout() time.Duration {
	return time.Duration(*f.version.Config.Timeout) * time.Second
}

// environment is the variables of a function: those that AWS reserves, then its own.
func environment(f *fleet, stream string) map[string]string {
	config := f.version.Config
	env := map[string]string{
		"AWS_REGION":                      f.function.Region,
		"AWS_DEFAULT_REGION":              f.function.Region,
		"AWS_ACCESS_KEY_ID":               f.function.Account, // which the engine reads as the caller's account
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_SESSION_TOKEN":               "local",
		"AWS_LAMBDA_FUNCTION_NAME":        f.function.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     *config.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(int(*config.MemorySize)),
		"AWS_LAMBDA_LOG_GROUP_NAME":       *config.LoggingConfig.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
	}
	if logging := config.LoggingConfig; logging.LogFormat == types.LogFormatJson {
		env["AWS_LAMBDA_LOG_FORMAT"] = string(logging.LogFormat)
		env["AWS_LAMBDA_LOG_LEVEL"] = string(logging.ApplicationLogLevel)
	}
	if config.Environment != nil {
		maps.Copy(env, config.Environment.Variables)
	}
	return env
}
