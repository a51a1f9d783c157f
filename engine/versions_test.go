package engine_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Spec behaviour §9, the promotion tutorial (A9.1).
func TestPromotionTutorial(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	const f = "helloworld"
	a.create(f, python(t, "return 'version 1'"))
	if dev := a.alias(f, "DEV", "$LATEST"); *dev.AliasArn != a.arn(f+":DEV") {
		t.Errorf("DEV is %s", *dev.AliasArn)
	}
	if n := a.publish(f); n != "1" {
		t.Fatalf("published %s first", n)
	}
	a.alias(f, "BETA", "1")
	a.alias(f, "PROD", "1")
	if n := a.publish(f); n != "1" {
		t.Fatalf("published %s without a change", n)
	}
	a.deploy(f, python(t, "return 'version 2'"))
	if n := a.publish(f); n != "2" {
		t.Fatalf("published %s after a change", n)
	}
	a.point(f, "BETA", "2")

	aliases := func() map[string]string {
		out := must[*lambda.ListAliasesOutput](t)(a.ListAliases(t.Context(), &lambda.ListAliasesInput{FunctionName: aws.String(f)}))
		table := map[string]string{}
		for _, alias := range out.Aliases {
			table[*alias.Name] = *alias.FunctionVersion
		}
		return table
	}
	if got := aliases(); got["DEV"] != "$LATEST" || got["BETA"] != "2" || got["PROD"] != "1" || len(got) != 3 {
		t.Errorf("aliases %v", got)
	}
	answers := func(prod string) {
		t.Helper()
		for alias, want := range map[string]string{"PROD": prod, "BETA": `"version 2"`, "DEV": `"version 2"`} {
			if got := a.call(f + ":" + alias); got != want {
				t.Errorf("%s answers %s, want %s", alias, got, want)
			}
		}
	}
	answers(`"version 1"`)
	a.point(f, "PROD", "2") // promote
	answers(`"version 2"`)
	a.point(f, "PROD", "1") // roll back
	answers(`"version 1"`)
}

// point maps an alias to a version.
func (a account) point(function, name, version string) *lambda.UpdateAliasOutput {
	a.Helper()
	out, err := a.UpdateAlias(a.Context(), &lambda.UpdateAliasInput{FunctionName: &function, Name: &name, FunctionVersion: &version})
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// Spec api F.19, behaviour A9.2, A9.9.
func TestPublishVersion(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	one, two := python(t, "return 1"), python(t, "return 2")
	created := a.create("f", one, func(in *lambda.CreateFunctionInput) { in.Description = aws.String("of latest") })
	publish := func(in lambda.PublishVersionInput) (*lambda.PublishVersionOutput, error) {
		if in.FunctionName == nil {
			in.FunctionName = aws.String("f")
		}
		return a.PublishVersion(t.Context(), &in)
	}

	_, err := publish(lambda.PublishVersionInput{CodeSha256: aws.String("d3Jvbmc=")})
	refused[*types.InvalidParameterValueException](t, err, 400, "CodeSHA256 (d3Jvbmc=) is different from current CodeSHA256 in $LATEST ("+*created.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST.")
	_, err = publish(lambda.PublishVersionInput{RevisionId: aws.String("stale")})
	refused[*types.PreconditionFailedException](t, err, 412, "The Revision Id provided…")
	_, err = publish(lambda.PublishVersionInput{FunctionName: aws.String("nope")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("nope"))
	if got := a.versions("f"); !slices.Equal(got, []string{"$LATEST"}) {
		t.Fatalf("refused publications left %v", got)
	}

	first := must[*lambda.PublishVersionOutput](t)(publish(lambda.PublishVersionInput{CodeSha256: created.CodeSha256}))
	if *first.Version != "1" || *first.FunctionArn != a.arn("f:1") || *first.Description != "of latest" || *first.CodeSha256 != *created.CodeSha256 {
		t.Errorf("first version %s, %s, %q", *first.Version, *first.FunctionArn, *first.Description)
	}
	same := must[*lambda.PublishVersionOutput](t)(publish(lambda.PublishVersionInput{Description: aws.String("x")}))
	if *same.Version != "1" || *same.RevisionId != *first.RevisionId || *same.Description != "of latest" {
		t.Errorf("without a change: version %s, %q", *same.Version, *same.Description)
	}
	out := must[*lambda.UpdateFunctionCodeOutput](t)(a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: one, Publish: true}))
	if *out.Version != "1" {
		t.Errorf("the same code again is version %s", *out.Version)
	}

	a.deploy("f", two)
	second := must[*lambda.PublishVersionOutput](t)(publish(lambda.PublishVersionInput{Description: aws.String("second")}))
	if *second.Version != "2" || *second.Description != "second" {
		t.Errorf("second version %s, %q", *second.Version, *second.Description)
	}
	if v := a.config("1"); *v.CodeSha256 != sumOf(one) || *v.RevisionId != *first.RevisionId {
		t.Error("version 1 has changed")
	}
	if v := a.config("2"); v.State != types.StateActive || *v.Description != "second" {
		t.Errorf("version 2 is %s, %q", v.State, *v.Description)
	}
	if _, err := a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Description: aws.String("new")}); err != nil {
		t.Fatal(err)
	}
	if n := a.publish("f"); n != "3" {
		t.Errorf("a changed configuration is version %s", n)
	}
}

// Spec behaviour R15, A9.3, api F.7.2, F.7.6, F.19.7: numbers are never used again.
func TestVersionNumbersAreNeverReused(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.deploy("f", python(t, "return 2"))
	a.publish("f")
	must[*lambda.DeleteFunctionOutput](t)(a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("2")}))
	a.deploy("f", python(t, "return 3"))
	if n := a.publish("f"); n != "3" {
		t.Errorf("after the deletion of 2 comes %s", n)
	}
	must[*lambda.DeleteFunctionOutput](t)(a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f")}))
	created := a.create("f", python(t, "return 4"), func(in *lambda.CreateFunctionInput) { in.Publish = true })
	if *created.Version != "4" || *created.FunctionArn != a.arn("f") {
		t.Errorf("after the deletion of the function comes %s, %s", *created.Version, *created.FunctionArn)
	}
	if got := a.versions("f"); !slices.Equal(got, []string{"$LATEST", "4"}) {
		t.Errorf("versions %v", got)
	}
}

// Spec api F.18, F.4.3.
func TestListVersions(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"), func(in *lambda.CreateFunctionInput) { in.Publish = true })
	a.deploy("f", python(t, "return 2"))
	a.publish("f")

	var arns []string
	in := &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(1)}
	for range 3 {
		out := must[*lambda.ListVersionsByFunctionOutput](t)(a.ListVersionsByFunction(t.Context(), in))
		for _, v := range out.Versions {
			arns = append(arns, *v.FunctionArn)
		}
		in.Marker = out.NextMarker
	}
	if want := []string{a.arn("f:$LATEST"), a.arn("f:1"), a.arn("f:2")}; !slices.Equal(arns, want) || in.Marker != nil {
		t.Errorf("versions %v, then %v", arns, in.Marker)
	}
	must[*lambda.DeleteFunctionOutput](t)(a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")}))
	if got := a.versions("f"); !slices.Equal(got, []string{"$LATEST", "2"}) {
		t.Errorf("versions %v", got)
	}
	_, err := a.ListVersionsByFunction(t.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("nope")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("nope"))
	_, err = a.ListVersionsByFunction(t.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(0)})
	invalid(t, err)
}

// Concurrent publishers of different code get numbers of their own, and each
// number stays what its publisher was told it is.
func TestConcurrentPublication(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 0"))
	var mu sync.Mutex
	published := map[string]string{} // version → hash
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := 0; j < 4; {
				pkg := zipOf(t, map[string]string{"app.py": string(rune('a'+i)) + string(rune('a'+j))})
				out, err := a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: pkg, Publish: true})
				var busy *types.ResourceConflictException
				if errors.As(err, &busy) { // one at a time, as on AWS
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				j++
				mu.Lock()
				if other, taken := published[*out.Version]; taken {
					t.Errorf("version %s was given out for %s and %s", *out.Version, other, *out.CodeSha256)
				}
				published[*out.Version] = *out.CodeSha256
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for number, sum := range published {
		if v := a.config(number); *v.CodeSha256 != sum {
			t.Errorf("version %s is %s, published was %s", number, *v.CodeSha256, sum)
		}
	}
	if got := len(a.versions("f")); got != 33 {
		t.Errorf("%d versions, want 33", got)
	}
}
