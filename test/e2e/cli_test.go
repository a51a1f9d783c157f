package e2e

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Spec behaviour §9, the alias tutorial, with the AWS CLI as it is.
func TestAliasTutorial(t *testing.T) {
	t.Parallel()
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

// The rest of the API with the AWS CLI as it is, as a person uses it who has read
// AWS's pages about code, permissions, layers, URLs and event sources.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	c := newClient(t, "aws", "python3")
	dir := t.TempDir()
	code := func(version int) string {
		return "fileb://" + c.pkg(map[string]string{"app.py": fmt.Sprintf("def handler(event, context):\n    print('as asked')\n    return 'version %d of ' + str(event)\n", version)})
	}
	arn := "arn:aws:lambda:us-east-1:000000000000:function:f"
	invoke := func(args ...string) (answer map[string]any, body string) {
		t.Helper()
		out := filepath.Join(dir, "out")
		answer = c.aws(append(append([]string{"invoke", "--function-name", "f"}, args...), out)...)
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(raw)
	}
	in := filepath.Join(dir, "in.json")
	if err := os.WriteFile(in, []byte(`"me"`), 0o600); err != nil {
		t.Fatal(err)
	}

	c.aws("create-function", "--function-name", "f", "--runtime", "python3.13", "--handler", "app.handler", "--role", "arn:aws:iam::000000000000:role/r", "--zip-file", code(1))
	for _, waiter := range []string{"function-exists", "function-active", "function-active-v2", "function-updated", "function-updated-v2"} {
		c.aws("wait", waiter, "--function-name", "f")
	}
	c.want(c.aws("update-function-code", "--function-name", "f", "--zip-file", code(2), "--publish"), "Version", "1", "FunctionArn", arn+":1")
	c.aws("wait", "published-version-active", "--function-name", "f", "--qualifier", "1")
	answer, body := invoke("--payload", "fileb://"+in, "--log-type", "Tail")
	c.want(answer, "StatusCode", "200", "ExecutedVersion", "$LATEST")
	tail, err := base64.StdEncoding.DecodeString(fmt.Sprint(answer["LogResult"]))
	if body != `"version 2 of me"` || err != nil || !strings.Contains(string(tail), "\nas asked\nEND RequestId: ") {
		t.Errorf("answer %s, tail %s (%v)", body, tail, err)
	}
	c.want(c.aws("invoke-async", "--function-name", "f", "--invoke-args", in), "Status", "202") // spec api F.14.6

	permission := c.aws("add-permission", "--function-name", "f", "--statement-id", "1", "--action", "lambda:InvokeFunction", "--principal", "s3.amazonaws.com", "--source-arn", "arn:aws:s3:::b", "--source-account", "111111111111")
	if policy := fmt.Sprint(c.aws("get-policy", "--function-name", "f")["Policy"]); !strings.Contains(policy, fmt.Sprint(permission["Statement"])) {
		t.Errorf("policy %s has not the statement %s", policy, permission["Statement"])
	}
	c.aws("remove-permission", "--function-name", "f", "--statement-id", "1")
	c.refused("ResourceNotFoundException", "The resource you requested does not exist.", "get-policy", "--function-name", "f")

	layer := c.aws("publish-layer-version", "--layer-name", "l", "--zip-file", "fileb://"+c.pkg(map[string]string{"python/tool.py": ""}), "--compatible-runtimes", "python3.13")
	c.want(layer, "LayerVersionArn", "arn:aws:lambda:us-east-1:000000000000:layer:l:1", "CompatibleRuntimes", "[python3.13]")
	c.want(c.aws("update-function-configuration", "--function-name", "f", "--layers", fmt.Sprint(layer["LayerVersionArn"]), "--timeout", "7"), "Timeout", "7", "LastUpdateStatus", "InProgress")
	c.aws("wait", "function-updated-v2", "--function-name", "f")
	if listed := strings.TrimSpace(c.run("aws", "lambda", "list-layers", "--query", "Layers[].LatestMatchingVersion.LayerVersionArn", "--output", "text")); listed != layer["LayerVersionArn"] {
		t.Errorf("layers %s", listed)
	}
	c.aws("delete-layer-version", "--layer-name", "l", "--version-number", "1")

	url := c.aws("create-function-url-config", "--function-name", "f", "--auth-type", "NONE")
	c.aws("add-permission", "--function-name", "f", "--statement-id", "url", "--action", "lambda:InvokeFunctionUrl", "--principal", "*", "--function-url-auth-type", "NONE")
	id, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprint(url["FunctionUrl"]), "http://"), ".")
	response, err := http.Get(c.url() + "/_engine/url/" + id + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if page, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(page), "version 2 of {'version': '2.0'") {
		t.Errorf("the URL answers %d %s (%v)", response.StatusCode, page, err)
	}
	c.want(c.aws("get-function-url-config", "--function-name", "f"), "InvokeMode", "BUFFERED", "AuthType", "NONE")
	c.aws("delete-function-url-config", "--function-name", "f")

	c.run("aws", "kinesis", "create-stream", "--stream-name", "s", "--shard-count", "1")
	c.run("aws", "kinesis", "wait", "stream-exists", "--stream-name", "s")
	mapping := c.aws("create-event-source-mapping", "--function-name", "f:1", "--event-source-arn", "arn:aws:kinesis:us-east-1:000000000000:stream/s", "--starting-position", "LATEST")
	c.want(mapping, "FunctionArn", arn+":1", "State", "Creating", "BatchSize", "100")
	c.want(c.aws("delete-event-source-mapping", "--uuid", fmt.Sprint(mapping["UUID"])), "State", "Deleting")
	if who := strings.TrimSpace(c.run("aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text")); who != "arn:aws:iam::000000000000:root" {
		t.Errorf("the caller is %s", who)
	}
	c.want(c.aws("delete-function", "--function-name", "f"), "StatusCode", "204")
	c.refused("ResourceNotFoundException", "Function not found: "+arn, "delete-function", "--function-name", "f")
}
