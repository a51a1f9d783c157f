package engine_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

const role = "arn:aws:iam::000000000000:role/r"

// startEngine runs an engine on the process driver until the test ends.
func startEngine(t testing.TB, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(context.Background(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", Version: "test",
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func lambdaClient(e *engine.Engine) *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(e.URL()),
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
}

// zipOf makes a package of files by name.
func zipOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// python is a package whose handler, app.handler, has the given body.
func python(t testing.TB, body string) []byte {
	t.Helper()
	return zipOf(t, map[string]string{"app.py": "import os\nimport time\ndef handler(event, context):\n    " + body + "\n"})
}

func createFunction(t testing.TB, c *lambda.Client, name string, pkg []byte) *lambda.CreateFunctionOutput {
	t.Helper()
	out, err := c.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: "python3.13", Handler: aws.String("app.handler"), Role: aws.String(role),
		Code: &types.FunctionCode{ZipFile: pkg},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func invokeFunction(t testing.TB, c *lambda.Client, name, payload string) *lambda.InvokeOutput {
	t.Helper()
	out, err := c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInvoke(t *testing.T) {
	c := lambdaClient(startEngine(t, t.TempDir()))
	createFunction(t, c, "hello", python(t, "print('in the handler'); return {'got': event}"))

	out := invokeFunction(t, c, "hello", `{"a":1}`)
	if got := string(out.Payload); got != `{"got": {"a": 1}}` {
		t.Errorf("payload %s", got)
	}
	if aws.ToString(out.ExecutedVersion) != "$LATEST" || out.FunctionError != nil {
		t.Errorf("version %v, error %v", aws.ToString(out.ExecutedVersion), out.FunctionError)
	}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(tail)), "\n")
	for i, prefix := range []string{"START RequestId: ", "in the handler", "END RequestId: ", "REPORT RequestId: "} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], prefix) {
			t.Fatalf("log:\n%s", tail)
		}
	}
}
