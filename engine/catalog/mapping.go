package catalog

import (
	"context"
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
	Tags    map[string]string `json:",omitempty"`
}

// MappingEnabled and MappingDisabled are the states a mapping rests in.
const (
	MappingEnabled  = "Enabled"
	MappingDisabled = "Disabled"
)

// Enabled tells whether the source is to be polled.
func (m Mapping) Enabled() bool { return m.Config.State != nil && *m.Config.State == MappingEnabled }

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

// DeleteMapping removes a mapping of scope, and returns it as it was.
func (c *Catalog) DeleteMapping(ctx context.Context, scope Scope, id string) (Mapping, error) {
	c.pairing.Lock()
	defer c.pairing.Unlock()
	m, err := c.Mapping(scope, id)
	if err != nil {
		return m, err
	}
	return m, c.mappings.Delete(ctx, strings.ToLower(id))
}

// checkPair refuses a second mapping of one source to one function.
func (c *Catalog) checkPair(m Mapping) error {
	for _, other := range c.mappings.All() {
		if *other.Config.UUID == *m.Config.UUID || *other.Config.EventSourceArn != *m.Config.EventSourceArn || *other.Config.FunctionArn != *m.Config.FunctionArn {
			continue
		}
		target, err := m.Target()
		if err != nil {
			return err
		}
		return Conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please update or delete the existing mapping with UUID %s", *m.Config.EventSourceArn, target.Name, *other.Config.UUID)
	}
	return nil
}
