package resources

import (
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// functionModel is a lambda_function.
type functionModel struct {
	ID                             types.String   `tfsdk:"id"`
	Region                         types.String   `tfsdk:"region"`
	Architectures                  types.List     `tfsdk:"architectures"`
	ARN                            types.String   `tfsdk:"arn"`
	CapacityProviderConfig         types.List     `tfsdk:"capacity_provider_config"`
	CodeSHA256                     types.String   `tfsdk:"code_sha256"`
	CodeSigningConfigARN           types.String   `tfsdk:"code_signing_config_arn"`
	ConfigSHA256                   types.String   `tfsdk:"config_sha256"`
	DeadLetterConfig               types.List     `tfsdk:"dead_letter_config"`
	Description                    types.String   `tfsdk:"description"`
	DurableConfig                  types.List     `tfsdk:"durable_config"`
	Environment                    types.List     `tfsdk:"environment"`
	EphemeralStorage               types.List     `tfsdk:"ephemeral_storage"`
	FileSystemConfig               types.List     `tfsdk:"file_system_config"`
	Filename                       types.String   `tfsdk:"filename"`
	FunctionName                   types.String   `tfsdk:"function_name"`
	Handler                        types.String   `tfsdk:"handler"`
	HotReload                      types.Bool     `tfsdk:"hot_reload"`
	ImageConfig                    types.List     `tfsdk:"image_config"`
	ImageURI                       types.String   `tfsdk:"image_uri"`
	InvokeARN                      types.String   `tfsdk:"invoke_arn"`
	KMSKeyARN                      types.String   `tfsdk:"kms_key_arn"`
	LastModified                   types.String   `tfsdk:"last_modified"`
	Layers                         types.List     `tfsdk:"layers"`
	LoggingConfig                  types.List     `tfsdk:"logging_config"`
	MemorySize                     types.Int64    `tfsdk:"memory_size"`
	PackageType                    types.String   `tfsdk:"package_type"`
	Publish                        types.Bool     `tfsdk:"publish"`
	PublishTo                      types.String   `tfsdk:"publish_to"`
	QualifiedARN                   types.String   `tfsdk:"qualified_arn"`
	QualifiedInvokeARN             types.String   `tfsdk:"qualified_invoke_arn"`
	ReplaceSecurityGroupsOnDestroy types.Bool     `tfsdk:"replace_security_groups_on_destroy"`
	ReplacementSecurityGroupIDs    types.Set      `tfsdk:"replacement_security_group_ids"`
	ReservedConcurrentExecutions   types.Int64    `tfsdk:"reserved_concurrent_executions"`
	ResponseStreamingInvokeARN     types.String   `tfsdk:"response_streaming_invoke_arn"`
	Role                           types.String   `tfsdk:"role"`
	Runtime                        types.String   `tfsdk:"runtime"`
	S3Bucket                       types.String   `tfsdk:"s3_bucket"`
	S3Key                          types.String   `tfsdk:"s3_key"`
	S3ObjectVersion                types.String   `tfsdk:"s3_object_version"`
	SigningJobARN                  types.String   `tfsdk:"signing_job_arn"`
	SigningProfileVersionARN       types.String   `tfsdk:"signing_profile_version_arn"`
	SkipDestroy                    types.Bool     `tfsdk:"skip_destroy"`
	SnapStart                      types.List     `tfsdk:"snap_start"`
	SourceCodeHash                 types.String   `tfsdk:"source_code_hash"`
	SourceCodeSize                 types.Int64    `tfsdk:"source_code_size"`
	SourceDir                      types.String   `tfsdk:"source_dir"`
	SourceExcludes                 types.List     `tfsdk:"source_excludes"`
	SourceKMSKeyARN                types.String   `tfsdk:"source_kms_key_arn"`
	Tags                           types.Map      `tfsdk:"tags"`
	TagsAll                        types.Map      `tfsdk:"tags_all"`
	TenancyConfig                  types.List     `tfsdk:"tenancy_config"`
	Timeout                        types.Int64    `tfsdk:"timeout"`
	TracingConfig                  types.List     `tfsdk:"tracing_config"`
	UseResourceTimeout             types.Bool     `tfsdk:"use_resource_timeout_for_propagation"`
	Version                        types.String   `tfsdk:"version"`
	VPCConfig                      types.List     `tfsdk:"vpc_config"`
	Timeouts                       timeouts.Value `tfsdk:"timeouts"`
}

type capacityProviderModel struct {
	Managed types.List `tfsdk:"lambda_managed_instances_capacity_provider_config"`
}

type managedInstancesModel struct {
	CapacityProviderARN types.String  `tfsdk:"capacity_provider_arn"`
	MemoryPerVCPU       types.Float64 `tfsdk:"execution_environment_memory_gib_per_vcpu"`
	MaxConcurrency      types.Int64   `tfsdk:"per_execution_environment_max_concurrency"`
}

type deadLetterModel struct {
	TargetARN types.String `tfsdk:"target_arn"`
}

type durableModel struct {
	ExecutionTimeout types.Int64 `tfsdk:"execution_timeout"`
	RetentionPeriod  types.Int64 `tfsdk:"retention_period"`
}

type environmentModel struct {
	Variables types.Map `tfsdk:"variables"`
}

type ephemeralStorageModel struct {
	Size types.Int64 `tfsdk:"size"`
}

type fileSystemModel struct {
	ARN            types.String `tfsdk:"arn"`
	LocalMountPath types.String `tfsdk:"local_mount_path"`
}

type imageModel struct {
	Command          types.List   `tfsdk:"command"`
	EntryPoint       types.List   `tfsdk:"entry_point"`
	WorkingDirectory types.String `tfsdk:"working_directory"`
}

type loggingModel struct {
	ApplicationLogLevel types.String `tfsdk:"application_log_level"`
	LogFormat           types.String `tfsdk:"log_format"`
	LogGroup            types.String `tfsdk:"log_group"`
	SystemLogLevel      types.String `tfsdk:"system_log_level"`
}

type snapStartModel struct {
	ApplyOn            types.String `tfsdk:"apply_on"`
	OptimizationStatus types.String `tfsdk:"optimization_status"`
}

type tenancyModel struct {
	IsolationMode types.String `tfsdk:"tenant_isolation_mode"`
}

type tracingModel struct {
	Mode types.String `tfsdk:"mode"`
}

type vpcModel struct {
	IPv6AllowedForDualStack types.Bool   `tfsdk:"ipv6_allowed_for_dual_stack"`
	SecurityGroupIDs        types.Set    `tfsdk:"security_group_ids"`
	SubnetIDs               types.Set    `tfsdk:"subnet_ids"`
	VPCID                   types.String `tfsdk:"vpc_id"`
}
