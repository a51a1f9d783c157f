package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// violation is one constraint that a request breaks.
type violation struct {
	path    []string // member names and list positions
	text    string
	missing bool // the member is not there
}

// validator walks a request tree beside its shape. The tree has been decoded
// into the SDK's struct before, so its types are known to be right.
type validator struct {
	path  []string
	found []violation
}

// maxShown is how much of an offending value a message repeats, in bytes. Names
// fit; megabytes of data do not belong there.
const maxShown = 1024

func (v *validator) report(value, constraint string) {
	if len(value) > maxShown {
		value = strings.ToValidUTF8(value[:maxShown], "") + "…"
	}
	if value != "null" {
		value = "'" + value + "'"
	}
	v.reportRaw(value+" ", constraint)
}

func (v *validator) reportRaw(value, constraint string) {
	v.found = append(v.found, violation{
		path: slices.Clone(v.path),
		text: fmt.Sprintf("Value %sat '%s' failed to satisfy constraint: %s", value, fieldPath(v.path), constraint),
	})
}

// fieldPath spells a path as AWS does: member names with a small first letter.
func fieldPath(path []string) string {
	var b strings.Builder
	for i, name := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		if name != "" {
			b.WriteString(strings.ToLower(name[:1]) + name[1:])
		}
	}
	return b.String()
}

// structure checks the members of a structure for which want says true; nil means all.
func (v *validator) structure(s *shape, tree map[string]any, want func(*member) bool) {
	for i := range s.members {
		m := &s.members[i]
		if want != nil && !want(m) {
			continue
		}
		v.path = append(v.path, m.name)
		switch value := tree[m.treeKey()]; {
		case value != nil:
			v.value(m.shape, value)
		case m.required:
			v.report("null", "Member must not be null")
			v.found[len(v.found)-1].missing = true
		}
		v.path = v.path[:len(v.path)-1]
	}
}

func (v *validator) value(s *shape, value any) {
	for _, c := range s.broken(value) {
		if s.sensitive {
			v.reportRaw("", c)
		} else {
			v.report(show(value), c)
		}
	}
	switch value := value.(type) {
	case map[string]any:
		switch s.kind {
		case "structure":
			v.structure(s, value, nil)
		case "map":
			v.mapping(s, value)
		}
	case []any:
		v.list(s, value)
	}
}

// list reports simple items once, on the list, as AWS does.
func (v *validator) list(s *shape, items []any) {
	if s.item.scalar() {
		for _, item := range items {
			if item == nil || len(s.item.broken(item)) > 0 {
				v.report(show(items), "Member must satisfy constraint: ["+s.item.constraints()+"]")
				return
			}
		}
		return
	}
	for i, item := range items {
		v.path = append(v.path, strconv.Itoa(i+1), "member")
		if item == nil {
			v.report("null", "Member must not be null")
		} else {
			v.value(s.item, item)
		}
		v.path = v.path[:len(v.path)-2]
	}
}

func (v *validator) mapping(s *shape, entries map[string]any) {
	value := "'" + show(entries) + "' "
	if s.sensitive || s.key.sensitive || s.item.sensitive {
		value = ""
	}
	keys := slices.Sorted(maps.Keys(entries))
	for _, key := range keys {
		if len(s.key.broken(key)) > 0 {
			v.reportRaw(value, "Map keys must satisfy constraint: ["+s.key.constraints()+"]")
			break
		}
	}
	for _, key := range keys {
		item := entries[key]
		if s.item.scalar() {
			if item == nil || len(s.item.broken(item)) > 0 {
				v.reportRaw(value, "Map value must satisfy constraint: ["+s.item.constraints()+"]")
				return
			}
		} else if item != nil {
			v.path = append(v.path, key, "member")
			v.value(s.item, item)
			v.path = v.path[:len(v.path)-2]
		}
	}
}

func (s *shape) scalar() bool {
	return s.kind != "structure" && s.kind != "list" && s.kind != "map"
}

// constraints lists all that an item must satisfy, in AWS's words and order.
func (s *shape) constraints() string {
	var all []string
	if s.max != nil {
		all = append(all, s.limit(false))
	}
	if s.min != nil {
		all = append(all, s.limit(true))
	}
	if s.pattern != nil {
		all = append(all, s.patternText())
	}
	if s.enum != nil {
		all = append(all, s.enumText())
	}
	return strings.Join(append(all, "Member must not be null"), ", ")
}

// broken returns the constraints of s itself that value breaks.
func (s *shape) broken(value any) []string {
	var out []string
	if size, ok := measure(s, value); ok {
		if s.max != nil && size > *s.max {
			out = append(out, s.limit(false))
		}
		if s.min != nil && size < *s.min {
			out = append(out, s.limit(true))
		}
	}
	if str, ok := value.(string); ok && s.kind == "string" {
		if s.pattern != nil && !s.pattern.match(str) {
			out = append(out, s.patternText())
		}
		if s.enum != nil && !slices.Contains(s.enum, str) {
			out = append(out, s.enumText())
		}
	}
	return out
}

// measure returns what min and max of the shape are about: a number's value,
// the length of anything else.
func measure(s *shape, value any) (size float64, ok bool) {
	if s.min == nil && s.max == nil {
		return 0, false
	}
	switch value := value.(type) {
	case string:
		switch s.kind {
		case "blob":
			pad := strings.Count(value[max(0, len(value)-2):], "=")
			return float64(base64.StdEncoding.DecodedLen(len(value)) - pad), true
		case "string":
			return float64(utf16Len(value)), true
		}
		return 0, false
	case []byte:
		return float64(len(value)), true
	case []any:
		return float64(len(value)), true
	case map[string]any:
		return float64(len(value)), s.kind == "map"
	case json.Number:
		f, err := value.Float64()
		return f, err == nil && s.kind != "timestamp"
	}
	return 0, false
}

// utf16Len is a string's length as AWS counts it.
func utf16Len(s string) (n int) {
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

func (s *shape) limit(least bool) string {
	what, bound, n := "length", "less than or equal to", s.max
	if least {
		bound, n = "greater than or equal to", s.min
	}
	number := strconv.FormatFloat(*n, 'f', -1, 64)
	switch s.kind {
	case "integer", "long":
		what = "value"
	case "double", "float":
		what = "value"
		if !strings.Contains(number, ".") {
			number += ".0"
		}
	}
	return "Member must have " + what + " " + bound + " " + number
}

func (s *shape) patternText() string {
	return "Member must satisfy regular expression pattern: " + s.pattern.source
}

func (s *shape) enumText() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.enum, ", ") + "]"
}

// show prints a value the way AWS's messages do.
func show(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return value
	case []byte:
		return "java.nio.HeapByteBuffer[pos=0 lim=" + strconv.Itoa(len(value)) + " cap=" + strconv.Itoa(len(value)) + "]"
	case []any:
		parts := make([]string, len(value))
		for i, item := range value {
			parts[i] = show(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, key+"="+show(value[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(value)
}

// validationError folds violations into the one error that AWS answers, or nil.
func validationError(found []violation) *Error {
	if len(found) == 0 {
		return nil
	}
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = f.text
	}
	noun := "errors"
	if len(found) == 1 {
		noun = "error"
	}
	return Validation("%d validation %s detected: %s", len(found), noun, strings.Join(texts, "; "))
}
