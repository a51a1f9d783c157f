package engine_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// layer publishes a version of a layer.
func (a account) layer(name string, pkg []byte, edit ...func(*lambda.PublishLayerVersionInput)) *lambda.PublishLayerVersionOutput {
	a.Helper()
	in := &lambda.PublishLayerVersionInput{LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: pkg}}
	for _, e := range edit {
		e(in)
	}
	out, err := a.PublishLayerVersion(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// layers gives the function f layers in place of those it has.
func (a account) layers(arns ...string) (*lambda.UpdateFunctionConfigurationOutput, error) {
	return a.UpdateFunctionConfiguration(a.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: append([]string{}, arns...)})
}

func (a account) deleteLayer(name string, version int64) {
	a.Helper()
	if _, err := a.DeleteLayerVersion(a.Context(), &lambda.DeleteLayerVersionInput{LayerName: &name, VersionNumber: &version}); err != nil {
		a.Error(err)
	}
}

func (a account) layerARN(name string, version int) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:layer:%s:%d", region, a.id, name, version)
}

// module is a layer with a Python module that says what it is.
func module(t testing.TB, name, says string) []byte {
	t.Helper()
	return zipOf(t, map[string]string{"python/" + name + ".py": "says = " + fmt.Sprintf("%q", says)})
}

// What a layer's versions are like (recorded from AWS).
func TestLayerVersions(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := module(t, "m", "one")
	out := a.layer("tools", pkg, func(in *lambda.PublishLayerVersionInput) {
		in.Description, in.LicenseInfo = aws.String("d"), aws.String("MIT")
		in.CompatibleRuntimes = []types.Runtime{types.RuntimePython313}
		in.CompatibleArchitectures = []types.Architecture{types.ArchitectureX8664}
	})
	if *out.LayerArn != strings.TrimSuffix(a.layerARN("tools", 1), ":1") || *out.LayerVersionArn != a.layerARN("tools", 1) || out.Version != 1 ||
		*out.Description != "d" || *out.LicenseInfo != "MIT" || out.CompatibleRuntimes[0] != "python3.13" || out.CompatibleArchitectures[0] != "x86_64" {
		t.Errorf("published %+v", out)
	}
	if c := out.Content; *c.CodeSha256 != sumOf(pkg) || c.CodeSize != int64(len(pkg)) {
		t.Errorf("content %+v", c)
	}
	if code := a.send("GET", strings.TrimPrefix(*out.Content.Location, a.url), ""); code.status != 200 || code.body != string(pkg) {
		t.Errorf("the location answers %d with %d bytes", code.status, len(code.body))
	}
	get := func(name string, version int64) (*lambda.GetLayerVersionOutput, error) {
		return a.GetLayerVersion(t.Context(), &lambda.GetLayerVersionInput{LayerName: &name, VersionNumber: &version})
	}
	byName := must[*lambda.GetLayerVersionOutput](t)(get("tools", 1))
	byLayer := must[*lambda.GetLayerVersionOutput](t)(get(*out.LayerArn, 1))
	byARN := must[*lambda.GetLayerVersionByArnOutput](t)(a.GetLayerVersionByArn(t.Context(), &lambda.GetLayerVersionByArnInput{Arn: out.LayerVersionArn}))
	for _, got := range []string{*byName.CreatedDate, *byLayer.CreatedDate, *byARN.CreatedDate} {
		if got != *out.CreatedDate {
			t.Errorf("created %s, and %s when it was published", got, *out.CreatedDate)
		}
	}
	if *byARN.LayerVersionArn != *out.LayerVersionArn || *byARN.LayerArn != *out.LayerArn || *byARN.Content.CodeSha256 != sumOf(pkg) {
		t.Errorf("by ARN: %+v", byARN)
	}

	// An empty list is one, and a missing one none.
	if bare := a.send("POST", "/2018-10-31/layers/bare/versions", `{"Content":{"ZipFile":"`+base64.StdEncoding.EncodeToString(pkg)+`"}}`); bare.status != 201 ||
		strings.Contains(bare.body, "Compatible") || strings.Contains(bare.body, "License") || !strings.Contains(bare.body, `"Description":""`) {
		t.Errorf("%d %s", bare.status, bare.body)
	}
	if empty := a.send("POST", "/2018-10-31/layers/bare/versions", `{"CompatibleRuntimes":[],"Content":{"ZipFile":"`+base64.StdEncoding.EncodeToString(pkg)+`"}}`); !strings.Contains(empty.body, `"CompatibleRuntimes":[]`) {
		t.Errorf("%d %s", empty.status, empty.body)
	}

	for version := range int64(3) { // the missing ones are no errors
		a.deleteLayer("tools", version+1)
	}
	a.deleteLayer("absent", 1)
	if again := a.layer("tools", pkg); again.Version != 2 {
		t.Errorf("the next version is %d", again.Version)
	}
	_, err := get("tools", 1)
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	_, err = get("absent", 1)
	refused[*types.ResourceNotFoundException](t, err, 404, "The resource you requested does not exist.")
	_, err = get("tools", 0)
	refused[*types.InvalidParameterValueException](t, err, 400, "Layer Version Cannot be less than 1")
	_, err = a.DeleteLayerVersion(t.Context(), &lambda.DeleteLayerVersionInput{LayerName: aws.String("tools"), VersionNumber: aws.Int64(-1)})
	refused[*types.InvalidParameterValueException](t, err, 400, "Layer Version Cannot be less than 1")
	_, err = get(strings.Replace(*out.LayerArn, region, "eu-west-1", 1), 2)
	refused[*types.ResourceNotFoundException](t, err, 404, "Layers from 'eu-west-1' are not reachable in this region ('us-west-2')")
	_, err = a.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{LayerName: aws.String("tools"), Content: &types.LayerVersionContentInput{ZipFile: []byte("no zip")}})
	refused[*types.InvalidParameterValueException](t, err, 400, "Could not unzip uploaded file. Please check your file, then try to upload again.")
}

func TestListLayers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := module(t, "m", "one")
	made := func(runtime types.Runtime, architecture types.Architecture) func(*lambda.PublishLayerVersionInput) {
		return func(in *lambda.PublishLayerVersionInput) {
			in.CompatibleRuntimes, in.CompatibleArchitectures = []types.Runtime{runtime}, []types.Architecture{architecture}
		}
	}
	for range 3 {
		a.layer("b", pkg, made("python3.13", "x86_64"))
	}
	a.layer("b", pkg, made("nodejs22.x", "arm64"))
	a.layer("a", pkg)
	a.layer("gone", pkg)
	a.deleteLayer("gone", 1)

	type filter struct {
		runtime      types.Runtime
		architecture types.Architecture
	}
	for f, want := range map[filter][2]string{
		{}:                       {"a:1 b:4", "4 3 2 1"},
		{"python3.13", ""}:       {"b:3", "3 2 1"},
		{"", "arm64"}:            {"b:4", "4"},
		{"nodejs22.x", "x86_64"}: {"", ""},
	} {
		var layers, versions []string
		all := must[*lambda.ListLayersOutput](t)(a.ListLayers(t.Context(), &lambda.ListLayersInput{CompatibleRuntime: f.runtime, CompatibleArchitecture: f.architecture}))
		for _, l := range all.Layers {
			if *l.LayerArn+fmt.Sprintf(":%d", l.LatestMatchingVersion.Version) != *l.LatestMatchingVersion.LayerVersionArn {
				t.Errorf("layer %s has the version %s", *l.LayerArn, *l.LatestMatchingVersion.LayerVersionArn)
			}
			layers = append(layers, fmt.Sprintf("%s:%d", *l.LayerName, l.LatestMatchingVersion.Version))
		}
		for marker := (*string)(nil); ; {
			page := must[*lambda.ListLayerVersionsOutput](t)(a.ListLayerVersions(t.Context(), &lambda.ListLayerVersionsInput{
				LayerName: aws.String("b"), CompatibleRuntime: f.runtime, CompatibleArchitecture: f.architecture, MaxItems: aws.Int32(2), Marker: marker,
			}))
			for _, v := range page.LayerVersions {
				versions = append(versions, fmt.Sprint(v.Version))
			}
			if marker = page.NextMarker; marker == nil {
				break
			}
		}
		if got := [2]string{strings.Join(layers, " "), strings.Join(versions, " ")}; got != want {
			t.Errorf("%v: %v, want %v", f, got, want)
		}
	}
	if none := must[*lambda.ListLayerVersionsOutput](t)(a.ListLayerVersions(t.Context(), &lambda.ListLayerVersionsInput{LayerName: aws.String("absent")})); len(none.LayerVersions) != 0 {
		t.Errorf("%+v", none)
	}
}

// A function runs with its layers, later ones over earlier ones, and goes on when they are deleted.
func TestFunctionWithLayers(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	one := a.layer("one", zipOf(t, map[string]string{"python/m.py": "says = 'one'", "python/lib/python3.13/site-packages/deep.py": "says = 'deep'"}))
	two := a.layer("two", module(t, "m", "two"))
	code := zipOf(t, map[string]string{"app.py": "import m, deep\ndef handler(event, context):\n    return m.says + deep.says\n"})
	created := a.create("f", code, func(in *lambda.CreateFunctionInput) { in.Layers = []string{*one.LayerVersionArn, *two.LayerVersionArn} })
	if l := created.Layers; len(l) != 2 || *l[0].Arn != *one.LayerVersionArn || l[0].CodeSize != one.Content.CodeSize || *l[1].Arn != *two.LayerVersionArn {
		t.Errorf("layers %+v", created.Layers)
	}
	if got := a.call("f"); got != `"twodeep"` {
		t.Errorf("with both layers: %s", got)
	}
	a.publish("f")
	if _, err := a.layers(*two.LayerVersionArn, *one.LayerVersionArn); err != nil {
		t.Fatal(err)
	}
	if got := a.call("f"); got != `"onedeep"` {
		t.Errorf("with the layers the other way round: %s", got)
	}
	a.deleteLayer("one", 1)
	a.deleteLayer("two", 1)
	if got := a.call("f") + a.call("f:1"); got != `"onedeep""twodeep"` {
		t.Errorf("after the layers were deleted: %s", got)
	}
	if out, err := a.layers(); err != nil || out.Layers != nil {
		t.Errorf("%+v, %v", out.Layers, err)
	}
	if out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f")}); out.FunctionError == nil || !strings.Contains(string(out.Payload), "No module named 'm'") {
		t.Errorf("without layers: %s", out.Payload)
	}
	if c := must[*lambda.GetFunctionConfigurationOutput](t)(a.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f:1")})); len(c.Layers) != 2 {
		t.Errorf("version 1 has the layers %+v", c.Layers)
	}
}

func TestLayersOfFunctionRefused(t *testing.T) {
	t.Parallel()
	a, other := newAccount(t), newAccount(t)
	a.create("f", python(t, "return 1"))
	pkg := module(t, "m", "one")
	for range 3 {
		a.layer("tools", pkg)
	}
	other.layer("theirs", pkg)
	zeros := zipOf(t, map[string]string{"zeros": strings.Repeat("0", 200<<20)})
	a.layer("large", zeros)
	a.layer("larger", zeros)
	for name, c := range map[string]struct {
		layers  []string
		message string
	}{
		"many":      {slices.Repeat([]string{a.layerARN("tools", 1)}, 6), "Cannot reference more than 5 layers."},
		"missing":   {[]string{a.layerARN("absent", 1)}, "Layer version " + a.layerARN("absent", 1) + " does not exist."},
		"version":   {[]string{a.layerARN("tools", 9)}, "Layer version " + a.layerARN("tools", 9) + " does not exist."},
		"twice":     {[]string{a.layerARN("tools", 1), a.layerARN("tools", 2), a.layerARN("tools", 3)}, "Two different versions of the same layer are not allowed to be referenced in the same function. " + a.layerARN("tools", 1) + " and " + a.layerARN("tools", 2) + " are versions of the same layer."},
		"same":      {[]string{a.layerARN("tools", 1), a.layerARN("tools", 1)}, "Two different versions of the same layer are not allowed to be referenced in the same function. …"},
		"region":    {[]string{strings.Replace(a.layerARN("tools", 1), region, "eu-west-1", 1)}, "Layers are not in the same region as the function. Layers are expected to be in region us-west-2."},
		"too large": {[]string{a.layerARN("large", 1), a.layerARN("larger", 1)}, "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 4194…"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.layers(c.layers...)
			refused[*types.InvalidParameterValueException](t, err, 400, c.message)
		})
	}
	if _, err := a.layers(a.layerARN("large", 1)); err != nil {
		t.Error(err)
	}
	_, err := a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zeros})
	refused[*types.InvalidParameterValueException](t, err, 400, "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. …")
	_, err = a.layers(strings.TrimSuffix(a.layerARN("tools", 1), ":1"))
	invalid(t, err)
	_, err = a.layers(other.layerARN("theirs", 1))
	refusedAs(t, err, "AccessDeniedException", http.StatusForbidden, "User: arn:aws:iam::"+a.id+":root is not authorized to perform: lambda:GetLayerVersion on resource: "+
		other.layerARN("theirs", 1)+" because no resource-based policy allows the lambda:GetLayerVersion action")
}

// Policies of layer versions (recorded from AWS).
func TestLayerPolicy(t *testing.T) {
	t.Parallel()
	a, other := newAccount(t), newAccount(t)
	arn := *a.layer("tools", module(t, "m", "one")).LayerVersionArn
	add := func(name string, version int64, sid, principal string, revision *string) (*lambda.AddLayerVersionPermissionOutput, error) {
		return a.AddLayerVersionPermission(t.Context(), &lambda.AddLayerVersionPermissionInput{
			LayerName: &name, VersionNumber: &version, StatementId: &sid, Action: aws.String("lambda:GetLayerVersion"), Principal: &principal, RevisionId: revision,
		})
	}
	policy := func(name string, version int64) (*lambda.GetLayerVersionPolicyOutput, error) {
		return a.GetLayerVersionPolicy(t.Context(), &lambda.GetLayerVersionPolicyInput{LayerName: &name, VersionNumber: &version})
	}
	remove := func(name string, version int64, sid string, revision *string) error {
		_, err := a.RemoveLayerVersionPermission(t.Context(), &lambda.RemoveLayerVersionPermissionInput{LayerName: &name, VersionNumber: &version, StatementId: &sid, RevisionId: revision})
		return err
	}
	const noPolicy, stale = "No policy is associated with the given resource.", "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
	_, err := policy("tools", 1)
	refused[*types.ResourceNotFoundException](t, err, 404, noPolicy)
	readable := func() error {
		_, err := other.GetLayerVersionByArn(t.Context(), &lambda.GetLayerVersionByArnInput{Arn: &arn})
		return err
	}
	refusedAs(t, readable(), "AccessDeniedException", 403, "User: arn:aws:iam::"+other.id+":root is not authorized to perform: lambda:GetLayerVersion on resource: "+arn+"…")

	out := must[*lambda.AddLayerVersionPermissionOutput](t)(add("tools", 1, "s1", "*", nil))
	const s1 = `{"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"`
	if *out.Statement != s1+arn+`"}` {
		t.Errorf("statement %s", *out.Statement)
	}
	got := must[*lambda.GetLayerVersionPolicyOutput](t)(policy("tools", 1))
	if *got.Policy != `{"Version":"2012-10-17","Id":"default","Statement":[`+*out.Statement+`]}` || *got.RevisionId != *out.RevisionId {
		t.Errorf("policy %s", *got.Policy)
	}
	_, err = add("tools", 1, "s1", "*", nil)
	refused[*types.ResourceConflictException](t, err, 409, "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing statement.")
	_, err = add("tools", 1, "s2", "*", aws.String("wrong"))
	refused[*types.PreconditionFailedException](t, err, 412, stale)
	second := must[*lambda.AddLayerVersionPermissionOutput](t)(add("tools", 1, "s2", other.id, out.RevisionId))
	if !strings.Contains(*second.Statement, `"Principal":{"AWS":"arn:aws:iam::`+other.id+`:root"}`) || *second.RevisionId == *out.RevisionId {
		t.Errorf("statement %s, revision %s", *second.Statement, *second.RevisionId)
	}
	for _, c := range []struct {
		name    string
		version int64
	}{{"absent", 1}, {"tools", 2}} {
		missing := "Layer version " + a.layerARN(c.name, int(c.version)) + " does not exist."
		_, err := add(c.name, c.version, "s3", "*", nil)
		refused[*types.ResourceNotFoundException](t, err, 404, missing)
		_, err = policy(c.name, c.version)
		refused[*types.ResourceNotFoundException](t, err, 404, missing)
		refused[*types.ResourceNotFoundException](t, remove(c.name, c.version, "s1", nil), 404, missing)
	}
	refused[*types.ResourceNotFoundException](t, remove("tools", 1, "doesnotexist", nil), 404, "Statement doesnotexist is not found in resource policy.")
	refused[*types.PreconditionFailedException](t, remove("tools", 1, "s1", out.RevisionId), 412, stale)
	if err := remove("tools", 1, "s1", second.RevisionId); err != nil {
		t.Error(err)
	}

	// The other account may use it now.
	if err := readable(); err != nil {
		t.Error(err)
	}
	other.create("f", python(t, "import m; return m.says"), func(in *lambda.CreateFunctionInput) { in.Layers = []string{arn} })
	if got := other.call("f"); got != `"one"` {
		t.Errorf("another account's layer: %s", got)
	}
	_, err = other.DeleteLayerVersion(t.Context(), &lambda.DeleteLayerVersionInput{LayerName: aws.String(strings.TrimSuffix(arn, ":1")), VersionNumber: aws.Int64(1)})
	refusedAs(t, err, "AccessDeniedException", 403, "User: …")
	if err := remove("tools", 1, "s2", nil); err != nil {
		t.Error(err)
	}
	_, err = policy("tools", 1)
	refused[*types.ResourceNotFoundException](t, err, 404, noPolicy)
	if readable() == nil {
		t.Error("a permission that was taken back still holds")
	}

	for i := range 200 {
		if _, err = add("tools", 1, fmt.Sprintf("%s-%d", strings.Repeat("s", 90), i), "*", nil); err != nil {
			break
		}
	}
	refused[*types.PolicyLengthExceededException](t, err, 400, "The final policy size (…")
}

// Layers, and the code of deleted ones that functions use, survive a restart.
func TestLayersSurvive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	a := accountOn(t, e.URL(), "123456789012")
	one, two := a.layer("one", module(t, "m", "one")), a.layer("two", module(t, "n", "two"))
	code := zipOf(t, map[string]string{"app.py": "import m, n\ndef handler(event, context):\n    return m.says + n.says\n"})
	a.create("f", code, func(in *lambda.CreateFunctionInput) { in.Layers = []string{*one.LayerVersionArn, *two.LayerVersionArn} })
	a.layer("unused", module(t, "o", "unused"))
	if got := a.call("f"); got != `"onetwo"` {
		t.Errorf("before: %s", got)
	}
	a.deleteLayer("one", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = start(t, dir)
	defer e.Close()
	a = accountOn(t, e.URL(), "123456789012")
	if got := a.call("f"); got != `"onetwo"` {
		t.Errorf("after: %s", got)
	}
	unused := must[*lambda.GetLayerVersionOutput](t)(a.GetLayerVersion(t.Context(), &lambda.GetLayerVersionInput{LayerName: aws.String("unused"), VersionNumber: aws.Int64(1)}))
	if code := a.send("GET", strings.TrimPrefix(*unused.Content.Location, a.url), ""); code.status != 200 || sumOf([]byte(code.body)) != *unused.Content.CodeSha256 {
		t.Errorf("the location answers %d", code.status)
	}
	if again := a.layer("one", module(t, "m", "one")); again.Version != 2 {
		t.Errorf("the next version is %d", again.Version)
	}
}
