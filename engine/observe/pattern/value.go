package pattern

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// comparison is an operator and what it compares with.
type comparison struct {
	operator string
	text     string
	number   float64
	numeric  bool           // the value is a number, and not in quotes
	regexp   *regexp.Regexp // instead of text
}

// Longer operators come first.
var operators = []string{"<=", ">=", "!=", "=", "<", ">"}

func (p *parser) operator() (string, bool) {
	for _, o := range operators {
		if p.accept(o) {
			return o, true
		}
	}
	return "", false
}

// comparison takes the value that follows an operator. An unquoted one ends before any of stops.
func (p *parser) comparison(operator, stops string) (comparison, error) {
	c := comparison{operator: operator}
	p.space()
	var err error
	switch {
	case p.rest == "":
		return c, errors.New("a value is missing after " + operator)
	case p.rest[0] == '"':
		if c.text, err = p.quoted(); err != nil {
			return c, err
		}
	case p.rest[0] == '%':
		if c.regexp, err = p.regexp(); err != nil {
			return c, err
		}
	default:
		n := strings.IndexAny(p.rest, stops)
		if n < 0 {
			n = len(p.rest)
		}
		if c.text, p.rest = strings.TrimSpace(p.rest[:n]), p.rest[n:]; c.text == "" {
			return c, errors.New("a value is missing after " + operator)
		}
		c.number, c.numeric = parseNumber(c.text)
	}
	if operator != "=" && operator != "!=" && !c.numeric {
		return c, errors.New(operator + " compares numbers only")
	}
	return c, nil
}

// parseNumber reads a number as people write it: not NaN, Inf or 0x10.
func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// holdsText compares with a text.
func (c *comparison) holdsText(s string) bool {
	if c.operator != "=" && c.operator != "!=" {
		f, ok := parseNumber(s)
		return ok && c.holdsNumber(f)
	}
	equal := false
	switch {
	case c.regexp != nil:
		equal = c.regexp.MatchString(s)
	case c.numeric && s != c.text:
		f, ok := parseNumber(s)
		equal = ok && f == c.number
	default:
		equal = glob(c.text, s)
	}
	return equal == (c.operator == "=")
}

func (c *comparison) holdsNumber(f float64) bool {
	switch c.operator {
	case "<":
		return f < c.number
	case ">":
		return f > c.number
	case "<=":
		return f <= c.number
	case ">=":
		return f >= c.number
	}
	if c.numeric {
		return (f == c.number) == (c.operator == "=")
	}
	return c.holdsText(strconv.FormatFloat(f, 'f', -1, 64))
}

// holds compares with a value of JSON. Objects, lists and null equal nothing.
func (c *comparison) holds(v any) bool {
	switch v := v.(type) {
	case string:
		if c.operator != "=" && c.operator != "!=" {
			return false // a text is no number, even if it looks like one
		}
		return c.holdsText(v)
	case json.Number:
		if f, err := v.Float64(); err == nil && c.numeric {
			return c.holdsNumber(f)
		}
		return !c.numeric && c.holdsText(v.String())
	case bool:
		return !c.numeric && c.holdsText(strconv.FormatBool(v))
	}
	return false
}

// glob matches a text in which * stands for anything.
func glob(pattern, s string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	pieces := strings.Split(rest, "*")
	last := pieces[len(pieces)-1]
	for _, piece := range pieces[:len(pieces)-1] {
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s = s[i+len(piece):]
	}
	return strings.HasSuffix(s, last)
}
