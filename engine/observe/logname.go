package observe

import "strings"

// FunctionGroup is the name of the log group that a function has of its own.
func FunctionGroup(function string) string { return "/aws/lambda/" + function }

// Group names a log group.
type Group struct{ Account, Region, Name string }

// Source names a log stream.
type Source struct {
	Account, Region, Group string
	Stream                 string // of a function: one per environment, such as 2026/11/22/[$LATEST]0123…
	// Existing keeps Append from making the group: without one, nothing is logged.
	Existing bool
}

// group is the group that a stream belongs to.
func (s Source) group() Group { return Group{s.Account, s.Region, s.Group} }

// Stream names a stream of the group.
func (g Group) Stream(name string) Source {
	return Source{Account: g.Account, Region: g.Region, Group: g.Name, Stream: name}
}

// ARN of the group, as it is called where policies speak of it.
func (g Group) ARN() string {
	return "arn:aws:logs:" + g.Region + ":" + g.Account + ":log-group:" + g.Name
}

const subjectRoot = "logs."

// key is what a group's document is kept under.
func (g Group) key() string { return g.Account + "." + g.Region + "." + token(g.Name) }

// key is what a stream's document is kept under: that of its group, and a token.
func (s Source) key() string { return s.group().key() + "." + token(s.Stream) }

// subject of the events of a stream.
func (s Source) subject() string { return subjectRoot + s.key() }

// subjects of the events of all streams of a group.
func (g Group) subjects() string { return subjectRoot + g.key() + ".*" }

const hexDigits = "0123456789ABCDEF"

// token spells a name such that it can be one token of a subject and part of a key.
func token(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('=')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// untoken reads what token has written.
func untoken(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '=' && i+2 < len(text) {
			b.WriteByte(byte(strings.IndexByte(hexDigits, text[i+1])<<4 | strings.IndexByte(hexDigits, text[i+2])))
			i += 2
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
