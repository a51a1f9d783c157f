package sandboxtest

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// published are extensions that others have written and published, as they are. They
// come from npm and PyPI when the test runs.
func (s Suite) published(t *testing.T) {
	t.Run("otel", s.otelExtension)
	t.Run("sigterm", s.sigtermExtension)
}

// fetched runs a package manager in a new directory. Where there is none, or no
// registry, there is nothing to test with, which only developers may put up with.
func fetched(t *testing.T, name string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("%s: %v: %s", cmd, err, out)
		}
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
	return dir
}

// otelExtension is an external extension in Node.js that takes platform.report from
// the Logs API and adds it to what its layer says of a call.
func (s Suite) otelExtension(t *testing.T) {
	dir := fetched(t, "npm", "pack", "--silent", "@serverless/aws-lambda-otel-extension-dist@0.1.11")
	if out, err := exec.Command("sh", "-c", "tar -xzf "+dir+"/*.tgz -C "+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	layers := filepath.Join(dir, "layers")
	unpack(t, filepath.Join(dir, "package", "extension.zip"), layers)

	f := Node()
	f.Handler = "reports.handler"
	var metrics collector
	server := httptest.NewServer(&metrics)
	defer server.Close()
	b := s.start(t, f, func(spec *sandbox.Spec) {
		spec.LayersDir = layers
		spec.Env["DEBUG_SLS_OTEL_LAYER"] = "1"
		if s.Isolates { // no way out of there: what it would send it prints
			spec.Env["SLS_OTEL_REPORT_TYPE"] = "json"
			return
		}
		spec.Env["SLS_OTEL_REPORT_METRICS_URL"], spec.Env["SLS_OTEL_REPORT_TRACES_URL"] = server.URL, server.URL
		// It counts on /opt and on the name of the sandbox, which only containers have.
		launcher := "#!/bin/sh\nexec " + layers + "/otel-extension/index.js\n"
		if err := os.WriteFile(filepath.Join(layers, "extensions", "otel-extension"), []byte(launcher), 0o755); err != nil {
			t.Fatal(err)
		}
		spec.Env["AWS_SAM_LOCAL"] = "true"
		for _, left := range []string{"/tmp/sls-save-log.json", "/tmp/sent-requests.json"} {
			t.Cleanup(func() { _ = os.Remove(left) })
		}
	})
	if log := strings.Join(b.lines.Of(""), "\n"); !strings.Contains(log, "EXTENSION\tName: otel-extension\tState: Ready\tEvents: [INVOKE, SHUTDOWN]") {
		t.Errorf("log %s", log)
	}
	// What it does with a report that comes as the environment is about to freeze it
	// does in the next invocation.
	var ids []string
	for range 4 {
		res, id := b.invoke(`{}`)
		if string(res.Payload) != "200" || res.Rest == nil || res.Rest.Wait().Outcome != sandbox.Success {
			t.Fatalf("%+v %s (log %q)", res, res.Payload, b.lines.All())
		}
		ids = append(ids, id)
	}
	for _, id := range ids[:2] {
		b.until("the report of "+id, func() bool {
			return slices.ContainsFunc(b.lines.All(), func(line sandbox.Line) bool {
				return strings.HasPrefix(line.Text, "Grouped: ") && strings.Contains(line.Text, `"platform.report":{"time"`) && strings.Contains(line.Text, id)
			})
		})
	}
	b.stop()
	var texts []string
	for _, line := range b.lines.All() {
		texts = append(texts, line.Text)
	}
	log := strings.Join(texts, "\n")
	if !strings.Contains(log, "Processing event:  SHUTDOWN") {
		t.Errorf("no SHUTDOWN in %s", log)
	}
	exported := metrics.all()
	if s.Isolates {
		exported = log
	}
	if !strings.Contains(exported, "faas.duration") {
		t.Errorf("no duration in %s", exported)
	}
}

// collector keeps what is posted to it.
type collector struct {
	Lines
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	if body, err := io.ReadAll(r.Body); err == nil {
		c.add(sandbox.Line{Text: string(body)})
	}
}

func (c *collector) all() string {
	var b strings.Builder
	for _, line := range c.All() {
		b.WriteString(line.Text)
	}
	return b.String()
}

// sigtermExtension is an internal extension for Python, whose purpose is that the
// function is told to end.
func (s Suite) sigtermExtension(t *testing.T) {
	layers := fetched(t, "python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
		"--target", "python", "lambda-sigterm==0.1.2", "urllib3==2.2.3")
	f := Function{Name: "python", Runtime: Python().Runtime, Handler: "app.handler", Dir: directory(t, map[string]string{"app.py": `
import os, signal, lambda_sigterm
def ended(*_):
    print("told to end", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, ended)
lambda_sigterm.register()
def handler(event, context):
    return event
`})}
	b := s.start(t, f, func(spec *sandbox.Spec) { spec.LayersDir = layers })
	if log := strings.Join(b.lines.Of(""), "\n"); !strings.Contains(log, "EXTENSION\tName: lambda-sigterm\tState: Ready\tEvents: []") {
		t.Errorf("log %s", log)
	}
	b.want(`{"a":1}`, `{"a":1}`)
	b.stop()
	if lines := b.lines.All(); lines[len(lines)-1].Text != "told to end" {
		t.Errorf("log ends with %q", lines[len(lines)-1].Text)
	}
}

// unpack unpacks a zip.
func unpack(t *testing.T, file, dir string) {
	t.Helper()
	r, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var data bytes.Buffer
		_, err = data.ReadFrom(in)
		_ = in.Close()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data.Bytes(), f.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
}
