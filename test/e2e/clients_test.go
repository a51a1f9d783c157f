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
	return clientOf(t, newServer(t, "--authentication", "strict"), tools...)
}

// clientOf is newClient for an engine that runs.
func clientOf(t *testing.T, s *server, tools ...string) client {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, tool+" is not on the PATH")
		}
	}
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
