// Package datasources holds the provider's data sources, a file for each.
package datasources

import "github.com/hashicorp/terraform-plugin-framework/datasource"

// All returns the provider's data sources.
func All() []func() datasource.DataSource { return nil }
