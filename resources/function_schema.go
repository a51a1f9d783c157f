package resources

import (
	"context"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// unreserved is the reserved concurrency of a function that has none.
const unreserved = -1

func (r *function) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := functionCodeAttributes()
	for _, group := range []map[string]schema.Attribute{functionConfigAttributes(), functionComputedAttributes()} {
		for name, a := range group {
			attributes[name] = a
		}
	}
	blocks := functionBlocks()
	blocks["timeouts"] = timeouts.Block(ctx, timeouts.Opts{Create: true, Update: true, Delete: true})
	resp.Schema = schema.Schema{
		MarkdownDescription: "A function. Its code comes from a directory (`source_dir`), an archive (`filename`), S3 or an image.",
		Attributes:          attributes,
		Blocks:              blocks,
	}
}

// functionCodeAttributes say where the code comes from.
func functionCodeAttributes() map[string]schema.Attribute {
	optional := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: validators}
	}
	sibling := func(name string) path.Expression { return path.MatchRoot(name) }
	return map[string]schema.Attribute{
		"filename":  optional("Archive with the code, on this machine. One of `filename`, `source_dir`, `s3_bucket` and `image_uri` must be set."),
		"image_uri": optional("Image with the code.", stringvalidator.ConflictsWith(sibling("source_kms_key_arn"), sibling("s3_object_version"))),
		"s3_bucket": optional("Bucket that holds the archive.", stringvalidator.AlsoRequires(sibling("s3_key"))),
		"s3_key":    optional("Key of the archive in the bucket.", stringvalidator.AlsoRequires(sibling("s3_bucket"))),
		"s3_object_version": optional("Version of the archive in the bucket. Without it, a new archive under the same key is noticed only through `source_code_hash`.",
			stringvalidator.ConflictsWith(sibling("filename"), sibling("source_dir"))),
		"source_dir": optional("Directory with the code. It is packed so that the same files give the same archive on every machine, and the plan knows its hash."),
		"source_excludes": schema.ListAttribute{
			Optional: true, ElementType: tf.StringType,
			MarkdownDescription: "Patterns of files in `source_dir` that are not packed, such as `tests`, `*.md` or `docs/**`. `.git`, `.terraform`, `.DS_Store`, `__pycache__` and the locks of Emacs (`.#*`) never are.",
			Validators: []validator.List{
				listvalidator.AlsoRequires(sibling("source_dir")),
				listvalidator.ValueStringsAre(isExcludePattern()),
			},
		},
		"hot_reload": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Whether `$LATEST` runs the files in `source_dir` as they are at each invocation, so that what is saved is live without an apply. Published versions run what was deployed. " +
				"Works on the engine of this machine, by a tag (`lambdaform:hot-reload`); on AWS it does nothing.",
			Validators: []validator.Bool{boolvalidator.AlsoRequires(sibling("source_dir"))},
		},
		"source_code_hash": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "Any text that changes when the code does, such as `filebase64sha256(…)` of the archive. Not needed with `source_dir` or `filename`, whose changes are seen without it.",
			PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"source_kms_key_arn": optional("Key that the archive is encrypted with.", isARN()),
		"code_sha256": schema.StringAttribute{
			Optional: true, Computed: true,
			MarkdownDescription: "Base64-encoded SHA-256 of the deployed archive. Known in the plan with `source_dir` and `filename`; where it differs from what is deployed, by whomever, the code is deployed again.",
		},
	}
}

// functionConfigAttributes say how the code runs.
func functionConfigAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"region": regionAttribute(),
		"architectures": schema.ListAttribute{
			Optional: true, Computed: true, ElementType: tf.StringType,
			MarkdownDescription: "Instruction set, `x86_64` or `arm64`. Leaving it out keeps what is there.",
			Validators:          []validator.List{listvalidator.SizeBetween(1, 1), listvalidator.ValueStringsAre(oneOf(types.Architecture("").Values()))},
			PlanModifiers:       []planmodifier.List{listplanmodifier.UseStateForUnknown()},
		},
		"code_signing_config_arn": schema.StringAttribute{Optional: true, MarkdownDescription: "Code signing configuration.", Validators: []validator.String{isARN()}},
		"description":             schema.StringAttribute{Optional: true, MarkdownDescription: "Description, up to 256 characters.", Validators: []validator.String{stringvalidator.LengthAtMost(256)}},
		"function_name": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: "Name of the function. Changing it forces a new resource.",
			Validators:          []validator.String{isFunction()},
			PlanModifiers:       []planmodifier.String{sameFunction(), stringplanmodifier.RequiresReplace()},
		},
		"handler":     schema.StringAttribute{Optional: true, MarkdownDescription: "What the runtime calls, such as `app.handler`. Required unless `package_type` is `Image`.", Validators: []validator.String{stringvalidator.LengthBetween(1, 128)}},
		"kms_key_arn": schema.StringAttribute{Optional: true, MarkdownDescription: "Key that the environment variables are encrypted with.", Validators: []validator.String{isARN()}},
		"layers": schema.ListAttribute{
			Optional: true, ElementType: tf.StringType,
			MarkdownDescription: "Layer versions, up to 5.",
			Validators:          []validator.List{listvalidator.SizeAtMost(5), listvalidator.ValueStringsAre(isARN())},
		},
		"memory_size": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(128),
			MarkdownDescription: "Memory in MB. Default 128.",
			Validators:          []validator.Int64{int64validator.Between(128, 32768)},
		},
		"package_type": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(types.PackageTypeZip)),
			MarkdownDescription: "`Zip` (the default) or `Image`. Changing it forces a new resource.",
			Validators:          []validator.String{oneOf(types.PackageType("").Values())},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"publish": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Publish a version with every change of the code or the configuration. See `lambda_version` for versions as resources of their own.",
		},
		"publish_to":                         schema.StringAttribute{Optional: true, MarkdownDescription: "`LATEST_PUBLISHED`, for functions on managed instances.", Validators: []validator.String{oneOf(types.FunctionVersionLatestPublished("").Values())}},
		"replace_security_groups_on_destroy": schema.BoolAttribute{Optional: true, MarkdownDescription: "Move the function's network interfaces to other security groups before it is destroyed, so that its own can be."},
		"replacement_security_group_ids": schema.SetAttribute{
			Optional: true, ElementType: tf.StringType,
			MarkdownDescription: "Security groups that `replace_security_groups_on_destroy` moves the network interfaces to.",
		},
		"reserved_concurrent_executions": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(unreserved),
			MarkdownDescription: "Concurrency reserved for the function; 0 stops it, -1 (the default) reserves none.",
			Validators:          []validator.Int64{int64validator.AtLeast(unreserved)},
		},
		"role":    schema.StringAttribute{Required: true, MarkdownDescription: "ARN of the role that the function runs as.", Validators: []validator.String{isARN()}},
		"runtime": schema.StringAttribute{Optional: true, MarkdownDescription: "Runtime, such as `python3.13`. Required unless `package_type` is `Image`.", Validators: []validator.String{oneOf(types.Runtime("").Values())}},
		"skip_destroy": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(false),
			MarkdownDescription: "Leave the function where it is when the resource is destroyed.",
		},
		"tags":     tagsAttribute(),
		"tags_all": tagsAllAttribute(),
		"timeout": schema.Int64Attribute{
			Optional: true, Computed: true, Default: int64default.StaticInt64(3),
			MarkdownDescription: "Seconds that an invocation may take. Default 3.",
			Validators:          []validator.Int64{int64validator.Between(1, 900)},
		},
		"use_resource_timeout_for_propagation": schema.BoolAttribute{Optional: true, MarkdownDescription: "Wait for roles and other changes to reach Lambda for as long as `timeouts` say, instead of 5 minutes at most."},
		"ephemeral_storage": filledIn("Size of `/tmp`: `size` in MB, 512 to 10240.",
			map[string]tfType{"size": tf.Int64Type}, between{"size", 512, 10240}),
		"logging_config": filledIn("Logs: `log_format` (`JSON` or `Text`, required), `application_log_level`, `system_log_level`, `log_group`.",
			map[string]tfType{"application_log_level": tf.StringType, "log_format": tf.StringType, "log_group": tf.StringType, "system_log_level": tf.StringType},
			enumIn{"log_format", names(types.LogFormat("").Values()), true},
			enumIn{"application_log_level", names(types.ApplicationLogLevel("").Values()), false},
			enumIn{"system_log_level", names(types.SystemLogLevel("").Values()), false}),
		"tracing_config": filledIn("Tracing: `mode` is `Active` or `PassThrough`.",
			map[string]tfType{"mode": tf.StringType}, enumIn{"mode", names(types.TracingMode("").Values()), true}),
	}
}

// functionComputedAttributes are what Lambda says of the function.
func functionComputedAttributes() map[string]schema.Attribute {
	fixed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
	}
	return map[string]schema.Attribute{
		"id":                            fixed("Name of the function."),
		"arn":                           fixed("ARN of the function."),
		"invoke_arn":                    fixed("ARN by which API Gateway calls the function."),
		"response_streaming_invoke_arn": fixed("ARN by which API Gateway calls the function and streams its response."),
		"version":                       fixed("Newest published version, or `$LATEST`. Unknown in the plan only if a version will be published."),
		"qualified_arn":                 fixed("ARN of `version`."),
		"qualified_invoke_arn":          fixed("ARN by which API Gateway calls `version`."),
		"config_sha256":                 fixed("Hash of what a version freezes of the configuration. It changes when the configuration does: use it in the `triggers` of a `lambda_version`."),
		"last_modified":                 fixed("When the code or the configuration was changed last."),
		"signing_job_arn":               fixed("Signing job of the code."),
		"signing_profile_version_arn":   fixed("Signing profile version of the code."),
		"source_code_size":              schema.Int64Attribute{Computed: true, MarkdownDescription: "Size of the archive in bytes.", PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}},
	}
}

// functionBlocks are the blocks that appear only if the configuration has them.
func functionBlocks() map[string]schema.Block {
	return map[string]schema.Block{
		"capacity_provider_config": onceBlock("Managed instances to run on.", nil, map[string]schema.Block{
			"lambda_managed_instances_capacity_provider_config": onceBlock("The capacity provider.", map[string]schema.Attribute{
				"capacity_provider_arn":                     schema.StringAttribute{Required: true, MarkdownDescription: "ARN of the capacity provider.", Validators: []validator.String{isARN()}},
				"execution_environment_memory_gib_per_vcpu": schema.Float64Attribute{Optional: true, Computed: true, MarkdownDescription: "GiB of memory for each vCPU.", PlanModifiers: []planmodifier.Float64{float64planmodifier.UseNonNullStateForUnknown()}},
				"per_execution_environment_max_concurrency": schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "Invocations at a time in one environment.", PlanModifiers: []planmodifier.Int64{int64planmodifier.UseNonNullStateForUnknown()}},
			}, nil),
		}),
		"dead_letter_config": onceBlock("Where events go that failed.", map[string]schema.Attribute{
			"target_arn": schema.StringAttribute{Required: true, MarkdownDescription: "ARN of a queue or topic.", Validators: []validator.String{isARN()}},
		}, nil),
		"durable_config": replacedBlock(onceBlock("Durable execution. Adding or removing the block forces a new resource.", map[string]schema.Attribute{
			"execution_timeout": schema.Int64Attribute{Required: true, MarkdownDescription: "Seconds that an execution may take.", Validators: []validator.Int64{int64validator.Between(1, 31622400)}},
			"retention_period": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(14),
				MarkdownDescription: "Days that an execution's history is kept. Default 14.", Validators: []validator.Int64{int64validator.Between(1, 90)},
			},
		}, nil)),
		"environment": onceBlock("Environment variables.", map[string]schema.Attribute{
			"variables": schema.MapAttribute{
				Optional: true, ElementType: tf.StringType, MarkdownDescription: "The variables.",
				Validators: []validator.Map{mapvalidator.KeysAre(matches(`^[a-zA-Z][a-zA-Z0-9_]+$`, "the name of a variable has at least two letters, digits and _, and begins with a letter"))},
			},
		}, nil),
		"file_system_config": onceBlock("File system to mount.", map[string]schema.Attribute{
			"arn":              schema.StringAttribute{Required: true, MarkdownDescription: "ARN of the access point.", Validators: []validator.String{isARN()}},
			"local_mount_path": schema.StringAttribute{Required: true, MarkdownDescription: "Where it is mounted, below `/mnt/`.", Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^/mnt/[0-9A-Za-z_.-]+$`), "must start with '/mnt/'")}},
		}, nil),
		"image_config": onceBlock("Settings of the image to override.", map[string]schema.Attribute{
			"command":           schema.ListAttribute{Optional: true, ElementType: tf.StringType, MarkdownDescription: "Command."},
			"entry_point":       schema.ListAttribute{Optional: true, ElementType: tf.StringType, MarkdownDescription: "Entry point."},
			"working_directory": schema.StringAttribute{Optional: true, MarkdownDescription: "Working directory."},
		}, nil),
		"snap_start": onceBlock("Start new environments from a snapshot.", map[string]schema.Attribute{
			"apply_on":            schema.StringAttribute{Required: true, MarkdownDescription: "`PublishedVersions` or `None`.", Validators: []validator.String{oneOf(types.SnapStartApplyOn("").Values())}},
			"optimization_status": schema.StringAttribute{Computed: true, MarkdownDescription: "`On` for versions that have a snapshot.", PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()}},
		}, nil),
		"tenancy_config": replacedBlock(onceBlock("Isolation of tenants. Changing it forces a new resource.", map[string]schema.Attribute{
			"tenant_isolation_mode": schema.StringAttribute{
				Required: true, MarkdownDescription: "`PER_TENANT`.", Validators: []validator.String{oneOf(types.TenantIsolationMode("").Values())},
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
		}, nil)),
		"vpc_config": onceBlock("Network of the function.", map[string]schema.Attribute{
			"ipv6_allowed_for_dual_stack": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false), MarkdownDescription: "Allow outbound IPv6 on dual-stack subnets."},
			"security_group_ids":          schema.SetAttribute{Required: true, ElementType: tf.StringType, MarkdownDescription: "Security groups."},
			"subnet_ids":                  schema.SetAttribute{Required: true, ElementType: tf.StringType, MarkdownDescription: "Subnets."},
			"vpc_id":                      schema.StringAttribute{Computed: true, MarkdownDescription: "The VPC.", PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()}},
		}, nil),
	}
}
