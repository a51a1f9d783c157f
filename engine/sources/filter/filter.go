// Package filter implements the event filtering of event source mappings: the
// patterns of FilterCriteria, which are those of EventBridge.
//
//	{"eventName": ["INSERT", "MODIFY"],                      exact values, any of them
//	 "dynamodb": {"NewImage": {"n": {"S": [{"prefix": "a"}]}}}}  all fields, at any depth
//
//	compile.go   reads a pattern into a tree of conditions
//	match.go     walks a record along that tree
//	condition.go  the conditions on one value
//	number.go    numbers, which are compared as doubles
//
// A record matches a filter if it matches one of its patterns. Field names are taken
// as they are: a dot in them means nothing.
package filter

import "bytes"

// Filter tells which records are for a function. The nil Filter lets everything pass.
// It may be used by many at once.
type Filter struct {
	patterns []string
	nodes    []*node
}

// Error is what CreateEventSourceMapping answers about a pattern that is none: its text
// is AWS's, which does not tell why.
type Error struct {
	Pattern string
	Reason  string // for logs: what is wrong with it
}

// Error returns AWS's text.
func (*Error) Error() string { return "Invalid filter pattern definition." }

// Compile reads patterns. Without any, the filter lets everything pass. Its error is an
// [*Error] about the first pattern that is not valid.
func Compile(patterns []string) (*Filter, error) {
	f := &Filter{patterns: patterns}
	for _, pattern := range patterns {
		n, err := compile(pattern)
		if err != nil {
			return nil, &Error{Pattern: pattern, Reason: err.Error()}
		}
		f.nodes = append(f.nodes, n)
	}
	return f, nil
}

// All tells whether every record passes, so that none has to be made up for Match.
func (f *Filter) All() bool { return f == nil || len(f.nodes) == 0 }

// Patterns returns what the filter was compiled from.
func (f *Filter) Patterns() []string {
	if f == nil {
		return nil
	}
	return f.patterns
}

// Match tells whether a record passes. It is what [encoding/json] decodes with
// UseNumber, such as a record of a DynamoDB stream.
func (f *Filter) Match(record any) bool {
	if f.All() {
		return true
	}
	for _, n := range f.nodes {
		if n.matchValue(record) {
			return true
		}
	}
	return false
}

// MatchData tells whether a record passes whose field data is text, a string or
// []byte, that may be JSON: the body of a message, or the data of a Kinesis record.
// What a pattern says of that field must be of the same kind, or the record does not
// pass: fields of it for JSON, which is an object or array, and a list for anything else.
func (f *Filter) MatchData(record map[string]any, data string) bool {
	if f.All() {
		return true
	}
	var p payload
	switch text := record[data].(type) {
	case string:
		p.text = text
	case []byte:
		p.text = string(text)
	default:
		return f.Match(record)
	}
	for _, n := range f.nodes {
		if n.match(record, data, &p) {
			return true
		}
	}
	return false
}

// RequireJSON refuses patterns that take a field for plain text, where AWS demands that
// both data and pattern are JSON: data of Kinesis, dynamodb of DynamoDB streams.
func (f *Filter) RequireJSON(field string) error {
	if f.All() {
		return nil
	}
	for i, n := range f.nodes {
		if n.plain(field) {
			return &Error{Pattern: f.patterns[i], Reason: "the filter pattern for " + field + " must be a JSON object"}
		}
	}
	return nil
}

// payload is the data of a record, decoded when a pattern first asks.
type payload struct {
	text    string
	decoded bool
	json    any // nil if it is plain text
}

func (p *payload) value() any {
	if !p.decoded {
		p.decoded = true
		if text := bytes.TrimLeft([]byte(p.text), " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			p.json, _ = decode(text) // or it is plain
		}
	}
	return p.json
}
