package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// RolePolicy is what a role may do: the statements of its policy documents. The
// engine keeps no roles; its configuration can tell the policies of some.
type RolePolicy struct{ statements []roleStatement }

type roleStatement struct {
	Sid         string
	Effect      string
	Action      texts
	NotAction   texts
	Resource    texts
	NotResource texts
	Condition   json.RawMessage
}

// texts is one text, or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

// ParseRolePolicy reads the policy documents of a role. Conditions are not
// evaluated: a document that has any is an error.
func ParseRolePolicy(documents ...string) (*RolePolicy, error) {
	p := &RolePolicy{}
	for _, document := range documents {
		statements, err := parseRoleDocument(document)
		if err != nil {
			return nil, fmt.Errorf("policy document of a role: %w", err)
		}
		p.statements = append(p.statements, statements...)
	}
	return p, nil
}

func parseRoleDocument(document string) ([]roleStatement, error) {
	var parsed struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	d := json.NewDecoder(strings.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&parsed); err != nil {
		return nil, err
	}
	if parsed.Statement == nil {
		return nil, errors.New("it has no Statement")
	}
	if trimmed := bytes.TrimSpace(parsed.Statement); trimmed[0] == '{' { // one statement needs no list
		parsed.Statement = append(append([]byte{'['}, trimmed...), ']')
	}
	var statements []roleStatement
	d = json.NewDecoder(bytes.NewReader(parsed.Statement))
	d.DisallowUnknownFields()
	if err := d.Decode(&statements); err != nil {
		return nil, err
	}
	for i, s := range statements {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return statements, nil
}

func (s roleStatement) check() error {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return fmt.Errorf("the Effect is %q: use Allow or Deny", s.Effect)
	case (s.Action == nil) == (s.NotAction == nil):
		return errors.New("it needs an Action or a NotAction")
	case (s.Resource == nil) == (s.NotResource == nil):
		return errors.New("it needs a Resource or a NotResource")
	case s.Condition != nil:
		return errors.New("the engine does not evaluate a Condition")
	}
	return nil
}

// Allows tells whether a role may do something with a resource, which may be known
// by several ARNs. A role without known policies (nil) may do everything.
func (p *RolePolicy) Allows(action string, resources ...string) bool {
	if p == nil {
		return true
	}
	allowed := false
	for _, s := range p.statements {
		if !s.concerns(action, resources) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s roleStatement) concerns(action string, resources []string) bool {
	matchesAction := func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) }
	if s.Action != nil && !slices.ContainsFunc(s.Action, matchesAction) || slices.ContainsFunc(s.NotAction, matchesAction) {
		return false
	}
	return slices.ContainsFunc(resources, func(resource string) bool {
		matches := func(pattern string) bool { return like(pattern, resource) }
		return s.Resource != nil && slices.ContainsFunc(s.Resource, matches) || s.NotResource != nil && !slices.ContainsFunc(s.NotResource, matches)
	})
}
