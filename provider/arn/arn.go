// Package arn reads and writes the names that Lambda gives to functions.
package arn

import (
	"fmt"
	"regexp"
	"strings"
)

// Function is a function's name, taken apart. Everything but Name may be empty.
type Function struct {
	Partition, Region, Account string
	Name                       string
	Qualifier                  string // version or alias
}

var functionPattern = regexp.MustCompile(
	`^(?:arn:(aws[a-zA-Z-]*):lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d+):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)

// ParseFunction takes apart a function's name, its ARN or a part of the ARN,
// each with or without a qualifier.
func ParseFunction(s string) (Function, error) {
	m := functionPattern.FindStringSubmatch(s)
	if m == nil {
		return Function{}, fmt.Errorf("%q is neither a function's name nor its ARN", s)
	}
	return Function{Partition: m[1], Region: m[2], Account: m[3], Name: m[4], Qualifier: m[5]}, nil
}

// FunctionName returns the bare name of the function that s names, or s itself
// if it names none.
func FunctionName(s string) string {
	f, err := ParseFunction(s)
	if err != nil {
		return s
	}
	return f.Name
}

// SameFunction reports whether two names mean the same function: where both
// give a part, they give the same one.
func SameFunction(a, b string) bool {
	if a == b {
		return true
	}
	fa, errA := ParseFunction(a)
	fb, errB := ParseFunction(b)
	if errA != nil || errB != nil {
		return false
	}
	agree := func(x, y string) bool { return x == "" || y == "" || x == y }
	return fa.Name == fb.Name && fa.Qualifier == fb.Qualifier &&
		agree(fa.Account, fb.Account) && agree(fa.Region, fb.Region) && agree(fa.Partition, fb.Partition)
}

// Unqualified returns a function's ARN without its qualifier.
func Unqualified(functionARN string) string {
	f, err := ParseFunction(functionARN)
	if err != nil || f.Qualifier == "" {
		return functionARN
	}
	return strings.TrimSuffix(functionARN, ":"+f.Qualifier)
}

// Region returns the region in an ARN, or "".
func Region(s string) string {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[3]
}

// Invoke returns the ARN by which API Gateway calls a function.
func Invoke(functionARN string) string {
	return gateway(functionARN, "2015-03-31", "invocations")
}

// InvokeStreaming returns the ARN by which API Gateway calls a function whose
// response it streams.
func InvokeStreaming(functionARN string) string {
	return gateway(functionARN, "2021-11-15", "response-streaming-invocations")
}

func gateway(functionARN, version, call string) string {
	parts := strings.SplitN(functionARN, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/%s/functions/%s/%s", parts[1], parts[3], version, functionARN, call)
}

// IsARN reports whether s has the form of an ARN.
func IsARN(s string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[1] != "" && parts[2] != "" && parts[5] != ""
}
