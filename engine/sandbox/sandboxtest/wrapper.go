package sandboxtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// wrappers start the interpreter of a managed runtime (AWS_LAMBDA_EXEC_WRAPPER).
func (s Suite) wrappers(t *testing.T) {
	const wrapper = "#!/bin/sh\nexport WRAPPED=\"$(basename \"$1\")\"\nexec \"$@\"\n"
	for _, f := range []Function{
		{Name: "python", Runtime: Python().Runtime},
		{Name: "node", Runtime: Node().Runtime},
	} {
		if s.Only != "" && s.Only != f.Name {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			f.Handler = "app.handler"
			f.Dir = directory(t, map[string]string{
				"app.py": "import os\ndef handler(event, context): return os.environ.get('WRAPPED', '').startswith('python')\n",
				"app.js": "exports.handler = async () => process.env.WRAPPED === 'node';\n",
				"wrap":   wrapper, "plain": wrapper, "other": "#!/nowhere\n",
			})
			if err := os.Chmod(filepath.Join(f.Dir, "plain"), 0o644); err != nil {
				t.Fatal(err)
			}
			s.start(t, f).want(`{}`, `false`)
			s.start(t, f, with("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/wrap")).want(`{}`, `true`)
			s.start(t, f, with("AWS_LAMBDA_EXEC_WRAPPER", "/opt/bin/wrap"), func(spec *sandbox.Spec) {
				spec.LayersDir = directory(t, map[string]string{"bin/wrap": wrapper})
			}).want(`{}`, `true`)
			for path, want := range map[string]struct{ exit, log string }{
				"/var/task/none":  {"exit status 127", "none: does not exist"},
				"/var/task/plain": {"exit status 126", "plain: is not an executable"},
				"/var/task/other": {"exit status 127", "other: not found"}, // its own interpreter
			} {
				spec, lines := f.Spec()
				spec.Env["AWS_LAMBDA_EXEC_WRAPPER"] = path
				_, err := s.Driver.Start(t.Context(), spec)
				var initError *sandbox.InitError
				if !errors.As(err, &initError) || initError.ErrorType != "Runtime.ExitError" || initError.Exit != want.exit {
					t.Errorf("%s: %v, want Runtime.ExitError %s", path, err, want.exit)
				}
				if log := strings.Join(lines.Of(""), "\n"); !strings.HasSuffix(log, want.log) {
					t.Errorf("%s: log %q, want %q", path, log, want.log)
				}
			}
		})
	}
	if s.Only == "" {
		t.Run("provided", func(t *testing.T) { // which has nothing to start
			s.start(t, Go(t), with("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/none")).want(`{"a":1}`, `{"a":1}`)
		})
	}
}
