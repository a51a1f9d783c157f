package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

func (p *parser) json() (func(string) bool, error) {
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	holds, err := either(p, p.jsonTerm)
	if err == nil {
		err = p.expect("}")
	}
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, err
	}
	return func(message string) bool {
		event, ok := parseEvent(message)
		return ok && holds(event)
	}, nil
}

func parseEvent(message string) (event any, ok bool) {
	message = strings.TrimSpace(message)
	if message == "" || message[0] != '{' && message[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(message))
	d.UseNumber()
	return event, d.Decode(&event) == nil && !d.More()
}

// either takes terms that are joined by || and &&, of which the latter binds stronger.
func either[T any](p *parser, term func() (func(T) bool, error)) (func(T) bool, error) {
	var some []func(T) bool
	for {
		one, err := both(p, term)
		if err != nil {
			return nil, err
		}
		if some = append(some, one); !p.accept("||") {
			break
		}
	}
	return func(v T) bool {
		for _, holds := range some {
			if holds(v) {
				return true
			}
		}
		return false
	}, nil
}

func both[T any](p *parser, term func() (func(T) bool, error)) (func(T) bool, error) {
	var all []func(T) bool
	for {
		one, err := group(p, term)
		if err != nil {
			return nil, err
		}
		if all = append(all, one); !p.accept("&&") {
			break
		}
	}
	return func(v T) bool {
		for _, holds := range all {
			if !holds(v) {
				return false
			}
		}
		return true
	}, nil
}

// group takes a term, or an expression in parentheses.
func group[T any](p *parser, term func() (func(T) bool, error)) (func(T) bool, error) {
	if !p.accept("(") {
		return term()
	}
	inner, err := either(p, term)
	if err == nil {
		err = p.expect(")")
	}
	return inner, err
}

// jsonTerm takes a selector and what must hold of what it selects.
func (p *parser) jsonTerm() (func(any) bool, error) {
	path, err := p.selector()
	if err != nil {
		return nil, err
	}
	switch operator, ok := p.operator(); {
	case ok:
		c, err := p.comparison(operator, " \t\r\n)}&|")
		return func(event any) bool { return path.some(event, c.holds) }, err
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, errors.New("EXISTS is missing after NOT")
		}
		return func(event any) bool { return !path.some(event, func(any) bool { return true }) }, nil
	case p.word("EXISTS"):
		return func(event any) bool { return path.some(event, func(any) bool { return true }) }, nil
	case p.word("IS"):
		for _, is := range []struct {
			word  string
			value any
		}{{"NULL", nil}, {"TRUE", true}, {"FALSE", false}} {
			if p.word(is.word) {
				return func(event any) bool {
					return path.some(event, func(v any) bool {
						switch v.(type) {
						case nil, bool:
							return v == is.value
						}
						return false
					})
				}, nil
			}
		}
		return nil, errors.New("NULL, TRUE or FALSE is missing after IS")
	}
	return nil, fmt.Errorf("an operator is missing before %q", p.rest)
}

// word takes a keyword, in capitals or not.
func (p *parser) word(w string) bool {
	p.space()
	if len(p.rest) < len(w) || !strings.EqualFold(p.rest[:len(w)], w) {
		return false
	}
	if len(p.rest) > len(w) && nameByte(p.rest[len(w)]) {
		return false
	}
	p.rest = p.rest[len(w):]
	return true
}

func nameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// selector is a way into an event.
type selector []step

// step leads to a member by its name, to an item by its index, or to all of either.
type step struct {
	name  string
	index int // -1: by name
	every bool
}

// selector takes something like $.a.b[0].['c.d'].*
func (p *parser) selector() (selector, error) {
	if !p.accept("$") {
		return nil, fmt.Errorf("a selector, which begins with $, is missing before %q", p.rest)
	}
	var path selector
	for {
		switch {
		case strings.HasPrefix(p.rest, ".*"):
			p.rest = p.rest[2:]
			path = append(path, step{every: true})
		case strings.HasPrefix(p.rest, ".["):
			p.rest = p.rest[1:]
		case strings.HasPrefix(p.rest, "."):
			n := 1
			for n < len(p.rest) && nameByte(p.rest[n]) {
				n++
			}
			if n == 1 {
				return nil, errors.New("a name is missing after the dot of a selector")
			}
			path = append(path, step{name: p.rest[1:n], index: -1})
			p.rest = p.rest[n:]
		case strings.HasPrefix(p.rest, "["):
			p.rest = p.rest[1:]
			s, err := p.bracket()
			if err != nil {
				return nil, err
			}
			path = append(path, s)
		case path == nil:
			return nil, errors.New("a selector must name something")
		default:
			return path, nil
		}
	}
}

func (p *parser) bracket() (s step, err error) {
	switch p.space(); {
	case p.accept("*"):
		s.every = true
	case strings.HasPrefix(p.rest, `"`):
		s.index = -1
		if s.name, err = p.quoted(); err != nil {
			return s, err
		}
	case p.accept("'"):
		name, rest, closed := strings.Cut(p.rest, "'")
		if !closed {
			return s, errors.New("a quotation mark is not closed")
		}
		s.index, s.name, p.rest = -1, name, rest
	default:
		n := strings.IndexByte(p.rest, ']')
		if n < 0 {
			n = len(p.rest)
		}
		index, err := strconv.ParseUint(strings.TrimSpace(p.rest[:n]), 10, 31)
		if err != nil {
			return s, fmt.Errorf("%q is no index of a list", p.rest[:n])
		}
		s.index, p.rest = int(index), p.rest[n:]
	}
	return s, p.expect("]")
}

// some tells whether something that the selector leads to holds.
func (path selector) some(v any, holds func(any) bool) bool {
	if len(path) == 0 {
		return holds(v)
	}
	s, rest := path[0], path[1:]
	switch v := v.(type) {
	case map[string]any:
		if !s.every {
			member, ok := v[s.name]
			return ok && s.index < 0 && rest.some(member, holds)
		}
		for _, member := range v {
			if rest.some(member, holds) {
				return true
			}
		}
	case []any:
		if !s.every {
			return s.index >= 0 && s.index < len(v) && rest.some(v[s.index], holds)
		}
		for _, item := range v {
			if rest.some(item, holds) {
				return true
			}
		}
	}
	return false
}
