package e2e

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Spec api F.25.8: the stock provider of Terraform, as it is, applies, finds nothing
// to change, updates everything, finds nothing to change again, and destroys.
func TestStockProvider(t *testing.T) {
	t.Parallel()
	terraform := cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform")
	c := newClient(t, terraform, "aws", "python3")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("stock")); err != nil {
		t.Fatal(err)
	}
	if out, err := c.command(terraform, "-chdir="+dir, "init", "-no-color", "-input=false").CombinedOutput(); err != nil {
		// Of all that the tests need, this alone comes from a registry of its own, or
		// from the mirror that Terraform's configuration names.
		t.Skipf("hashicorp/aws cannot be installed: %v\n%s", err, out)
	}
	c.run("aws", "kinesis", "create-stream", "--stream-name", "source", "--shard-count", "1")
	layer := c.pkg(map[string]string{"python/tool.py": "says = 'tool'\n"})
	var vars []string
	run := func(command string, args ...string) {
		t.Helper()
		c.run(terraform, append(append([]string{"-chdir=" + dir, command, "-no-color", "-input=false"}, args...), vars...)...)
	}
	for i, second := range []bool{false, true} {
		version := fmt.Sprint(i + 1)
		code := c.pkg(map[string]string{"app.py": "import tool\ndef handler(event, context):\n    return [" + version + ", event['version'], tool.says]\n"})
		vars = []string{"-var=code=" + code, "-var=layer=" + layer, fmt.Sprint("-var=second=", second)}
		run("apply", "-auto-approve")
		run("plan", "-detailed-exitcode") // which fails when there is anything to change
		want := fmt.Sprintf(`{"alias":"%[1]s","functions":["f"],"invocation":[%[1]s,"%[1]s","tool"],"layer":1,"retention":%[2]d,"version":"%[1]s"}`, version, []int{14, 30}[i])
		if out := strings.TrimSpace(c.run(terraform, "-chdir="+dir, "output", "-json", "answers")); out != want {
			t.Errorf("answers %s, want %s", out, want)
		}
	}
	calls := c.run("aws", "logs", "filter-log-events", "--log-group-name", "/aws/lambda/f", "--filter-pattern", "platform.report", "--query", "length(events)")
	if strings.TrimSpace(calls) != "1" {
		t.Errorf("%s calls have been logged in JSON", calls)
	}
	run("destroy", "-auto-approve")
	if left := strings.TrimSpace(c.run("aws", "logs", "describe-log-groups", "--query", "logGroups", "--output", "json")); left != "[]" {
		t.Errorf("left are the log groups %s", left)
	}
	for list, items := range map[string]string{
		"list-functions": "Functions", "list-layers": "Layers", "list-event-source-mappings": "EventSourceMappings", "list-code-signing-configs": "CodeSigningConfigs",
	} {
		if left := c.aws(list)[items]; fmt.Sprint(left) != "[]" {
			t.Errorf("left are the %s %v", items, left)
		}
	}
}
