package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

const orKey = "$or"

// reserved names cannot be fields inside $or, where they would be mistaken for conditions.
var reserved = map[string]bool{
	"exactly": true, "equals-ignore-case": true, "prefix": true, "suffix": true, "anything-but": true, "exists": true,
	"wildcard": true, "numeric": true, "cidr": true, "=": true, "<": true, "<=": true, ">": true, ">=": true, "regex": true,
	"not-wildcard": true, "not-equals-ignore-case": true, "date-after": true, "date-on-or-after": true, "date-before": true,
	"date-on-or-before": true, "in-date-range": true, "ip-address-in-range": true, "ip-address-not-in-range": true,
}

func compile(pattern string) (*node, error) {
	v, err := decode([]byte(pattern))
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("filter is not an object")
	}
	return compileObject(object, false)
}

// decode reads one JSON value, and nothing else.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

func compileObject(object map[string]any, inOr bool) (*node, error) {
	if len(object) == 0 {
		return nil, errors.New("empty objects are not allowed")
	}
	n := &node{absence: true}
	for _, name := range slices.Sorted(maps.Keys(object)) { // the same error every time
		switch v := object[name].(type) {
		case []any:
			if name == orKey {
				group, err := compileOr(v)
				if err != nil {
					return nil, err
				}
				for _, alternative := range group {
					n.absence = n.absence && alternative.absence
				}
				n.or = append(n.or, group)
				continue
			}
			l, err := compileLeaf(v)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
			n.absence = n.absence && l.absent && len(l.tests) == 0
			n.fields = append(n.fields, field{name: name, leaf: l})
		case map[string]any:
			if name == orKey {
				return nil, errors.New("$or must be an array")
			}
			child, err := compileObject(v, inOr)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
			n.absence = n.absence && child.absence
			n.fields = append(n.fields, field{name: name, object: child})
		default:
			return nil, fmt.Errorf("%q must be an object or an array", name)
		}
		if inOr && reserved[name] {
			return nil, fmt.Errorf("%q is reserved and cannot be used inside $or", name)
		}
	}
	return n, nil
}

func compileOr(alternatives []any) ([]*node, error) {
	if len(alternatives) < 2 {
		return nil, errors.New("$or must have at least two objects")
	}
	group := make([]*node, len(alternatives))
	for i, alternative := range alternatives {
		object, ok := alternative.(map[string]any)
		if !ok {
			return nil, errors.New("only objects are allowed in $or")
		}
		n, err := compileObject(object, true)
		if err != nil {
			return nil, fmt.Errorf("$or: %w", err)
		}
		group[i] = n
	}
	return group, nil
}

func compileLeaf(values []any) (leaf, error) {
	var l leaf
	if len(values) == 0 {
		return l, errors.New("empty arrays are not allowed")
	}
	for _, v := range values {
		var t test
		switch v := v.(type) {
		case string:
			t = equalText(v)
		case json.Number:
			t = equalNumber(v)
		case bool, nil:
			t = func(value any) bool { return value == v }
		case map[string]any:
			if len(v) != 1 {
				return l, errors.New("a match expression has one key")
			}
			if exists, ok := v["exists"]; ok && exists == false {
				l.absent = true
				continue
			}
			var err error
			if t, err = compileExpression(v); err != nil {
				return l, err
			}
		default:
			return l, errors.New("a match value must be a string, number, true, false, null or an object")
		}
		l.tests = append(l.tests, t)
	}
	return l, nil
}
