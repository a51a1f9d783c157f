package wire

import (
	"fmt"
	"regexp"
)

// pattern is a constraint on a string. AWS matches the whole string, and some
// models use look-around, which Go's regexp has not: those few are taken apart
// by hand into what must match and what must not.
type pattern struct {
	source  string // as the model spells it and messages show it
	must    *regexp.Regexp
	mustNot *regexp.Regexp // nil for most
}

// lookarounds maps patterns with look-around to an equal pair.
var lookarounds = map[string]struct{ must, mustNot string }{
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`:              {`[a-zA-Z0-9-_]+`, `[0-9]+`},
	`((?!^\d+$)^[0-9a-zA-Z-_]+$)`:               {`[0-9a-zA-Z-_]+`, `[0-9]+`},
	`(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)`: {`[_a-zA-Z0-9][^$]*`, `(?s:system\..*)`},
	`[0-9A-Za-z\.\-_]*(?<!\.)`:                  {`[0-9A-Za-z\.\-_]*`, `(?s:.*\.)`},
}

// unicodeEscape is Java's way to write a code point, which Go spells \x{…}.
var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

func compilePattern(source string) (*pattern, error) {
	p := &pattern{source: source}
	must, mustNot := source, ""
	if l, ok := lookarounds[source]; ok {
		must, mustNot = l.must, l.mustNot
	}
	var err error
	if p.must, err = fullMatch(must); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", source, err)
	}
	if mustNot != "" {
		if p.mustNot, err = fullMatch(mustNot); err != nil {
			return nil, fmt.Errorf("pattern %q: %w", source, err)
		}
	}
	return p, nil
}

func fullMatch(expr string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + unicodeEscape.ReplaceAllString(expr, `\x{$1}`) + `)\z`)
}

func (p *pattern) match(s string) bool {
	return p.must.MatchString(s) && (p.mustNot == nil || !p.mustNot.MatchString(s))
}
