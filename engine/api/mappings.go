package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources"
)

// NoRecords is the LastProcessingResult of a mapping before its first batch.
const NoRecords = "No records processed"

// CreateEventSourceMapping implements spec api §A.3 for the sources that the engine polls.
func (s *Service) CreateEventSourceMapping(ctx context.Context, in *lambda.CreateEventSourceMappingInput) (*lambda.CreateEventSourceMappingOutput, error) {
	if value(in.EventSourceArn) == "" {
		return nil, catalog.Invalid("Unrecognized event source.")
	}
	target, timeout, err := s.mappingTarget(ctx, *in.FunctionName)
	if err != nil {
		return nil, err
	}
	source, err := sources.ParseSource(*in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	if err := s.checkSource(source, target.Scope); err != nil {
		return nil, err
	}
	if err := checkStart(source, in, s.Now()); err != nil {
		return nil, err
	}
	err = unsupported(map[string]bool{"Topics": len(in.Topics) > 0, "Queues": len(in.Queues) > 0, "SelfManagedEventSource": in.SelfManagedEventSource != nil})
	if err != nil {
		return nil, err
	}
	id := uuid.NewString()
	m := catalog.Mapping{
		Scope:   scope(ctx),
		Tags:    in.Tags,
		Created: s.Now().UTC(),
		Config:  mappingDefaults(source),
	}
	c := &m.Config
	c.UUID, c.EventSourceArn, c.FunctionArn = &id, in.EventSourceArn, ptr(target.ARN())
	c.EventSourceMappingArn = ptr(fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", target.Region, target.Account, id))
	c.StartingPosition, c.StartingPositionTimestamp = in.StartingPosition, in.StartingPositionTimestamp
	if err := applyMapping(c, source, answer[lambda.UpdateEventSourceMappingInput](*in)); err != nil {
		return nil, err
	}
	if err := s.Sources.Check(ctx, *in.EventSourceArn, target, timeout); err != nil {
		return nil, err
	}
	c.LastModified = ptr(s.Now().UTC())
	if m.Enabled() {
		m.Transition = "Creating"
	}
	if err := s.Catalog.CreateMapping(ctx, m); err != nil {
		return nil, err
	}
	config := s.viewMapping(m)
	if m.Enabled() {
		config.State = &m.Transition
	}
	return answer[lambda.CreateEventSourceMappingOutput](config), nil
}

// UpdateEventSourceMapping implements spec api §A.22.
func (s *Service) UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput) (*lambda.UpdateEventSourceMappingOutput, error) {
	before, err := s.Catalog.Mapping(scope(ctx), *in.UUID)
	if err != nil {
		return nil, err
	}
	target, err := before.Target()
	if err != nil {
		return nil, err
	}
	if in.FunctionName != nil {
		var timeout time.Duration
		if target, timeout, err = s.mappingTarget(ctx, *in.FunctionName); err != nil {
			return nil, err
		}
		if err := s.Sources.Check(ctx, *before.Config.EventSourceArn, target, timeout); err != nil {
			return nil, err
		}
	}
	source, err := sources.ParseSource(*before.Config.EventSourceArn)
	if err != nil {
		return nil, err
	}
	m, err := s.Catalog.ChangeMapping(ctx, scope(ctx), *in.UUID, func(m *catalog.Mapping) error {
		if m.Deleting() || !s.Sources.Settled(*m) {
			return mappingInUse("update")
		}
		m.Config.FunctionArn = ptr(target.ARN())
		was := m.Enabled()
		if err := applyMapping(&m.Config, source, in); err != nil {
			return err
		}
		m.Transition = "Updating"
		switch {
		case was && !m.Enabled():
			m.Transition = "Disabling"
		case !was && m.Enabled():
			m.Transition = "Enabling"
		}
		m.Config.LastModified = ptr(s.Now().UTC())
		return nil
	})
	if err != nil {
		return nil, err
	}
	config := s.viewMapping(m)
	config.State = &m.Transition
	return answer[lambda.UpdateEventSourceMappingOutput](config), nil
}

// mappingInUse refuses a change of a mapping whose last one is still under way.
func mappingInUse(action string) error {
	return &types.ResourceInUseException{Type: ptr("User"), Message: ptr("Cannot " + action + " the event source mapping because it is in use.")}
}

// GetEventSourceMapping implements spec api §A.9.
func (s *Service) GetEventSourceMapping(ctx context.Context, in *lambda.GetEventSourceMappingInput) (*lambda.GetEventSourceMappingOutput, error) {
	m, err := s.Catalog.Mapping(scope(ctx), *in.UUID)
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetEventSourceMappingOutput](s.viewMapping(m)), nil
}

// DeleteEventSourceMapping implements spec api §A.6: the mapping is gone once its last
// batch has been handled.
func (s *Service) DeleteEventSourceMapping(ctx context.Context, in *lambda.DeleteEventSourceMappingInput) (*lambda.DeleteEventSourceMappingOutput, error) {
	m, err := s.Catalog.ChangeMapping(ctx, scope(ctx), *in.UUID, func(m *catalog.Mapping) error {
		if m.Deleting() {
			return mappingInUse("delete")
		}
		m.Config.State = ptr(catalog.MappingDeleting)
		m.Config.LastModified = ptr(s.Now().UTC())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer[lambda.DeleteEventSourceMappingOutput](s.viewMapping(m)), nil
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

// mappingTarget reads the function of a mapping, which must exist, and its version or
// alias too; and the function's timeout.
func (s *Service) mappingTarget(ctx context.Context, name string) (catalog.Ref, time.Duration, error) {
	r, err := ref(ctx, &name, nil)
	if err != nil {
		return r, 0, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return r, 0, catalog.Invalid("Function does not exist")
	}
	version, ok := f.VersionOf(r.Qualifier)
	if !ok {
		return r, 0, catalog.Invalid("Function does not exist")
	}
	v, err := s.Catalog.Version(f, version)
	if err != nil {
		return r, 0, err
	}
	return r, time.Duration(value(v.Config.Timeout)) * time.Second, nil
}

// viewMapping is a mapping as it is shown: in transition until it is what its last
// change has asked for.
func (s *Service) viewMapping(m catalog.Mapping) types.EventSourceMappingConfiguration {
	config := m.Config
	if m.Transition != "" && !m.Deleting() && !s.Sources.Settled(m) {
		config.State = &m.Transition
	}
	if strings.HasPrefix(*config.EventSourceArn, "arn:aws:sqs:") {
		return config // AWS does not tell how a queue's last batch went
	}
	config.LastProcessingResult = ptr(NoRecords)
	if last := s.Sources.LastResult(*m.Config.UUID); last != "" {
		config.LastProcessingResult = &last
	}
	return config
}
