package resources

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	tf "github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaform/terraform-provider-lambda/provider/arn"
)

// States of a mapping.
const (
	mappingEnabled   = "Enabled"
	mappingEnabling  = "Enabling"
	mappingDisabled  = "Disabled"
	mappingDisabling = "Disabling"
)

// read puts what Lambda says of the mapping into the model.
func (m *mappingModel) read(ctx context.Context, c *types.EventSourceMappingConfiguration, diags *diag.Diagnostics) {
	m.UUID = known(c.UUID)
	m.ID = m.UUID
	m.ARN = known(c.EventSourceMappingArn)
	m.FunctionARN = known(c.FunctionArn)
	if !arn.SameFunction(m.FunctionName.ValueString(), aws.ToString(c.FunctionArn)) {
		m.FunctionName = m.FunctionARN
	}
	m.EventSourceARN = text(m.EventSourceARN, c.EventSourceArn)
	m.KMSKeyARN = text(m.KMSKeyARN, c.KMSKeyArn)
	m.LastModified = tf.StringNull()
	if c.LastModified != nil {
		m.LastModified = tf.StringValue(c.LastModified.UTC().Format(time.RFC3339))
	}
	m.LastProcessingResult = known(c.LastProcessingResult)
	m.State = known(c.State)
	m.StateTransitionReason = known(c.StateTransitionReason)
	switch aws.ToString(c.State) {
	case mappingEnabled, mappingEnabling:
		m.Enabled = tf.BoolValue(true)
	case mappingDisabled, mappingDisabling:
		m.Enabled = tf.BoolValue(false)
	}
	m.BatchSize = int64Of(c.BatchSize)
	if on := aws.ToBool(c.BisectBatchOnFunctionError); on != m.BisectBatchOnFunctionError.ValueBool() {
		m.BisectBatchOnFunctionError = tf.BoolValue(on)
	}
	m.MaximumBatchingWindowInSeconds = number(m.MaximumBatchingWindowInSeconds, c.MaximumBatchingWindowInSeconds)
	m.TumblingWindowInSeconds = number(m.TumblingWindowInSeconds, c.TumblingWindowInSeconds)
	m.MaximumRecordAgeInSeconds = int64Of(c.MaximumRecordAgeInSeconds)
	m.MaximumRetryAttempts = int64Of(c.MaximumRetryAttempts)
	m.ParallelizationFactor = int64Of(c.ParallelizationFactor)
	keepSet(ctx, &m.FunctionResponseTypes, names(c.FunctionResponseTypes), diags)
	keepList(ctx, &m.Queues, c.Queues, diags)
	keepSet(ctx, &m.Topics, c.Topics, diags)
	m.StartingPosition = text(m.StartingPosition, aws.String(string(c.StartingPosition)))
	if at, err := time.Parse(time.RFC3339, m.StartingPositionTimestamp.ValueString()); c.StartingPositionTimestamp == nil {
		m.StartingPositionTimestamp = text(m.StartingPositionTimestamp, nil)
	} else if err != nil || !at.Equal(*c.StartingPositionTimestamp) {
		m.StartingPositionTimestamp = tf.StringValue(c.StartingPositionTimestamp.UTC().Format(time.RFC3339))
	}
	m.readBlocks(ctx, c, diags)
	m.readKafka(ctx, c, diags)
}

func (m *mappingModel) readBlocks(ctx context.Context, c *types.EventSourceMappingConfiguration, diags *diag.Diagnostics) {
	if d := c.DestinationConfig; d != nil && d.OnFailure != nil && aws.ToString(d.OnFailure.Destination) != "" {
		object := m.DestinationConfig.ElementType(ctx).(tf.ObjectType)
		on := tf.ListNull(object.AttrTypes["on_failure"].(tf.ListType).ElemType)
		listOf(ctx, &on, []onFailureModel{{DestinationARN: known(d.OnFailure.Destination)}}, diags)
		listOf(ctx, &m.DestinationConfig, []destinationModel{{OnFailure: on}}, diags)
	} else if was := block[destinationModel](ctx, m.DestinationConfig, diags); was != nil && len(was.OnFailure.Elements()) > 0 {
		listOf[destinationModel](ctx, &m.DestinationConfig, nil, diags)
	}
	if d := c.DocumentDBEventSourceConfig; d != nil {
		was := firstElement(block[documentDBModel](ctx, m.DocumentDB, diags))
		listOf(ctx, &m.DocumentDB, []documentDBModel{{
			CollectionName: text(was.CollectionName, d.CollectionName), DatabaseName: known(d.DatabaseName), FullDocument: known(aws.String(string(d.FullDocument))),
		}}, diags)
	}
	m.readFilters(ctx, c, diags)
	if c.MetricsConfig != nil && len(c.MetricsConfig.Metrics) > 0 {
		listOf(ctx, &m.MetricsConfig, []metricsModel{{Metrics: stringSet(names(c.MetricsConfig.Metrics))}}, diags)
	} else {
		listOf[metricsModel](ctx, &m.MetricsConfig, nil, diags)
	}
	if p := c.ProvisionedPollerConfig; p != nil && (p.MaximumPollers != nil || p.MinimumPollers != nil) {
		listOf(ctx, &m.ProvisionedPollerConfig, []pollerModel{{
			MaximumPollers: int64Of(p.MaximumPollers), MinimumPollers: int64Of(p.MinimumPollers), PollerGroupName: known(p.PollerGroupName),
		}}, diags)
	} else {
		listOf[pollerModel](ctx, &m.ProvisionedPollerConfig, nil, diags)
	}
	if s := c.ScalingConfig; s != nil && s.MaximumConcurrency != nil {
		listOf(ctx, &m.ScalingConfig, []scalingModel{{MaximumConcurrency: int64Of(s.MaximumConcurrency)}}, diags)
	} else if was := block[scalingModel](ctx, m.ScalingConfig, diags); was != nil && !was.MaximumConcurrency.IsNull() {
		listOf[scalingModel](ctx, &m.ScalingConfig, nil, diags)
	}
	var access []accessModel
	for _, a := range c.SourceAccessConfigurations {
		access = append(access, accessModel{Type: tf.StringValue(string(a.Type)), URI: known(a.URI)})
	}
	setOf(ctx, &m.SourceAccessConfiguration, access, diags)
}

func (m *mappingModel) readFilters(ctx context.Context, c *types.EventSourceMappingConfiguration, diags *diag.Diagnostics) {
	var filters []filterModel
	if c.FilterCriteria != nil {
		for _, f := range c.FilterCriteria.Filters {
			filters = append(filters, filterModel{Pattern: tf.StringPointerValue(f.Pattern)})
		}
	}
	if len(filters) == 0 {
		if was := block[filterCriteriaModel](ctx, m.FilterCriteria, diags); was != nil && len(was.Filter.Elements()) > 0 {
			listOf[filterCriteriaModel](ctx, &m.FilterCriteria, nil, diags)
		}
		return
	}
	object := m.FilterCriteria.ElementType(ctx).(tf.ObjectType)
	set := tf.SetNull(object.AttrTypes["filter"].(tf.SetType).ElemType)
	setOf(ctx, &set, filters, diags)
	listOf(ctx, &m.FilterCriteria, []filterCriteriaModel{{Filter: set}}, diags)
}

func (m *mappingModel) readKafka(ctx context.Context, c *types.EventSourceMappingConfiguration, diags *diag.Diagnostics) {
	if s := c.SelfManagedEventSource; s != nil && len(s.Endpoints) > 0 {
		was := firstElement(block[selfManagedModel](ctx, m.SelfManagedEventSource, diags))
		prior, is := textMap(ctx, was.Endpoints, diags), map[string]string{}
		for key, brokers := range s.Endpoints {
			is[key] = strings.Join(brokers, ",")
			if slices.Equal(sortedBrokers(prior[key]), sortedBrokers(is[key])) {
				is[key] = prior[key]
			}
		}
		listOf(ctx, &m.SelfManagedEventSource, []selfManagedModel{{Endpoints: stringMap(is)}}, diags)
	}
	if k := c.AmazonManagedKafkaEventSourceConfig; k != nil {
		readKafkaConfig(ctx, &m.AmazonManagedKafka, k.ConsumerGroupId, k.SchemaRegistryConfig, diags)
	} else if m.AmazonManagedKafka.IsUnknown() {
		listOf[kafkaModel](ctx, &m.AmazonManagedKafka, nil, diags)
	}
	if k := c.SelfManagedKafkaEventSourceConfig; k != nil {
		readKafkaConfig(ctx, &m.SelfManagedKafka, k.ConsumerGroupId, k.SchemaRegistryConfig, diags)
	} else if m.SelfManagedKafka.IsUnknown() {
		listOf[kafkaModel](ctx, &m.SelfManagedKafka, nil, diags)
	}
}

// readKafkaConfig sets one of the two Kafka blocks. A registry, which cannot be
// changed, is read only where it is not known, as after an import.
func readKafkaConfig(ctx context.Context, list *tf.List, group *string, registry *types.KafkaSchemaRegistryConfig, diags *diag.Diagnostics) {
	object := list.ElementType(ctx).(tf.ObjectType)
	was := block[kafkaModel](ctx, *list, diags)
	if was == nil {
		was = &kafkaModel{ConsumerGroupID: tf.StringUnknown(), SchemaRegistry: tf.ListNull(object.AttrTypes["schema_registry_config"].(tf.ListType).ElemType)}
		if registry != nil {
			entry := tf.ObjectNull(was.SchemaRegistry.ElementType(ctx).(tf.ObjectType).AttrTypes)
			access := tf.SetNull(entry.AttributeTypes(ctx)["access_config"].(tf.SetType).ElemType)
			validation := tf.SetNull(entry.AttributeTypes(ctx)["schema_validation_config"].(tf.SetType).ElemType)
			var accesses []accessModel
			for _, a := range registry.AccessConfigs {
				accesses = append(accesses, accessModel{Type: tf.StringValue(string(a.Type)), URI: known(a.URI)})
			}
			var validations []validationModel
			for _, v := range registry.SchemaValidationConfigs {
				validations = append(validations, validationModel{Attribute: tf.StringValue(string(v.Attribute))})
			}
			setOf(ctx, &access, accesses, diags)
			setOf(ctx, &validation, validations, diags)
			listOf(ctx, &was.SchemaRegistry, []schemaRegistryModel{{
				Access: access, Validation: validation, URI: known(registry.SchemaRegistryURI), Format: known(aws.String(string(registry.EventRecordFormat))),
			}}, diags)
		}
	}
	was.ConsumerGroupID = asBefore(was.ConsumerGroupID, known(group))
	listOf(ctx, list, []kafkaModel{*was}, diags)
}

// firstElement returns what p points to, or the zero value.
func firstElement[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
