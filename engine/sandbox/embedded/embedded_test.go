package embedded

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestInstall(t *testing.T) {
	want, err := Supervisor(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 2 {
		path, err := Install(dir, runtime.GOARCH)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || !bytes.Equal(got, want) || info.Mode().Perm() != 0o755 {
			t.Errorf("%v %v: %d bytes, mode %v", err, statErr, len(got), info.Mode())
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files", len(left))
	}
}

func TestMissing(t *testing.T) {
	if _, err := Install(t.TempDir(), "mips"); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("error %v", err)
	}
}
