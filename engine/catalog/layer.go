package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Layer is every version of one layer. It outlives its versions, so that their
// numbers are never used again.
type Layer struct {
	Scope
	Name        string
	Versions    []LayerVersion // oldest first
	LastVersion int64          // highest number ever given out
}

// LayerVersion is one version of a layer. Nothing of it changes but the policy.
type LayerVersion struct {
	Config types.LayerVersionsListItem
	Code   Code
	Policy Policy
}

// LayerRef names a layer, and a version of it when Version is not 0.
type LayerRef struct {
	Scope
	Name    string
	Version int64
}

// ARN returns the ARN of what r names.
func (r LayerRef) ARN() string {
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:layer:%s", r.Region, r.Account, r.Name)
	if r.Version != 0 {
		arn += ":" + strconv.FormatInt(r.Version, 10)
	}
	return arn
}

// With returns a version of the same layer.
func (r LayerRef) With(version int64) LayerRef {
	r.Version = version
	return r
}

func (r LayerRef) key() string { return r.Account + "." + r.Region + "." + r.Name }

// ParseLayer reads the name or the ARN of a layer or of a version of one.
func ParseLayer(home Scope, name string) LayerRef {
	parts := strings.Split(name, ":")
	if len(parts) < 7 { // the API's model lets nothing else through
		return LayerRef{Scope: home, Name: name}
	}
	r := LayerRef{Scope: Scope{Region: parts[3], Account: parts[4]}, Name: parts[6]}
	if len(parts) > 7 {
		r.Version, _ = strconv.ParseInt(parts[7], 10, 64) // one too large for a number does not exist
	}
	return r
}

// Ref returns the name of l.
func (l Layer) Ref() LayerRef { return LayerRef{Scope: l.Scope, Name: l.Name} }

func (l Layer) index(version int64) int {
	return slices.IndexFunc(l.Versions, func(v LayerVersion) bool { return v.Config.Version == version })
}

// Matching returns the versions that say they are made for a runtime and an
// architecture, the newest first. Empty ones match all.
func (l Layer) Matching(runtime types.Runtime, architecture types.Architecture) []LayerVersion {
	var found []LayerVersion
	for _, v := range slices.Backward(l.Versions) {
		if (runtime == "" || slices.Contains(v.Config.CompatibleRuntimes, runtime)) &&
			(architecture == "" || slices.Contains(v.Config.CompatibleArchitectures, architecture)) {
			found = append(found, v)
		}
	}
	return found
}

// Layer returns a layer; one that is not there has no versions.
func (c *Catalog) Layer(r LayerRef) Layer {
	l, _ := c.layers.Get(r.key())
	return l
}

// LayerVersion returns the version that r names, and false when there is none.
func (c *Catalog) LayerVersion(r LayerRef) (LayerVersion, bool) {
	l := c.Layer(r)
	if i := l.index(r.Version); i >= 0 {
		return l.Versions[i], true
	}
	return LayerVersion{}, false
}

// Layers returns every layer of scope, by name.
func (c *Catalog) Layers(scope Scope) []Layer {
	var found []Layer
	for _, l := range c.layers.Scan(LayerRef{Scope: scope}.key(), "") {
		found = append(found, l)
	}
	return found
}

// PublishLayer adds v to a layer, which it makes when missing, and gives it the next number.
func (c *Catalog) PublishLayer(ctx context.Context, r LayerRef, v LayerVersion) (LayerVersion, error) {
	_, err := c.layers.Update(ctx, r.key(), func(l *Layer, _ bool) error {
		if err := c.room(r.Scope, v.Code.Size); err != nil {
			return err
		}
		l.Scope, l.Name = r.Scope, r.Name
		l.LastVersion++
		arn := r.With(l.LastVersion).ARN()
		v.Config.Version, v.Config.LayerVersionArn = l.LastVersion, &arn
		l.Versions = append(l.Versions, v)
		return nil
	})
	return v, err
}

// DeleteLayerVersion removes a version and its policy; a missing one is no error.
// Versions of functions keep the code that they use.
func (c *Catalog) DeleteLayerVersion(ctx context.Context, r LayerRef) error {
	if _, ok := c.LayerVersion(r); !ok {
		return nil
	}
	_, err := c.layers.Update(ctx, r.key(), func(l *Layer, _ bool) error {
		l.Versions = slices.DeleteFunc(l.Versions, func(v LayerVersion) bool { return v.Config.Version == r.Version })
		return nil
	})
	return err
}

// ChangeLayerPolicy applies change to the policy of a version, atomically.
func (c *Catalog) ChangeLayerPolicy(ctx context.Context, r LayerRef, change func(p *Policy) error) (Policy, error) {
	if _, ok := c.LayerVersion(r); !ok {
		return Policy{}, ErrNoLayerVersion(r)
	}
	var policy Policy
	_, err := c.layers.Update(ctx, r.key(), func(l *Layer, _ bool) error {
		i := l.index(r.Version)
		if i < 0 {
			return ErrNoLayerVersion(r)
		}
		if err := change(&l.Versions[i].Policy); err != nil {
			return err
		}
		policy = l.Versions[i].Policy
		return nil
	})
	return policy, err
}

// ErrNoLayerVersion tells of a version that does not exist.
func ErrNoLayerVersion(r LayerRef) error {
	return NotFound("Layer version %s does not exist.", r.ARN())
}

// AddLayerPermission appends a statement to the policy of the layer version r.
func (p *Policy) AddLayerPermission(r LayerRef, in *lambda.AddLayerVersionPermissionInput) (Statement, error) {
	if in.RevisionId != nil && *in.RevisionId != p.RevisionID {
		return Statement{}, stale("GetLayerPolicy")
	}
	principal, err := principalOf(*in.Principal)
	if err != nil {
		return Statement{}, err
	}
	s := Statement{Sid: *in.StatementId, Effect: "Allow", Principal: principal, Action: *in.Action, Resource: r.ARN()}
	if in.OrganizationId != nil {
		s.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": *in.OrganizationId}}
	}
	return s, p.add(s)
}

// RemoveLayerPermission drops a statement from the policy of a layer version.
func (p *Policy) RemoveLayerPermission(sid string, revision *string) error {
	if len(p.Statements) == 0 {
		return ErrNoPolicy()
	}
	if p.index(sid) < 0 {
		return noStatement(sid)
	}
	if revision != nil && *revision != p.RevisionID {
		return stale("GetLayerPolicy")
	}
	p.remove(sid)
	return nil
}

// Allows tells whether the policy lets a caller of another account use the version.
func (v LayerVersion) Allows(c Caller) bool {
	access := Access{Caller: c, Action: useLayer}
	return slices.ContainsFunc(v.Policy.Statements, func(s Statement) bool { return s.refuses(access) == "" })
}

// useLayer is the one action that a layer's policy can allow.
const useLayer = "lambda:GetLayerVersion"
