package engine

import (
	"strings"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// rolePolicy returns what the configuration says of a role, by its ARN or, in any
// account, by its name; nil if it says nothing.
func (e *Engine) rolePolicy(arn string) *catalog.RolePolicy {
	if p, ok := e.config.Roles[arn]; ok {
		return p
	}
	return e.config.Roles[arn[strings.LastIndexByte(arn, '/')+1:]]
}
