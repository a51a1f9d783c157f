package engine_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// project is a directory with code that somebody works on.
type project struct {
	testing.TB
	dir string
}

func (p project) save(name, content string) {
	p.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.Fatal(err)
	}
}

// What is saved is live at the next call, of $LATEST; versions stay what they are.
func TestHotReload(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	e := start(t, data)
	defer e.Close()
	a := accountOn(t, e.URL(), "100000000000")
	p := project{t, t.TempDir()}
	p.save("app.py", "from lib.part import part\ndef handler(event, context):\n    return 'saved ' + part\n")
	p.save("lib/part.py", "part = 'one'\n")
	hot := map[string]string{packaging.HotReloadTag: p.dir}
	a.create("f", python(t, "return 'deployed'"), func(in *lambda.CreateFunctionInput) { in.Publish, in.Tags = true, hot })
	a.alias("f", "dev", "$LATEST")
	want := func(function, answer string) {
		t.Helper()
		if got := a.call(function); got != `"`+answer+`"` {
			t.Errorf("%s answers %s, want %q", function, got, answer)
		}
	}
	want("f", "saved one")
	want("f", "saved one")
	p.save("lib/part.py", "part = 'two'\n")
	want("f", "saved two")
	want("f:dev", "saved two")
	want("f:1", "deployed")
	p.save("app.py", "def handler(event, context):\n    return 'without the lib'\n")
	if err := os.RemoveAll(filepath.Join(p.dir, "lib")); err != nil {
		t.Fatal(err)
	}
	want("f", "without the lib")
	a.eventually("snapshots of before are gone", func() bool {
		left, _ := filepath.Glob(filepath.Join(data, "code", "hot-*"))
		return len(left) == 1
	})

	// A change of the configuration has the code of the directory too.
	do(t, a.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Description: aws.String("x")})
	want("f", "without the lib")
	want("f:"+a.publish("f"), "deployed")

	// Many calls at once while somebody saves: each answers with some state of the code.
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for range 5 {
				if out, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")}); err != nil || out.FunctionError != nil {
					t.Errorf("%v %s", err, out.Payload)
				}
			}
		})
	}
	for _, n := range []string{"1", "2", "3"} {
		temporary := project{t, t.TempDir()}
		temporary.save("app.py", "def handler(event, context):\n    return 'state "+n+"'\n")
		if err := os.Rename(filepath.Join(temporary.dir, "app.py"), filepath.Join(p.dir, "app.py")); err != nil {
			t.Fatal(err)
		}
	}
	calls.Wait()
	want("f", "state 3")

	// It goes on after a restart, until the tag is removed.
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "code", "hot-*")); len(left) > 0 {
		t.Errorf("a closed engine leaves %v", left)
	}
	again := start(t, data)
	defer again.Close()
	a = accountOn(t, again.URL(), "100000000000")
	want("f", "state 3")
	do(t, a.UntagResource, &lambda.UntagResourceInput{Resource: aws.String(a.arn("f")), TagKeys: []string{packaging.HotReloadTag}})
	want("f", "deployed")
	do(t, a.TagResource, &lambda.TagResourceInput{Resource: aws.String(a.arn("f")), Tags: hot})
	want("f", "state 3")

	for dir, message := range map[string]string{
		"src":                            "Tag lambdaform:hot-reload = \"src\" is not an absolute path. …",
		filepath.Join(p.dir, "not-here"): "The code of the function cannot be reloaded: …",
	} {
		do(t, a.TagResource, &lambda.TagResourceInput{Resource: aws.String(a.arn("f")), Tags: map[string]string{packaging.HotReloadTag: dir}})
		_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
		refused[*types.InvalidParameterValueException](t, err, http.StatusBadRequest, message)
	}
}

// An engine that others can reach runs nothing that is not its own.
func TestHotReloadBeyondLoopback(t *testing.T) {
	t.Parallel()
	e, err := engine.Start(t.Context(), engine.Config{Listen: "0.0.0.0:0", DataDir: t.TempDir(), Driver: "process", Authentication: "any", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, port, _ := strings.Cut(e.URL(), "]:")
	a := accountOn(t, "http://127.0.0.1:"+port, "100000000000")
	a.create("f", python(t, "return 1"), func(in *lambda.CreateFunctionInput) {
		in.Publish, in.Tags = true, map[string]string{packaging.HotReloadTag: t.TempDir()}
	})
	_, err = a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	refused[*types.InvalidParameterValueException](t, err, http.StatusBadRequest, "Tag lambdaform:hot-reload has no place on an engine that others can reach…")
	if got := a.call("f:1"); got != "1" {
		t.Errorf("version 1 answers %s", got)
	}
}
