// Package resources holds the provider's resources, a file or a few for each.
//
// A resource makes its calls through the client of a [target.Connection] and
// knows nothing of where that leads. What the resources share is in connect.go
// (the connection and the region), diagnostics.go (from an API error to the
// attribute that is to blame), wait.go (polling and retrying), tags.go,
// modifiers.go and validators.go (what a plan changes or refuses), values.go
// (between Terraform's values and the SDK's).
//
// Names of attributes and blocks, defaults and import identifiers are those of
// hashicorp/aws, so that a configuration written for it works here.
package resources

import "github.com/hashicorp/terraform-plugin-framework/resource"

// All returns the provider's resources.
func All() []func() resource.Resource {
	return []func() resource.Resource{
		newFunction, newVersion, newAlias, newPermission, newEventSourceMapping,
		newLocalQueue,
		newLocalStream,
	}
}
