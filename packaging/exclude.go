package packaging

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// never is what no package holds, wherever it lies: it differs from machine to
// machine, or from one run to the next, while the code stays the same.
var never = []string{".git", ".terraform", ".DS_Store", "__pycache__", ".#*"} // the last are locks of Emacs

// matcher holds exclude patterns, split at their slashes.
type matcher [][]string

func newMatcher(patterns []string) (matcher, error) {
	var m matcher
	for _, p := range patterns {
		anchored := strings.TrimSuffix(p, "/")
		clean := strings.TrimPrefix(strings.TrimPrefix(anchored, "./"), "/")
		if clean == "" {
			return nil, fmt.Errorf("exclude pattern %q: matches nothing", p)
		}
		if _, err := path.Match(clean, ""); err != nil {
			return nil, fmt.Errorf("exclude pattern %q: %w", p, err)
		}
		segments := strings.Split(clean, "/")
		if !strings.Contains(anchored, "/") {
			segments = append([]string{"**"}, segments...)
		}
		// "**/**" means what "**" means, but costs a search at every level.
		m = append(m, slices.CompactFunc(segments, func(a, b string) bool { return a == "**" && b == "**" }))
	}
	return m, nil
}

// match reports whether a pattern matches name, a slash-separated path.
func (m matcher) match(name string) bool {
	elements := strings.Split(name, "/")
	for _, pattern := range m {
		if matchSegments(pattern, elements) {
			return true
		}
	}
	return false
}

func matchSegments(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			// "dir/**" excludes what is in dir, so it takes one element at least.
			if len(pattern) == 1 {
				return len(name) > 0
			}
			for i := range name {
				if matchSegments(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		// The syntax was checked when the pattern was read.
		if ok, _ := path.Match(pattern[0], name[0]); !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

// ValidatePattern says what is wrong with an exclude pattern, or nil.
func ValidatePattern(pattern string) error {
	_, err := newMatcher([]string{pattern})
	return err
}
