package engine_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
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

	// What differs in nothing that one sees has changed all the same, and what no package
	// could hold is left out.
	app := filepath.Join(p.dir, "app.py")
	long := time.Now().Add(-time.Hour)
	for _, said := range []string{"once", "more"} {
		p.save("app.py", "def handler(event, context):\n    return '"+said+"'\n")
		if err := os.Chtimes(app, long, long); err != nil {
			t.Fatal(err)
		}
		want("f", said)
	}
	for _, err := range []error{os.Symlink("joe@host.1:2", filepath.Join(p.dir, ".#app.py")), os.Symlink("nowhere", filepath.Join(p.dir, "dangling")), syscall.Mkfifo(filepath.Join(p.dir, "pipe"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.save("app.py", "def handler(event, context):\n    return 'without the lib'\n")
	want("f", "without the lib")

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

// What runs in the engine, and those that a strict one has credentials for, may not
// have it read this machine.
func TestHotReloadIsTheOwners(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	const tag = `
    import json, urllib.request
    body = json.dumps({"Tags": {"lambdaform:hot-reload": "/etc"}}).encode()
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/2017-03-31/tags/" + context.invoked_function_arn, data=body, method="POST", headers=event)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as e:
        return [e.code, e.headers["x-amzn-ErrorType"]]`
	a.create("f", python(t, strings.TrimSpace(tag)))
	for _, headers := range []string{`{}`, `{"Authorization": "AWS4-HMAC-SHA256 Credential=AKIASOMEBODY/20261122/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0"}`} {
		out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(headers)})
		if string(out.Payload) != `[403, "AccessDeniedException"]` {
			t.Errorf("a function that tags with %s: %s", headers, out.Payload)
		}
	}

	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Authentication: "strict", Logger: slog.New(slog.DiscardHandler),
		Credentials: map[string]wire.Credential{"AKIABOB": {SecretKey: "secret", Identity: wire.Root("100000000000")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	bob := accountOn(t, e.URL(), "100000000000")
	url := e.URL()
	bob.Client = lambda.New(lambda.Options{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("AKIABOB", "secret", ""), Retryer: aws.NopRetryer{}})
	in := newFunction("f", python(t, "return 1"))
	in.Tags = map[string]string{packaging.HotReloadTag: t.TempDir()}
	_, err = bob.CreateFunction(t.Context(), in)
	refusedAs(t, err, "AccessDeniedException", http.StatusForbidden, "User: arn:aws:iam::100000000000:root may not set the tag lambdaform:hot-reload: …")
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
	in := newFunction("f", python(t, "return 1"))
	in.Tags = map[string]string{packaging.HotReloadTag: t.TempDir()}
	_, err = a.CreateFunction(t.Context(), in)
	refusedAs(t, err, "AccessDeniedException", http.StatusForbidden, "User: arn:aws:iam::100000000000:root may not set the tag lambdaform:hot-reload: …")
}
