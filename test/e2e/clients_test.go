package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// client is a tool of AWS's, pointed at an engine.
type client struct {
	*server
	env []string
}

// newClient starts an engine for the tools named, which must be there in CI. It
// verifies their signatures, so that each of them proves that it is understood.
func newClient(t *testing.T, tools ...string) client {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, tool+" is not on the PATH")
		}
	}
	s := newServer(t, "--authentication", "strict")
	vars, err := exec.CommandContext(t.Context(), binary, "--endpoint", s.url(), "engine", "env").Output()
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for line := range strings.Lines(string(vars)) {
		env = append(env, strings.TrimSpace(strings.TrimPrefix(line, "export ")))
	}
	none := filepath.Join(t.TempDir(), "none") // not this machine's own settings
	return client{s, append(append(os.Environ(), env...),
		"AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "PYTHONWARNINGS=ignore",
	)}
}

// lacking skips a test; in CI nothing may be lacking.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// run runs a command, which must succeed, and returns what it prints.
func (c client) run(name string, args ...string) string {
	c.Helper()
	out, err := c.command(name, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		c.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (c client) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.Context(), name, args...)
	cmd.Env = c.env
	return cmd
}

// aws runs a command of `aws lambda` and returns the fields of its answer.
func (c client) aws(args ...string) map[string]any {
	c.Helper()
	out := c.run("aws", append([]string{"lambda", "--output", "json"}, args...)...)
	var fields map[string]any
	if err := json.Unmarshal([]byte(out), &fields); out != "" && err != nil {
		c.Fatalf("%v: %s", err, out)
	}
	return fields
}

// refused runs a command that must fail, and checks why.
func (c client) refused(code, message string, args ...string) {
	c.Helper()
	out, err := c.command("aws", append([]string{"lambda"}, args...)...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "("+code+")") || !strings.Contains(string(out), message) {
		c.Errorf("aws lambda %s: %v, want %s: %s\n%s", strings.Join(args, " "), err, code, message, out)
	}
}

// want checks fields of an answer.
func (c client) want(got map[string]any, fields ...string) {
	c.Helper()
	for i := 0; i < len(fields); i += 2 {
		if value := fmt.Sprint(got[fields[i]]); value != fields[i+1] {
			c.Errorf("%s is %q, want %q", fields[i], value, fields[i+1])
		}
	}
}

// pkg writes a package to a file and returns its path.
func (c client) pkg(files map[string]string) string {
	c.Helper()
	raw, err := zipOf(files)
	if err != nil {
		c.Fatal(err)
	}
	path := filepath.Join(c.TempDir(), "package.zip")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		c.Fatal(err)
	}
	return path
}

// greeter is a Python function of a version.
func (c client) greeter(version int) string {
	c.Helper()
	return c.pkg(map[string]string{"app.py": fmt.Sprintf("def handler(event, context):\n    return 'version %d greets ' + event['name']\n", version)})
}

// Spec behaviour §9, the alias tutorial, with the AWS CLI as it is.
func TestAliasTutorial(t *testing.T) {
	c := newClient(t, "aws", "node")
	arn := func(suffix string) string {
		return "arn:aws:lambda:us-east-1:000000000000:function:helloworld" + suffix
	}
	code := func(version int) string {
		return "fileb://" + c.pkg(map[string]string{"helloworld.js": fmt.Sprintf("exports.handler = async (event) => `version %d: ${event.key1}`;\n", version)})
	}
	first := code(1)

	created := c.aws("create-function", "--function-name", "helloworld", "--runtime", "nodejs22.x", "--handler", "helloworld.handler", "--role", "arn:aws:iam::000000000000:role/lambda_basic_execution", "--zip-file", first)
	c.want(created, "FunctionArn", arn(""), "Version", "$LATEST", "MemorySize", "128", "Timeout", "3", "Description", "")
	c.aws("wait", "function-active-v2", "--function-name", "helloworld")

	c.want(c.aws("create-alias", "--function-name", "helloworld", "--name", "DEV", "--function-version", "$LATEST", "--description", "sample alias"),
		"AliasArn", arn(":DEV"), "FunctionVersion", "$LATEST", "Name", "DEV", "Description", "sample alias")
	c.want(c.aws("publish-version", "--function-name", "helloworld"),
		"Version", "1", "FunctionArn", arn(":1"), "CodeSha256", fmt.Sprint(created["CodeSha256"]))
	c.aws("wait", "published-version-active", "--function-name", "helloworld", "--qualifier", "1")
	c.want(c.aws("create-alias", "--function-name", "helloworld", "--name", "BETA", "--function-version", "1"), "AliasArn", arn(":BETA"))
	c.want(c.aws("create-alias", "--function-name", "helloworld", "--name", "PROD", "--function-version", "1"), "AliasArn", arn(":PROD"))
	c.want(c.aws("publish-version", "--function-name", "helloworld"), "Version", "1") // nothing has changed

	c.want(c.aws("update-function-code", "--function-name", "helloworld", "--zip-file", code(2)), "Version", "$LATEST", "LastUpdateStatus", "InProgress")
	c.aws("wait", "function-updated-v2", "--function-name", "helloworld")
	c.want(c.aws("publish-version", "--function-name", "helloworld"), "Version", "2")
	c.want(c.aws("update-alias", "--function-name", "helloworld", "--name", "BETA", "--function-version", "2"), "FunctionVersion", "2")

	for alias, version := range map[string]string{"DEV": "$LATEST", "BETA": "2", "PROD": "1"} {
		c.want(c.aws("get-alias", "--function-name", "helloworld", "--name", alias), "FunctionVersion", version)
	}
	if list := strings.Fields(c.run("aws", "lambda", "list-aliases", "--function-name", "helloworld", "--query", "Aliases[].Name", "--output", "text")); fmt.Sprint(list) != "[BETA DEV PROD]" {
		t.Errorf("aliases %v", list)
	}
	answers := func(alias, version, want string) {
		t.Helper()
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		if err := os.WriteFile(in, []byte(`{"key1":"value1"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		got := c.aws("invoke", "--function-name", "helloworld", "--qualifier", alias, "--payload", "fileb://"+in, out)
		c.want(got, "StatusCode", "200", "ExecutedVersion", version)
		if raw, err := os.ReadFile(out); err != nil || string(raw) != `"`+want+`: value1"` {
			t.Errorf("%s answers %s, %v", alias, raw, err)
		}
	}
	answers("PROD", "1", "version 1")
	answers("BETA", "2", "version 2")
	c.aws("update-alias", "--function-name", "helloworld", "--name", "PROD", "--function-version", "2") // promote
	answers("PROD", "2", "version 2")
	c.aws("update-alias", "--function-name", "helloworld", "--name", "PROD", "--function-version", "1") // roll back
	answers("PROD", "1", "version 1")

	c.refused("ResourceConflictException", "Unable to delete version because the following aliases reference it: [PROD]", "delete-function", "--function-name", "helloworld", "--qualifier", "1")
	c.refused("ResourceNotFoundException", "Function not found: "+arn(":9"), "create-alias", "--function-name", "helloworld", "--name", "NEW", "--function-version", "9")
	c.refused("ValidationException", "failed to satisfy constraint", "create-alias", "--function-name", "helloworld", "--name", "123", "--function-version", "1")
	c.aws("add-permission", "--function-name", "helloworld", "--qualifier", "PROD", "--statement-id", "1", "--action", "lambda:InvokeFunction", "--principal", "s3.amazonaws.com", "--source-arn", "arn:aws:s3:::examplebucket")
	c.refused("ResourceNotFoundException", "The resource you requested does not exist.", "get-policy", "--function-name", "helloworld")
	if policy := fmt.Sprint(c.aws("get-policy", "--function-name", "helloworld", "--qualifier", "PROD")["Policy"]); !strings.Contains(policy, `"Resource":"`+arn(":PROD")+`"`) {
		t.Errorf("policy %s", policy)
	}
	c.aws("delete-alias", "--function-name", "helloworld", "--name", "PROD")
	c.aws("delete-function", "--function-name", "helloworld")
	c.refused("ResourceNotFoundException", "Function not found: "+arn(""), "get-function", "--function-name", "helloworld")
}

func TestBoto3(t *testing.T) {
	c := newClient(t, "python3")
	if err := c.command("python3", "-c", "import boto3").Run(); err != nil {
		lacking(t, "boto3 is not installed")
	}
	t.Log(c.run("python3", "clients/client.py", c.greeter(1), c.greeter(2)))
}

// sdk is the version of AWS's SDK for JavaScript that is tested with.
const sdk = "3.1150.0"

func TestJavaScript(t *testing.T) {
	c := newClient(t, "node", "npm")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "terraform-provider-lambda-test", "sdk-"+sdk)
	if _, err := os.Stat(filepath.Join(dir, "complete")); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := c.command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--no-save", "@aws-sdk/client-lambda@"+sdk).CombinedOutput(); err != nil {
			lacking(t, fmt.Sprintf("AWS's SDK for JavaScript cannot be installed: %v\n%s", err, out))
		}
		if err := os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("clients/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(dir, "client.mjs") // where it finds the SDK
	if err := os.WriteFile(beside, script, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Log(c.run("node", beside, c.greeter(1)))
}
