package main

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// pkg is one echo function.
type pkg struct {
	name, runtime, handler string
	zip                    []byte
	bootstrap              string // path of the binary, for provided runtimes
}

// buildPackages makes the same function in Go, Python and Node.js.
func buildPackages(ctx context.Context, work string) ([]pkg, error) {
	bootstrap := filepath.Join(work, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-o", bootstrap, "./test/bench/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(bootstrap)
	if err != nil {
		return nil, err
	}
	packages := []pkg{
		{name: "go", runtime: "provided.al2023", handler: "bootstrap", bootstrap: bootstrap},
		{name: "python", runtime: "python3.13", handler: "app.handler"},
		{name: "node", runtime: "nodejs22.x", handler: "index.handler"},
	}
	files := []struct {
		name    string
		content []byte
	}{
		{"bootstrap", binary},
		{"app.py", []byte("def handler(event, context):\n    return event\n")},
		{"index.mjs", []byte("export const handler = async (event) => event;\n")},
	}
	for i := range packages {
		if packages[i].zip, err = archive(files[i].name, files[i].content); err != nil {
			return nil, err
		}
	}
	return packages, nil
}

func archive(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(0o755)
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
