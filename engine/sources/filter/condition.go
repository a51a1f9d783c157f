package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// test is a condition on one value: a string, number, bool or nil.
type test func(value any) bool

// onText makes a condition that holds only of strings.
func onText(matches func(string) bool) test {
	return func(value any) bool {
		text, ok := value.(string)
		return ok && matches(text)
	}
}

func not(t test) test { return func(value any) bool { return !t(value) } }

func anyOf(tests []test) test {
	return func(value any) bool {
		for _, t := range tests {
			if t(value) {
				return true
			}
		}
		return false
	}
}

// equalText compares strings; addresses are equal however they are written.
func equalText(want string) test {
	addr, err := netip.ParseAddr(want)
	if err != nil || addr.Zone() != "" {
		return func(value any) bool { return value == want }
	}
	return onText(func(text string) bool {
		if text == want {
			return true
		}
		other, err := netip.ParseAddr(text)
		return err == nil && other == addr
	})
}

// compileExpression reads an object with one key, which says how to compare.
func compileExpression(expression map[string]any) (test, error) {
	for name, argument := range expression {
		switch name {
		case "exactly", "prefix", "suffix", "equals-ignore-case", "wildcard":
			return compileText(name, argument, true)
		case "anything-but":
			return compileAnythingBut(argument)
		case "numeric":
			return compileNumeric(argument)
		case "cidr":
			return compileCIDR(argument)
		case "exists":
			if argument != true { // false is no test of a value
				return nil, errors.New("exists must be either true or false")
			}
			return func(any) bool { return true }, nil
		}
		return nil, fmt.Errorf("unrecognized match type %s", name)
	}
	return nil, errors.New("match expression name not found")
}

// compileText reads a comparison of strings. A prefix or suffix may itself be an
// object, where nested, which says to ignore case.
func compileText(name string, argument any, nested bool) (test, error) {
	if object, ok := argument.(map[string]any); ok && nested && (name == "prefix" || name == "suffix") {
		inner, ok := object["equals-ignore-case"].(string)
		if !ok || len(object) != 1 {
			return nil, fmt.Errorf("unsupported %s pattern", name)
		}
		inner = fold(inner)
		if name == "prefix" {
			return onText(func(text string) bool { return strings.HasPrefix(fold(text), inner) }), nil
		}
		return onText(func(text string) bool { return strings.HasSuffix(fold(text), inner) }), nil
	}
	want, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("%s match pattern must be a string", name)
	}
	switch name {
	case "prefix":
		return onText(func(text string) bool { return strings.HasPrefix(text, want) }), nil
	case "suffix":
		return onText(func(text string) bool { return strings.HasSuffix(text, want) }), nil
	case "equals-ignore-case":
		want = fold(want)
		return onText(func(text string) bool { return fold(text) == want }), nil
	case "wildcard":
		return compileWildcard(want)
	}
	return func(value any) bool { return value == want }, nil // exactly
}

// fold takes away what tells upper from lower case.
func fold(text string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, text)
}

// compileWildcard reads a text in which * stands for any characters; \* and \\ are
// an asterisk and a backslash.
func compileWildcard(pattern string) (test, error) {
	parts := []string{""}
	last := func() *string { return &parts[len(parts)-1] }
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			if i > 0 && pattern[i-1] == '*' && *last() == "" {
				return nil, fmt.Errorf("consecutive wildcard characters at pos %d", i-1)
			}
			parts = append(parts, "")
		case '\\':
			if i++; i == len(pattern) || pattern[i] != '*' && pattern[i] != '\\' {
				return nil, fmt.Errorf("invalid escape character at pos %d", i-1)
			}
			*last() += pattern[i : i+1]
		default:
			*last() += pattern[i : i+1]
		}
	}
	return onText(func(text string) bool { return matchParts(text, parts) }), nil
}

// matchParts tells whether a text consists of parts with anything between them.
func matchParts(text string, parts []string) bool {
	if len(parts) == 1 {
		return text == parts[0]
	}
	first, middle, end := parts[0], parts[1:len(parts)-1], parts[len(parts)-1]
	rest, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for _, part := range middle {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, end)
}

// compileAnythingBut reads what a value may not be: a string or number, several of one
// kind, or what begins, ends or looks like one or more strings. Values of other types match.
func compileAnythingBut(argument any) (test, error) {
	name := ""
	if object, ok := argument.(map[string]any); ok {
		if len(object) != 1 {
			return nil, errors.New("anything-but takes one expression")
		}
		for name, argument = range object {
			switch name {
			case "prefix", "suffix", "equals-ignore-case", "wildcard":
			default:
				return nil, fmt.Errorf("unsupported anything-but pattern: %s", name)
			}
		}
	}
	list, ok := argument.([]any)
	if !ok {
		list = []any{argument}
	}
	var tests []test
	strings, numbers := false, false
	for _, v := range list {
		switch v := v.(type) {
		case string:
			t, err := equalText(v), error(nil)
			if name != "" {
				if v == "" && (name == "prefix" || name == "suffix") {
					return nil, errors.New("null prefix or suffix not allowed")
				}
				t, err = compileText(name, v, false)
			}
			if err != nil {
				return nil, err
			}
			tests, strings = append(tests, t), true
		case json.Number:
			if _, ok := double(v); !ok || name != "" {
				return nil, fmt.Errorf("cannot compare number %s", v)
			}
			tests, numbers = append(tests, equalNumber(v)), true
		default:
			return nil, errors.New("anything-but takes strings or numbers")
		}
	}
	if strings == numbers {
		return nil, errors.New("anything-but takes either strings or numbers, and at least one")
	}
	return not(anyOf(tests)), nil
}

// compileCIDR reads a range of addresses.
func compileCIDR(argument any) (test, error) {
	text, ok := argument.(string)
	if !ok {
		return nil, errors.New("cidr match pattern must be a string")
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("malformed CIDR: %w", err)
	}
	if prefix.Bits() == prefix.Addr().BitLen() {
		return nil, fmt.Errorf("mask bits must be less than %d", prefix.Bits())
	}
	return onText(func(text string) bool {
		addr, err := netip.ParseAddr(text)
		return err == nil && prefix.Contains(addr)
	}), nil
}
