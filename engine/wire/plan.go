package wire

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// codec binds a shape of the model to a type of the SDK: the struct fields are
// looked up once, not on every request.
type codec struct {
	shape  *shape
	typ    reflect.Type // with pointers taken off
	fields []field      // of a structure, in the model's order
	item   *codec       // of a list, or the values of a map
	key    *codec       // of a map
}

// field is a member with the struct field it lives in.
type field struct {
	*member
	index int
	codec *codec
}

// planner compiles codecs and remembers them, so that recursive shapes end.
type planner map[plannedType]*codec

type plannedType struct {
	shape *shape
	typ   reflect.Type
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// errNoField says that the SDK's struct lacks a member of the model.
var errNoField = errors.New("no such field")

func (p planner) compile(s *shape, t reflect.Type) (*codec, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c, ok := p[plannedType{s, t}]; ok {
		return c, nil
	}
	c := &codec{shape: s, typ: t}
	p[plannedType{s, t}] = c
	if err := p.fill(c); err != nil {
		delete(p, plannedType{s, t})
		return nil, fmt.Errorf("bind %s to %s: %w", s.name, t, err)
	}
	return c, nil
}

func (p planner) fill(c *codec) (err error) {
	mismatch := fmt.Errorf("a %s cannot live in a %s", c.shape.kind, c.typ.Kind())
	switch c.shape.kind {
	case "structure":
		if c.typ.Kind() != reflect.Struct {
			return mismatch
		}
		return p.structure(c)
	case "list":
		if c.typ.Kind() != reflect.Slice {
			return mismatch
		}
		c.item, err = p.compile(c.shape.item, c.typ.Elem())
		return err
	case "map":
		if c.typ.Kind() != reflect.Map || c.typ.Key().Kind() != reflect.String {
			return mismatch
		}
		if c.key, err = p.compile(c.shape.key, c.typ.Key()); err != nil {
			return err
		}
		c.item, err = p.compile(c.shape.item, c.typ.Elem())
		return err
	}
	if !fits(c.shape.kind, c.typ) {
		return mismatch
	}
	return nil
}

func (p planner) structure(c *codec) error {
	for i := range c.shape.members {
		m := &c.shape.members[i]
		sf, ok := c.typ.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, m.name) })
		if !ok || len(sf.Index) != 1 {
			return fmt.Errorf("member %s: %w", m.name, errNoField)
		}
		fc, err := p.compile(m.shape, sf.Type)
		if err != nil {
			return err
		}
		c.fields = append(c.fields, field{member: m, index: sf.Index[0], codec: fc})
	}
	return nil
}

// fits tells whether a simple kind of the model can be kept in t.
func fits(kind string, t reflect.Type) bool {
	switch kind {
	case "string":
		return t.Kind() == reflect.String
	case "integer", "long":
		return t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64
	case "double", "float":
		return t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64
	case "boolean":
		return t.Kind() == reflect.Bool
	case "timestamp":
		return t == timeType
	case "blob":
		return t == bytesType
	}
	return false
}
