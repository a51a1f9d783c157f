package companion_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/companion"
)

const standIn = "lambdaform/dynamodb:latest"

func needImage(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", standIn).CombinedOutput(); err != nil {
		if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%v: %s", err, out)
	}
}

func start(t *testing.T, dir string) *companion.Companion {
	t.Helper()
	c, err := companion.Start(t.Context(), companion.Options{Kind: companion.DynamoDB, Image: standIn, Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) }) // does no harm twice
	return c
}

func stop(t *testing.T, c *companion.Companion) {
	t.Helper()
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// ask makes a request of DynamoDB.
func ask(t *testing.T, c *companion.Companion, operation, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Endpoint(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

const table = `{"TableName": "users", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}`

// A companion keeps its data, is restarted at the same address when it dies, and leaves nothing.
func TestCompanion(t *testing.T) {
	needImage(t)
	dir := filepath.Join(t.TempDir(), "dynamodb")
	c := start(t, dir)
	if got := ask(t, c, "CreateTable", table); !strings.Contains(got, `"TableDescription"`) {
		t.Fatal(got)
	}
	stop(t, c)

	c = start(t, dir)
	if got := ask(t, c, "ListTables", `{}`); !strings.Contains(got, `"users"`) {
		t.Errorf("after a restart of the engine: %s", got)
	}
	before := c.Status()
	if !before.Serves || before.Restarts != 0 || before.Container == "" || before.Image != standIn {
		t.Errorf("status %+v", before)
	}
	if out, err := exec.Command("docker", "kill", before.Container).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var after companion.Status
	deadline := time.After(time.Minute)
	for after = c.Status(); !after.Serves || after.Restarts == 0; after = c.Status() {
		select {
		case <-deadline:
			t.Fatalf("not restarted: %+v", after)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if after.Endpoint != before.Endpoint || after.Container == before.Container {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := ask(t, c, "ListTables", `{}`); !strings.Contains(got, `"TableNames"`) {
		t.Errorf("after a restart: %s", got)
	}
	stop(t, c)
	if out, err := exec.Command("docker", "inspect", after.Container).CombinedOutput(); err == nil {
		t.Errorf("the container is left: %s", out)
	}
}

// What prevents a companion is told with the way out, and leaves no container.
func TestCannotStart(t *testing.T) {
	needImage(t)
	for want, o := range map[string]companion.Options{
		"pull image lambdaform/no-such-image": {Image: "lambdaform/no-such-image:1"},
		"it has ended: ":                      {Image: "lambdaform/provided:al2023"},
	} {
		o.Kind, o.Dir, o.Logger = companion.DynamoDB, t.TempDir(), slog.New(slog.DiscardHandler)
		c, err := companion.Start(t.Context(), o)
		if err == nil {
			stop(t, c)
			t.Fatalf("%s starts", o.Image)
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `services { dynamodb = "http://127.0.0.1:8000" }`) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	t.Setenv("DOCKER_HOST", "unix:///nowhere.sock")
	_, err := companion.Start(t.Context(), companion.Options{Kind: companion.DynamoDB, Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "no Docker daemon answers") || !strings.Contains(err.Error(), "services { dynamodb = ") {
		t.Errorf("without Docker: %v", err)
	}
}
