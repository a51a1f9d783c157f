package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Alias is a named pointer to one version, or to two with a weight (spec behaviour R24–R34).
type Alias struct {
	Name            string
	FunctionVersion string
	Description     string
	Weights         map[string]float64 `json:",omitempty"` // further version → share of the calls
	RevisionID      string
}

// CreateAlias adds a to f.
func (f *Function) CreateAlias(a Alias) (Alias, error) {
	if err := f.checkTarget(a); err != nil {
		return Alias{}, err
	}
	if _, taken := f.Aliases[a.Name]; taken {
		return Alias{}, Conflict("Alias already exists: %s", f.Ref().With(a.Name).ARN())
	}
	a.RevisionID = *newID()
	if f.Aliases == nil {
		f.Aliases = map[string]Alias{}
	}
	f.Aliases[a.Name] = a
	return a, nil
}

// UpdateAlias changes the alias called name. revision, when not nil, must be the current one.
func (f *Function) UpdateAlias(name string, revision *string, change func(*Alias)) (Alias, error) {
	a, ok := f.Aliases[name]
	if !ok {
		return Alias{}, NotFound("Alias not found: %s", f.Ref().With(name).ARN())
	}
	if revision != nil && *revision != a.RevisionID {
		return Alias{}, stale("GetAlias")
	}
	change(&a)
	if err := f.checkTarget(a); err != nil {
		return Alias{}, err
	}
	a.RevisionID = *newID()
	f.Aliases[name] = a
	return a, nil
}

// Alias returns the alias called name.
func (f *Function) Alias(name string) (Alias, error) {
	a, ok := f.Aliases[name]
	if !ok {
		return Alias{}, NotFound("Cannot find alias arn: %s", f.Ref().With(name).ARN())
	}
	return a, nil
}

// RemoveAlias drops an alias, its policy and its URL; one that is not there is no error.
func (f *Function) RemoveAlias(name string) {
	delete(f.Aliases, name)
	delete(f.Policies, name)
	delete(f.URLs, name)
}

// SortedAliases returns the aliases of f by name; version, when not empty, selects those that point at it.
func (f *Function) SortedAliases(version string) []Alias {
	var aliases []Alias
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		if a := f.Aliases[name]; version == "" || a.FunctionVersion == version {
			aliases = append(aliases, a)
		}
	}
	return aliases
}

func (f *Function) checkTarget(a Alias) error {
	if !f.HasVersion(a.FunctionVersion) {
		return NotFound("Function not found: %s", f.Ref().With(a.FunctionVersion).ARN())
	}
	if len(a.Weights) > 1 {
		return Invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version := range a.Weights {
		switch {
		case a.FunctionVersion == LatestVersion || version == LatestVersion:
			return Invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case version == a.FunctionVersion:
			return Invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		case !f.HasVersion(version):
			return NotFound("Function not found: %s", f.Ref().With(version).ARN())
		}
	}
	return nil
}

// aliasesOf names the aliases that send calls to a version.
func (f *Function) aliasesOf(version string) []string {
	var names []string
	for _, a := range f.SortedAliases("") {
		if _, weighted := a.Weights[version]; weighted || a.FunctionVersion == version {
			names = append(names, a.Name)
		}
	}
	return names
}

// Pick chooses the version that serves one call. random is in [0, 1).
func (a Alias) Pick(random float64) string {
	for version, weight := range a.Weights {
		if random < weight {
			return version
		}
	}
	return a.FunctionVersion
}

// Routing returns the weights as the API writes them; nil when there are none.
func (a Alias) Routing() *types.AliasRoutingConfiguration {
	if len(a.Weights) == 0 {
		return nil
	}
	return &types.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
}

func bracketed(names []string) string { return "[" + strings.Join(names, ", ") + "]" }
