package catalog

import (
	"fmt"
	"strings"
)

// LatestVersion names the one version of a function that can be changed.
const LatestVersion = "$LATEST"

// maxNameLength is the limit of a bare function name; ARNs may be longer.
const maxNameLength = 64

// Scope is the account and the region that a name is looked up in.
type Scope struct {
	Account string
	Region  string
}

// Ref names a function, and a version or alias of it when Qualifier is not empty.
type Ref struct {
	Scope
	Name      string
	Qualifier string
}

// ARN returns the ARN of what r names.
func (r Ref) ARN() string {
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.Region, r.Account, r.Name)
	if r.Qualifier != "" {
		arn += ":" + r.Qualifier
	}
	return arn
}

// With returns the same function under another qualifier.
func (r Ref) With(qualifier string) Ref {
	r.Qualifier = qualifier
	return r
}

// key is where the function's document lies.
func (r Ref) key() string { return r.Account + "." + r.Region + "." + r.Name }

// ParseRef reads a function name in any form that the API takes: NAME, function:NAME,
// ACCOUNT:NAME, ACCOUNT:function:NAME or a full ARN, each with an optional :QUALIFIER
// (spec api §0.1). The separate qualifier, when given, must agree with the one in the name.
func ParseRef(home Scope, name, qualifier string) (Ref, error) {
	ref := Ref{Scope: home}
	rest := strings.Split(name, ":")
	if rest[0] == "arn" && len(rest) > 5 {
		ref.Region, ref.Account = rest[3], rest[4]
		rest = rest[5:]
	} else if len(rest) > 1 && isAccount(rest[0]) {
		ref.Account = rest[0]
		rest = rest[1:]
	}
	if len(rest) > 1 && rest[0] == "function" {
		rest = rest[1:]
	}
	ref.Name = rest[0]
	if len(rest) > 1 {
		ref.Qualifier = rest[1]
	}
	if len(rest) > 2 || ref.Name == "" {
		return Ref{}, Invalid("Invalid function name or ARN: %s. Use a name, a partial ARN such as %s:NAME, or a full ARN.", name, home.Account)
	}
	if ref.Region != home.Region {
		return Ref{}, NotFound("Functions from '%s' are not reachable in this region ('%s')", ref.Region, home.Region)
	}
	if len(ref.Name) > maxNameLength {
		return Ref{}, Invalid("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to %d", ref.Name, maxNameLength)
	}
	if qualifier != "" && ref.Qualifier != "" && qualifier != ref.Qualifier {
		return Ref{}, Invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	if qualifier != "" {
		ref.Qualifier = qualifier
	}
	return ref, nil
}

func isAccount(s string) bool { return len(s) == 12 && isDigits(s) }

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
