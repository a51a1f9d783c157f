// Package embedded holds the supervisor's binaries.
package embedded

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed *
var files embed.FS

// Supervisor returns the supervisor for a Go architecture (amd64 or arm64).
func Supervisor(arch string) ([]byte, error) {
	data, err := files.ReadFile("supervisor-linux-" + arch)
	if err != nil {
		return nil, fmt.Errorf("this binary was built without the supervisor for linux/%s: build it with `make build`", arch)
	}
	return data, nil
}

// Install writes the supervisor into dir, unless it is there, and returns its path.
func Install(dir, arch string) (string, error) {
	data, err := Supervisor(arch)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	path := filepath.Join(dir, fmt.Sprintf("supervisor-%s-%s", arch, hex.EncodeToString(sum[:6])))
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(data)) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("install supervisor: %w", err)
	}
	temp, err := os.CreateTemp(dir, "supervisor-*.new")
	if err != nil {
		return "", fmt.Errorf("install supervisor: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Chmod(0o755)
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("install supervisor: %w", err)
	}
	return path, nil
}
