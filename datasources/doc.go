// Package datasources holds the provider's data sources, a file for each. What
// they share is in connect.go; names follow hashicorp/aws where it has the
// data source, and what it lacks is added beside.
package datasources

import "github.com/hashicorp/terraform-plugin-framework/datasource"

// All returns the provider's data sources.
func All() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newFunction, newFunctions, newAlias, newVersion, newPolicy, newEventSourceMapping,
	}
}
