package resources

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

func (r *mapping) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := mappingSourceAttributes()
	for _, group := range []map[string]schema.Attribute{mappingBatchAttributes(), mappingComputedAttributes()} {
		for name, a := range group {
			attributes[name] = a
		}
	}
	blocks := mappingBlocks()
	blocks["timeouts"] = timeouts.Block(ctx, timeouts.Opts{Create: true, Update: true, Delete: true})
	resp.Schema = schema.Schema{
		MarkdownDescription: "An event source mapping: what reads a stream or a queue and calls a function with what it finds.",
		Attributes:          attributes,
		Blocks:              blocks,
	}
}

// mappingSourceAttributes say what is read, from where, for which function.
func mappingSourceAttributes() map[string]schema.Attribute {
	replaced := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{
			Optional: true, MarkdownDescription: description + " Changing it forces a new resource.", Validators: validators,
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		}
	}
	registry := tf.ListType{ElemType: tf.ObjectType{AttrTypes: map[string]tfType{
		"access_config":            tf.SetType{ElemType: tf.ObjectType{AttrTypes: map[string]tfType{"type": tf.StringType, "uri": tf.StringType}}},
		"event_record_format":      tf.StringType,
		"schema_registry_uri":      tf.StringType,
		"schema_validation_config": tf.SetType{ElemType: tf.ObjectType{AttrTypes: map[string]tfType{"attribute": tf.StringType}}},
	}}}
	kafka := func(description string) schema.ListAttribute {
		a := filledIn(description+": `consumer_group_id`, and `schema_registry_config` with `schema_registry_uri`, `event_record_format`, `access_config` and `schema_validation_config`. Changing it forces a new resource.",
			map[string]tfType{"consumer_group_id": tf.StringType, "schema_registry_config": registry})
		a.PlanModifiers = append(a.PlanModifiers, listplanmodifier.RequiresReplace())
		return a
	}
	return map[string]schema.Attribute{
		"region":           regionAttribute(),
		"event_source_arn": replaced("ARN of the stream or queue. One of `event_source_arn` and `self_managed_event_source` must be set.", isARN()),
		"function_name": schema.StringAttribute{
			Required: true, MarkdownDescription: "Name or ARN of the function, perhaps with a version or an alias.",
			Validators: []validator.String{isFunction()}, PlanModifiers: []planmodifier.String{sameFunction()},
		},
		"starting_position":           replaced("Where to begin in a stream: `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`. Required for streams.", oneOf(types.EventSourcePosition("").Values())),
		"starting_position_timestamp": replaced("Time to begin at, as in RFC 3339, with `AT_TIMESTAMP`.", isTime()),
		"queues": schema.ListAttribute{
			Optional: true, ElementType: tf.StringType, MarkdownDescription: "Queue of the broker. Changing it forces a new resource.",
			Validators:    []validator.List{listvalidator.SizeAtMost(1), listvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 1000))},
			PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()},
		},
		"topics": schema.SetAttribute{
			Optional: true, ElementType: tf.StringType, MarkdownDescription: "Topic of the Kafka cluster. Changing it forces a new resource.",
			Validators:    []validator.Set{setvalidator.ValueStringsAre(stringvalidator.LengthBetween(1, 249))},
			PlanModifiers: []planmodifier.Set{setplanmodifier.RequiresReplace()},
		},
		"amazon_managed_kafka_event_source_config": kafka("Settings for Amazon MSK"),
		"self_managed_kafka_event_source_config":   kafka("Settings for a Kafka cluster of one's own"),
	}
}

// mappingBatchAttributes say how the function is called.
func mappingBatchAttributes() map[string]schema.Attribute {
	number := func(description string, validators ...validator.Int64) schema.Int64Attribute {
		return schema.Int64Attribute{Optional: true, MarkdownDescription: description, Validators: validators}
	}
	filled := func(description string, validators ...validator.Int64) schema.Int64Attribute {
		a := number(description, validators...)
		a.Computed = true
		a.PlanModifiers = []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}
		return a
	}
	batch := number("Records in a call at most. Default 100, or 10 for SQS.", int64validator.Between(1, 10000))
	batch.Computed = true
	return map[string]schema.Attribute{
		"batch_size":                     batch,
		"bisect_batch_on_function_error": schema.BoolAttribute{Optional: true, MarkdownDescription: "Halve a failing batch and try the halves."},
		"enabled": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true), MarkdownDescription: "Whether the source is read. Default true.",
		},
		"function_response_types": schema.SetAttribute{
			Optional: true, ElementType: tf.StringType, MarkdownDescription: "`ReportBatchItemFailures` if the function says which records of a batch failed.",
			Validators: []validator.Set{setvalidator.ValueStringsAre(oneOf(types.FunctionResponseType("").Values()))},
		},
		"kms_key_arn":                        schema.StringAttribute{Optional: true, MarkdownDescription: "Key that the filter criteria are encrypted with.", Validators: []validator.String{isARN()}},
		"maximum_batching_window_in_seconds": number("Seconds to wait for a full batch.", int64validator.Between(0, 300)),
		"maximum_record_age_in_seconds":      filled("Age at which a record is given up; -1 never.", int64validator.Any(int64validator.OneOf(-1), int64validator.Between(60, 604800))),
		"maximum_retry_attempts":             filled("How often a failing batch is tried again; -1 until it expires.", int64validator.Between(-1, 10000)),
		"parallelization_factor":             filled("Batches of a shard at a time.", int64validator.Between(1, 10)),
		"tumbling_window_in_seconds":         number("Length of the windows that the function aggregates over.", int64validator.Between(0, 900)),
		"tags":                               tagsAttribute(),
		"use_resource_timeout_for_propagation": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Wait for roles to reach Lambda for as long as `timeouts` say, instead of 5 minutes at most.",
		},
	}
}

// mappingComputedAttributes are what Lambda says of the mapping.
func mappingComputedAttributes() map[string]schema.Attribute {
	fixed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
	}
	changing := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"id":                      fixed("UUID of the mapping."),
		"uuid":                    fixed("UUID of the mapping."),
		"arn":                     fixed("ARN of the mapping."),
		"function_arn":            changing("ARN of the function."),
		"last_modified":           changing("When the mapping was changed last."),
		"last_processing_result":  changing("Result of the last call of the function."),
		"state":                   changing("State of the mapping."),
		"state_transition_reason": changing("Why the mapping is in that state."),
		"tags_all":                tagsAllAttribute(),
	}
}

func mappingBlocks() map[string]schema.Block {
	return map[string]schema.Block{
		"destination_config": onceBlock("Where records go that are given up.", nil, map[string]schema.Block{
			"on_failure": onceBlock("The destination.", map[string]schema.Attribute{
				"destination_arn": schema.StringAttribute{Required: true, MarkdownDescription: "ARN of a queue, topic or bucket, or `kafka://` and a topic."},
			}, nil),
		}),
		"document_db_event_source_config": onceBlock("Settings for DocumentDB.", map[string]schema.Attribute{
			"collection_name": schema.StringAttribute{Optional: true, MarkdownDescription: "Collection; all if left out."},
			"database_name":   schema.StringAttribute{Required: true, MarkdownDescription: "Database."},
			"full_document": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(string(types.FullDocumentDefault)),
				MarkdownDescription: "`Default` or `UpdateLookup`.", Validators: []validator.String{oneOf(types.FullDocument("").Values())},
			},
		}, nil),
		"filter_criteria": onceBlock("Which records the function is called with.", nil, map[string]schema.Block{
			"filter": schema.SetNestedBlock{
				MarkdownDescription: "A filter; a record that passes one of them passes.",
				Validators:          []validator.Set{setvalidator.SizeAtMost(10)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"pattern": schema.StringAttribute{Optional: true, MarkdownDescription: "Pattern, as JSON.", Validators: []validator.String{stringvalidator.LengthAtMost(4096)}},
				}},
			},
		}),
		"metrics_config": onceBlock("Metrics of the mapping.", map[string]schema.Attribute{
			"metrics": schema.SetAttribute{
				Required: true, ElementType: tf.StringType, MarkdownDescription: "Groups of metrics.",
				Validators: []validator.Set{setvalidator.SizeAtLeast(1), setvalidator.ValueStringsAre(oneOf(types.EventSourceMappingMetric("").Values()))},
			},
		}, nil),
		"provisioned_poller_config": onceBlock("Pollers that are kept ready.", map[string]schema.Attribute{
			"maximum_pollers":   schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "At most.", Validators: []validator.Int64{int64validator.Between(1, 2000)}, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseNonNullStateForUnknown()}},
			"minimum_pollers":   schema.Int64Attribute{Optional: true, Computed: true, MarkdownDescription: "At least.", Validators: []validator.Int64{int64validator.Between(1, 200)}, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseNonNullStateForUnknown()}},
			"poller_group_name": schema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: "Group that shares them.", Validators: []validator.String{stringvalidator.LengthBetween(1, 128)}, PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()}},
		}, nil),
		"scaling_config": onceBlock("Limits of an SQS queue's mapping.", map[string]schema.Attribute{
			"maximum_concurrency": schema.Int64Attribute{Optional: true, MarkdownDescription: "Calls at a time at most.", Validators: []validator.Int64{int64validator.AtLeast(2)}},
		}, nil),
		"self_managed_event_source": replacedBlock(onceBlock("A Kafka cluster of one's own. Changing it forces a new resource.", map[string]schema.Attribute{
			"endpoints": schema.MapAttribute{
				Required: true, ElementType: tf.StringType, MarkdownDescription: "`KAFKA_BOOTSTRAP_SERVERS` with the brokers, separated by commas.",
				Validators:    []validator.Map{mapvalidator.SizeAtLeast(1)},
				PlanModifiers: []planmodifier.Map{sameBrokers{}, mapplanmodifier.RequiresReplace()},
			},
		}, nil)),
		"source_access_configuration": schema.SetNestedBlock{
			MarkdownDescription: "How the source is accessed.",
			Validators:          []validator.Set{setvalidator.SizeAtMost(22)},
			NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
				"type": schema.StringAttribute{Required: true, MarkdownDescription: "Kind of access.", Validators: []validator.String{oneOf(types.SourceAccessType("").Values())}},
				"uri":  schema.StringAttribute{Required: true, MarkdownDescription: "Secret, subnet, security group or host."},
			}},
		},
	}
}
