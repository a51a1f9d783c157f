// Package provider is the Terraform provider: its configuration, and which
// resources and data sources it has.
//
// [New] is what main serves. The configuration becomes a [target.Connection],
// which resources (package resources) and data sources (package datasources)
// get; for target "local" an engine is found or started first (engine.go).
package provider
