package engine_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func sumOf(pkg []byte) string {
	sum := sha256.Sum256(pkg)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Spec api F.4.1, F.10.1.
func TestCreateFunction(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := python(t, "return 1")
	out := a.create("helloworld", pkg)
	for what, pair := range map[string][2]any{
		"version":     {*out.Version, "$LATEST"},
		"arn":         {*out.FunctionArn, a.arn("helloworld")},
		"timeout":     {*out.Timeout, int32(3)},
		"memory":      {*out.MemorySize, int32(128)},
		"description": {*out.Description, ""},
		"sha256":      {*out.CodeSha256, sumOf(pkg)},
		"size":        {out.CodeSize, int64(len(pkg))},
		"state":       {out.State, types.StatePending},
		"update":      {out.LastUpdateStatus, types.LastUpdateStatus("")},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", what, pair[0], pair[1])
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000+0000", *out.LastModified); err != nil {
		t.Errorf("LastModified: %v", err)
	}

	got := must[*lambda.GetFunctionOutput](t)(a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("helloworld")}))
	if c := got.Configuration; c.State != types.StateActive || c.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		t.Errorf("settled state is %s, %s", c.State, c.LastUpdateStatus)
	}
	if *got.Code.RepositoryType != "S3" {
		t.Errorf("repository type %s", *got.Code.RepositoryType)
	}
	path := strings.TrimPrefix(*got.Code.Location, a.url)
	if code := a.send("GET", path, ""); code.status != 200 || code.body != string(pkg) {
		t.Errorf("the location answers %d with %d bytes", code.status, len(code.body))
	}
	if forged := a.send("GET", strings.Replace(path, "Expires=", "Expires=1", 1), ""); forged.status != http.StatusForbidden {
		t.Errorf("a link with another expiry answers %d", forged.status)
	}
}

// Spec api F.4.2, F.4.4–F.4.12.
func TestCreateFunctionRefuses(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := python(t, "return 1")
	a.create("taken", pkg)
	a.create("Taken", pkg) // names are case-sensitive

	create := func(name string, pkg []byte, edit func(*lambda.CreateFunctionInput)) error {
		in := newFunction(name, pkg)
		edit(in)
		_, err := a.CreateFunction(t.Context(), in)
		return err
	}
	type input = lambda.CreateFunctionInput
	subnets := func(n int) []string { return slices.Repeat([]string{"subnet-1"}, n) }

	refused[*types.ResourceConflictException](t, create("taken", pkg, func(*input) {}), 409, "Function already exist: taken")
	for name, c := range map[string]struct {
		edit    func(in *input)
		message string
	}{
		"zip leaves":   {func(in *input) { in.Code.ZipFile = zipOf(t, map[string]string{"../x.py": ""}) }, "Could not unzip uploaded file. …"},
		"zip absolute": {func(in *input) { in.Code.ZipFile = zipOf(t, map[string]string{"/x.py": ""}) }, "Could not unzip uploaded file. …"},
		"zip path": {func(in *input) {
			in.Code.ZipFile = zipOf(t, map[string]string{strings.Repeat("d/", 2000) + "x.py": ""})
		}, "Could not unzip uploaded file. …"},
		"zip of nothing":  {func(in *input) { in.Code.ZipFile = zipOf(t, nil) }, "Uploaded file must be a non-empty zip"},
		"empty zip":       {func(in *input) { in.Code.ZipFile = []byte{} }, "Uploaded file must be a non-empty zip"},
		"image of a zip":  {func(in *input) { in.Code.ImageUri = aws.String("i") }, "Please don't provide ImageUri when creating a function with packageType Zip."},
		"no runtime here": {func(in *input) { in.Runtime = "dotnetcore3.1" }, `runtime "dotnetcore3.1" cannot be run here yet: use one of python3.8, …`},
		"image": {func(in *input) {
			in.PackageType, in.Code = types.PackageTypeImage, &types.FunctionCode{ImageUri: aws.String("i")}
		}, "Functions of package type Image need the docker driver, and this engine has the process driver. …"},
		"runtime":       {func(in *input) { in.Runtime = "nodejs5" }, "Value nodejs5 at 'runtime' failed to satisfy constraint: …"},
		"no runtime":    {func(in *input) { in.Runtime = "" }, "1 validation error detected: Value null at 'runtime' failed to satisfy constraint: Member must not be null…"},
		"no handler":    {func(in *input) { in.Handler = nil }, "1 validation error detected: Value null at 'handler' failed to satisfy constraint: Member must not be null…"},
		"garbage":       {func(in *input) { in.Code.ZipFile = []byte("garbage") }, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"two sources":   {func(in *input) { in.Code.S3Bucket, in.Code.S3Key = aws.String("bucket"), aws.String("key") }, "Please do not provide other FunctionCode parameters when providing a ZipFile."},
		"no code":       {func(in *input) { in.Code = &types.FunctionCode{} }, "Please provide a source for function code…"},
		"name":          {func(in *input) { in.FunctionName = aws.String(strings.Repeat("a", 65)) }, "1 validation error detected: Value '" + strings.Repeat("a", 65) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		"lone subnets":  {func(in *input) { in.VpcConfig = &types.VpcConfig{SubnetIds: subnets(1)} }, "SubnetIds and SecurityIds must coexist or be both empty list."},
		"reserved":      {func(in *input) { in.Environment = variables("AWS_REGION", "mars") }, "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"},
		"environment":   {func(in *input) { in.Environment = variables("KEY", strings.Repeat("x", 4096)) }, "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit…"},
		"many layers":   {func(in *input) { in.Layers = slices.Repeat([]string{a.layerARN("tools", 1)}, 6) }, "Cannot reference more than 5 layers."},
		"missing layer": {func(in *input) { in.Layers = []string{a.layerARN("tools", 1)} }, "Layer version " + a.layerARN("tools", 1) + " does not exist."},
	} {
		t.Run(name, func(t *testing.T) {
			refused[*types.InvalidParameterValueException](t, create("new", pkg, c.edit), 400, c.message)
		})
	}
	for name, edit := range map[string]func(in *input){
		"role": func(in *input) { in.Role = aws.String("r1") },
		"name": func(in *input) { in.FunctionName = aws.String("my function!") },
		"ARN":  func(in *input) { in.FunctionName = aws.String(a.arn(strings.Repeat("a", 100))) },
		"17 subnets": func(in *input) {
			in.VpcConfig = &types.VpcConfig{SubnetIds: subnets(17), SecurityGroupIds: []string{"sg-1"}}
		},
		"6 groups":       func(in *input) { in.VpcConfig = &types.VpcConfig{SubnetIds: subnets(1), SecurityGroupIds: subnets(6)} },
		"little memory":  func(in *input) { in.MemorySize = aws.Int32(127) },
		"zero timeout":   func(in *input) { in.Timeout = aws.Int32(0) },
		"package type":   func(in *input) { in.PackageType = "Tar" },
		"description":    func(in *input) { in.Description = aws.String(strings.Repeat("d", 257)) },
		"environment id": func(in *input) { in.Environment = variables("1A", "x") },
	} {
		t.Run("validation of "+name, func(t *testing.T) { invalid(t, create("new", pkg, edit)) })
	}
	if names := a.functions(); !slices.Equal(names, []string{"Taken", "taken"}) {
		t.Errorf("after all refusals there are %v", names)
	}
}

func variables(name, value string) *types.Environment {
	return &types.Environment{Variables: map[string]string{name: value}}
}

// functions lists the names of an account's functions, over all pages.
func (a account) functions() []string {
	a.Helper()
	var names []string
	pages := lambda.NewListFunctionsPaginator(a, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.Context())
		if err != nil {
			a.Fatal(err)
		}
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	return names
}

// Spec api F.4.5: limits of packages, which no SDK checks.
func TestPackageLimits(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	in := newFunction("big", make([]byte, 52428801))
	_, err := a.CreateFunction(t.Context(), in)
	refusedAs(t, err, "RequestEntityTooLargeException", http.StatusRequestEntityTooLarge, "Zipped size must be smaller than 52428800 bytes")

	var wide bytes.Buffer
	archive := zip.NewWriter(&wide)
	if _, err := archive.CreateRaw(&zip.FileHeader{Name: "app.py", UncompressedSize64: 262144001}); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	in = newFunction("wide", wide.Bytes())
	_, err = a.CreateFunction(t.Context(), in)
	refused[*types.InvalidParameterValueException](t, err, 400, "Unzipped size must be smaller than 262144000 bytes")
}

// Spec api F.10, F.11: what a name and a qualifier find, and what they do not.
func TestGetFunction(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("helloworld", python(t, "return 1"))
	a.publish("helloworld")
	a.alias("helloworld", "PROD", "1")
	for _, c := range []struct{ name, qualifier, arn, version string }{
		{"helloworld", "", "helloworld", "$LATEST"},
		{"helloworld", "$LATEST", "helloworld:$LATEST", "$LATEST"},
		{"helloworld", "1", "helloworld:1", "1"},
		{"helloworld", "PROD", "helloworld:PROD", "1"},
		{"helloworld:1", "", "helloworld:1", "1"},
		{"helloworld:1", "1", "helloworld:1", "1"},
		{"helloworld:$LATEST", "", "helloworld:$LATEST", "$LATEST"},
		{"function:helloworld", "", "helloworld", "$LATEST"},
		{a.id + ":helloworld", "", "helloworld", "$LATEST"},
		{a.id + ":function:helloworld:PROD", "", "helloworld:PROD", "1"},
		{a.arn("helloworld"), "", "helloworld", "$LATEST"},
		{a.arn("helloworld"), "PROD", "helloworld:PROD", "1"},
		{a.arn("helloworld:1"), "", "helloworld:1", "1"},
	} {
		var qualifier *string
		if c.qualifier != "" {
			qualifier = &c.qualifier
		}
		out, err := a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &c.name, Qualifier: qualifier})
		if err != nil {
			t.Errorf("%s?%s: %v", c.name, c.qualifier, err)
			continue
		}
		if *out.Configuration.FunctionArn != a.arn(c.arn) || *out.Configuration.Version != c.version {
			t.Errorf("%s?%s: %s, version %s", c.name, c.qualifier, *out.Configuration.FunctionArn, *out.Configuration.Version)
		}
		config := must[*lambda.GetFunctionConfigurationOutput](t)(a.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &c.name, Qualifier: qualifier}))
		if *config.FunctionArn != *out.Configuration.FunctionArn || *config.RevisionId != *out.Configuration.RevisionId {
			t.Errorf("%s?%s: the configuration alone differs: %s", c.name, c.qualifier, *config.FunctionArn)
		}
	}

	get := func(name, qualifier string) error {
		_, err := a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &name, Qualifier: aws.String(qualifier)})
		return err
	}
	refused[*types.ResourceNotFoundException](t, get("helloworld", "99"), 404, "Function not found: "+a.arn("helloworld:99"))
	refused[*types.ResourceNotFoundException](t, get("helloworld", "ghost"), 404, "Function not found: "+a.arn("helloworld:ghost"))
	refused[*types.InvalidParameterValueException](t, get("helloworld:1", "2"), 400, "The derived qualifier from the function name does not match the specified qualifier.")
	_, err := a.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("helloworld"), Qualifier: aws.String("99")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("helloworld:99"))
	_, err = a.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("helloworld:1"), Qualifier: aws.String("2")})
	refused[*types.InvalidParameterValueException](t, err, 400, "The derived qualifier from the function name does not match the specified qualifier.")
	invalid(t, get("helloworld", "bad!"))
	invalid(t, get("helloworld", strings.Repeat("q", 129)))

	whole := func(name string) error {
		_, err := a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &name})
		return err
	}
	refused[*types.ResourceNotFoundException](t, whole("nope"), 404, "Function not found: "+a.arn("nope"))
	refused[*types.ResourceNotFoundException](t, whole(strings.TrimSuffix(a.arn(""), ":")), 404, "Function not found: "+a.arn("function"))
	refused[*types.ResourceNotFoundException](t, whole(strings.Replace(a.arn("helloworld"), region, "eu-west-1", 1)), 404, "Functions from 'eu-west-1' are not reachable in this region ('us-west-2')")
	refusedAs(t, whole(strings.Replace(a.arn("helloworld"), a.id, "999999999999", 1)), "AccessDeniedException", 403, "…")
}

// A package that turns out to be broken fails the creation; good code mends it.
func TestBrokenPackage(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	var broken bytes.Buffer
	w := zip.NewWriter(&broken)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "app.py", Method: zip.Store, CRC32: 1, CompressedSize64: 2, UncompressedSize64: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x=")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a.create("f", broken.Bytes())
	if c := a.config(""); c.State != types.StateFailed || c.StateReasonCode != types.StateReasonCodeInvalidZipFileException ||
		c.LastUpdateStatus != types.LastUpdateStatusFailed || c.LastUpdateStatusReasonCode != types.LastUpdateStatusReasonCodeInvalidZipFileException {
		t.Errorf("%s %s %v, update %s %s", c.State, c.StateReasonCode, aws.ToString(c.StateReason), c.LastUpdateStatus, c.LastUpdateStatusReasonCode)
	}
	_, err = a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	refused[*types.InvalidZipFileException](t, err, 502, "…")
	a.deploy("f", python(t, "return 1"))
	if c := a.config(""); c.State != types.StateActive || c.StateReason != nil || a.call("f") != "1" {
		t.Errorf("mended: %s %v", c.State, aws.ToString(c.StateReason))
	}
}

// Spec api F.7, behaviour A9.5: what can be deleted, and what goes with it.
func TestDeleteFunction(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	remove := func(name, qualifier string) error {
		in := &lambda.DeleteFunctionInput{FunctionName: &name}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		_, err := a.DeleteFunction(t.Context(), in)
		return err
	}
	a.create("helloworld", python(t, "return 1"))
	a.publish("helloworld")
	a.alias("helloworld", "PROD", "1")

	refused[*types.ResourceConflictException](t, remove("helloworld", "1"), 409, "Unable to delete version because the following aliases reference it: [PROD]")
	refused[*types.InvalidParameterValueException](t, remove("helloworld", "$LATEST"), 400, "$LATEST version cannot be deleted without deleting the function.")
	refused[*types.InvalidParameterValueException](t, remove("helloworld", "PROD"), 400, "Deletion of aliases is not currently supported.")
	refused[*types.ResourceNotFoundException](t, remove("nope", ""), 404, "Function not found: "+a.arn("nope"))
	refused[*types.ResourceNotFoundException](t, remove("nope", "99"), 404, "Function not found: "+a.arn("nope"))
	if err := remove("helloworld", "99"); err != nil {
		t.Errorf("a version that is not there: %v", err)
	}
	if got := a.versions("helloworld"); !slices.Equal(got, []string{"$LATEST", "1"}) {
		t.Errorf("versions %v", got)
	}

	a.allow("helloworld", "", "everybody")
	mapping := a.mapping("deleted-with", "helloworld")
	response := a.send("DELETE", "/2015-03-31/functions/helloworld", "")
	if response.status != 204 || response.body != "" {
		t.Errorf("answer %d %q", response.status, response.body)
	}
	for _, path := range []string{"functions/helloworld", "functions/helloworld/aliases/PROD", "functions/helloworld/policy", "functions/helloworld/versions", "functions/helloworld:1"} {
		if got := a.send("GET", "/2015-03-31/"+path, ""); got.status != 404 {
			t.Errorf("%s answers %d", path, got.status)
		}
	}
	still := must[*lambda.GetEventSourceMappingOutput](t)(a.GetEventSourceMapping(t.Context(), &lambda.GetEventSourceMappingInput{UUID: mapping.UUID}))
	if *still.FunctionArn != a.arn("helloworld") {
		t.Errorf("the mapping is now of %s", *still.FunctionArn)
	}
}

// Spec api F.17: pages, and versions.
func TestListFunctions(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	if got := a.send("GET", "/2015-03-31/functions/", ""); got.status != 200 || got.body != `{"Functions":[]}` {
		t.Errorf("no function: %d %s", got.status, got.body)
	}
	pkg := python(t, "return 1")
	for i := range 60 {
		a.create(fmt.Sprintf("f-%02d", i), pkg)
	}
	first := must[*lambda.ListFunctionsOutput](t)(a.ListFunctions(t.Context(), &lambda.ListFunctionsInput{MaxItems: aws.Int32(10000)}))
	if len(first.Functions) != 50 || first.NextMarker == nil {
		t.Errorf("a page has %d functions, marker %v", len(first.Functions), first.NextMarker)
	}
	// A function that goes between two pages takes no other with it.
	must[*lambda.DeleteFunctionOutput](t)(a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("f-03")}))
	second := must[*lambda.ListFunctionsOutput](t)(a.ListFunctions(t.Context(), &lambda.ListFunctionsInput{Marker: first.NextMarker}))
	if len(second.Functions) != 10 || second.NextMarker != nil || *second.Functions[0].FunctionName != "f-50" {
		t.Errorf("the second page has %d functions, marker %v", len(second.Functions), second.NextMarker)
	}
	if f := first.Functions[0]; *f.Version != "$LATEST" || *f.FunctionArn != a.arn("f-00") || f.State != "" || f.LastUpdateStatus != "" || f.RuntimeVersionConfig != nil {
		t.Errorf("a list shows %+v", f)
	}

	a.publish("f-00")
	all := must[*lambda.ListFunctionsOutput](t)(a.ListFunctions(t.Context(), &lambda.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll, MaxItems: aws.Int32(3)}))
	var arns []string
	for _, f := range all.Functions {
		arns = append(arns, strings.TrimPrefix(*f.FunctionArn, a.arn("")))
	}
	if want := []string{"f-00:$LATEST", "f-00:1", "f-01:$LATEST"}; !slices.Equal(arns, want) {
		t.Errorf("all versions: %v, want %v", arns, want)
	}
	for query, code := range map[string]string{"FunctionVersion=invalid": "ValidationException", "MaxItems=0": "ValidationException", "MaxItems=10001": "ValidationException", "Marker=garbage": "InvalidParameterValueException"} {
		if got := a.send("GET", "/2015-03-31/functions?"+query, ""); got.status != 400 || got.header.Get("X-Amzn-Errortype") != code {
			t.Errorf("%s answers %d %s", query, got.status, got.header.Get("X-Amzn-Errortype"))
		}
	}
}

// Spec api F.23.
func TestUpdateFunctionCode(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	one, two := python(t, "return 1"), python(t, "return 2")
	a.create("f", one, func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(256) })
	revision := *a.config("").RevisionId
	update := func(in lambda.UpdateFunctionCodeInput) (*lambda.UpdateFunctionCodeOutput, error) {
		if in.FunctionName == nil {
			in.FunctionName = aws.String("f")
		}
		return a.UpdateFunctionCode(t.Context(), &in)
	}

	dry := must[*lambda.UpdateFunctionCodeOutput](t)(update(lambda.UpdateFunctionCodeInput{ZipFile: two, DryRun: true, Publish: true}))
	if *dry.CodeSha256 != sumOf(two) || *dry.Version != "$LATEST" {
		t.Errorf("a dry run answers %s, version %s", *dry.CodeSha256, *dry.Version)
	}
	if got := a.config(""); *got.CodeSha256 != sumOf(one) || *got.RevisionId != revision {
		t.Errorf("a dry run changed the code")
	}

	out := must[*lambda.UpdateFunctionCodeOutput](t)(update(lambda.UpdateFunctionCodeInput{ZipFile: two}))
	if *out.CodeSha256 != sumOf(two) || out.LastUpdateStatus != types.LastUpdateStatusInProgress || *out.Version != "$LATEST" || *out.MemorySize != 256 {
		t.Errorf("update answers %s %s %s %d", *out.CodeSha256, out.LastUpdateStatus, *out.Version, *out.MemorySize)
	}
	if got := a.config(""); got.LastUpdateStatus != types.LastUpdateStatusSuccessful {
		t.Errorf("settled status %s", got.LastUpdateStatus)
	}
	out = must[*lambda.UpdateFunctionCodeOutput](t)(update(lambda.UpdateFunctionCodeInput{ZipFile: one, Publish: true}))
	if *out.Version != "1" || *out.FunctionArn != a.arn("f:1") {
		t.Errorf("update and publish answers %s, %s", *out.Version, *out.FunctionArn)
	}

	_, err := update(lambda.UpdateFunctionCodeInput{FunctionName: aws.String("nope"), ZipFile: one})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("nope"))
	_, err = update(lambda.UpdateFunctionCodeInput{ZipFile: two, RevisionId: &revision})
	refused[*types.PreconditionFailedException](t, err, 412, "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	for name, in := range map[string]lambda.UpdateFunctionCodeInput{
		"no code":           {},
		"two sources":       {ZipFile: one, S3Bucket: aws.String("bucket"), S3Key: aws.String("key")},
		"garbage":           {ZipFile: []byte("garbage")},
		"image":             {ImageUri: aws.String("image:1")},
		"published version": {FunctionName: aws.String("f:1"), ZipFile: two},
	} {
		_, err := update(in)
		t.Run(name, func(t *testing.T) { refused[*types.InvalidParameterValueException](t, err, 400, "…") })
	}
	_, err = update(lambda.UpdateFunctionCodeInput{ZipFile: make([]byte, 52428801)})
	refusedAs(t, err, "RequestEntityTooLargeException", http.StatusRequestEntityTooLarge, "Zipped size must be smaller than 52428800 bytes")
	if got := a.config("1"); *got.CodeSha256 != sumOf(one) {
		t.Error("version 1 has changed")
	}
}

// config reads the configuration of the function f.
func (a account) config(qualifier string) *lambda.GetFunctionConfigurationOutput {
	a.Helper()
	in := &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := a.GetFunctionConfiguration(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// Spec api F.24, behaviour A9.8.
func TestUpdateFunctionConfiguration(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	created := a.create("f", python(t, "return 1"), func(in *lambda.CreateFunctionInput) {
		in.Description, in.Environment = aws.String("first"), variables("KEY", "value")
	})
	a.publish("f")
	type input = lambda.UpdateFunctionConfigurationInput
	update := func(in input) (*lambda.UpdateFunctionConfigurationOutput, error) {
		if in.FunctionName == nil {
			in.FunctionName = aws.String("f")
		}
		return a.UpdateFunctionConfiguration(t.Context(), &in)
	}

	out := must[*lambda.UpdateFunctionConfigurationOutput](t)(update(input{Timeout: aws.Int32(10), MemorySize: aws.Int32(256)}))
	if *out.Timeout != 10 || *out.Description != "first" || out.Environment.Variables["KEY"] != "value" || out.LastUpdateStatus != types.LastUpdateStatusInProgress {
		t.Errorf("update answers %+v", out)
	}
	if v := a.config("1"); *v.MemorySize != 128 || *v.Timeout != 3 {
		t.Errorf("version 1 has now %d MB and %d s", *v.MemorySize, *v.Timeout)
	}
	if v := a.config(""); *v.MemorySize != 256 || *v.Handler != "app.handler" || *v.CodeSha256 != *created.CodeSha256 {
		t.Errorf("$LATEST: %+v", v)
	}
	again := must[*lambda.UpdateFunctionConfigurationOutput](t)(update(input{Timeout: aws.Int32(10)}))
	if *again.RevisionId == *out.RevisionId {
		t.Error("an update with the same values keeps the revision")
	}
	cleared := must[*lambda.UpdateFunctionConfigurationOutput](t)(update(input{Description: aws.String(""), Environment: &types.Environment{Variables: map[string]string{}}}))
	if *cleared.Description != "" || len(cleared.Environment.Variables) != 0 {
		t.Errorf("clearing leaves %q and %v", *cleared.Description, cleared.Environment.Variables)
	}
	attached := must[*lambda.UpdateFunctionConfigurationOutput](t)(update(input{VpcConfig: &types.VpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}}}))
	detached := must[*lambda.UpdateFunctionConfigurationOutput](t)(update(input{VpcConfig: &types.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}}}))
	if *attached.VpcConfig.VpcId == "" || *detached.VpcConfig.VpcId != "" || len(detached.VpcConfig.SubnetIds) != 0 {
		t.Errorf("attached to %q, detached to %q", *attached.VpcConfig.VpcId, *detached.VpcConfig.VpcId)
	}

	_, err := update(input{FunctionName: aws.String("nope")})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("nope"))
	_, err = update(input{RevisionId: created.RevisionId})
	refused[*types.PreconditionFailedException](t, err, 412, "The Revision Id provided…")
	_, err = update(input{Role: aws.String("r1")})
	invalid(t, err)
	for name, in := range map[string]input{
		"runtime":           {Runtime: "x"},
		"environment":       {Environment: variables("KEY", strings.Repeat("x", 4096))},
		"many layers":       {Layers: slices.Repeat([]string{a.layerARN("tools", 1)}, 6)},
		"missing layer":     {Layers: []string{a.layerARN("tools", 1)}},
		"published version": {FunctionName: aws.String("f:1"), Timeout: aws.Int32(9)},
		"timeout":           {Timeout: aws.Int32(901)},
	} {
		_, err := update(in)
		t.Run(name, func(t *testing.T) { refused[*types.InvalidParameterValueException](t, err, 400, "…") })
	}
}

// Spec api F.25.1, F.25.2, F.25.7, F.17.6.
func TestTransport(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	unknown := a.send("GET", "/2015-03-31/nothing", "")
	if unknown.status != 404 || !strings.HasPrefix(unknown.body, "{") || unknown.header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("unknown path: %d %s", unknown.status, unknown.body)
	}
	plain, slash := a.send("GET", "/2015-03-31/functions", ""), a.send("GET", "/2015-03-31/functions/", "")
	if plain.status != 200 || plain.body != slash.body {
		t.Errorf("%d %s; with a slash: %d %s", plain.status, plain.body, slash.status, slash.body)
	}
	encoded := strings.ReplaceAll(strings.ReplaceAll(a.arn("f:$LATEST"), ":", "%3A"), "$", "%24")
	if got := a.send("GET", "/2015-03-31/functions/"+encoded+"/configuration", ""); got.status != 200 || got.field("FunctionArn") != a.arn("f:$LATEST") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := a.send("GET", "/2025-11-30/capacity-providers", ""); got.status != 501 || !strings.Contains(got.body, "ListCapacityProviders") {
		t.Errorf("an operation that the engine lacks: %d %s", got.status, got.body)
	}
	missing := a.send("GET", "/2015-03-31/functions/nope", "")
	if missing.field("Message") != "Function not found: "+a.arn("nope") || missing.field("Type") != "User" {
		t.Errorf("error body %s", missing.body)
	}
}
