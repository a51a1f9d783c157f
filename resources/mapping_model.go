package resources

import (
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// mappingModel is a lambda_event_source_mapping.
type mappingModel struct {
	ID                             tf.String      `tfsdk:"id"`
	Region                         tf.String      `tfsdk:"region"`
	AmazonManagedKafka             tf.List        `tfsdk:"amazon_managed_kafka_event_source_config"`
	ARN                            tf.String      `tfsdk:"arn"`
	BatchSize                      tf.Int64       `tfsdk:"batch_size"`
	BisectBatchOnFunctionError     tf.Bool        `tfsdk:"bisect_batch_on_function_error"`
	DestinationConfig              tf.List        `tfsdk:"destination_config"`
	DocumentDB                     tf.List        `tfsdk:"document_db_event_source_config"`
	Enabled                        tf.Bool        `tfsdk:"enabled"`
	EventSourceARN                 tf.String      `tfsdk:"event_source_arn"`
	FilterCriteria                 tf.List        `tfsdk:"filter_criteria"`
	FunctionARN                    tf.String      `tfsdk:"function_arn"`
	FunctionName                   tf.String      `tfsdk:"function_name"`
	FunctionResponseTypes          tf.Set         `tfsdk:"function_response_types"`
	KMSKeyARN                      tf.String      `tfsdk:"kms_key_arn"`
	LastModified                   tf.String      `tfsdk:"last_modified"`
	LastProcessingResult           tf.String      `tfsdk:"last_processing_result"`
	MaximumBatchingWindowInSeconds tf.Int64       `tfsdk:"maximum_batching_window_in_seconds"`
	MaximumRecordAgeInSeconds      tf.Int64       `tfsdk:"maximum_record_age_in_seconds"`
	MaximumRetryAttempts           tf.Int64       `tfsdk:"maximum_retry_attempts"`
	MetricsConfig                  tf.List        `tfsdk:"metrics_config"`
	ParallelizationFactor          tf.Int64       `tfsdk:"parallelization_factor"`
	ProvisionedPollerConfig        tf.List        `tfsdk:"provisioned_poller_config"`
	Queues                         tf.List        `tfsdk:"queues"`
	ScalingConfig                  tf.List        `tfsdk:"scaling_config"`
	SelfManagedEventSource         tf.List        `tfsdk:"self_managed_event_source"`
	SelfManagedKafka               tf.List        `tfsdk:"self_managed_kafka_event_source_config"`
	SourceAccessConfiguration      tf.Set         `tfsdk:"source_access_configuration"`
	StartingPosition               tf.String      `tfsdk:"starting_position"`
	StartingPositionTimestamp      tf.String      `tfsdk:"starting_position_timestamp"`
	State                          tf.String      `tfsdk:"state"`
	StateTransitionReason          tf.String      `tfsdk:"state_transition_reason"`
	Tags                           tf.Map         `tfsdk:"tags"`
	TagsAll                        tf.Map         `tfsdk:"tags_all"`
	Topics                         tf.Set         `tfsdk:"topics"`
	TumblingWindowInSeconds        tf.Int64       `tfsdk:"tumbling_window_in_seconds"`
	UseResourceTimeout             tf.Bool        `tfsdk:"use_resource_timeout_for_propagation"`
	UUID                           tf.String      `tfsdk:"uuid"`
	Timeouts                       timeouts.Value `tfsdk:"timeouts"`
}

type kafkaModel struct {
	ConsumerGroupID tf.String `tfsdk:"consumer_group_id"`
	SchemaRegistry  tf.List   `tfsdk:"schema_registry_config"`
}

type schemaRegistryModel struct {
	Access     tf.Set    `tfsdk:"access_config"`
	Format     tf.String `tfsdk:"event_record_format"`
	URI        tf.String `tfsdk:"schema_registry_uri"`
	Validation tf.Set    `tfsdk:"schema_validation_config"`
}

// accessModel is how a broker or a schema registry is accessed.
type accessModel struct {
	Type tf.String `tfsdk:"type"`
	URI  tf.String `tfsdk:"uri"`
}

type validationModel struct {
	Attribute tf.String `tfsdk:"attribute"`
}

type destinationModel struct {
	OnFailure tf.List `tfsdk:"on_failure"`
}

type onFailureModel struct {
	DestinationARN tf.String `tfsdk:"destination_arn"`
}

type documentDBModel struct {
	CollectionName tf.String `tfsdk:"collection_name"`
	DatabaseName   tf.String `tfsdk:"database_name"`
	FullDocument   tf.String `tfsdk:"full_document"`
}

type filterCriteriaModel struct {
	Filter tf.Set `tfsdk:"filter"`
}

type filterModel struct {
	Pattern tf.String `tfsdk:"pattern"`
}

type metricsModel struct {
	Metrics tf.Set `tfsdk:"metrics"`
}

type pollerModel struct {
	MaximumPollers  tf.Int64  `tfsdk:"maximum_pollers"`
	MinimumPollers  tf.Int64  `tfsdk:"minimum_pollers"`
	PollerGroupName tf.String `tfsdk:"poller_group_name"`
}

type scalingModel struct {
	MaximumConcurrency tf.Int64 `tfsdk:"maximum_concurrency"`
}

type selfManagedModel struct {
	Endpoints tf.Map `tfsdk:"endpoints"`
}
