package pattern

import (
	"errors"
	"fmt"
	"strings"
)

// fieldCheck is a field of a pattern: a name, and maybe what must hold of it.
type fieldCheck struct {
	rest  bool // … of any number of fields
	holds func(value string) bool
}

// fields takes a pattern of fields, such as [ip, user, ..., status >= 500 || status = 4*, bytes].
func (p *parser) fields() (func(string) bool, error) {
	if err := p.expect("["); err != nil {
		return nil, err
	}
	var checks []fieldCheck
	rest := -1
	for {
		c, err := p.field()
		if err != nil {
			return nil, err
		}
		if c.rest {
			if rest >= 0 {
				return nil, errors.New("... may be used once only")
			}
			rest = len(checks)
		}
		checks = append(checks, c)
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return func(message string) bool {
		values := split(message)
		if rest < 0 {
			return len(values) == len(checks) && holdAll(checks, values)
		}
		after := checks[rest+1:]
		if len(values) < rest+len(after) {
			return false
		}
		return holdAll(checks[:rest], values[:rest]) && holdAll(after, values[len(values)-len(after):])
	}, nil
}

func holdAll(checks []fieldCheck, values []string) bool {
	for i, c := range checks {
		if c.holds != nil && !c.holds(values[i]) {
			return false
		}
	}
	return true
}

// field takes a name, or conditions that all repeat it.
func (p *parser) field() (fieldCheck, error) {
	if p.accept("...") {
		return fieldCheck{rest: true}, nil
	}
	before := p.rest
	name := p.name()
	if _, conditional := p.operator(); !conditional && !strings.HasPrefix(before, "(") {
		return fieldCheck{}, nil
	}
	p.rest = before
	name = ""
	holds, err := either(p, func() (func(string) bool, error) {
		this := p.name()
		if name == "" {
			name = this
		}
		if this != name {
			return nil, fmt.Errorf("the conditions of one field name two: %s and %s", name, this)
		}
		operator, ok := p.operator()
		if !ok {
			return nil, fmt.Errorf("an operator is missing after %s", this)
		}
		c, err := p.comparison(operator, ",])&|")
		return c.holdsText, err
	})
	return fieldCheck{holds: holds}, err
}

func (p *parser) name() string {
	p.space()
	n := 0
	for n < len(p.rest) && (nameByte(p.rest[n]) || p.rest[n] == '.') {
		n++
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	return name
}

// split takes a message apart at spaces. What is in quotes or brackets is one field.
func split(message string) (values []string) {
	for {
		message = strings.TrimLeft(message, " \t\r\n")
		if message == "" {
			return values
		}
		closing := ""
		switch message[0] {
		case '"':
			closing = `"`
		case '[':
			closing = "]"
		}
		if closing != "" {
			if value, rest, ok := strings.Cut(message[1:], closing); ok {
				values, message = append(values, value), rest
				continue
			}
		}
		n := strings.IndexAny(message, " \t\r\n")
		if n < 0 {
			n = len(message)
		}
		values, message = append(values, message[:n]), message[n:]
	}
}
