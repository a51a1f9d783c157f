package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources/filter"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Limits of mappings that the model does not tell.
const (
	maxFilters       = 10
	maxQueueBatch    = 10 // without a batching window, and of FIFO queues
	minRecordAge     = 60 // seconds
	minQueuePollers  = 2
	filterMaxPattern = 4096
)

// mappingDefaults are the settings of a mapping of which only the source is known.
func mappingDefaults(source sources.Source) types.EventSourceMappingConfiguration {
	c := types.EventSourceMappingConfiguration{
		State:                          ptr(catalog.MappingEnabled),
		MaximumBatchingWindowInSeconds: ptr(int32(0)),
		FunctionResponseTypes:          []types.FunctionResponseType{},
	}
	if source.Service == "sqs" {
		c.BatchSize = ptr(int32(10))
		c.StateTransitionReason = ptr("USER_INITIATED")
		return c
	}
	c.BatchSize = ptr(int32(100))
	c.StateTransitionReason = ptr("User action")
	c.MaximumRecordAgeInSeconds = ptr(int32(-1))
	c.MaximumRetryAttempts = ptr(int32(-1))
	c.ParallelizationFactor = ptr(int32(1))
	c.TumblingWindowInSeconds = ptr(int32(0))
	c.BisectBatchOnFunctionError = ptr(false)
	c.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{}}
	return c
}

// sourcePattern is what the model says of the ARN of an event source.
const sourcePattern = `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)`

var sourceARN = regexp.MustCompile("^" + sourcePattern + "$")

// checkSource refuses a source that is no ARN of AWS's, or another account's or region's.
// Servers of others, which the engine is configured with, may put what they like into
// ARNs: DynamoDB Local says that its region is "ddblocal".
func (s *Service) checkSource(source sources.Source, function catalog.Scope) error {
	switch {
	case s.Sources.Elsewhere(source.Service):
		return nil
	case !sourceARN.MatchString(source.ARN):
		return &wire.Error{Code: "ValidationException", Status: http.StatusBadRequest, Message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'eventSourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", source.ARN, sourcePattern)}
	}
	return source.CheckOwner(function)
}

// checkStart checks where a mapping begins to read.
func checkStart(source sources.Source, in *lambda.CreateEventSourceMappingInput, now time.Time) error {
	at := in.StartingPosition == types.EventSourcePositionAtTimestamp
	switch {
	case source.Service == "sqs" && in.StartingPosition != "":
		return catalog.Invalid("StartingPosition is not valid for SQS event sources.")
	case source.Service == "sqs":
		return nil
	case in.StartingPosition == "":
		return catalog.Invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	case at && source.Service == "dynamodb":
		return catalog.Invalid("Unsupported starting position for arn type: %s", source.ARN)
	case at && in.StartingPositionTimestamp == nil:
		return catalog.Invalid("1 validation error detected: Value null at 'startingPositionTimestamp' failed to satisfy constraint: Member must not be null when StartingPosition is AT_TIMESTAMP.")
	case !at && in.StartingPositionTimestamp != nil:
		return catalog.Invalid("StartingPositionTimestamp is only valid with StartingPosition AT_TIMESTAMP.")
	case at && in.StartingPositionTimestamp.After(now):
		return catalog.Invalid("StartingPositionTimestamp cannot be in the future.")
	}
	return nil
}

// applyMapping changes what in supplies and leaves the rest. It refuses what is not for
// a source of that kind; default values are welcome.
func applyMapping(c *types.EventSourceMappingConfiguration, source sources.Source, in *lambda.UpdateEventSourceMappingInput) error {
	if err := foreignSettings(source, in); err != nil {
		return err
	}
	set(&c.BatchSize, in.BatchSize)
	set(&c.MaximumBatchingWindowInSeconds, in.MaximumBatchingWindowInSeconds)
	if in.FunctionResponseTypes != nil {
		c.FunctionResponseTypes = in.FunctionResponseTypes
	}
	set(&c.KMSKeyArn, in.KMSKeyArn)
	if value(c.KMSKeyArn) == "" {
		c.KMSKeyArn = nil
	}
	if in.FilterCriteria != nil {
		c.FilterCriteria = in.FilterCriteria
		if len(in.FilterCriteria.Filters) == 0 {
			c.FilterCriteria = nil
		}
	}
	if in.MetricsConfig != nil {
		c.MetricsConfig = in.MetricsConfig
		if len(in.MetricsConfig.Metrics) == 0 {
			c.MetricsConfig = nil
		}
	}
	if in.Enabled != nil {
		c.State = ptr(catalog.MappingDisabled)
		if *in.Enabled {
			c.State = ptr(catalog.MappingEnabled)
		}
	}
	var err error
	if source.Service == "sqs" {
		err = applyQueue(c, source, in)
	} else {
		err = applyStream(c, in)
	}
	if err != nil {
		return err
	}
	return checkMapping(c, source)
}

// applyStream changes the settings that only streams have.
func applyStream(c *types.EventSourceMappingConfiguration, in *lambda.UpdateEventSourceMappingInput) error {
	set(&c.MaximumRecordAgeInSeconds, in.MaximumRecordAgeInSeconds)
	set(&c.MaximumRetryAttempts, in.MaximumRetryAttempts)
	set(&c.ParallelizationFactor, in.ParallelizationFactor)
	set(&c.TumblingWindowInSeconds, in.TumblingWindowInSeconds)
	set(&c.BisectBatchOnFunctionError, in.BisectBatchOnFunctionError)
	if in.DestinationConfig != nil {
		c.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{}}
		if f := in.DestinationConfig.OnFailure; f != nil && value(f.Destination) != "" {
			c.DestinationConfig.OnFailure = f
		}
	}
	switch age := *c.MaximumRecordAgeInSeconds; {
	case age != -1 && age < minRecordAge:
		return catalog.Invalid("Maximum record age in seconds must be -1 or between 60 and 604800. Value: %d", age)
	case *c.TumblingWindowInSeconds > 0 && *c.ParallelizationFactor > 1:
		return catalog.Invalid("Tumbling windows are only supported with a ParallelizationFactor of 1. Value: %d", *c.ParallelizationFactor)
	}
	return checkDestination(c.DestinationConfig)
}

// checkDestination refuses what records that are given up cannot be sent to.
func checkDestination(d *types.DestinationConfig) error {
	to := value(d.OnFailure.Destination)
	if to == "" {
		return nil
	}
	for _, prefix := range []string{"arn:aws:sqs:", "arn:aws:sns:", "arn:aws:s3:::"} {
		if strings.HasPrefix(to, prefix) && !strings.HasSuffix(to, ".fifo") {
			return nil
		}
	}
	return catalog.Invalid("Invalid destination ARN: %s. The on-failure destination of an event source mapping is a standard SQS queue, a standard SNS topic or an S3 bucket.", to)
}

// applyQueue changes the settings that only queues have.
func applyQueue(c *types.EventSourceMappingConfiguration, source sources.Source, in *lambda.UpdateEventSourceMappingInput) error {
	if in.ScalingConfig != nil {
		c.ScalingConfig = in.ScalingConfig
		if in.ScalingConfig.MaximumConcurrency == nil {
			c.ScalingConfig = nil
		}
	}
	if p := in.ProvisionedPollerConfig; p != nil {
		c.ProvisionedPollerConfig = p
		if p.MinimumPollers == nil && p.MaximumPollers == nil {
			c.ProvisionedPollerConfig = nil
		}
	}
	size, window := *c.BatchSize, *c.MaximumBatchingWindowInSeconds
	switch p := c.ProvisionedPollerConfig; {
	case source.FIFO() && window > 0:
		return catalog.Invalid("Batching window is not supported for FIFO queues")
	case source.FIFO() && size > maxQueueBatch:
		return catalog.Invalid("Maximum batch size for FIFO queues is 10. Value: %d", size)
	case size > maxQueueBatch && window == 0:
		return catalog.Invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case p == nil:
		return nil
	case c.ScalingConfig != nil:
		return catalog.Invalid("ScalingConfig and ProvisionedPollerConfig cannot be set together.")
	case p.PollerGroupName != nil:
		return catalog.Invalid("PollerGroupName is not valid for SQS event sources.")
	case value(p.MinimumPollers) != 0 && *p.MinimumPollers < minQueuePollers || value(p.MaximumPollers) != 0 && *p.MaximumPollers < minQueuePollers:
		return catalog.Invalid("MinimumPollers and MaximumPollers of an SQS event source must be 2 or more.")
	case value(p.MaximumPollers) != 0 && value(p.MinimumPollers) > *p.MaximumPollers:
		return catalog.Invalid("MinimumPollers must be less than or equal to MaximumPollers. Values: %d, %d", *p.MinimumPollers, *p.MaximumPollers)
	}
	return nil
}

// checkMapping checks the settings that all kinds of sources have.
func checkMapping(c *types.EventSourceMappingConfiguration, source sources.Source) error {
	if c.MetricsConfig != nil && slices.ContainsFunc(c.MetricsConfig.Metrics, func(m types.EventSourceMappingMetric) bool { return m != types.EventSourceMappingMetricEventCount }) {
		return catalog.Invalid("Event source mappings of streams and queues have the metrics EventCount only. Value: %v", c.MetricsConfig.Metrics)
	}
	if c.FilterCriteria == nil {
		return nil
	}
	var patterns []string
	for _, f := range c.FilterCriteria.Filters {
		if len(value(f.Pattern)) > filterMaxPattern {
			return catalog.Invalid("Filter pattern is too long: it may have %d characters.", filterMaxPattern)
		}
		patterns = append(patterns, value(f.Pattern))
	}
	if len(patterns) > maxFilters {
		return catalog.Invalid("Too many filters: an event source mapping may have %d.", maxFilters)
	}
	f, err := filter.Compile(patterns)
	if field := map[string]string{"kinesis": "data", "dynamodb": "dynamodb"}[source.Service]; err == nil && field != "" {
		err = f.RequireJSON(field)
	}
	if err != nil {
		return catalog.Invalid("%s", err.Error())
	}
	return nil
}

// foreignSettings refuses the settings that sources of that kind do not have.
func foreignSettings(source sources.Source, in *lambda.UpdateEventSourceMappingInput) error {
	for _, s := range []struct {
		name  string
		given bool
		queue bool // queues have it
		other bool // streams have it
	}{
		{"MaximumRecordAgeInSeconds", value(in.MaximumRecordAgeInSeconds) > 0, false, true},
		{"MaximumRetryAttempts", in.MaximumRetryAttempts != nil && *in.MaximumRetryAttempts != -1, false, true},
		{"ParallelizationFactor", value(in.ParallelizationFactor) > 1, false, true},
		{"TumblingWindowInSeconds", value(in.TumblingWindowInSeconds) > 0, false, true},
		{"BisectBatchOnFunctionError", value(in.BisectBatchOnFunctionError), false, true},
		{"DestinationConfig", in.DestinationConfig != nil && in.DestinationConfig.OnFailure != nil && value(in.DestinationConfig.OnFailure.Destination) != "", false, true},
		{"OnSuccess", in.DestinationConfig != nil && in.DestinationConfig.OnSuccess != nil && value(in.DestinationConfig.OnSuccess.Destination) != "", false, false},
		{"ScalingConfig", in.ScalingConfig != nil && in.ScalingConfig.MaximumConcurrency != nil, true, false},
		{"ProvisionedPollerConfig", in.ProvisionedPollerConfig != nil && (in.ProvisionedPollerConfig.MinimumPollers != nil || in.ProvisionedPollerConfig.MaximumPollers != nil), true, false},
		{"SourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0, false, false},
		{"AmazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil, false, false},
		{"SelfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil, false, false},
		{"DocumentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil, false, false},
		{"LoggingConfig", in.LoggingConfig != nil && in.LoggingConfig.SystemLogLevel != "", false, false},
	} {
		if s.given && (source.Service == "sqs" && !s.queue || source.Service != "sqs" && !s.other) {
			return catalog.Invalid("%s is not valid for event sources of the kind %s. Source: %s", s.name, source.Service, source.ARN)
		}
	}
	return nil
}
