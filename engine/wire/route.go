package wire

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// routes finds operations by method and path.
type routes struct {
	exact  map[routeKey][]*route // by method and number of segments
	greedy []*route              // the last label swallows the rest of the path
}

type routeKey struct {
	method string
	length int
}

// route is the URI template of an operation, taken apart.
type route struct {
	op       *operation
	method   string
	segments []segment
	query    url.Values // literals that the query must have, as in ?List=ALL
}

// segment is a literal or, if label is set, a member's place.
type segment struct {
	text  string
	label bool
}

func (rs *routes) add(op *operation) {
	path, query, _ := strings.Cut(op.uri, "?")
	r := &route{op: op, method: op.method}
	r.query, _ = url.ParseQuery(query)
	greedy := false
	for _, text := range splitPath(path) {
		s := segment{text: text}
		if strings.HasPrefix(text, "{") {
			s.label = true
			op.labels = append(op.labels, strings.Trim(text, "{+}"))
			greedy = greedy || strings.HasSuffix(text, "+}")
		}
		r.segments = append(r.segments, s)
	}
	if greedy {
		rs.greedy = append(rs.greedy, r)
		return
	}
	if rs.exact == nil {
		rs.exact = map[routeKey][]*route{}
	}
	key := routeKey{op.method, len(r.segments)}
	rs.exact[key] = append(rs.exact[key], r)
}

// sort puts the more particular routes first.
func (rs *routes) sort() {
	order := func(a, b *route) int { return cmp.Compare(b.literals(), a.literals()) }
	for _, list := range rs.exact {
		slices.SortStableFunc(list, order)
	}
	slices.SortStableFunc(rs.greedy, order)
}

func (r *route) literals() (n int) {
	for _, s := range r.segments {
		if !s.label {
			n++
		}
	}
	return n + len(r.query)
}

// splitPath splits an escaped path at its slashes. One trailing slash means
// nothing: the documented URIs have it here and there, SDKs do not send it.
func splitPath(path string) []string {
	path = strings.TrimPrefix(path, "/")
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func (rs *routes) match(r *http.Request) (*operation, []string) {
	segments := splitPath(r.URL.EscapedPath())
	for _, rt := range rs.exact[routeKey{r.Method, len(segments)}] {
		if rt.matches(r, segments) {
			return rt.op, rt.labels(segments)
		}
	}
	for _, rt := range rs.greedy {
		n := len(rt.segments)
		if rt.method != r.Method || len(segments) < n {
			continue
		}
		folded := append(slices.Clone(segments[:n-1]), strings.Join(segments[n-1:], "/"))
		if rt.matches(r, folded) {
			return rt.op, rt.labels(folded)
		}
	}
	return nil, nil
}

func (r *route) matches(req *http.Request, segments []string) bool {
	for i, s := range r.segments {
		if !s.label && s.text != segments[i] {
			return false
		}
	}
	if len(r.query) == 0 {
		return true
	}
	have := req.URL.Query()
	for name, values := range r.query {
		if have.Get(name) != values[0] {
			return false
		}
	}
	return true
}

// labels decodes each segment on its own, after the split: an ARN may hold %2F.
func (r *route) labels(segments []string) []string {
	var out []string
	for i, s := range r.segments {
		if s.label {
			text, err := url.PathUnescape(segments[i])
			if err != nil {
				text = segments[i]
			}
			out = append(out, text)
		}
	}
	return out
}
