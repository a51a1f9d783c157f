// Package sandboxtest is what every driver has to pass: one table of functions
// in Go, Python, Node.js, Java and Ruby, and what must come of them.
package sandboxtest

import (
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// Function is a test function of one language. Its handler does what the
// event's "op" says.
type Function struct {
	Name    string
	Runtime string
	Handler string
	Dir     string
}

func testdata() string {
	_, file, _, _ := goruntime.Caller(0)
	return filepath.Join(filepath.Dir(file), "testdata")
}

var (
	buildGo        = sync.OnceValues(func() (string, error) { return build("go", "bootstrap") })
	buildExtension = sync.OnceValues(func() (string, error) { return build("extension", "extension") })
)

// build builds one of the programs into a directory of its own.
func build(source, program string) (string, error) {
	dir, err := os.MkdirTemp("", program+"-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w",
		"-o", filepath.Join(dir, program), filepath.Join(testdata(), source, "main.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
}

// Cleanup removes what the functions were built into; TestMain calls it.
func Cleanup() {
	for _, built := range []func() (string, error){buildGo, buildExtension} {
		if dir, err := built(); err == nil {
			_ = os.RemoveAll(dir)
		}
	}
}

// Go is a custom runtime: a bootstrap built with AWS's Go library.
func Go(tb testing.TB) Function {
	tb.Helper()
	dir, err := buildGo()
	if err != nil {
		tb.Fatal(err)
	}
	return Function{Name: "go", Runtime: "provided.al2023", Handler: "bootstrap", Dir: dir}
}

// Python is a Python function.
func Python() Function {
	return Function{Name: "python", Runtime: "python3.13", Handler: "app.handler", Dir: filepath.Join(testdata(), "python")}
}

// Node is a Node.js function, an ES module.
func Node() Function {
	return Function{Name: "node", Runtime: "nodejs22.x", Handler: "app.handler", Dir: filepath.Join(testdata(), "node")}
}

// Ruby is a Ruby function.
func Ruby() Function {
	return Function{Name: "ruby", Runtime: "ruby3.3", Handler: "app.handler", Dir: filepath.Join(testdata(), "ruby")}
}

// Functions lists those that this machine has what it takes to make and run.
func Functions(tb testing.TB) []Function {
	tb.Helper()
	all := []Function{Go(tb), Python(), Node()}
	if has(tb, "javac", "mvn") {
		all = append(all, Java(tb))
	}
	if has(tb, "ruby") {
		all = append(all, Ruby())
	}
	return all
}

// has tells whether programs are there. That they are not passes on a machine that
// nobody has set up for all tests, as scripts/test.sh does.
func has(tb testing.TB, programs ...string) bool {
	tb.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("LAMBDA_TEST_LANGUAGES") == "required" {
				tb.Fatal(err)
			}
			tb.Logf("left out: %v", err)
			return false
		}
	}
	return true
}

// Spec of the function, with a log that keeps the lines.
func (f Function) Spec() (sandbox.Spec, *Lines) {
	lines := &Lines{}
	return sandbox.Spec{
		Name:         f.Name + ":1",
		Runtime:      f.Runtime,
		Architecture: map[string]string{"arm64": "arm64"}[goruntime.GOARCH],
		CodeDir:      f.Dir,
		Handler:      f.Handler,
		MemoryMB:     256,
		EphemeralMB:  512,
		Env:          map[string]string{"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_REGION": "eu-west-1"},
		InitTimeout:  10 * time.Second,
		Log:          lines.add,
	}, lines
}

// Lines collects output.
type Lines struct {
	mu  sync.Mutex
	all []sandbox.Line
}

func (l *Lines) add(line sandbox.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

// All returns all lines so far.
func (l *Lines) All() []sandbox.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// Of returns the lines of one invocation so far; those of the init with "".
func (l *Lines) Of(requestID string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var texts []string
	for _, line := range l.all {
		if line.RequestID == requestID {
			texts = append(texts, line.Text)
		}
	}
	return texts
}
