package engine_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

// needDocker skips a test where there is no Docker, unless the environment says
// that there has to be.
func needDocker(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "lambdaform/python:3.13").CombinedOutput(); err != nil {
		if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%v: %s", err, out)
	}
}

// onDocker is an account of an engine with containers.
func onDocker(t *testing.T) account {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "docker", Logger: slog.New(slog.DiscardHandler),
		Images: map[string]string{"python3.13": "lambdaform/python:3.13"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return accountOn(t, e.URL(), "123456789012")
}

// image builds one that answers with a text and some of its surroundings, and
// returns its id.
func image(t *testing.T, tag, says string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Dockerfile": "FROM lambdaform/python:3.13\nENV FROM_IMAGE=image OVER=image\nCOPY app.py /var/task/\nCOPY app.py /srv/other.py\nCMD [\"app.handler\"]\n",
		"app.py":     "import os\ndef handler(event, context):\n    return ' '.join(['" + says + "', os.getcwd(), os.environ['FROM_IMAGE'], os.environ['OVER'], context.function_name])\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("docker", "build", "-q", "-t", tag, dir)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command("docker", "image", "inspect", "-f", "{{.Id}}", tag).Output()
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "docker", "rmi", "-f", id).Run() })
	return id
}

func TestImageFunction(t *testing.T) {
	t.Parallel()
	needDocker(t)
	const tag = "lambdaform-test/function:latest"
	second := image(t, "lambdaform-test/function:next", "two")
	first := image(t, tag, "one")
	a := onDocker(t)
	uri := aws.String(strings.TrimSuffix(tag, ":latest"))
	fn := func(in *lambda.CreateFunctionInput) {
		in.PackageType, in.Runtime, in.Handler, in.Code = types.PackageTypeImage, "", nil, &types.FunctionCode{ImageUri: uri}
		in.Timeout, in.Environment, in.Architectures = aws.Int32(20), variables("OVER", "function"), thisArchitecture()
	}
	created := a.create("f", nil, fn)
	digest := func(id string) string { return strings.TrimPrefix(id, "sha256:") }
	if created.PackageType != types.PackageTypeImage || created.CodeSize != 0 || *created.CodeSha256 != digest(first) || created.Runtime != "" || created.Handler != nil {
		t.Errorf("created %+v", created)
	}
	get := func(qualifier *string) *lambda.GetFunctionOutput {
		t.Helper()
		return must[*lambda.GetFunctionOutput](t)(a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f"), Qualifier: qualifier}))
	}
	code := get(nil).Code
	if *code.RepositoryType != "ECR" || *code.ImageUri != *uri || *code.ResolvedImageUri != "lambdaform-test/function@"+first || code.Location != nil {
		t.Errorf("code %s, %s, %s", *code.RepositoryType, *code.ImageUri, *code.ResolvedImageUri)
	}
	if got := a.call("f"); got != `"one /var/task image function f"` {
		t.Errorf("it answers %s", got)
	}

	// A version and $LATEST stay with their image when the tag moves on.
	number := a.publish("f")
	if err := exec.Command("docker", "tag", second, tag).Run(); err != nil {
		t.Fatal(err)
	}
	configure := func(config *types.ImageConfig) *lambda.UpdateFunctionConfigurationOutput {
		t.Helper()
		return must[*lambda.UpdateFunctionConfigurationOutput](t)(a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), ImageConfig: config}))
	}
	configure(&types.ImageConfig{WorkingDirectory: aws.String("/srv"), Command: []string{"other.handler"}})
	if got := a.call("f"); got != `"one /srv image function f"` {
		t.Errorf("with another command in another directory: %s", got)
	}
	only := configure(&types.ImageConfig{Command: []string{"app.handler"}}).ImageConfigResponse
	if only.ImageConfig.WorkingDirectory != nil || only.ImageConfig.Command[0] != "app.handler" {
		t.Errorf("image config %+v", only.ImageConfig)
	}
	if none := configure(&types.ImageConfig{}).ImageConfigResponse; none != nil {
		t.Errorf("image config %+v", none)
	}
	updated := must[*lambda.UpdateFunctionCodeOutput](t)(a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ImageUri: aws.String(tag)}))
	if *updated.CodeSha256 != digest(second) {
		t.Errorf("updated to %s", *updated.CodeSha256)
	}
	if got := a.call("f") + a.call("f:"+number); got != `"two /var/task image function f""one /var/task image function f"` {
		t.Errorf("$LATEST and version %s answer %s", number, got)
	}
	if code := get(&number).Code; *code.ResolvedImageUri != "lambdaform-test/function@"+first {
		t.Errorf("version %s has %s", number, *code.ResolvedImageUri)
	}

	_, err := a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: python(t, "return 1")})
	refused[*types.InvalidParameterValueException](t, err, 400, "Please provide ImageUri when updating a function with packageType Image.")
	_, err = a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Handler: aws.String("app.handler")})
	refused[*types.InvalidParameterValueException](t, err, 400, "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	const zipOnly = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
	for name, c := range map[string]struct {
		edit    func(in *lambda.CreateFunctionInput)
		message string
	}{
		"runtime":      {func(in *lambda.CreateFunctionInput) { in.Runtime = "python3.13" }, zipOnly},
		"layers":       {func(in *lambda.CreateFunctionInput) { in.Layers = []string{a.layerARN("tools", 1)} }, zipOnly},
		"missing":      {func(in *lambda.CreateFunctionInput) { in.Code.ImageUri = aws.String("localhost:1/absent:1") }, "Source image localhost:1/absent:1 does not exist. Provide a valid source image."},
		"invalid":      {func(in *lambda.CreateFunctionInput) { in.Code.ImageUri = aws.String("No Image") }, "Source image No Image is not valid. Provide a valid source image."},
		"no image":     {func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{ZipFile: python(t, "return 1")} }, "Please provide ImageUri when creating a function with packageType Image."},
		"and a zip":    {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = python(t, "return 1") }, "Please do not provide other FunctionCode parameters when providing an ImageUri."},
		"architecture": {func(in *lambda.CreateFunctionInput) { in.Architectures = otherArchitecture() }, "Source image " + *uri + " is built for " + string(created.Architectures[0]) + ", and the function's architecture is …"},
	} {
		t.Run(name, func(t *testing.T) {
			in := newFunction("new", nil)
			fn(in)
			c.edit(in)
			_, err := a.CreateFunction(t.Context(), in)
			refused[*types.InvalidParameterValueException](t, err, 400, c.message)
		})
	}
	in := newFunction("zip", python(t, "return 1"))
	in.ImageConfig = &types.ImageConfig{Command: []string{"x"}}
	_, err = a.CreateFunction(t.Context(), in)
	refused[*types.InvalidParameterValueException](t, err, 400, "ImageConfig is supported for functions of package type Image only. …")
}

func thisArchitecture() []types.Architecture {
	if runtime.GOARCH == "arm64" {
		return []types.Architecture{types.ArchitectureArm64}
	}
	return []types.Architecture{types.ArchitectureX8664}
}

func otherArchitecture() []types.Architecture {
	return slices.DeleteFunc(types.Architecture("").Values(), func(a types.Architecture) bool { return a == thisArchitecture()[0] })
}

// Layers in containers, which the driver may have started before it knew of any.
func TestLayersInContainers(t *testing.T) {
	t.Parallel()
	needDocker(t)
	a := onDocker(t)
	one, two := a.layer("one", module(t, "m", "one")), a.layer("two", module(t, "m", "two"))
	a.create("f", python(t, "import sys; import m; return [m.says, sys.path[0], os.path.isdir('/opt/python')]"), func(in *lambda.CreateFunctionInput) {
		in.Timeout, in.Layers = aws.Int32(20), []string{*one.LayerVersionArn, *two.LayerVersionArn}
	})
	if got := a.call("f"); got != `["two", "/var/task", true]` {
		t.Errorf("it answers %s", got)
	}
	if _, err := a.layers(*one.LayerVersionArn); err != nil {
		t.Fatal(err)
	}
	if got := a.call("f"); got != `["one", "/var/task", true]` {
		t.Errorf("it answers %s", got)
	}
}
