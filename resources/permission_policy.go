package resources

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Policy is a function's resource policy, as far as permissions can write it.
type Policy struct {
	Statements []Statement `json:"Statement"`
}

// Statement is one grant of a policy.
type Statement struct {
	SID       string                      `json:"Sid"`
	Effect    string                      `json:"Effect"`
	Principal principal                   `json:"Principal"`
	Action    texty                       `json:"Action"`
	Resource  texty                       `json:"Resource"`
	Condition map[string]map[string]texty `json:"Condition"`
}

// ParsePolicy reads the JSON that GetPolicy returns.
func ParsePolicy(document string) (Policy, error) {
	var p Policy
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return Policy{}, fmt.Errorf("reading a function's policy: %w", err)
	}
	return p, nil
}

// Find returns the statement with the given id.
func (p Policy) Find(sid string) (Statement, bool) {
	for _, s := range p.Statements {
		if s.SID == sid {
			return s, true
		}
	}
	return Statement{}, false
}

// condition returns the value that a key is compared with, or "".
func (s Statement) condition(key string) string {
	for _, keys := range s.Condition {
		for k, value := range keys {
			if strings.EqualFold(k, key) {
				return string(value)
			}
		}
	}
	return ""
}

// texty is a string that policies may also write as a list of one, or as a boolean.
type texty string

// UnmarshalJSON reads any of the forms.
func (t *texty) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	*t = texty(fmt.Sprint(v))
	return nil
}

// principal is "*" or an object with one key: Service, AWS or Federated.
type principal string

// UnmarshalJSON reads any of the forms.
func (p *principal) UnmarshalJSON(b []byte) error {
	var object map[string]texty
	if json.Unmarshal(b, &object) == nil {
		for _, value := range object {
			*p = principal(value)
		}
		return nil
	}
	var s texty
	err := json.Unmarshal(b, &s)
	*p = principal(s)
	return err
}

var rootARN = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):root$`)

// samePrincipal treats an account and the ARN of its root as the same principal.
func samePrincipal(a, b string) bool {
	account := func(s string) string {
		if m := rootARN.FindStringSubmatch(s); m != nil {
			return m[1]
		}
		return s
	}
	return account(a) == account(b)
}
