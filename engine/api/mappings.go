package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// NoRecords is the LastProcessingResult of a mapping before its first batch.
const NoRecords = "No records processed"

// CreateEventSourceMapping implements spec api §A.3 for the sources that the engine polls.
func (s *Service) CreateEventSourceMapping(ctx context.Context, in *lambda.CreateEventSourceMappingInput) (*lambda.CreateEventSourceMappingOutput, error) {
	if value(in.EventSourceArn) == "" {
		return nil, catalog.Invalid("Unrecognized event source.")
	}
	target, err := s.mappingTarget(ctx, *in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := unsupportedMapping(in); err != nil {
		return nil, err
	}
	if owner := strings.SplitN(*in.EventSourceArn, ":", 6); len(owner) == 6 && owner[4] != target.Account {
		return nil, catalog.Invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in IAM.", *in.EventSourceArn)
	}
	if err := s.Sources.Check(ctx, *in.EventSourceArn); err != nil {
		return nil, err
	}
	if in.StartingPosition == "" {
		return nil, catalog.Invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	}
	if in.StartingPosition == types.EventSourcePositionAtTimestamp && in.StartingPositionTimestamp == nil {
		return nil, catalog.Invalid("1 validation error detected: Value null at 'startingPositionTimestamp' failed to satisfy constraint: Member must not be null when StartingPosition is AT_TIMESTAMP.")
	}
	id := uuid.NewString()
	m := catalog.Mapping{
		Scope:   scope(ctx),
		Tags:    in.Tags,
		Created: s.Now().UTC(),
		Config: types.EventSourceMappingConfiguration{
			UUID:                           &id,
			EventSourceMappingArn:          ptr(fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", target.Region, target.Account, id)),
			EventSourceArn:                 in.EventSourceArn,
			FunctionArn:                    ptr(target.ARN()),
			StartingPosition:               in.StartingPosition,
			StartingPositionTimestamp:      in.StartingPositionTimestamp,
			BatchSize:                      ptr(int32(100)),
			MaximumBatchingWindowInSeconds: ptr(int32(0)),
			MaximumRecordAgeInSeconds:      ptr(int32(-1)),
			MaximumRetryAttempts:           ptr(int32(-1)),
			ParallelizationFactor:          ptr(int32(1)),
			TumblingWindowInSeconds:        ptr(int32(0)),
			BisectBatchOnFunctionError:     ptr(false),
			DestinationConfig:              &types.DestinationConfig{OnFailure: &types.OnFailure{}},
			FunctionResponseTypes:          []types.FunctionResponseType{},
			StateTransitionReason:          ptr("User action"),
			State:                          ptr(catalog.MappingEnabled),
		},
	}
	applyMapping(&m.Config, answer[lambda.UpdateEventSourceMappingInput](*in))
	m.Config.LastModified = ptr(s.Now().UTC())
	if err := s.Catalog.CreateMapping(ctx, m); err != nil {
		return nil, err
	}
	config := s.viewMapping(m)
	if m.Enabled() {
		config.State = ptr("Creating")
	}
	return answer[lambda.CreateEventSourceMappingOutput](config), nil
}

// UpdateEventSourceMapping implements spec api §A.22.
func (s *Service) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput) (*lambda.UpdateEventSourceMappingOutput, error) {
	if err := unsupportedMapping(answer[lambda.CreateEventSourceMappingInput](*in)); err != nil {
		return nil, err
	}
	var target catalog.Ref
	if in.FunctionName != nil {
		var err error
		if target, err = s.mappingTarget(ctx, *in.FunctionName); err != nil {
			return nil, err
		}
	}
	transition := "Updating"
	m, err := s.Catalog.ChangeMapping(ctx, scope(ctx), *in.UUID, func(m *catalog.Mapping) error {
		if in.FunctionName != nil {
			m.Config.FunctionArn = ptr(target.ARN())
		}
		was := m.Enabled()
		applyMapping(&m.Config, in)
		switch {
		case was && !m.Enabled():
			transition = "Disabling"
		case !was && m.Enabled():
			transition = "Enabling"
		}
		m.Config.LastModified = ptr(s.Now().UTC())
		return nil
	})
	if err != nil {
		return nil, err
	}
	config := s.viewMapping(m)
	config.State = &transition
	return answer[lambda.UpdateEventSourceMappingOutput](config), nil
}

// GetEventSourceMapping implements spec api §A.9.
func (s *Service) GetEventSourceMapping(ctx context.Context, in *lambda.GetEventSourceMappingInput) (*lambda.GetEventSourceMappingOutput, error) {
	m, err := s.Catalog.Mapping(scope(ctx), *in.UUID)
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetEventSourceMappingOutput](s.viewMapping(m)), nil
}

// DeleteEventSourceMapping implements spec api §A.6.
func (s *Service) DeleteEventSourceMapping(ctx context.Context, in *lambda.DeleteEventSourceMappingInput) (*lambda.DeleteEventSourceMappingOutput, error) {
	m, err := s.Catalog.DeleteMapping(ctx, scope(ctx), *in.UUID)
	if err != nil {
		return nil, err
	}
	config := s.viewMapping(m)
	config.State = ptr("Deleting")
	return answer[lambda.DeleteEventSourceMappingOutput](config), nil
}

// ListEventSourceMappings implements spec api §A.16.
func (s *Service) ListEventSourceMappings(ctx context.Context, in *lambda.ListEventSourceMappingsInput) (*lambda.ListEventSourceMappingsOutput, error) {
	var arn string
	if value(in.FunctionName) != "" {
		r, err := ref(ctx, in.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		arn = r.ARN()
	}
	var found []catalog.Mapping
	for _, m := range s.Catalog.Mappings() {
		if m.Scope == scope(ctx) &&
			(arn == "" || arn == *m.Config.FunctionArn) &&
			(value(in.EventSourceArn) == "" || *in.EventSourceArn == *m.Config.EventSourceArn) {
			found = append(found, m)
		}
	}
	found, next, err := page(found, func(m catalog.Mapping) string { return *m.Config.UUID }, in.Marker, in.MaxItems, 100)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListEventSourceMappingsOutput{EventSourceMappings: []types.EventSourceMappingConfiguration{}, NextMarker: next}
	for _, m := range found {
		out.EventSourceMappings = append(out.EventSourceMappings, s.viewMapping(m))
	}
	return out, nil
}

// mappingTarget reads the function of a mapping, which must exist, and its version or alias too.
func (s *Service) mappingTarget(ctx context.Context, name string) (catalog.Ref, error) {
	r, err := ref(ctx, &name, nil)
	if err != nil {
		return r, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return r, catalog.Invalid("Function does not exist")
	}
	if _, ok := f.VersionOf(r.Qualifier); !ok {
		return r, catalog.Invalid("Function does not exist")
	}
	return r, nil
}

func (s *Service) viewMapping(m catalog.Mapping) types.EventSourceMappingConfiguration {
	config := m.Config
	config.LastProcessingResult = ptr(NoRecords)
	if last := s.Sources.LastResult(*m.Config.UUID); last != "" {
		config.LastProcessingResult = &last
	}
	return config
}

// applyMapping changes what in supplies and leaves the rest.
func applyMapping(c *types.EventSourceMappingConfiguration, in *lambda.UpdateEventSourceMappingInput) {
	set(&c.BatchSize, in.BatchSize)
	set(&c.MaximumBatchingWindowInSeconds, in.MaximumBatchingWindowInSeconds)
	set(&c.MaximumRecordAgeInSeconds, in.MaximumRecordAgeInSeconds)
	set(&c.MaximumRetryAttempts, in.MaximumRetryAttempts)
	if in.Enabled != nil {
		c.State = ptr(catalog.MappingDisabled)
		if *in.Enabled {
			c.State = ptr(catalog.MappingEnabled)
		}
	}
}

// unsupportedMapping refuses settings that the poller would have to ignore; their
// default values are welcome.
func unsupportedMapping(in *lambda.CreateEventSourceMappingInput) error {
	destination := in.DestinationConfig != nil && in.DestinationConfig.OnFailure != nil && value(in.DestinationConfig.OnFailure.Destination) != ""
	return unsupported(map[string]bool{
		"FilterCriteria":                      in.FilterCriteria != nil && len(in.FilterCriteria.Filters) > 0,
		"DestinationConfig":                   destination,
		"BisectBatchOnFunctionError":          value(in.BisectBatchOnFunctionError),
		"ParallelizationFactor":               value(in.ParallelizationFactor) > 1,
		"TumblingWindowInSeconds":             value(in.TumblingWindowInSeconds) > 0,
		"FunctionResponseTypes":               len(in.FunctionResponseTypes) > 0,
		"Topics":                              len(in.Topics) > 0,
		"Queues":                              len(in.Queues) > 0,
		"SelfManagedEventSource":              in.SelfManagedEventSource != nil,
		"SourceAccessConfigurations":          len(in.SourceAccessConfigurations) > 0,
		"AmazonManagedKafkaEventSourceConfig": in.AmazonManagedKafkaEventSourceConfig != nil,
		"SelfManagedKafkaEventSourceConfig":   in.SelfManagedKafkaEventSourceConfig != nil,
		"DocumentDBEventSourceConfig":         in.DocumentDBEventSourceConfig != nil,
		"ScalingConfig":                       in.ScalingConfig != nil && in.ScalingConfig.MaximumConcurrency != nil,
		"ProvisionedPollerConfig":             in.ProvisionedPollerConfig != nil,
	})
}
