package filter

// node is what a pattern says of an object: all its fields must match, and one of
// each group of alternatives.
type node struct {
	fields []field
	or     [][]*node
	// absence: only that fields do not exist. No single element of an array can show that.
	absence bool
}

// field is what a pattern says of one field: an object, or what its values may be.
type field struct {
	name   string
	object *node // or
	leaf   leaf
}

// leaf is what the value of a field may be: one of tests must hold of one value.
type leaf struct {
	tests  []test
	absent bool // it may also be absent
}

// match tells whether an object matches. The payload p stands for the field data.
func (n *node) match(object map[string]any, data string, p *payload) bool {
	for i := range n.fields {
		f := &n.fields[i]
		var ok bool
		switch {
		case p != nil && f.name == data:
			ok = f.matchPayload(p)
		case f.object != nil:
			ok = f.object.matchValue(object[f.name])
		default:
			value, exists := object[f.name]
			ok = f.leaf.match(value, exists)
		}
		if !ok {
			return false
		}
	}
	for _, group := range n.or {
		if !anyMatches(group, object, data, p) {
			return false
		}
	}
	return true
}

func anyMatches(group []*node, object map[string]any, data string, p *payload) bool {
	for _, n := range group {
		if n.match(object, data, p) {
			return true
		}
	}
	return false
}

func (f *field) matchPayload(p *payload) bool {
	decoded := p.value()
	switch {
	case f.object != nil:
		return decoded != nil && f.object.matchValue(decoded)
	case decoded != nil:
		return false
	}
	return f.leaf.match(p.text, true)
}

// matchValue tells whether a value of any kind matches, of an array one of its elements.
func (n *node) matchValue(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return n.match(v, "", nil)
	case []any:
		if len(v) == 0 {
			break
		}
		for _, element := range v {
			if n.matchValue(element) != n.absence {
				return !n.absence
			}
		}
		return n.absence
	}
	return n.match(nil, "", nil) // has no fields
}

// match tells whether the value of a field matches. One that is an object, or an array
// without any plain value, is not there: only the ends of a record have values.
func (l *leaf) match(v any, exists bool) bool {
	found := false
	if exists {
		var ok bool
		if found, ok = l.any(v); ok {
			return true
		}
	}
	return l.absent && !found
}

// any tells whether there is a plain value, and whether one matches.
func (l *leaf) any(v any) (found, ok bool) {
	switch v := v.(type) {
	case map[string]any:
		return false, false
	case []any:
		for _, element := range v {
			f, ok := l.any(element)
			if ok {
				return true, true
			}
			found = found || f
		}
		return found, false
	}
	for _, matches := range l.tests {
		if matches(v) {
			return true, true
		}
	}
	return true, false
}

// plain tells whether the pattern takes a field for plain text.
func (n *node) plain(name string) bool {
	for _, f := range n.fields {
		if f.name == name && f.object == nil {
			return true
		}
	}
	for _, group := range n.or {
		for _, alternative := range group {
			if alternative.plain(name) {
				return true
			}
		}
	}
	return false
}
