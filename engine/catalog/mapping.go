package catalog

import (
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
