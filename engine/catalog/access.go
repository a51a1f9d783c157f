package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What a caller may want of a function that policies speak of.
const (
	InvokeAction    = "lambda:InvokeFunction"
	InvokeURLAction = "lambda:InvokeFunctionUrl"
)

// Caller is who asks for access. An anonymous caller, as function URLs have them,
// is the zero Caller.
type Caller struct {
	Account      string
	Principal    string // ARN
	Organization string

	Service          string // such as s3.amazonaws.com, when a service calls
	SourceARN        string
	SourceAccount    string
	EventSourceToken string
}

// Access is what a caller asks of a function.
type Access struct {
	Caller
	Action string // such as lambda:InvokeFunction
	// FunctionURLAuthType is NONE or AWS_IAM for calls of a function URL, else empty.
	FunctionURLAuthType string
}

// Denied says who was refused what, in AWS's words.
type Denied struct {
	User, Action, Resource string
	Reasons                []string // why no statement allows it: one for each, for the log
}

func (d *Denied) Error() string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %[2]s action", d.User, d.Action, d.Resource)
}

// Authorize returns a *Denied unless a may go ahead through the ARN that qualifier
// makes. Callers of the function's own account may, as no policies of identities are
// kept; services and other accounts need a statement in the policy of that very ARN (R35–R39).
func (f *Function) Authorize(qualifier string, a Access) error {
	if a.Service == "" && a.Account == f.Account {
		return nil
	}
	denied := &Denied{User: a.name(), Action: a.Action, Resource: f.Ref().With(qualifier).ARN()}
	for _, s := range f.Policies[qualifier].Statements {
		reason := s.refuses(a)
		if reason == "" {
			return nil
		}
		denied.Reasons = append(denied.Reasons, "statement "+s.Sid+": "+reason)
	}
	if denied.Reasons == nil {
		denied.Reasons = []string{"no policy is associated with the resource"}
	}
	return denied
}

func (c Caller) name() string {
	switch {
	case c.Service != "":
		return c.Service
	case c.Principal != "":
		return c.Principal
	}
	return "anonymous"
}

// refuses says why the statement does not allow a; the empty string when it does.
func (s Statement) refuses(a Access) string {
	if kind, principal := s.principal(); !a.is(kind, principal) {
		return fmt.Sprintf("principal does not match: wanted %s, got %s", principal, a.name())
	}
	if s.Action != "*" && s.Action != "lambda:*" && !strings.EqualFold(s.Action, a.Action) {
		return fmt.Sprintf("action does not match: wanted %s, got %s", s.Action, a.Action)
	}
	context := a.context()
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			wanted := s.Condition[operator][key]
			got := context[strings.ToLower(key)]
			if got == "" || !holds(operator, wanted, got) {
				return fmt.Sprintf("condition %s %s: wanted %q, got %q", operator, key, wanted, got)
			}
		}
	}
	return ""
}

// principal returns whom the statement names, and as what: AWS or Service.
func (s Statement) principal() (kind, name string) {
	switch p := s.Principal.(type) {
	case string:
		return "AWS", p
	case map[string]any: // as JSON brings it back
		for kind, value := range p {
			name, _ = value.(string)
			return kind, name
		}
	case map[string]string:
		for kind, name := range p {
			return kind, name
		}
	}
	return "", ""
}

// is tells whether the caller is the principal of a statement.
func (c Caller) is(kind, principal string) bool {
	if kind == "Service" || c.Service != "" {
		return principal == "*" || kind == "Service" && principal == c.Service
	}
	return principal == "*" || principal != "" && (principal == c.Principal || principal == c.Account ||
		principal == rootARN(c.Account) || principal == c.role())
}

// role is the ARN of the role that a session goes back to; its path is not known.
func (c Caller) role() string {
	session, ok := strings.CutPrefix(c.Principal, "arn:aws:sts::"+c.Account+":assumed-role/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(session, "/")
	return "arn:aws:iam::" + c.Account + ":role/" + name
}

// context holds the values of condition keys, which are written in any case.
func (a Access) context() map[string]string {
	return map[string]string{
		"aws:sourceaccount":            a.SourceAccount,
		"aws:sourcearn":                a.SourceARN,
		"aws:principalorgid":           a.Organization,
		"lambda:eventsourcetoken":      a.EventSourceToken,
		"lambda:functionurlauthtype":   a.FunctionURLAuthType,
		"lambda:invokedviafunctionurl": strconv.FormatBool(a.FunctionURLAuthType != ""),
	}
}

// holds evaluates one condition. Operators that no AddPermission writes never hold.
func holds(operator, wanted, got string) bool {
	switch operator {
	case "StringEquals":
		return wanted == got
	case "Bool":
		return strings.EqualFold(wanted, got)
	case "ArnLike":
		return arnLike(wanted, got)
	}
	return false
}

// arnLike matches an ARN with a pattern, segment by segment: * and ? do not reach
// over a colon but in the last one, the resource.
func arnLike(pattern, arn string) bool {
	const segments = 6
	wanted, got := strings.SplitN(pattern, ":", segments), strings.SplitN(arn, ":", segments)
	return len(wanted) == segments && slices.EqualFunc(wanted, got, like)
}

var wildcards = strings.NewReplacer(`\*`, `.*`, `\?`, `.`)

// like matches text with a pattern of * and ?.
func like(pattern, text string) bool {
	matched, err := regexp.MatchString("(?s)^"+wildcards.Replace(regexp.QuoteMeta(pattern))+"$", text)
	return err == nil && matched
}
