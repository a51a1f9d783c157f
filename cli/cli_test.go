package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// run executes a command line and returns what a shell would see.
func run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), "test", args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// startEngine runs an engine with the function hello, version 1 and the alias live.
func startEngine(t *testing.T) (endpoint string) {
	t.Helper()
	return startEngineOf(t, engine.Config{})
}

func startEngineOf(t *testing.T, c engine.Config) (endpoint string) {
	t.Helper()
	c.Listen, c.DataDir, c.Driver, c.Version = "127.0.0.1:0", t.TempDir(), "process", "test"
	e, err := engine.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	var pkg bytes.Buffer
	w := zip.NewWriter(&pkg)
	f, err := w.Create("app.py")
	if err != nil {
		t.Fatal(err)
	}
	code := "def handler(event, context):\n    print('seen', event)\n    if event.get('fail'):\n        raise ValueError('as asked')\n    return event\n"
	if _, err := f.Write([]byte(code)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	url := e.URL()
	client, err := (&app{endpoint: url, region: "us-east-1"}).lambda(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("hello"), Runtime: "python3.13", Handler: aws.String("app.handler"), Publish: true,
		Role: aws.String("arn:aws:iam::000000000000:role/r"), Code: &types.FunctionCode{ZipFile: pkg.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: aws.String("hello"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func TestCommands(t *testing.T) {
	endpoint := startEngine(t)
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(`{"from": "a file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name           string
		stdin          string
		args           []string
		code           int
		stdout, stderr string // what must be in there
	}{
		{name: "no event", args: []string{"invoke", "hello:live"}, stdout: "{}\n"},
		{name: "event as flag", args: []string{"invoke", "hello", "-p", `{"a": 1}`}, stdout: `{"a": 1}` + "\n"},
		{name: "event from a file", args: []string{"invoke", "hello", "-f", file}, stdout: `{"from": "a file"}` + "\n"},
		{name: "event from stdin", stdin: `{"b": 2}`, args: []string{"invoke", "hello", "-"}, stdout: `{"b": 2}` + "\n"},
		{name: "tail", args: []string{"invoke", "hello:1", "--tail"}, stdout: "{}\n", stderr: "REPORT RequestId: "},
		{name: "asynchronous", args: []string{"invoke", "hello", "--async"}, stderr: "Accepted."},
		{name: "function error", args: []string{"invoke", "hello", "-p", `{"fail": true}`}, code: 1, stdout: `"errorMessage": "as asked"`, stderr: "Error: hello failed (Unhandled)."},
		{name: "missing function", args: []string{"invoke", "nope"}, code: 1, stderr: "ResourceNotFoundException: Function not found"},
		{name: "event twice", args: []string{"invoke", "hello", "-", "-p", "{}"}, code: 2, stderr: "give the event once"},
		{name: "stray argument", args: []string{"invoke", "hello", "{}"}, code: 2, stderr: `unexpected argument "{}"`},
		{name: "no function", args: []string{"invoke"}, code: 2, stderr: "See terraform-provider-lambda invoke --help."},
		{name: "unknown flag", args: []string{"invoke", "hello", "--nope"}, code: 2, stderr: "unknown flag: --nope"},
		{name: "unknown command", args: []string{"nope"}, code: 2, stderr: `unknown command "nope"`},
		{name: "no command", args: nil, code: 2, stdout: "Available Commands"},
		{name: "log", args: []string{"logs", "hello", "--since", "1h"}, stdout: "seen {'a': 1}"},
		{name: "log as JSON", args: []string{"logs", "hello", "-o", "json"}, stdout: `"message":"seen {'a': 1}"`},
		{name: "log by alias", args: []string{"logs", "hello:live"}, stdout: "/[1]"},
		{name: "log of no version", args: []string{"logs", "hello:99"}, code: 1, stderr: "there is no such function, version or alias"},
		{name: "log by ARN", args: []string{"logs", "arn:aws:lambda:us-east-1:000000000000:function:hello"}, stdout: "seen {'a': 1}"},
		{name: "log of nobody", args: []string{"logs", "nope"}, code: 1, stderr: "there is no such function"},
		{name: "following nobody", args: []string{"logs", "nope", "-f"}, code: 1, stderr: "there is no such function"},
		{name: "bad time", args: []string{"logs", "hello", "--since", "yesterday"}, code: 2, stderr: "--since \"yesterday\": use a duration"},
		{name: "bad output", args: []string{"logs", "hello", "-o", "xml"}, code: 2, stderr: `unknown output "xml"`},
		{name: "status", args: []string{"engine", "status"}, stdout: "driver    process"},
		{name: "environments", args: []string{"engine", "status"}, stdout: "hello:1"},
		{name: "status as JSON", args: []string{"engine", "status", "-o", "json"}, stdout: `"driver":"process"`},
		{name: "environments as JSON", args: []string{"engine", "status", "-o", "json"}, stdout: `"environments":[{"function":"arn:aws:lambda:us-east-1:000000000000:function:hello","version":"$LATEST","total":1,"idle":1,"booting":0,"provisioned":0},`},
		{name: "environment", args: []string{"engine", "env"}, stdout: "export AWS_ENDPOINT_URL=" + endpoint},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := run(t, tt.stdin, append([]string{"--endpoint", endpoint}, tt.args...)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d\nstdout: %s\nstderr: %s", code, stdout, stderr)
			}
		})
	}
}

// An access key of 12 digits is an account of its own, for commands as for SDKs.
func TestAccount(t *testing.T) {
	endpoint := startEngine(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "123456789012")
	for _, args := range [][]string{{"invoke", "hello"}, {"logs", "hello"}} {
		code, _, stderr := run(t, "", append(args, "--endpoint", endpoint)...)
		if code != 1 || !strings.Contains(stderr, "hello") {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA1234567890123456")
	if code, _, stderr := run(t, "", "invoke", "hello", "--endpoint", endpoint); code != 0 {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// Of an engine that asks for signatures, the commands find the key by themselves.
func TestIssuedKey(t *testing.T) {
	endpoint := startEngineOf(t, engine.Config{Authentication: "strict"})
	for _, key := range []string{"", "AKIAOFSOMEBODYELSE"} {
		t.Setenv("AWS_ACCESS_KEY_ID", key)
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"invoke", "hello", "-p", `{"a": 1}`}, `{"a": 1}`},
			{[]string{"logs", "hello"}, "seen {'a': 1}"},
			{[]string{"engine", "status"}, "callers   signed with the engine's own key (strict)"},
			{[]string{"engine", "status", "-o", "json"}, `"authentication":"strict","issued_key":true`},
			{[]string{"engine", "env"}, "export AWS_ACCESS_KEY_ID=AKIA"},
		} {
			code, stdout, stderr := run(t, "", append(c.args, "--endpoint", endpoint)...)
			if code != 0 || !strings.Contains(stdout, c.want) {
				t.Errorf("%v: exit %d\nstdout: %s\nstderr: %s", c.args, code, stdout, stderr)
			}
		}
	}
}

// Where credentials are configured, they are AWS's own variables' to tell.
func TestConfiguredCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOWNER")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	endpoint := startEngineOf(t, engine.Config{Authentication: "strict", Credentials: map[string]wire.Credential{"AKIAOWNER": {SecretKey: "secret"}}})
	if code, stdout, stderr := run(t, "", "invoke", "hello", "--endpoint", endpoint); code != 0 || stdout != "{}\n" {
		t.Errorf("exit %d, %s", code, stderr)
	}
	code, stdout, stderr := run(t, "", "engine", "env", "--endpoint", endpoint)
	if code != 0 || strings.Contains(stdout, "AWS_ACCESS_KEY_ID") || !strings.Contains(stderr, "set AWS_ACCESS_KEY_ID") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if code, _, stderr := run(t, "", "logs", "hello", "--endpoint", endpoint); code != 1 || !strings.Contains(stderr, "InvalidSignatureException") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if code, stdout, stderr := run(t, "", "engine", "status", "--endpoint", endpoint); code != 0 || !strings.Contains(stdout, "callers   signed with configured credentials") || !strings.Contains(stderr, "is not shown") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

func TestNoEngine(t *testing.T) {
	for _, args := range [][]string{{"invoke", "hello"}, {"logs", "hello"}, {"engine", "status"}} {
		code, _, stderr := run(t, "", append(args, "--endpoint", "http://127.0.0.1:1")...)
		if code != 1 || !strings.Contains(stderr, "engine start") {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
	if code, _, stderr := run(t, "", "engine", "stop", "--data-dir", t.TempDir(), "--endpoint", "http://127.0.0.1:1"); code != 0 || !strings.Contains(stderr, "No engine is running") {
		t.Errorf("stop: exit %d, %s", code, stderr)
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90s":                  now.Add(-90 * time.Second),
		"2h":                   now.Add(-2 * time.Hour),
		"3d":                   now.AddDate(0, 0, -3),
		"2026-11-01T00:00:00Z": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1h", "d", "1x", "-2d", "3dd"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

// An engine in the background runs elsewhere, and as it was asked to.
func TestForwarded(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	cmd := (&app{}).startCommand()
	if err := cmd.ParseFlags([]string{"-d", "-v", "--driver", "process", "--config", "engine.hcl"}); err != nil {
		t.Fatal(err)
	}
	got, err := forwarded(cmd, "engine.hcl")
	want := []string{"--driver=process", "--verbose=true", "--config=" + filepath.Join(here, "engine.hcl")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestLoadConfig(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LAMBDA_ENGINE_DRIVER", "docker")
	t.Setenv("LAMBDA_ENGINE_DATA_DIR", filepath.Join(dir, "default"))
	path := filepath.Join(dir, "engine.hcl")
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	c, err := loadConfig("", settings{})
	if err != nil || c.Driver != "docker" || c.DataDir != filepath.Join(dir, "default") {
		t.Errorf("without a file: %+v, %v", c, err)
	}

	write("listen = \"127.0.0.1:1\"\ndata_dir = \"state\"\ndriver = \"process\"\nnetwork = \"none\"\n" +
		"runtime \"python3.13\" {\n  image = \"mine\"\n}\nlimits {\n  preset = \"2016\"\n}\nservices {\n  s3 = \"http://127.0.0.1:9000\"\n  sqs = \"http://127.0.0.1:1\"\n  sns = \"http://127.0.0.1:2\"\n  events = \"http://127.0.0.1:3\"\n  kinesis = \"http://127.0.0.1:4\"\n  dynamodb = \"http://127.0.0.1:5\"\n}\nclock_speed = 3600\n")
	c, err = loadConfig(path, settings{Listen: "127.0.0.1:2"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:2" || c.DataDir != filepath.Join(dir, "state") || c.Driver != "process" || c.Network != "none" ||
		c.Images["python3.13"] != "mine" || c.Limits != catalog.Guide2016() || c.Services["s3"] != "http://127.0.0.1:9000" {
		t.Errorf("%+v", c)
	}

	services := map[string]string{"s3": "http://127.0.0.1:9000", "sqs": "http://127.0.0.1:1", "sns": "http://127.0.0.1:2", "events": "http://127.0.0.1:3", "kinesis": "http://127.0.0.1:4", "dynamodb": "http://127.0.0.1:5"}
	if !maps.Equal(c.Services, services) || c.Clock == nil {
		t.Errorf("%v, %v", c.Services, c.Clock)
	}

	write("with = [\"dynamodb\"]\n")
	if c, err = loadConfig(path, settings{}); err != nil || !maps.Equal(c.Companions, map[string]string{"dynamodb": ""}) {
		t.Errorf("%v, %v", c.Companions, err)
	}
	write("dynamodb {\n  image = \"mine\"\n}\n")
	if c, err = loadConfig(path, settings{}); err != nil || len(c.Companions) != 0 {
		t.Errorf("an image alone runs nothing: %v, %v", c.Companions, err)
	}
	if c, err = loadConfig(path, settings{With: []string{"dynamodb"}}); err != nil || c.Companions["dynamodb"] != "mine" {
		t.Errorf("%v, %v", c.Companions, err)
	}

	write("runtime \"python3.13\" {\n  command = [\"python3\", \"-m\", \"awslambdaric\"]\n}\n")
	c, err = loadConfig(path, settings{})
	if err != nil || len(c.Images) != 0 || !slices.Equal(c.Commands["python3.13"], []string{"python3", "-m", "awslambdaric"}) {
		t.Errorf("%+v, %v", c, err)
	}

	write(`authentication = "strict"
credentials "AKIABUCKET" {
  secret_key         = "x"
  account_id         = "111111111111"
  service            = "s3.amazonaws.com"
  source_arn         = "arn:aws:s3:::b"
  source_account     = "222222222222"
  event_source_token = "t"
}
credentials "AKIABOB" {
  principal    = "arn:aws:iam::111111111111:user/bob"
  organization = "o-abcdefghij"
}
`)
	c, err = loadConfig(path, settings{})
	bucket := wire.Credential{SecretKey: "x", Identity: wire.Identity{
		Account: "111111111111", Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::b", SourceAccount: "222222222222", EventSourceToken: "t",
	}}
	bob := wire.Credential{Identity: wire.Identity{Principal: "arn:aws:iam::111111111111:user/bob", Organization: "o-abcdefghij"}}
	if err != nil || c.Authentication != "strict" || c.Credentials["AKIABUCKET"] != bucket || c.Credentials["AKIABOB"] != bob {
		t.Errorf("%+v, %v", c, err)
	}

	if err := os.WriteFile(filepath.Join(dir, "quiet.json"), []byte(`{"Statement":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	write("role \"quiet\" {\n  policy_file = \"quiet.json\"\n}\nrole \"loud\" {\n  policy = <<-JSON\n    {\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"logs:*\", \"Resource\": \"*\"}}\n  JSON\n}\n")
	c, err = loadConfig(path, settings{})
	if err != nil || c.Roles["quiet"].Allows("logs:PutLogEvents", "x") || !c.Roles["loud"].Allows("logs:PutLogEvents", "x") || c.Roles["loud"].Allows("s3:GetObject", "x") {
		t.Errorf("%+v, %v", c.Roles, err)
	}

	for content, want := range map[string]string{
		"credentials \"A\" {}\ncredentials \"A\" {}\n":     `credentials "A": an access key has one block only`,
		"runtime \"python3.13\" {}\n":                      `runtime "python3.13": set image, which the docker driver runs, or command`,
		"nope = 1":                                         "Unsupported argument",
		"limits {\n  preset = \"1999\"\n}\n":               "use today or 2016",
		"services {\n  s3 = \"minio\"\n}\n":                "use one such as http://127.0.0.1:9000",
		"services {\n  sqs = \"elasticmq\"\n}\n":           "services: sqs = ",
		"clock_speed = -1\n":                               "clock_speed = -1 cannot be negative",
		"limits {\n  concurrent_executions = -1\n}\n":      "cannot be negative",
		"role \"r\" {}\n":                                  "set policy, a document, or policy_file, where one is",
		"role \"r\" {\n  policy_file = \"nope.json\"\n}\n": "nope.json: no such file",
		"role \"r\" {\n  policy = \"{}\"\n}\n":             "it has no Statement",
	} {
		write(content)
		if _, err := loadConfig(path, settings{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
}
