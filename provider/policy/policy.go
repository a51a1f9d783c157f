// Package policy reads the resource policies of functions.
package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Document is a function's resource policy, as far as permissions can write it.
type Document struct {
	Statements []Statement `json:"Statement"`
}

// Statement is one grant of a policy.
type Statement struct {
	SID       string                     `json:"Sid"`
	Effect    string                     `json:"Effect"`
	Principal Principal                  `json:"Principal"`
	Action    Text                       `json:"Action"`
	Resource  Text                       `json:"Resource"`
	Condition map[string]map[string]Text `json:"Condition"`
}

// Parse reads the JSON that GetPolicy returns.
func Parse(document string) (Document, error) {
	var p Document
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return Document{}, fmt.Errorf("reading a function's policy: %w", err)
	}
	return p, nil
}

// Find returns the statement with the given id.
func (p Document) Find(sid string) (Statement, bool) {
	for _, s := range p.Statements {
		if s.SID == sid {
			return s, true
		}
	}
	return Statement{}, false
}

// Compared returns the value that a key is compared with, or "".
func (s Statement) Compared(key string) string {
	for _, keys := range s.Condition {
		for k, value := range keys {
			if strings.EqualFold(k, key) {
				return string(value)
			}
		}
	}
	return ""
}

// Text is a string that policies may also write as a list of one, or as a boolean.
type Text string

// UnmarshalJSON reads any of the forms.
func (t *Text) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	*t = Text(fmt.Sprint(v))
	return nil
}

// Principal is "*" or an object with one key: Service, AWS or Federated.
type Principal string

// UnmarshalJSON reads any of the forms.
func (p *Principal) UnmarshalJSON(b []byte) error {
	var object map[string]Text
	if json.Unmarshal(b, &object) == nil {
		for _, value := range object {
			*p = Principal(value)
		}
		return nil
	}
	var s Text
	err := json.Unmarshal(b, &s)
	*p = Principal(s)
	return err
}

// rootARN finds the account in the ARN of its root.
var rootARN = regexp.MustCompile(`^arn:[a-z-]+:iam::(\d{12}):root$`)

// SamePrincipal treats an account and the ARN of its root as the same principal.
func SamePrincipal(a, b string) bool {
	return Account(a) == Account(b)
}

// Account returns the account if s is the ARN of its root, and s otherwise.
func Account(s string) string {
	if m := rootARN.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return s
}
