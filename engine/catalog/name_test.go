package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var home = Scope{Account: "123456789012", Region: "us-west-2"}

const base = "arn:aws:lambda:us-west-2:123456789012:function:"

// Spec api §0.1, F.25.5, F.25.6.
func TestParseRef(t *testing.T) {
	for _, c := range []struct{ name, qualifier, arn string }{
		{"f", "", "f"},
		{"f:1", "", "f:1"},
		{"f:$LATEST", "", "f:$LATEST"},
		{"f", "PROD", "f:PROD"},
		{"f:PROD", "PROD", "f:PROD"},
		{"function:f", "", "f"},
		{"function:f:1", "", "f:1"},
		{"function", "", "function"},
		{"123456789012:f", "", "f"},
		{"123456789012:f:PROD", "", "f:PROD"},
		{"123456789012:function:f", "2", "f:2"},
		{base + "f", "", "f"},
		{base + "f:1", "", "f:1"},
		{strings.TrimSuffix(base, ":"), "", "function"},
		{strings.Repeat("a", 64), "", strings.Repeat("a", 64)},
		{"999999999999:f", "", "!f"},
		{strings.Replace(base, "123456789012", "999999999999", 1) + "f:1", "", "!f:1"},
	} {
		ref, err := ParseRef(home, c.name, c.qualifier)
		want := base + c.arn
		if own, other := strings.CutPrefix(c.arn, "!"); other {
			want = strings.Replace(base, "123456789012", "999999999999", 1) + own
		}
		if err != nil || ref.ARN() != want {
			t.Errorf("%s?%s is %s (%v), want %s", c.name, c.qualifier, ref.ARN(), err, want)
		}
	}
	for _, c := range []struct{ name, qualifier string }{
		{"f:1", "2"},
		{base + "f:1", "PROD"},
		{"f:1:2", ""},
		{base + "f:1:2", ""},
		{"", ""},
		{"function:", ""},
		{"12345:function:f", ""},
		{strings.Repeat("a", 65), ""},
	} {
		_, err := ParseRef(home, c.name, c.qualifier)
		var invalid *types.InvalidParameterValueException
		if !errors.As(err, &invalid) {
			t.Errorf("%s?%s: %v", c.name, c.qualifier, err)
		}
	}
	var missing *types.ResourceNotFoundException
	if _, err := ParseRef(home, strings.Replace(base, "us-west-2", "eu-west-1", 1)+"f", ""); !errors.As(err, &missing) {
		t.Errorf("another region: %v", err)
	}
}

// Whatever a reference is made of, its ARN names the same again.
func FuzzParseRef(f *testing.F) {
	for _, name := range []string{"f", "f:1", "function:f", "123456789012:f", base + "f:PROD", "arn:aws:lambda", ":", "::", "a:b:c:d:e:f:g"} {
		f.Add(name, "")
		f.Add(name, "1")
	}
	f.Fuzz(func(t *testing.T, name, qualifier string) {
		ref, err := ParseRef(home, name, qualifier)
		if err != nil {
			return
		}
		if ref.Name == "" || len(ref.Name) > maxNameLength || ref.Region != home.Region {
			t.Fatalf("%q, %q: %+v", name, qualifier, ref)
		}
		if strings.ContainsAny(qualifier, ":") || strings.Contains(ref.Account, ":") {
			return // the wire layer lets no such qualifier through
		}
		again, err := ParseRef(home, ref.ARN(), "")
		if err != nil || again != ref {
			t.Fatalf("%q, %q: %+v, whose ARN is %+v (%v)", name, qualifier, ref, again, err)
		}
	})
}
