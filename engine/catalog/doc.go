// Package catalog holds what is known about functions: their configuration,
// published versions, aliases, resource policies, URLs and event source mappings, and
// the rules of how they may change (spec behaviour §9, spec api §A).
//
// A function is one document, which changes atomically or not at all. A published
// version is an immutable document of its own, written before the function
// document names it, so that a crash leaves at worst one that nobody refers to.
package catalog
