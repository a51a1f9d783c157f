package engine_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// packed is a package whose entries have modes, as zip and pip make them.
func packed(t *testing.T, entries map[string]entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, e := range entries {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(e.mode)
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type entry struct {
	mode    fs.FileMode
	content string
}

// requestID is the request id of an answer.
func requestID(out *lambda.InvokeOutput) string {
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	return id
}

// explorer runs the Python that its event is.
const explorer = `import os, resource, stat, subprocess, sys
loaded = 0
def handler(event, context):
    global loaded
    loaded += 1
    scope = dict(globals())
    exec(event['run'], scope)
    return scope['result']
`

// Spec behaviour §5 and §8: what a function finds around it.
func TestEnvironmentInContainers(t *testing.T) {
	t.Parallel()
	needDocker(t)
	a := onDocker(t)
	layer := a.layer("tools", packed(t, map[string]entry{
		"bin/from-layer": {0o755, "#!/bin/sh\necho layer\n"},
		"etc/setting":    {0o644, "of the layer"},
	}))
	a.create("f", packed(t, map[string]entry{
		"app.py":       {0o644, explorer},
		"data.txt":     {0o644, "relative"},
		"bin/tool":     {0o755, "#!/bin/sh\necho tool\n"},
		"bin/plain":    {0o644, "#!/bin/sh\necho plain\n"},
		"secret":       {0, "nobody's"},
		"closed/":      {fs.ModeDir | 0o700, ""},
		"closed/in":    {0o644, "behind a door"},
		"alias.txt":    {fs.ModeSymlink | 0o777, "data.txt"},
		"lib/deep/mod": {0o644, "x"},
	}), func(in *lambda.CreateFunctionInput) {
		in.Timeout, in.MemorySize, in.Layers = aws.Int32(30), aws.Int32(512), []string{*layer.LayerVersionArn}
	})
	run := func(code string) string {
		t.Helper()
		event, err := json.Marshal(map[string]string{"run": code})
		if err != nil {
			t.Fatal(err)
		}
		return string(a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: event}).Payload)
	}
	for what, c := range map[string]struct{ code, want string }{
		"working directory": {`result = [os.getcwd(), open('data.txt').read(), open('alias.txt').read()]`, `["/var/task", "relative", "relative"]`},
		"places":            {`result = [os.environ[n] for n in ('LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR', '_HANDLER', 'TZ', 'LANG')]`, `["/var/task", "/var/runtime", "app.handler", ":UTC", "en_US.UTF-8"]`},
		"function":          {`result = [os.environ['AWS_LAMBDA_' + n] for n in ('FUNCTION_NAME', 'FUNCTION_VERSION', 'FUNCTION_MEMORY_SIZE', 'LOG_GROUP_NAME', 'INITIALIZATION_TYPE')]`, `["f", "$LATEST", "512", "/aws/lambda/f", "on-demand"]`},
		"region":            {`result = [os.environ[n] for n in ('AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_EXECUTION_ENV')]`, `["us-west-2", "us-west-2", "AWS_Lambda_python3.13"]`},
		"credentials":       {`result = all(os.environ[n] for n in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'))`, `true`},
		"a user":            {`result = [os.getuid() != 0, os.access('/etc/shadow', os.R_OK)]`, `[true, false]`},
		"file descriptors":  {`result = resource.getrlimit(resource.RLIMIT_NOFILE)`, `[1024, 1024]`},
		"a tool": {
			`result = subprocess.run(['tool'], env={'PATH': os.environ['PATH'] + ':' + os.environ['LAMBDA_TASK_ROOT'] + '/bin'}, capture_output=True, text=True).stdout`, `"tool\n"`,
		},
		"a layer's tool": {`result = subprocess.run(['from-layer'], capture_output=True, text=True).stdout + open('/opt/etc/setting').read()`, `"layer\nof the layer"`},
		"no executable": {`
try: result = subprocess.run(['/var/task/bin/plain'])
except PermissionError as e: result = e.strerror`, `"Permission denied"`},
		"a file for nobody": {`
try: result = open('secret').read()
except PermissionError as e: result = e.strerror`, `"Permission denied"`},
		"a closed directory": {`
try: result = open('closed/in').read()
except PermissionError as e: result = e.strerror`, `"Permission denied"`},
		"read-only": {`
result = []
for path in '/var/task/x', '/opt/x', '/var/runtime/x', '/x', '/usr/x':
    try: open(path, 'w'); result.append(path)
    except OSError as e: result.append(e.errno in (13, 30))`, `[true, true, true, true, true]`},
		"own code": {`
try: os.chmod('/var/task/app.py', 0o777); result = 'changed'
except OSError as e: result = e.errno in (1, 30)`, `true`},
	} {
		if got := run(c.code); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}

	// A1.5, A1.6: /tmp and what was loaded stay while the environment is warm, and no longer.
	run("loaded = 0; result = open('/tmp/mark', 'w').write('x')")
	if got := run("result = [loaded > 5, os.path.exists('/tmp/mark'), oct(os.stat('/tmp').st_mode & 0o1777)]"); got != `[true, true, "0o1777"]` {
		t.Errorf("warm: %s", got)
	}
	do(t, a.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), MemorySize: aws.Int32(128)})
	if got := run("result = [loaded, os.path.exists('/tmp/mark')]"); got != `[1, false]` {
		t.Errorf("after an update: %s", got)
	}

	// Out of memory, in AWS's words.
	event := `{"run": "result = len(bytearray(400 << 20))"}`
	out := a.invoke(&lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(event), LogType: "Tail"})
	if want := `{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: ` + requestID(out) + ` Error: Runtime exited with error: signal: killed"}`; string(out.Payload) != want || aws.ToString(out.FunctionError) != "Unhandled" {
		t.Errorf("out of memory: %s, want %s", out.Payload, want)
	}
	if tail := tailOf(t, out); !strings.Contains(tail, "Memory Size: 128 MB\tMax Memory Used: 128 MB\t") || !strings.Contains(tail, "Status: error\tError Type: Runtime.OutOfMemory") {
		t.Errorf("tail:\n%s", tail)
	}
	if got := run("result = loaded"); got != `1` {
		t.Errorf("the call after that: %s", got)
	}
}
