package engine_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// logOf is what a function has logged so far.
func (a account) logOf(function string) string {
	a.Helper()
	got := a.send("GET", "/_engine/logs?"+url.Values{"account": {a.id}, "region": {region}, "function": {function}}.Encode(), "")
	var text strings.Builder
	for line := range strings.Lines(got.body) {
		var event struct{ Message string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			a.Fatalf("%v: %s", err, line)
		}
		text.WriteString(event.Message + "\n")
	}
	return text.String()
}

// Spec behaviour A7.16: nobody waits for an event's answer, but its error is logged.
func TestErrorOfAnEventIsLogged(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for _, f := range []struct{ name, runtime, file, source, want string }{
		{"python", "python3.13", "app.py", "def handler(event, context):\n    raise ValueError('I failed!')\n", "[ERROR] ValueError: I failed!\nTraceback (most recent call last):\n"},
		{"node", "nodejs22.x", "app.js", "exports.handler = (event, context, callback) => callback(new RangeError('I failed!'));", "\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\",\"errorMessage\":\"I failed!\",\"stack\":["},
	} {
		a.create(f.name, zipOf(t, map[string]string{f.file: f.source}), func(in *lambda.CreateFunctionInput) { in.Runtime = types.Runtime(f.runtime) })
		out := a.invoke(&lambda.InvokeInput{FunctionName: &f.name, InvocationType: types.InvocationTypeEvent})
		if out.StatusCode != 202 || len(out.Payload) != 0 || out.FunctionError != nil {
			t.Errorf("%s: %d %s %s", f.name, out.StatusCode, out.Payload, aws.ToString(out.FunctionError))
		}
		var log string
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(log, "REPORT RequestId: "); log = a.logOf(f.name) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: log %q", f.name, log)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if start, end := strings.Index(log, "START RequestId: "), strings.Index(log, "END RequestId: "); !strings.Contains(log[start:end], f.want) {
			t.Errorf("%s: log %q, want %q", f.name, log, f.want)
		}
	}
}

// What a function is told about itself and its log, by runtime.
func TestVariablesOfRuntimes(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for name, want := range map[string]string{"text": "[None, None]", "json": "['JSON', 'WARN']"} {
		a.create(name, python(t, "return str([os.environ.get('AWS_LAMBDA_LOG_' + n) for n in ('FORMAT', 'LEVEL')])"), func(in *lambda.CreateFunctionInput) {
			if name == "json" {
				in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, ApplicationLogLevel: types.ApplicationLogLevelWarn}
			}
		})
		if got := a.call(name); got != fmt.Sprintf("%q", want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Spec behaviour A5.6: a program in a package runs where the archive says that it is one.
func TestProgramsInPackages(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	const source = `import os
import subprocess

os.environ["PATH"] += ":" + os.environ["LAMBDA_TASK_ROOT"] + "/bin"

def handler(event, context):
    return subprocess.check_output([event["program"]]).decode()
`
	var pkg bytes.Buffer
	w := zip.NewWriter(&pkg)
	for name, f := range map[string]struct {
		text string
		mode fs.FileMode
	}{
		"app.py": {source, 0o644}, "bin/tool": {"#!/bin/sh\nprintf works\n", 0o755}, "bin/data": {"#!/bin/sh\nprintf works\n", 0o644},
	} {
		header := &zip.FileHeader{Name: name}
		header.SetMode(f.mode)
		out := must[io.Writer](t)(w.CreateHeader(header))
		if _, err := out.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a.create("f", pkg.Bytes())
	call := func(program string) string {
		return string(a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: fmt.Appendf(nil, `{"program":%q}`, program)}).Payload)
	}
	if got := call("tool"); got != `"works"` {
		t.Errorf("tool: %s", got)
	}
	if got := call("data"); !strings.Contains(got, `"errorType": "PermissionError"`) {
		t.Errorf("data: %s", got)
	}
}
