package invoke

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

func TestChain(t *testing.T) {
	home := catalog.Scope{Account: "000000000000", Region: "us-east-1"}
	f, g := &catalog.Function{Scope: home, Name: "f"}, &catalog.Function{Scope: home, Name: "g"}
	header, err := chain("", f)
	if err != nil || !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=[0-9a-f]{8}:0$`).MatchString(header) {
		t.Fatalf("a new trace is %q, %v", header, err)
	}
	root, _, _ := strings.Cut(header, ";Lineage=")
	for n := 2; n <= maxRecursion; n++ { // the functions call each other
		if header, err = chain(header, g); err != nil {
			t.Fatalf("g, call %d: %v", n-1, err)
		}
		if n%2 == 0 {
			header = strings.ReplaceAll(header, "|", "%7C") // as some SDKs send it
		}
		if header, err = chain(header, f); err != nil {
			t.Fatalf("f, call %d: %v", n, err)
		}
	}
	if !strings.HasPrefix(header, root+";") || strings.Count(header, "Lineage=") != 1 || strings.Count(header, "|") != 1 {
		t.Errorf("the trace has become %q", header)
	}
	var loop *types.RecursiveInvocationException
	if _, err := chain(header, f); !errors.As(err, &loop) {
		t.Errorf("the 17th call of f: %v", err)
	}
	if _, err := chain(header, g); err != nil {
		t.Errorf("the 16th call of g: %v", err)
	}
	allowed := *f
	allowed.RecursiveLoop = types.RecursiveLoopAllow
	if _, err := chain(header, &allowed); err != nil {
		t.Errorf("a loop that is allowed: %v", err)
	}
	// What callers send is kept, and what they garble does no harm.
	for sent, want := range map[string]string{
		"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=",
		"Root=1-a;Lineage=;X=y":                              "Root=1-a;X=y;Lineage=",
		"Root=1-a;Lineage=nonsense|1:abcdef01:x":             "Root=1-a;Lineage=nonsense|1:abcdef01:x|",
		"%zz":                                                "%zz;Lineage=",
	} {
		if got, err := chain(sent, f); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%q becomes %q, %v", sent, got, err)
		}
	}
}
