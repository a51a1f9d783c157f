package runtimes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]struct{ image, standIn string }{
		"python3.13":      {"public.ecr.aws/lambda/python:3.13", "lambdaform/python:3.13"},
		"python3.8":       {"public.ecr.aws/lambda/python:3.8", "lambdaform/python:3.8"},
		"nodejs22.x":      {"public.ecr.aws/lambda/nodejs:22", "lambdaform/nodejs:22"},
		"java8":           {"public.ecr.aws/lambda/java:8.al2", "lambdaform/java:8.al2"},
		"java8.al2":       {"public.ecr.aws/lambda/java:8.al2", "lambdaform/java:8.al2"},
		"java21":          {"public.ecr.aws/lambda/java:21", "lambdaform/java:21"},
		"java25":          {"public.ecr.aws/lambda/java:25", "lambdaform/java:25"},
		"ruby3.3":         {"public.ecr.aws/lambda/ruby:3.3", "lambdaform/ruby:3.3"},
		"dotnet8":         {"public.ecr.aws/lambda/dotnet:8", "lambdaform/dotnet:8"},
		"dotnet10":        {"public.ecr.aws/lambda/dotnet:10", "lambdaform/dotnet:10"},
		"provided.al2023": {"public.ecr.aws/lambda/provided:al2023", "lambdaform/provided:al2023"},
		"provided.al2":    {"public.ecr.aws/lambda/provided:al2", "lambdaform/provided:al2023"},
		"go1.x":           {"public.ecr.aws/lambda/provided:al2", "lambdaform/provided:al2023"},
	} {
		r, err := Lookup(name)
		if err != nil || r.Name != name || r.Image() != want.image || r.StandIn() != want.standIn {
			t.Errorf("%s: %+v %v, images %s and %s", name, r, err, r.Image(), r.StandIn())
		}
	}
	for _, name := range []string{"", "java", "java9", "java21.x", "ruby2.7", "python", "python2.7", "python3.131", "nodejs", "nodejs22", "nodejs4.3", "provided.al2024", "dotnet7", "dotnetcore3.1"} {
		if r, err := Lookup(name); err == nil || !strings.Contains(err.Error(), "python3.13, ") || !strings.Contains(err.Error(), "nodejs22.x") {
			t.Errorf("%s: %+v, error %v", name, r, err)
		}
	}
	for _, name := range Names() {
		if _, err := Lookup(name); err != nil {
			t.Error(err)
		}
		if !slices.Contains(types.Runtime("").Values(), types.Runtime(name)) {
			t.Errorf("AWS has no %s", name)
		}
	}
}

func TestEnv(t *testing.T) {
	python, _ := Lookup("python3.13")
	env := python.Env(Container, "app.handler", map[string]string{"PATH": "/image", "A": "image", "B": "image"}, map[string]string{"A": "function", "_HANDLER": "x", "TZ": "UTC"})
	for name, want := range map[string]string{
		"PATH": "/image", "A": "function", "B": "image", "_HANDLER": "app.handler", "TZ": "UTC", "LANG": "en_US.UTF-8", "HOME": "/home/sbx_user1051",
		"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
		"PYTHONPATH": "", "LD_LIBRARY_PATH": "/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib", "TMPDIR": "",
	} {
		if env[name] != want {
			t.Errorf("%s=%s, want %s", name, env[name], want)
		}
	}
	layered := Layout{Task: "/t", Runtime: "/r", Opt: "/l", Temp: "/e/tmp", Path: "/bin"}
	if env := python.Env(layered, "h"); env["PYTHONPATH"] != "/l/python/lib/python3.13/site-packages:/l/python:/r" || env["PATH"] != "/bin:/l/bin" ||
		env["LD_LIBRARY_PATH"] != "/r:/r/lib:/t:/t/lib:/l/lib" || env["HOME"] != "" {
		t.Errorf("%v", env)
	}
	node, _ := Lookup("nodejs22.x")
	if env := node.Env(layered, "h"); env["NODE_PATH"] != "/l/nodejs/node22/node_modules:/l/nodejs/node_modules:/r/node_modules:/r:/t" {
		t.Errorf("%v", env)
	}
	if env := node.Env(Layout{Task: "/t", Runtime: "/r", Temp: "/e/tmp", Path: "/bin"}, "h"); env["NODE_PATH"] != "/r/node_modules:/r:/t" || env["TMPDIR"] != "/e/tmp" || env["PATH"] != "/bin" {
		t.Errorf("%v", env)
	}
	java, _ := Lookup("java17.al2023")
	if env := java.Env(layered, "h"); env["CLASSPATH"] != "/l/java/lib/*" || env["AWS_EXECUTION_ENV"] != "AWS_Lambda_java17.al2023" {
		t.Errorf("%v", env)
	}
	if env := java.Env(Container, "h", map[string]string{"JAVA_TOOL_OPTIONS": "-Xint"}); env["CLASSPATH"] != "" || env["JAVA_TOOL_OPTIONS"] != "-Xint" {
		t.Errorf("%v", env)
	}
	ruby, _ := Lookup("ruby3.4")
	if env := ruby.Env(layered, "h"); env["GEM_PATH"] != "/t/vendor/bundle/ruby/3.4.0:/l/ruby/gems/3.4.0" || env["RUBYLIB"] != "/t:/l/ruby/lib" {
		t.Errorf("%v", env)
	}
	provided, _ := Lookup("provided.al2023")
	for name := range provided.Env(Container, "h") {
		if name == "AWS_EXECUTION_ENV" || name == "NODE_PATH" {
			t.Errorf("%s is set", name)
		}
	}
	if env := (Runtime{}).Env(Container, "h"); env["AWS_EXECUTION_ENV"] != "" || env["AWS_XRAY_CONTEXT_MISSING"] != "LOG_ERROR" || env["AWS_XRAY_DAEMON_ADDRESS"] == "" {
		t.Errorf("of an image: %v", env)
	}
}

// An interpreter on the PATH that does not work counts as none.
func TestCommand(t *testing.T) {
	bin := t.TempDir()
	program := func(name, script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	python, _ := Lookup("python3.12")
	if argv, _, err := python.Command("/c"); err == nil || !strings.Contains(err.Error(), "python3.12") {
		t.Errorf("%v %v", argv, err)
	}
	program("python3", "exit 0")
	program("python3.12", "exit 127")
	argv, note, err := python.Command("/c")
	if err != nil || !slices.Equal(argv, []string{"python3", "-u", "/c/bootstrap.py"}) || !strings.Contains(note, "python3.12 is not installed") {
		t.Errorf("%v %q %v", argv, note, err)
	}
	program("python3.12", "exit 0")
	if argv, note, err = python.Command("/c"); err != nil || argv[0] != "python3.12" || note != "" {
		t.Errorf("%v %q %v", argv, note, err)
	}
	ruby, _ := Lookup("ruby3.3")
	if argv, _, err := ruby.Command("/c"); err == nil || !strings.Contains(err.Error(), "ruby3.3") {
		t.Errorf("%v %v", argv, err)
	}
	program("ruby", "exit 0")
	if argv, note, err := ruby.Command("/c"); err != nil || !slices.Equal(argv, []string{"ruby", "/c/bootstrap.rb"}) || !strings.Contains(note, "ruby3.3 is not installed") {
		t.Errorf("%v %q %v", argv, note, err)
	}
	dotnet, _ := Lookup("dotnet8")
	if argv, _, err := dotnet.Command("/c"); err == nil || !strings.Contains(err.Error(), "needs Docker") {
		t.Errorf("%v %v", argv, err)
	}
	node, _ := Lookup("nodejs22.x")
	if argv, _, err := node.Command("/c"); err == nil {
		t.Errorf("%v without node", argv)
	}
}

func TestJavaCommand(t *testing.T) {
	java, _ := Lookup("java17")
	path, bin, clients := os.Getenv("PATH"), t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	if argv, _, err := java.Command(clients); err == nil || !strings.Contains(err.Error(), "install a JDK") {
		t.Errorf("%v %v", argv, err)
	}
	if err := os.WriteFile(filepath.Join(bin, "java"), []byte("#!/bin/sh\necho 'openjdk version \"1.8.0_462\"' >&2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if argv, _, err := java.Command(clients); err == nil || !strings.Contains(err.Error(), "there is a JRE only") {
		t.Errorf("%v %v", argv, err)
	}
	t.Setenv("PATH", bin+":"+path)
	if _, err := exec.LookPath("javac"); err != nil {
		t.Skip(err)
	}
	for range 2 { // compiled once
		argv, note, err := java.Command(clients)
		if err != nil || !slices.Equal(argv, []string{filepath.Join(clients, "java", "bootstrap")}) || !strings.Contains(note, "version 8: running java17 functions") {
			t.Errorf("%v %q %v", argv, note, err)
		}
		if err := os.WriteFile(filepath.Join(bin, "javac"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(filepath.Join(clients, "java"))
	if err != nil || len(left) != 3 { // no archive: that java makes none
		t.Errorf("%v %v", left, err)
	}
	if argv, _, err := java.Command(t.TempDir()); err == nil || !strings.Contains(err.Error(), "compile the interface client: javac") {
		t.Errorf("%v %v", argv, err)
	}
}

func TestBootstraps(t *testing.T) {
	provided, _ := Lookup("provided.al2023")
	python, _ := Lookup("python3.13")
	for _, c := range []struct {
		runtime Runtime
		layout  Layout
		want    string
	}{
		{provided, Layout{Task: "/t"}, "[[/t/bootstrap]]"},
		{provided, Container, "[[/var/task/bootstrap] [/opt/bootstrap]]"},
		{python, Container, "[[/var/runtime/bootstrap]]"},
		{Runtime{Language: DotNet}, Container, "[[/var/runtime/bootstrap]]"},
	} {
		if got := fmt.Sprint(c.runtime.Bootstraps(c.layout)); got != c.want {
			t.Errorf("%s: %s, want %s", c.runtime.Name, got, c.want)
		}
	}
}

func TestInstallClients(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := InstallClients(dir); err != nil {
			t.Fatal(err)
		}
	}
	if ruby, err := exec.LookPath("ruby"); err == nil {
		if out, err := exec.Command(ruby, "-wc", filepath.Join(dir, "bootstrap.rb")).CombinedOutput(); err != nil || string(out) != "Syntax OK\n" {
			t.Errorf("%v: %s", err, out)
		}
	}
	if python, err := exec.LookPath("python3"); err == nil {
		if out, err := exec.Command(python, "-m", "py_compile", filepath.Join(dir, "bootstrap.py")).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
