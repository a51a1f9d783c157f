package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/test/served"
)

// boto3 calls every operation that the engine serves, and catches every error that
// it sends as the type that the model has for it.
func TestBoto3(t *testing.T) {
	t.Parallel()
	c := clientOf(t, newServer(t, "--config", "clients/engine.hcl"), "python3")
	if err := c.command("python3", "-c", "import boto3").Run(); err != nil {
		lacking(t, "boto3 is not installed")
	}
	c.env = append(c.env, "AWS_ACCESS_KEY_ID=AKIAOWNER", "AWS_SECRET_ACCESS_KEY=owner's", "PYTHONDONTWRITEBYTECODE=1")
	services, err := served.Services()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"clients/python"}
	for _, s := range services {
		for _, op := range s.Operations {
			if op.Served {
				args = append(args, s.Name+"."+op.Name)
			}
		}
	}
	t.Log(c.run("python3", args...))
}

// sdk is the version of AWS's SDK for JavaScript that is tested with.
const sdk = "3.1150.0"

func TestJavaScript(t *testing.T) {
	t.Parallel()
	c := newClient(t, "node", "npm", "aws")
	modules := installSDK(t, c)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("clients/javascript")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	code := c.pkg(map[string]string{"app.py": `def echo(event, context):
    return event

def fail(event, context):
    raise ValueError(event)

def tool(event, context):
    import tool
    return tool.says
`})
	layer := c.pkg(map[string]string{"python/tool.py": "says = 'from the layer'\n"})
	c.run("aws", "kinesis", "create-stream", "--stream-name", "source", "--shard-count", "1")
	t.Log(c.run("node", filepath.Join(dir, "main.mjs"), code, layer, "arn:aws:kinesis:us-east-1:000000000000:stream/source"))
}

// installSDK installs the SDK once on this machine, and returns where Node.js finds it.
func installSDK(t *testing.T, c client) string {
	t.Helper()
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
	return filepath.Join(dir, "node_modules")
}
