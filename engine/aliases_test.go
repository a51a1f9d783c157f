package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// twoVersions is an account with a function f that has versions 1 and 2.
func twoVersions(t *testing.T) account {
	t.Helper()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.deploy("f", python(t, "return 2"))
	a.publish("f")
	return a
}

func weights(pairs map[string]float64) *types.AliasRoutingConfiguration {
	return &types.AliasRoutingConfiguration{AdditionalVersionWeights: pairs}
}

// Spec api F.2, F.8, behaviour A9.6.
func TestCreateAlias(t *testing.T) {
	t.Parallel()
	a := twoVersions(t)
	latest, version := *a.config("").RevisionId, *a.config("1").RevisionId
	alias := a.alias("f", "PROD", "1")
	if *a.config("").RevisionId != latest || *a.config("1").RevisionId != version {
		t.Error("an alias has changed the revision of its function")
	}
	if *alias.AliasArn != a.arn("f:PROD") || *alias.FunctionVersion != "1" || *alias.Name != "PROD" || *alias.Description != "" || *alias.RevisionId == "" {
		t.Errorf("alias %+v", alias)
	}
	for _, name := range []string{"f", a.arn("f")} {
		got := must[*lambda.GetAliasOutput](t)(a.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: &name, Name: aws.String("PROD")}))
		if *got.AliasArn != *alias.AliasArn || *got.RevisionId != *alias.RevisionId || got.RoutingConfig != nil {
			t.Errorf("read back: %+v", got)
		}
	}
	a.alias("f", "v1", "1")
	a.alias("f", "DEV", "$LATEST")

	create := func(function, name, version string, routing *types.AliasRoutingConfiguration) error {
		_, err := a.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: &function, Name: &name, FunctionVersion: &version, RoutingConfig: routing})
		return err
	}
	refused[*types.ResourceConflictException](t, create("f", "PROD", "1", nil), 409, "Alias already exists: "+a.arn("f:PROD"))
	refused[*types.ResourceNotFoundException](t, create("f", "new", "10", nil), 404, "Function not found: "+a.arn("f:10"))
	refused[*types.ResourceNotFoundException](t, create("nope", "new", "1", nil), 404, "Function not found: "+a.arn("nope:1"))
	refused[*types.InvalidParameterValueException](t, create("f", "new", "1", weights(map[string]float64{"1": 0.1, "2": 0.2})), 400, "Number of items in AdditionalVersionWeights cannot be greater than 1")
	refused[*types.InvalidParameterValueException](t, create("f", "new", "1", weights(map[string]float64{"1": 0.1})), 400, "Invalid function version 1. Function version 1 is already included in routing configuration.")
	refused[*types.InvalidParameterValueException](t, create("f", "new", "$LATEST", weights(map[string]float64{"1": 0.1})), 400, "$LATEST is not supported for an alias pointing to more than 1 version")
	refused[*types.ResourceNotFoundException](t, create("f", "new", "1", weights(map[string]float64{"9": 0.1})), 404, "Function not found: "+a.arn("f:9"))
	for _, c := range []struct {
		name, version string
		weight        float64
	}{
		{"2024", "1", 0},
		{"a b", "1", 0},
		{strings.Repeat("a", 129), "1", 0},
		{"new", "PROD", 0},
		{"new", "1", 2},
		{"new", "1", -0.5},
	} {
		var routing *types.AliasRoutingConfiguration
		if c.weight != 0 {
			routing = weights(map[string]float64{"2": c.weight})
		}
		t.Run(c.name+" to "+c.version, func(t *testing.T) { invalid(t, create("f", c.name, c.version, routing)) })
	}
	for _, body := range []string{`{"Name":"new"}`, `{"FunctionVersion":"1"}`, `{`} {
		if got := a.send("POST", "/2015-03-31/functions/f/aliases", body); got.status != 400 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}

	get := func(function, name string) error {
		_, err := a.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: &function, Name: &name})
		return err
	}
	refused[*types.ResourceNotFoundException](t, get("f", "NOPE"), 404, "Cannot find alias arn: "+a.arn("f:NOPE"))
	refused[*types.ResourceNotFoundException](t, get("nope", "PROD"), 404, "Function not found: "+a.arn("nope"))
	invalid(t, get("f", "1"))
}

// Spec api F.21.
func TestUpdateAlias(t *testing.T) {
	t.Parallel()
	a := twoVersions(t)
	alias := a.alias("f", "PROD", "1")
	type input = lambda.UpdateAliasInput
	update := func(in input) (*lambda.UpdateAliasOutput, error) {
		in.FunctionName = aws.String("f")
		if in.Name == nil {
			in.Name = aws.String("PROD")
		}
		return a.UpdateAlias(t.Context(), &in)
	}
	out := must[*lambda.UpdateAliasOutput](t)(update(input{FunctionVersion: aws.String("2"), RevisionId: alias.RevisionId}))
	if *out.FunctionVersion != "2" || *out.RevisionId == *alias.RevisionId {
		t.Errorf("moved: %+v", out)
	}
	out = must[*lambda.UpdateAliasOutput](t)(update(input{Description: aws.String("d")}))
	if *out.FunctionVersion != "2" || *out.Description != "d" {
		t.Errorf("described: %+v", out)
	}
	before := *out.RevisionId
	out = must[*lambda.UpdateAliasOutput](t)(update(input{}))
	if *out.FunctionVersion != "2" || *out.Description != "d" || *out.RevisionId == before {
		t.Errorf("nothing to change: %+v", out)
	}
	out = must[*lambda.UpdateAliasOutput](t)(update(input{Description: aws.String("")}))
	if *out.Description != "" {
		t.Errorf("the description stays %q", *out.Description)
	}
	for _, none := range []*types.AliasRoutingConfiguration{weights(map[string]float64{}), {}} {
		out = must[*lambda.UpdateAliasOutput](t)(update(input{RoutingConfig: weights(map[string]float64{"1": 0.2})}))
		if out.RoutingConfig == nil || out.RoutingConfig.AdditionalVersionWeights["1"] != 0.2 {
			t.Errorf("weighted: %+v", out.RoutingConfig)
		}
		out = must[*lambda.UpdateAliasOutput](t)(update(input{RoutingConfig: none}))
		if out.RoutingConfig != nil {
			t.Errorf("%+v leaves %+v", none, out.RoutingConfig)
		}
	}
	_, err := update(input{Name: aws.String("NOPE")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Alias not found: "+a.arn("f:NOPE"))
	_, err = update(input{FunctionVersion: aws.String("10")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("f:10"))
	_, err = update(input{FunctionVersion: aws.String("abc")})
	invalid(t, err)
	_, err = update(input{RevisionId: aws.String("wrong")})
	refused[*types.PreconditionFailedException](t, err, 412, "The Revision Id provided does not match the latest Revision Id. Call the GetAlias API to retrieve the latest Revision Id")
}

// Spec api F.5, behaviour A9.4, A9.10.
func TestDeleteAlias(t *testing.T) {
	t.Parallel()
	a := twoVersions(t)
	a.alias("f", "PROD", "1")
	a.allow("f", "PROD", "everybody")
	version := func(number string) error {
		_, err := a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: &number})
		return err
	}
	must[*lambda.UpdateAliasOutput](t)(a.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("PROD"), RoutingConfig: weights(map[string]float64{"2": 0.5})}))
	refused[*types.ResourceConflictException](t, version("2"), 409, "Unable to delete version because the following aliases reference it: [PROD]")
	refused[*types.ResourceConflictException](t, version("1"), 409, "Unable to delete version because the following aliases reference it: [PROD]")
	if got := a.config("1"); *got.Version != "1" {
		t.Error("a refused deletion has deleted")
	}

	for range 2 { // the second time there is nothing left to delete
		got := a.send("DELETE", "/2015-03-31/functions/f/aliases/PROD", "")
		if got.status != 204 || got.body != "" {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	gone[*types.ResourceNotFoundException](t, a.GetAlias, &lambda.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("PROD")})
	_, err := a.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: aws.String("f"), Qualifier: aws.String("PROD")})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	a.alias("f", "PROD", "2")
	_, err = a.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: aws.String("f"), Qualifier: aws.String("PROD")})
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.") // the old one's policy is not the new one's
	if err := version("1"); err != nil {
		t.Error(err)
	}
	_, err = a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f:1")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("f:1"))
	_, err = a.DeleteAlias(t.Context(), &lambda.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("123")})
	invalid(t, err)
}

// Spec api F.15.
func TestListAliases(t *testing.T) {
	t.Parallel()
	a := twoVersions(t)
	list := func(in lambda.ListAliasesInput) (names []string, next *string) {
		t.Helper()
		in.FunctionName = aws.String("f")
		out := must[*lambda.ListAliasesOutput](t)(a.ListAliases(t.Context(), &in))
		for _, alias := range out.Aliases {
			names = append(names, *alias.Name)
		}
		return names, out.NextMarker
	}
	if got := a.send("GET", "/2015-03-31/functions/f/aliases", ""); got.body != `{"Aliases":[]}` {
		t.Errorf("no alias: %s", got.body)
	}
	a.alias("f", "c", "1")
	a.alias("f", "a", "$LATEST")
	a.alias("f", "b", "1")
	first, next := list(lambda.ListAliasesInput{MaxItems: aws.Int32(2)})
	second, end := list(lambda.ListAliasesInput{MaxItems: aws.Int32(2), Marker: next})
	if got := append(first, second...); !slices.Equal(got, []string{"a", "b", "c"}) || next == nil || end != nil {
		t.Errorf("%v, %v, marker %v", first, second, end)
	}
	for version, want := range map[string][]string{"1": {"b", "c"}, "2": nil, "$LATEST": {"a"}} {
		if got, _ := list(lambda.ListAliasesInput{FunctionVersion: &version}); !slices.Equal(got, want) {
			t.Errorf("of version %s: %v, want %v", version, got, want)
		}
	}
	for query, status := range map[string]int{"f/aliases?MaxItems=0": 400, "f/aliases?MaxItems=10001": 400, "f/aliases?Marker=garbage": 400, "nope/aliases": 404} {
		if got := a.send("GET", "/2015-03-31/functions/"+query, ""); got.status != status {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// A weighted alias sends calls to both versions and says which one ran.
func TestWeightedAlias(t *testing.T) {
	t.Parallel()
	a := twoVersions(t)
	must[*lambda.CreateAliasOutput](t)(a.CreateAlias(t.Context(), &lambda.CreateAliasInput{
		FunctionName: aws.String("f"), Name: aws.String("canary"), FunctionVersion: aws.String("1"), RoutingConfig: weights(map[string]float64{"2": 0.5}),
	}))
	seen := map[string]int{}
	for range 60 { // one version only: once in 2^59 runs
		out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f:canary")})
		if *out.ExecutedVersion != string(out.Payload) {
			t.Fatalf("version %s answered %s", *out.ExecutedVersion, out.Payload)
		}
		seen[*out.ExecutedVersion]++
	}
	if seen["1"] == 0 || seen["2"] == 0 {
		t.Errorf("calls went to %v", seen)
	}
}
