package resources

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	tf "github.com/hashicorp/terraform-plugin-framework/types"
)

// settings returns everything of a mapping that can be changed. What the model
// leaves out is said explicitly, so that leaving it out takes it away.
func (m *mappingModel) settings(ctx context.Context, diags *diag.Diagnostics) *lambda.UpdateEventSourceMappingInput {
	in := &lambda.UpdateEventSourceMappingInput{
		BatchSize:                      optionalNumber(m.BatchSize),
		BisectBatchOnFunctionError:     aws.Bool(m.BisectBatchOnFunctionError.ValueBool()),
		DestinationConfig:              &types.DestinationConfig{OnFailure: &types.OnFailure{}},
		Enabled:                        aws.Bool(m.Enabled.ValueBool()),
		FilterCriteria:                 &types.FilterCriteria{},
		FunctionName:                   optionalText(m.FunctionName),
		FunctionResponseTypes:          append([]types.FunctionResponseType{}, enums[types.FunctionResponseType](texts(ctx, m.FunctionResponseTypes, diags))...), // none, to have none
		KMSKeyArn:                      aws.String(m.KMSKeyARN.ValueString()),
		MaximumBatchingWindowInSeconds: aws.Int32(int32(m.MaximumBatchingWindowInSeconds.ValueInt64())),
		MaximumRecordAgeInSeconds:      optionalNumber(m.MaximumRecordAgeInSeconds),
		MaximumRetryAttempts:           optionalNumber(m.MaximumRetryAttempts),
		MetricsConfig:                  &types.EventSourceMappingMetricsConfig{},
		ParallelizationFactor:          optionalNumber(m.ParallelizationFactor),
		ProvisionedPollerConfig:        &types.ProvisionedPollerConfig{},
		ScalingConfig:                  &types.ScalingConfig{},
		SourceAccessConfigurations:     []types.SourceAccessConfiguration{},
		TumblingWindowInSeconds:        aws.Int32(int32(m.TumblingWindowInSeconds.ValueInt64())),
	}
	if d := block[destinationModel](ctx, m.DestinationConfig, diags); d != nil {
		if f := block[onFailureModel](ctx, d.OnFailure, diags); f != nil {
			in.DestinationConfig.OnFailure.Destination = optionalText(f.DestinationARN)
		}
	}
	if d := block[documentDBModel](ctx, m.DocumentDB, diags); d != nil {
		in.DocumentDBEventSourceConfig = &types.DocumentDBEventSourceConfig{
			CollectionName: optionalText(d.CollectionName), DatabaseName: optionalText(d.DatabaseName), FullDocument: types.FullDocument(d.FullDocument.ValueString()),
		}
	}
	if c := block[filterCriteriaModel](ctx, m.FilterCriteria, diags); c != nil {
		for _, f := range elements[filterModel](ctx, c.Filter, diags) {
			in.FilterCriteria.Filters = append(in.FilterCriteria.Filters, types.Filter{Pattern: f.Pattern.ValueStringPointer()})
		}
	}
	if c := block[metricsModel](ctx, m.MetricsConfig, diags); c != nil {
		in.MetricsConfig.Metrics = enums[types.EventSourceMappingMetric](texts(ctx, c.Metrics, diags))
	}
	if p := block[pollerModel](ctx, m.ProvisionedPollerConfig, diags); p != nil {
		in.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{
			MaximumPollers: optionalNumber(p.MaximumPollers), MinimumPollers: optionalNumber(p.MinimumPollers), PollerGroupName: optionalText(p.PollerGroupName),
		}
	}
	if s := block[scalingModel](ctx, m.ScalingConfig, diags); s != nil {
		in.ScalingConfig.MaximumConcurrency = optionalNumber(s.MaximumConcurrency)
	}
	for _, a := range elements[accessModel](ctx, m.SourceAccessConfiguration, diags) {
		in.SourceAccessConfigurations = append(in.SourceAccessConfigurations, types.SourceAccessConfiguration{Type: types.SourceAccessType(a.Type.ValueString()), URI: optionalText(a.URI)})
	}
	return in
}

// settingsChange returns what can be changed and differs between two models, or nil.
func settingsChange(ctx context.Context, from, to *mappingModel, diags *diag.Diagnostics) *lambda.UpdateEventSourceMappingInput {
	was, is := from.settings(ctx, diags), to.settings(ctx, diags)
	if !changes(was, is) {
		return nil
	}
	return is
}

// changes zeroes those fields of is that are the same in was, and reports
// whether any other is left. Both point to structs of the same type.
func changes(was, is any) bool {
	a, b := reflect.ValueOf(was).Elem(), reflect.ValueOf(is).Elem()
	changed := false
	for i := range b.NumField() {
		switch field := b.Field(i); {
		case !field.CanSet():
		case reflect.DeepEqual(a.Field(i).Interface(), field.Interface()):
			field.SetZero()
		default:
			changed = true
		}
	}
	return changed
}

// creation returns the request that makes the mapping.
func (m *mappingModel) creation(ctx context.Context, diags *diag.Diagnostics) *lambda.CreateEventSourceMappingInput {
	in := &lambda.CreateEventSourceMappingInput{}
	// An enabled mapping is what one gets without asking.
	if settings := settingsChange(ctx, &mappingModel{Enabled: tf.BoolValue(true)}, m, diags); settings != nil {
		copyFields(in, settings)
	}
	in.EventSourceArn = optionalText(m.EventSourceARN)
	in.Queues = texts(ctx, m.Queues, diags)
	in.StartingPosition = types.EventSourcePosition(m.StartingPosition.ValueString())
	in.Tags = textMap(ctx, m.TagsAll, diags)
	in.Topics = texts(ctx, m.Topics, diags)
	if at, err := time.Parse(time.RFC3339, m.StartingPositionTimestamp.ValueString()); err == nil {
		in.StartingPositionTimestamp = &at
	}
	if s := block[selfManagedModel](ctx, m.SelfManagedEventSource, diags); s != nil {
		in.SelfManagedEventSource = &types.SelfManagedEventSource{Endpoints: map[string][]string{}}
		for key, brokers := range textMap(ctx, s.Endpoints, diags) {
			in.SelfManagedEventSource.Endpoints[key] = sortedBrokers(brokers)
		}
	}
	if k := block[kafkaModel](ctx, m.AmazonManagedKafka, diags); k != nil {
		in.AmazonManagedKafkaEventSourceConfig = &types.AmazonManagedKafkaEventSourceConfig{ConsumerGroupId: optionalText(k.ConsumerGroupID), SchemaRegistryConfig: k.registry(ctx, diags)}
	}
	if k := block[kafkaModel](ctx, m.SelfManagedKafka, diags); k != nil {
		in.SelfManagedKafkaEventSourceConfig = &types.SelfManagedKafkaEventSourceConfig{ConsumerGroupId: optionalText(k.ConsumerGroupID), SchemaRegistryConfig: k.registry(ctx, diags)}
	}
	return in
}

func (k *kafkaModel) registry(ctx context.Context, diags *diag.Diagnostics) *types.KafkaSchemaRegistryConfig {
	s := block[schemaRegistryModel](ctx, k.SchemaRegistry, diags)
	if s == nil {
		return nil
	}
	config := &types.KafkaSchemaRegistryConfig{EventRecordFormat: types.SchemaRegistryEventRecordFormat(s.Format.ValueString()), SchemaRegistryURI: optionalText(s.URI)}
	for _, a := range elements[accessModel](ctx, s.Access, diags) {
		config.AccessConfigs = append(config.AccessConfigs, types.KafkaSchemaRegistryAccessConfig{Type: types.KafkaSchemaRegistryAuthType(a.Type.ValueString()), URI: optionalText(a.URI)})
	}
	for _, v := range elements[validationModel](ctx, s.Validation, diags) {
		config.SchemaValidationConfigs = append(config.SchemaValidationConfigs, types.KafkaSchemaValidationConfig{Attribute: types.KafkaSchemaValidationAttribute(v.Attribute.ValueString())})
	}
	return config
}

func sortedBrokers(s string) []string {
	brokers := strings.Split(s, ",")
	for i := range brokers {
		brokers[i] = strings.TrimSpace(brokers[i])
	}
	slices.Sort(brokers)
	return brokers
}

// sameBrokers ignores the order of brokers.
type sameBrokers struct{}

const sameBrokersText = "The order of brokers does not matter."

func (sameBrokers) Description(context.Context) string         { return sameBrokersText }
func (sameBrokers) MarkdownDescription(context.Context) string { return sameBrokersText }

func (sameBrokers) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if req.StateValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	was, is := textMap(ctx, req.StateValue, &resp.Diagnostics), textMap(ctx, req.ConfigValue, &resp.Diagnostics)
	if len(was) != len(is) {
		return
	}
	for key, brokers := range is {
		if !slices.Equal(sortedBrokers(brokers), sortedBrokers(was[key])) {
			return
		}
	}
	resp.PlanValue = req.StateValue
}
