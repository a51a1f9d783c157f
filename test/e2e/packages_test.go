package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
)

// npm installs packages once on this machine and returns the directory of node_modules.
func npm(t *testing.T, packages ...string) string {
	t.Helper()
	return installed(t, "npm", packages, func(dir string) *exec.Cmd {
		return exec.Command("npm", append([]string{"install", "--prefix", dir, "--no-audit", "--no-fund", "--no-save"}, packages...)...)
	})
}

// pip installs packages, for the Python of the image or of this machine.
func pip(t *testing.T, image bool, packages ...string) string {
	t.Helper()
	args := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary=:all:"}
	key := "pip"
	if image {
		key = "pip-image"
		machine := map[string]string{"arm64": "aarch64"}[goruntime.GOARCH]
		if machine == "" {
			machine = "x86_64"
		}
		args = append(args, "--python-version", "3.13", "--implementation", "cp", "--platform", "manylinux2014_"+machine, "--platform", "manylinux_2_28_"+machine)
	}
	return installed(t, key, packages, func(dir string) *exec.Cmd {
		return exec.Command("python3", append(append(args, "--target", dir), packages...)...)
	})
}

// installed is a directory for the test with packages of a registry in it.
func installed(t *testing.T, kind string, packages []string, install func(dir string) *exec.Cmd) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.NewReplacer("/", "_", "@", "_").Replace(kind + "-" + strings.Join(packages, "+"))
	root := filepath.Join(cache, "terraform-provider-lambda-test")
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	fresh := filepath.Join(root, fmt.Sprintf("new-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-"))) // beside dir, to be renamed
	if err := os.MkdirAll(fresh, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	if out, err := install(fresh).CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("%v cannot be installed: %v\n%s", packages, err, out))
	}
	if err := os.Rename(fresh, dir); err != nil && !os.IsExist(err) {
		if _, there := os.Stat(dir); there != nil { // another test was faster
			t.Fatal(err)
		}
	}
	return dir
}

// directory makes one with files by name.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// zipOfDirs makes a package of all that is in directories.
func zipOfDirs(dirs ...string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, dir := range dirs {
		if err := addDir(w, dir); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func addDir(w *zip.Writer, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		header, err := zip.FileInfoHeader(info)
		if err != nil {
			return err
		}
		header.Name, header.Method = filepath.ToSlash(name), zip.Deflate
		out, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = out.Write(data)
		return err
	})
}
