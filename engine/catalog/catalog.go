package catalog

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"

	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// Catalog keeps functions, versions, mappings and layers in the store.
type Catalog struct {
	Limits Limits // that changes must respect

	functions *store.Table[Function]
	versions  *store.Table[Version]
	mappings  *store.Table[Mapping]
	signing   *store.Table[CodeSigning]
	layers    *store.Table[Layer]

	usage *usage

	urls    sync.Map   // id of a function URL → key of its function, as far as somebody has asked
	pairing sync.Mutex // held while a mapping is checked against the others and written
}

// Listener is told of every change after it has been written. Calls for one kind
// of document come one at a time, in order.
type Listener struct {
	Function func(Function)
	Mapping  func(id string, m Mapping, exists bool)
}

// Open loads the catalog and removes version documents that a crash left without a function.
func Open(ctx context.Context, s *store.Store, limits Limits, l Listener) (*Catalog, error) {
	c := Catalog{Limits: limits, usage: newUsage()}
	var err error
	c.versions, err = store.OpenTable[Version](ctx, s, "versions", nil)
	if err != nil {
		return nil, err
	}
	c.functions, err = store.OpenTable(ctx, s, "catalog", func(_ string, f Function, _ bool) {
		if l.Function != nil {
			l.Function(f)
		}
	})
	if err != nil {
		return nil, err
	}
	c.functions.Index(func(key string, f Function, exists bool) {
		if !exists {
			f = Function{}
		}
		c.usage.set(key, f.usage())
	})
	c.versions.Index(func(key string, v Version, exists bool) {
		if !exists {
			v = Version{}
		}
		c.usage.set(key, Usage{CodeBytes: v.Config.CodeSize})
	})
	c.mappings, err = store.OpenTable(ctx, s, "mappings", func(id string, m Mapping, exists bool) {
		if l.Mapping != nil {
			l.Mapping(id, m, exists)
		}
	})
	if err != nil {
		return nil, err
	}
	if c.signing, err = store.OpenTable[CodeSigning](ctx, s, "codesigning", nil); err != nil {
		return nil, err
	}
	c.layers, err = store.OpenTable[Layer](ctx, s, "layers", nil)
	if err != nil {
		return nil, err
	}
	c.layers.Index(func(key string, l Layer, _ bool) { c.usage.set(key+".layer", l.usage()) })
	return &c, c.sweep(ctx)
}

// Close stops following the store.
func (c *Catalog) Close() {
	c.signing.Close()
	c.layers.Close()
	c.mappings.Close()
	c.functions.Close()
	c.versions.Close()
}

func (c *Catalog) sweep(ctx context.Context) error {
	named := map[string]bool{}
	for _, f := range c.functions.All() {
		for _, v := range f.Versions {
			named[v.Key] = true
		}
	}
	for _, key := range c.versions.Keys() {
		if !named[key] {
			if err := c.versions.Delete(ctx, key); err != nil {
				return fmt.Errorf("sweep unreferenced version: %w", err)
			}
		}
	}
	return nil
}

// Function returns the function that ref names.
func (c *Catalog) Function(ref Ref) (Function, error) {
	f, ok := c.functions.Get(ref.key())
	if !ok || !f.Exists() {
		return Function{}, NotFound("Function not found: %s", ref.ARN())
	}
	return f, nil
}

// Functions yields the functions of scope by name, beginning with the first whose
// name is not less than from.
func (c *Catalog) Functions(scope Scope, from string) iter.Seq[Function] {
	return func(yield func(Function) bool) {
		for _, f := range c.functions.Scan(Ref{Scope: scope}.key(), Ref{Scope: scope, Name: from}.key()) {
			if f.Exists() && !yield(f) {
				return
			}
		}
	}
}

// All yields the functions of every account and region.
func (c *Catalog) All() iter.Seq[Function] {
	return func(yield func(Function) bool) {
		for _, f := range c.functions.Scan("", "") {
			if f.Exists() && !yield(f) {
				return
			}
		}
	}
}

// Packages returns the Sum of every code package in use, with the size of its files in bytes.
func (c *Catalog) Packages() map[string]int64 {
	sizes := map[string]int64{}
	add := func(v Version) {
		if v.Code.Sum != "" {
			sizes[v.Code.Sum] = v.Code.Unzipped
		}
		for _, layer := range v.Layers {
			sizes[layer.Sum] = layer.Unzipped
		}
	}
	for _, f := range c.functions.All() {
		add(f.Latest)
	}
	for _, v := range c.versions.All() {
		add(v)
	}
	for _, l := range c.layers.All() {
		for _, v := range l.Versions {
			sizes[v.Code.Sum] = v.Code.Unzipped
		}
	}
	return sizes
}

// Version returns $LATEST or a published version of f, its ARN unqualified.
func (c *Catalog) Version(f Function, number string) (Version, error) {
	if number == LatestVersion {
		return f.Latest, nil
	}
	i := f.versionIndex(number)
	if i < 0 {
		return Version{}, NotFound("Function not found: %s", f.Ref().With(number).ARN())
	}
	key := f.Versions[i].Key
	if v, ok := c.versions.Get(key); ok {
		return v, nil
	}
	// f may be older than the deletion of the version; if it is not, the store has lost something.
	if now, _ := c.functions.Get(f.Ref().key()); !now.names(key) {
		return Version{}, NotFound("Function not found: %s", f.Ref().With(number).ARN())
	}
	return Version{}, fmt.Errorf("document of version %s of %s is missing", number, f.Name)
}

// Resolve returns the function and the version that a call to ref is to run now.
// An alias with weights gives one or the other version by chance.
func (c *Catalog) Resolve(ref Ref) (Function, Version, error) {
	f, err := c.Function(ref)
	if err != nil {
		return Function{}, Version{}, err
	}
	number, ok := f.VersionOf(ref.Qualifier)
	if !ok {
		return Function{}, Version{}, NotFound("Function not found: %s", ref.ARN())
	}
	if alias, ok := f.Aliases[ref.Qualifier]; ok && len(alias.Weights) > 0 {
		number = alias.Pick(rand.Float64())
	}
	v, err := c.Version(f, number)
	return f, v, err
}

// Create writes a new function. fill makes the document; it gets the tombstone of
// an earlier function of the same name, so that version numbers go on.
func (c *Catalog) Create(ctx context.Context, ref Ref, fill func(f *Function) error) (Function, error) {
	return c.functions.Update(ctx, ref.key(), func(f *Function, _ bool) error {
		if f.Exists() {
			return Conflict("Function already exist: %s", ref.Name)
		}
		*f = Function{Scope: ref.Scope, Name: ref.Name, LastVersion: f.LastVersion}
		if err := fill(f); err != nil {
			return err
		}
		return c.room(ref.Scope, f.Latest.Config.CodeSize)
	})
}

// Change applies change to the function that ref names, atomically.
func (c *Catalog) Change(ctx context.Context, ref Ref, change func(f *Function) error) (Function, error) {
	return c.functions.Update(ctx, ref.key(), func(f *Function, _ bool) error {
		if !f.Exists() {
			return NotFound("Function not found: %s", ref.ARN())
		}
		size := f.Latest.Config.CodeSize
		if err := change(f); err != nil {
			return err
		}
		return c.room(ref.Scope, f.Latest.Config.CodeSize-size)
	})
}

// Delete removes a function with all its versions, aliases and policies.
func (c *Catalog) Delete(ctx context.Context, ref Ref) error {
	var versions []VersionRef
	_, err := c.Change(ctx, ref, func(f *Function) error {
		versions = f.Versions
		f.Remove()
		return nil
	})
	if err != nil {
		return err
	}
	return c.drop(ctx, versions...)
}

// DeleteVersion removes one published version.
func (c *Catalog) DeleteVersion(ctx context.Context, ref Ref, number string) error {
	var removed *VersionRef
	_, err := c.Change(ctx, ref, func(f *Function) (err error) {
		removed, err = f.RemoveVersion(number)
		return err
	})
	if err != nil || removed == nil {
		return err
	}
	return c.drop(ctx, *removed)
}

// drop deletes version documents that no function names any more.
func (c *Catalog) drop(ctx context.Context, versions ...VersionRef) error {
	for _, v := range versions {
		if err := c.versions.Delete(ctx, v.Key); err != nil {
			return err
		}
	}
	return nil
}
