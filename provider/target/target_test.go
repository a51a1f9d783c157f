package target

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// signature returns the Authorization header of a call over a connection.
func signature(t *testing.T, region string, connect func(endpoint string) *Connection) string {
	t.Helper()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	client, err := connect(server.URL).Lambda(region)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ListFunctions(t.Context(), &lambda.ListFunctionsInput{}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatAConnectionSigns(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	aws := func(c Config) func(string) *Connection {
		return func(endpoint string) *Connection {
			c.LambdaEndpoint = endpoint
			conn, err := AWS(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
	}
	local := func(c Config) func(string) *Connection {
		return func(endpoint string) *Connection { return Local(c, endpoint) }
	}
	tests := map[string]struct {
		connect func(string) *Connection
		region  string
		want    string // key and region in the credential scope
	}{
		// The user's credentials never reach a local engine.
		"local":                  {local(Config{}), "", "Credential=test/DATE/us-east-1/lambda"},
		"local account":          {local(Config{AccessKey: "123456789012", SecretKey: "x", Region: "eu-west-1"}), "", "Credential=123456789012/DATE/eu-west-1/lambda"},
		"region of a resource":   {local(Config{}), "us-west-2", "Credential=test/DATE/us-west-2/lambda"},
		"AWS, environment":       {aws(Config{Region: "eu-west-1"}), "", "Credential=AKIAENVIRONMENT/DATE/eu-west-1/lambda"},
		"AWS, the configuration": {aws(Config{Region: "eu-west-1", AccessKey: "AKIAOWN", SecretKey: "x"}), "", "Credential=AKIAOWN/DATE/eu-west-1/lambda"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := signature(t, tt.region, tt.connect)
			key, rest, _ := strings.Cut(tt.want, "DATE")
			if !strings.Contains(got, key) || !strings.Contains(got, rest) {
				t.Errorf("signed with %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAWSNeedsARegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	_, err := AWS(t.Context(), Config{AccessKey: "x", SecretKey: "y"})
	if err == nil || !strings.Contains(err.Error(), "no region") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownConnectionMakesNoClient(t *testing.T) {
	if _, err := Unknown().Lambda(""); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestTags(t *testing.T) {
	c := &Connection{DefaultTags: map[string]string{"a": "default", "b": "default"}}
	if got := c.AllTags(map[string]string{"b": "own"}); !maps.Equal(got, map[string]string{"a": "default", "b": "own"}) {
		t.Errorf("all tags: %v", got)
	}
	if len(c.DefaultTags) != 2 || c.DefaultTags["b"] != "default" {
		t.Errorf("the defaults changed: %v", c.DefaultTags)
	}
	ignore := IgnoreTags{Keys: []string{"cost"}, KeyPrefixes: []string{"team/"}}
	for key, want := range map[string]bool{"aws:x": true, "cost": true, "costs": false, "team/a": true, "team": false} {
		if got := ignore.Ignored(key); got != want {
			t.Errorf("Ignored(%q) = %v", key, got)
		}
	}
}

func TestLockHasOneHolder(t *testing.T) {
	c := &Connection{locks: map[string]chan struct{}{}}
	unlock, err := c.Lock(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Lock(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Lock(ctx, "f"); err == nil {
		t.Error("two holders of one lock")
	}
	unlock()
	if unlock, err = c.Lock(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	unlock()
}
