package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// append writes v as JSON. What the SDK leaves nil is left out; empty lists and
// maps are written, as AWS writes them.
func (c *codec) append(b []byte, v reflect.Value) []byte {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return append(b, "null"...)
		}
		v = v.Elem()
	}
	switch c.shape.kind {
	case "structure":
		b = append(b, '{')
		b, _ = c.appendMembers(b, v, false)
		return append(b, '}')
	case "list":
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = c.item.append(b, v.Index(i))
		}
		return append(b, ']')
	case "map":
		return c.appendMap(b, v)
	case "string":
		return appendString(b, v.String())
	case "boolean":
		return strconv.AppendBool(b, v.Bool())
	case "integer", "long":
		return strconv.AppendInt(b, v.Int(), 10)
	case "double", "float":
		return appendDouble(b, v.Float())
	case "timestamp":
		return appendFloat(b, epochSeconds(v.Interface().(time.Time)))
	case "blob":
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	}
	return append(b, "null"...)
}

// appendMembers writes the body members of a struct, with a comma before the
// first one if comma says so, and returns whether a next one needs it.
func (c *codec) appendMembers(b []byte, v reflect.Value, comma bool) ([]byte, bool) {
	for i := range c.fields {
		f := &c.fields[i]
		fv := v.Field(f.index)
		if f.location != inBody || absent(fv) {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = appendString(b, f.wire)
		b = append(b, ':')
		b = f.codec.append(b, fv)
	}
	return b, comma
}

func (c *codec) appendMap(b []byte, v reflect.Value) []byte {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, key.String())
		b = append(b, ':')
		b = c.item.append(b, v.MapIndex(key))
	}
	return append(b, '}')
}

// absent tells whether a struct field was never set: a nil, or an enum without value.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

// epochSeconds is a time as AWS's JSON protocols carry it, exact to the millisecond.
func epochSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// appendDouble is appendFloat as AWS writes members that need not be whole: 12.0, so that
// clients whose languages tell integers apart show the same.
func appendDouble(b []byte, f float64) []byte {
	b = appendFloat(b, f)
	if f == math.Trunc(f) && !math.IsInf(f, 0) {
		b = append(b, ".0"...)
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string and, unlike encoding/json, leaves <, > and & alone.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			start = i + 1
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}
