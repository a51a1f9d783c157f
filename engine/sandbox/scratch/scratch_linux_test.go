package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMake(t *testing.T) {
	root := filepath.Join(t.TempDir(), "with space")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "tmp")
	err := Make(dir, 64)
	if os.Geteuid() != 0 {
		if !errors.Is(err, ErrUnsupported) {
			t.Fatalf("%v, want ErrUnsupported", err)
		}
		t.Skip("mounts need root")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = RemoveAll(root) })
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("beside the directory: %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("not empty: %v, %v", entries, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode() != 0o777|os.ModeSticky|os.ModeDir {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// All of the size can be used, and little more.
	for _, c := range []struct {
		mb   int
		want error
	}{{64, nil}, {72, unix.ENOSPC}} {
		err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, c.mb<<20), 0o600)
		if !errors.Is(err, c.want) {
			t.Errorf("%d MB: %v, want %v", c.mb, err, c.want)
		}
	}
	if err := RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(table), filepath.Dir(root)) {
		t.Errorf("a mount is left: %v", err)
	}
	if err := RemoveAll(root); err != nil {
		t.Errorf("what is not there: %v", err)
	}
}

func TestMountsBelow(t *testing.T) {
	const table = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 7:0 / /data/env-1/tmp rw - ext4 /dev/loop0 rw
41 40 7:1 / /data/env-1/tmp/deeper rw - ext4 /dev/loop1 rw
42 22 7:2 / /data/env-10/tmp rw - ext4 /dev/loop2 rw
43 22 7:3 / /data/with\040space\134 rw - ext4 /dev/loop3 rw
`
	for dir, want := range map[string][]string{
		"/data/env-1":         {"/data/env-1/tmp", "/data/env-1/tmp/deeper"},
		"/data/env-1/tmp":     {"/data/env-1/tmp", "/data/env-1/tmp/deeper"},
		`/data/with space\`:   {`/data/with space\`},
		"/data/env":           nil,
		"/data/env-1/tmp/not": nil,
	} {
		if got := mountsBelow(table, dir); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
}
