package engine

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The variables that point AWS's tools at the engine do not point the engine at itself.
func TestS3OfTheEnvironment(t *testing.T) {
	e, err := Start(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for endpoint, want := range map[string]string{
		"":      "",
		e.URL(): "",
		strings.Replace(e.URL(), "127.0.0.1", "localhost", 1): "",
		"http://127.0.0.1:9": "http://127.0.0.1:9",
	} {
		t.Setenv("AWS_ENDPOINT_URL", endpoint)
		e.outside.configs = nil // as in an engine that has not read them yet
		c, err := e.s3Client(t.Context(), "eu-west-1")
		if err != nil {
			t.Fatal(err)
		}
		o := c.Options()
		if got := aws.ToString(o.BaseEndpoint); got != want || o.UsePathStyle != (want != "") || o.Region != "eu-west-1" {
			t.Errorf("%q: endpoint %q, path style %v, region %s", endpoint, got, o.UsePathStyle, o.Region)
		}
		key, err := o.Credentials.Retrieve(t.Context())
		if err != nil || key.AccessKeyID != "key" {
			t.Errorf("%q: %v, %v", endpoint, key.AccessKeyID, err)
		}
	}
	e.config.Services = map[string]string{"s3": "http://127.0.0.1:9000"}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
	if c, err := e.s3Client(t.Context(), "eu-west-1"); err != nil || *c.Options().BaseEndpoint != "http://127.0.0.1:9000" {
		t.Errorf("the engine's own setting does not win: %v", err)
	}
}
