package catalog

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Mapping is an event source mapping: which source feeds which function (spec api §A.3).
type Mapping struct {
	Scope
	Config types.EventSourceMappingConfiguration
	// Created is where StartingPosition LATEST begins, also after a restart.
	Created time.Time
	// Transition is the state that shows until the mapping is in the one that Config has.
	Transition string
	Tags       map[string]string `json:",omitempty"`
}

// States of a mapping. It rests in the first two; the third ends with the mapping.
const (
	MappingEnabled  = "Enabled"
	MappingDisabled = "Disabled"
	MappingDeleting = "Deleting"
)

// Enabled tells whether the source is to be polled.
func (m Mapping) Enabled() bool { return m.Config.State != nil && *m.Config.State == MappingEnabled }

// Deleting tells whether the mapping ends once its last batch has been handled.
func (m Mapping) Deleting() bool { return m.Config.State != nil && *m.Config.State == MappingDeleting }

// Windowed tells whether the function aggregates records over tumbling windows.
func (m Mapping) Windowed() bool {
	return m.Config.TumblingWindowInSeconds != nil && *m.Config.TumblingWindowInSeconds > 0
}

// ReportsItems tells whether the function reports which items of a batch it failed at.
func (m Mapping) ReportsItems() bool {
	return slices.Contains(m.Config.FunctionResponseTypes, types.FunctionResponseTypeReportBatchItemFailures)
}

// Destination is the ARN of what is told of records that are given up; or empty.
func (m Mapping) Destination() string {
	d := m.Config.DestinationConfig
	if d == nil || d.OnFailure == nil || d.OnFailure.Destination == nil {
		return ""
	}
	return *d.OnFailure.Destination
}

// Patterns are those of the filter criteria.
func (m Mapping) Patterns() []string {
	if m.Config.FilterCriteria == nil {
		return nil
	}
	var patterns []string
	for _, f := range m.Config.FilterCriteria.Filters {
		if f.Pattern != nil {
			patterns = append(patterns, *f.Pattern)
		}
	}
	return patterns
}

// Target returns the function that the mapping invokes.
func (m Mapping) Target() (Ref, error) { return ParseRef(m.Scope, *m.Config.FunctionArn, "") }

// Mapping returns a mapping of scope by its UUID.
func (c *Catalog) Mapping(scope Scope, id string) (Mapping, error) {
	m, ok := c.mappings.Get(strings.ToLower(id))
	if !ok || m.Scope != scope {
		return Mapping{}, errNoMapping()
	}
	return m, nil
}

func errNoMapping() error { return NotFound("The resource you requested does not exist.") }

// Mappings returns every mapping.
func (c *Catalog) Mappings() []Mapping { return c.mappings.All() }

// CreateMapping writes a new mapping, unless there is one of the same source and function.
func (c *Catalog) CreateMapping(ctx context.Context, m Mapping) error {
	c.pairing.Lock()
	defer c.pairing.Unlock()
	if err := c.checkPair(m); err != nil {
		return err
	}
	return c.mappings.Put(ctx, *m.Config.UUID, m)
}

// ChangeMapping applies change to a mapping of scope, atomically.
func (c *Catalog) ChangeMapping(ctx context.Context, scope Scope, id string, change func(m *Mapping) error) (Mapping, error) {
	c.pairing.Lock()
	defer c.pairing.Unlock()
	return c.mappings.Update(ctx, strings.ToLower(id), func(m *Mapping, exists bool) error {
		if !exists || m.Scope != scope {
			return errNoMapping()
		}
		if err := change(m); err != nil {
			return err
		}
		return c.checkPair(*m)
	})
}

// DeleteMapping removes a mapping of scope.
func (c *Catalog) DeleteMapping(ctx context.Context, scope Scope, id string) error {
	c.pairing.Lock()
	defer c.pairing.Unlock()
	if _, err := c.Mapping(scope, id); err != nil {
		return err
	}
	return c.mappings.Delete(ctx, strings.ToLower(id))
}

// checkPair refuses a second mapping of one source to one function.
func (c *Catalog) checkPair(m Mapping) error {
	for _, other := range c.mappings.All() {
		if m.Deleting() || other.Deleting() || *other.Config.UUID == *m.Config.UUID || *other.Config.EventSourceArn != *m.Config.EventSourceArn || *other.Config.FunctionArn != *m.Config.FunctionArn {
			continue
		}
		target, err := m.Target()
		if err != nil {
			return err
		}
		if strings.HasPrefix(*m.Config.EventSourceArn, "arn:aws:sqs:") {
			return Conflict("An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", *m.Config.EventSourceArn, target.Name, *other.Config.UUID)
		}
		return Conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please update or delete the existing mapping with UUID %s", *m.Config.EventSourceArn, target.Name, *other.Config.UUID)
	}
	return nil
}
