package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pkg is one echo function.
type pkg struct {
	name, language, runtime, handler string
	dir                              string // has the files in code/, and room for more
	zip                              []byte
	image                            string // the stand-in that runs it
	boot                             string // what boots the runtime in that image
}

// buildPackages makes the same function in every language that this machine can build.
func buildPackages(ctx context.Context, work string) (packages []pkg, missing []absence, err error) {
	bootstrap, err := goProgram(ctx, work, "./test/bench/echo")
	if err != nil {
		return nil, nil, err
	}
	all := []struct {
		pkg
		file    string
		content []byte
	}{
		{pkg{name: "go", language: "Go", runtime: "provided.al2023", handler: "bootstrap", image: "lambdaform/provided:al2023", boot: "/var/task/bootstrap"}, "bootstrap", bootstrap},
		{pkg{name: "python", language: "Python", runtime: "python3.13", handler: "app.handler", image: pythonImage, boot: "/var/runtime/bootstrap"}, "app.py", []byte("def handler(event, context):\n    return event\n")},
		{pkg{name: "node", language: "Node.js", runtime: "nodejs22.x", handler: "index.handler", image: "lambdaform/nodejs:22", boot: "/var/runtime/bootstrap"}, "index.mjs", []byte("export const handler = async (event) => event;\n")},
	}
	class, why := javaClass(ctx, work)
	if why != "" {
		missing = append(missing, absence{"Java", why})
	} else {
		all = append(all, all[0])
		all[3].pkg = pkg{name: "java", language: "Java", runtime: "java21", handler: "Echo::handle", image: "lambdaform/java:21", boot: "/var/runtime/bootstrap"}
		all[3].file, all[3].content = "Echo.class", class
	}
	for _, f := range all {
		p := f.pkg
		p.dir = filepath.Join(work, p.name)
		if err := os.MkdirAll(filepath.Join(p.dir, "code"), 0o755); err != nil { //nolint:gosec // functions are other users
			return nil, nil, err
		}
		if err := os.WriteFile(filepath.Join(p.dir, "code", f.file), f.content, 0o755); err != nil { //nolint:gosec // they run it
			return nil, nil, err
		}
		if p.zip, err = archive(f.file, f.content); err != nil {
			return nil, nil, err
		}
		packages = append(packages, p)
	}
	return packages, missing, nil
}

// goProgram builds a static program of this module and returns it.
func goProgram(ctx context.Context, work, path string) ([]byte, error) {
	program := filepath.Join(work, filepath.Base(path)+".program")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, path)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w: %s", path, err, out)
	}
	return os.ReadFile(program)
}

// javaClass compiles a handler that needs no library.
func javaClass(ctx context.Context, work string) (class []byte, why string) {
	source := "public class Echo { public Object handle(java.util.Map<String, Object> event) { return event; } }\n"
	dir := filepath.Join(work, "java-source")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err.Error()
	}
	path := filepath.Join(dir, "Echo.java")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		return nil, err.Error()
	}
	if out, err := exec.CommandContext(ctx, "javac", "--release", "17", path).CombinedOutput(); err != nil {
		return nil, strings.TrimSpace("javac: " + err.Error() + " " + string(out))
	}
	class, err := os.ReadFile(filepath.Join(dir, "Echo.class"))
	if err != nil {
		return nil, err.Error()
	}
	return class, ""
}

func archive(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(0o755)
	header.Modified = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // Python knows no month 0
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}
