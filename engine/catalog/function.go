package catalog

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/uuid"
)

// Function is everything about one function that changes together.
type Function struct {
	Scope
	Name        string
	Latest      Version
	Versions    []VersionRef      // published, oldest first
	LastVersion int               // highest number ever given out; survives deletion of the function
	Aliases     map[string]Alias  // by name
	Policies    map[string]Policy // by qualifier; "" is the unqualified ARN
	URLs        map[string]URL    `json:",omitempty"` // by qualifier, as Policies
	Tags        map[string]string

	// Reserved is the reserved concurrency; nil when none was set.
	Reserved *int32

	Provisioned map[string]Provisioned       `json:",omitempty"` // by version or alias
	EventInvoke map[string]EventInvoke       `json:",omitempty"` // by qualifier, $LATEST included
	Runtime     map[string]RuntimeManagement `json:",omitempty"` // by version

	RecursiveLoop     types.RecursiveLoop `json:",omitempty"` // empty means Terminate
	CodeSigningConfig string              `json:",omitempty"` // ARN

	// Deleted leaves a document behind so that version numbers are never reused (R15).
	Deleted bool
}

// Version is the code and configuration that a version number stands for.
// Config holds what the API answers, with the unqualified ARN.
type Version struct {
	Config types.FunctionConfiguration
	Code   Code
	Layers []Code `json:",omitempty"` // as in Config.Layers; kept here because layers may be deleted
	// Dir has the code in place of the package's; it is never stored.
	Dir string `json:"-"`
	// Generation changes whenever an environment started from this version has to go.
	Generation string
}

// Packages returns the Sum of the code package; none for an image.
func (v Version) Packages() []string {
	if v.Code.Sum == "" {
		return nil
	}
	return []string{v.Code.Sum}
}

// LayerPackages returns the Sums of the layers' packages, in their order.
func (v Version) LayerPackages() []string {
	var sums []string
	for _, layer := range v.Layers {
		sums = append(sums, layer.Sum)
	}
	return sums
}

// Code says where code is: a package by its store.Sum, or an image.
type Code struct {
	Sum      string `json:",omitempty"`
	Size     int64  `json:",omitempty"` // of the package
	Unzipped int64  `json:",omitempty"` // size of its files

	ImageURI string `json:",omitempty"` // as the client named it
	Resolved string `json:",omitempty"` // the very image, REPOSITORY@sha256:DIGEST
}

// VersionRef points from a function to a published version's document.
type VersionRef struct {
	Number string
	Key    string
}

// Ref returns the name of f, unqualified.
func (f *Function) Ref() Ref { return Ref{Scope: f.Scope, Name: f.Name} }

// Exists tells a live function from what is left of a deleted one.
func (f *Function) Exists() bool { return f.Name != "" && !f.Deleted }

// HasVersion tells whether number is $LATEST or a published version.
func (f *Function) HasVersion(number string) bool {
	return number == LatestVersion || f.versionIndex(number) >= 0
}

func (f *Function) versionIndex(number string) int {
	return slices.IndexFunc(f.Versions, func(v VersionRef) bool { return v.Number == number })
}

// names tells whether f has a version whose document is under key.
func (f *Function) names(key string) bool {
	return slices.ContainsFunc(f.Versions, func(v VersionRef) bool { return v.Key == key })
}

// VersionOf returns the version number that a qualifier stands for, before any
// weighted routing, and false when there is no such version or alias.
func (f *Function) VersionOf(qualifier string) (string, bool) {
	if qualifier == "" {
		return LatestVersion, true
	}
	if alias, ok := f.Aliases[qualifier]; ok {
		return alias.FunctionVersion, true
	}
	return qualifier, f.HasVersion(qualifier)
}

// RemoveVersion forgets a published version. Removing one that is not there does
// nothing; one that an alias points at cannot be removed (R20).
func (f *Function) RemoveVersion(number string) (removed *VersionRef, err error) {
	if names := f.aliasesOf(number); len(names) > 0 {
		return nil, Conflict("Unable to delete version because the following aliases reference it: %s", bracketed(names))
	}
	i := f.versionIndex(number)
	if i < 0 {
		return nil, nil
	}
	ref := f.Versions[i]
	f.Versions = slices.Delete(f.Versions, i, i+1)
	f.forget(number)
	return &ref, nil
}

// forget drops what was set for a version or an alias.
func (f *Function) forget(qualifier string) {
	delete(f.Policies, qualifier)
	delete(f.URLs, qualifier)
	delete(f.Provisioned, qualifier)
	delete(f.EventInvoke, qualifier)
	delete(f.Runtime, qualifier)
}

// Remove empties f, all but the number of its last version.
func (f *Function) Remove() {
	*f = Function{Scope: f.Scope, Name: f.Name, LastVersion: f.LastVersion, Deleted: true}
}

// Touch gives $LATEST a new revision, as every change of it does.
func (f *Function) Touch() { f.Latest.Config.RevisionId = newID() }

// Changed marks $LATEST as created, or as changed in its code or configuration, at now.
func (f *Function) Changed(now time.Time) {
	if f.Latest.Config.RevisionId == nil {
		creating(&f.Latest.Config)
	} else {
		updating(&f.Latest.Config)
	}
	f.Touch()
	f.Latest.Generation = uuid.NewString()
	stamp := Timestamp(now)
	f.Latest.Config.LastModified = &stamp
}

func (f *Function) nextVersion() string {
	f.LastVersion++
	return strconv.Itoa(f.LastVersion)
}

// Timestamp formats t as FunctionConfiguration.LastModified is.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

func newID() *string {
	id := uuid.NewString()
	return &id
}
