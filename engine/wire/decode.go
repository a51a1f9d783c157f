package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// serialization is AWS's answer to a body whose values have the wrong type.
func serialization(format string, args ...any) *Error {
	return &Error{Code: "SerializationException", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// decode puts value, which is not nil, into dst.
func (c *codec) decode(value any, dst reflect.Value) error {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(c.typ))
		dst = dst.Elem()
	}
	switch c.shape.kind {
	case "structure":
		return c.decodeStructure(value, dst)
	case "list":
		return c.decodeList(value, dst)
	case "map":
		return c.decodeMap(value, dst)
	}
	return c.decodeScalar(value, dst)
}

func (c *codec) decodeStructure(value any, dst reflect.Value) error {
	tree, ok := value.(map[string]any)
	if !ok {
		return misplaced(value)
	}
	for i := range c.fields {
		f := &c.fields[i]
		if v := tree[f.treeKey()]; v != nil {
			if err := f.codec.decode(v, dst.Field(f.index)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *codec) decodeList(value any, dst reflect.Value) error {
	items, ok := value.([]any)
	if !ok {
		return misplaced(value)
	}
	list := reflect.MakeSlice(c.typ, len(items), len(items))
	for i, item := range items {
		if item == nil {
			continue
		}
		if err := c.item.decode(item, list.Index(i)); err != nil {
			return err
		}
	}
	dst.Set(list)
	return nil
}

func (c *codec) decodeMap(value any, dst reflect.Value) error {
	entries, ok := value.(map[string]any)
	if !ok {
		return misplaced(value)
	}
	m := reflect.MakeMapWithSize(c.typ, len(entries))
	for key, item := range entries {
		v := reflect.New(c.typ.Elem()).Elem()
		if item != nil {
			if err := c.item.decode(item, v); err != nil {
				return err
			}
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(c.typ.Key()), v)
	}
	dst.Set(m)
	return nil
}

func (c *codec) decodeScalar(value any, dst reflect.Value) error {
	switch c.shape.kind {
	case "string":
		if s, ok := value.(string); ok {
			dst.SetString(s)
			return nil
		}
	case "boolean":
		if b, ok := value.(bool); ok {
			dst.SetBool(b)
			return nil
		}
	case "integer", "long":
		if n, ok := integer(value); ok && !dst.OverflowInt(n) {
			dst.SetInt(n)
			return nil
		}
	case "double", "float":
		if n, ok := value.(json.Number); ok {
			if f, err := n.Float64(); err == nil {
				dst.SetFloat(f)
				return nil
			}
		}
	case "timestamp":
		if t, ok := timestamp(value); ok {
			dst.Set(reflect.ValueOf(t))
			return nil
		}
	case "blob":
		switch v := value.(type) {
		case []byte:
			dst.SetBytes(v)
			return nil
		case string:
			b, err := base64.StdEncoding.DecodeString(v)
			if err != nil {
				return serialization("The value is not valid base64.")
			}
			dst.SetBytes(b)
			return nil
		}
	}
	return c.unconvertible(value)
}

// integer reads a whole number, also one written like 1.0 or 1e3.
func integer(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// timestamp reads seconds since the epoch, which SDKs send, or a date, which people write.
func timestamp(value any) (time.Time, bool) {
	switch value := value.(type) {
	case json.Number:
		f, err := value.Float64()
		if err != nil || !(math.Abs(f) <= 1e12) {
			return time.Time{}, false
		}
		return time.UnixMilli(int64(math.Round(f * 1e3))).UTC(), true
	case string:
		for _, layout := range []string{time.RFC3339Nano, http.TimeFormat, "2006-01-02"} {
			if t, err := time.Parse(layout, value); err == nil {
				return t.UTC(), true
			}
		}
	}
	return time.Time{}, false
}

// misplaced names a value that stands where a structure, list or map should, or the reverse.
func misplaced(value any) error {
	switch value.(type) {
	case map[string]any:
		return serialization("Start of structure or map found where not expected.")
	case []any:
		return serialization("Start of list found where not expected")
	}
	return serialization("Unexpected field type")
}

func (c *codec) unconvertible(value any) error {
	var token string
	switch v := value.(type) {
	case string:
		token = "STRING_VALUE"
	case json.Number:
		token = "NUMBER_VALUE"
		if _, err := strconv.ParseFloat(string(v), 64); err != nil {
			token = "STRING_VALUE"
		}
	case bool:
		token = "TRUE_VALUE"
		if !v {
			token = "FALSE_VALUE"
		}
	default:
		return misplaced(value)
	}
	noun := map[string]string{
		"string": "a String", "boolean": "a Boolean", "integer": "an Integer", "long": "a Long",
		"double": "a Double", "float": "a Float", "timestamp": "milliseconds since epoch", "blob": "a byte array",
	}[c.shape.kind]
	return serialization("%s can not be converted to %s", token, noun)
}
