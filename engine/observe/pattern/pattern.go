// Package pattern implements the filter patterns of CloudWatch Logs, which say what
// events somebody wants to see:
//
//	ERROR "out of memory" -retry      terms: all of them, but none with -
//	?ERROR ?WARN                      any of them
//	%\d{3} ms%                        a regular expression
//	{ $.level = "ERROR" && $.n > 3 }  a condition on an event that is JSON (json.go)
//	[ip, user, ..., status = 5*]      fields separated by spaces (fields.go)
//
// Matching is case-sensitive. Regular expressions are Go's, of which AWS's are a part.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Pattern tells which messages match. It may be used by many at once.
type Pattern struct {
	match func(message string) bool // nil: all of them
}

// Match tells whether a message matches.
func (p *Pattern) Match(message string) bool { return p.match == nil || p.match(message) }

// All tells whether every message matches.
func (p *Pattern) All() bool { return p.match == nil }

// maxRegexps is how many regular expressions a pattern may have, as on AWS.
const maxRegexps = 2

// Parse reads a pattern. An empty one matches everything.
func Parse(text string) (*Pattern, error) {
	text = strings.TrimSpace(text)
	p := &parser{rest: text}
	var match func(string) bool
	var err error
	switch {
	case text == "":
		return &Pattern{}, nil
	case text[0] == '{':
		match, err = p.json()
	case text[0] == '[':
		match, err = p.fields()
	default:
		match, err = p.terms()
	}
	if err != nil {
		return nil, fmt.Errorf("filter pattern %q: %w", text, err)
	}
	return &Pattern{match}, nil
}

// parser takes a pattern apart from the front.
type parser struct {
	rest    string
	regexps int
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// accept takes a piece of syntax, if it is next.
func (p *parser) accept(s string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *parser) expect(s string) error {
	if p.accept(s) {
		return nil
	}
	if p.rest == "" {
		return fmt.Errorf("%s is missing at the end", s)
	}
	return fmt.Errorf("%s is missing before %q", s, p.rest)
}

func (p *parser) end() error {
	if p.space(); p.rest != "" {
		return fmt.Errorf("nothing may follow: %q", p.rest)
	}
	return nil
}

// quoted takes a text in quotes, of which a backslash takes away the meaning.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a quotation mark is not closed")
}

// regexp takes a regular expression between percent signs.
func (p *parser) regexp() (*regexp.Regexp, error) {
	source, rest, ok := strings.Cut(p.rest[1:], "%")
	if !ok || source == "" {
		return nil, errors.New("a regular expression is not closed by %")
	}
	if p.regexps++; p.regexps > maxRegexps {
		return nil, fmt.Errorf("it has more than %d regular expressions", maxRegexps)
	}
	p.rest = rest
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	return re, nil
}

// terms takes a pattern of terms. Those with ? count only when there are no others.
func (p *parser) terms() (func(string) bool, error) {
	var all, none, one []func(string) bool
	for p.space(); p.rest != ""; p.space() {
		list := &all
		switch p.rest[0] {
		case '-':
			list, p.rest = &none, p.rest[1:]
		case '?':
			list, p.rest = &one, p.rest[1:]
		}
		term, err := p.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, term)
	}
	if len(all) > 0 || len(none) > 0 {
		one = nil
	}
	return func(message string) bool {
		for _, matches := range none {
			if matches(message) {
				return false
			}
		}
		for _, matches := range all {
			if !matches(message) {
				return false
			}
		}
		for _, matches := range one {
			if matches(message) {
				return true
			}
		}
		return len(one) == 0
	}, nil
}

func (p *parser) term() (func(string) bool, error) {
	switch {
	case p.rest == "" || p.rest[0] == ' ':
		return nil, errors.New("- and ? must be followed by a term")
	case p.rest[0] == '"':
		text, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return func(message string) bool { return strings.Contains(message, text) }, nil
	case p.rest[0] == '%':
		re, err := p.regexp()
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	}
	n := strings.IndexAny(p.rest, " \t\r\n\"")
	if n < 0 {
		n = len(p.rest)
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return func(message string) bool { return strings.Contains(message, text) }, nil
}
