package sandbox_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// tree makes a directory: "path" of an empty directory ends in a slash, content
// that begins with -> is a symbolic link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		target, link := strings.CutPrefix(content, "->")
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case link:
			err = os.Symlink(target, path)
		default:
			err = os.WriteFile(path, []byte(content), 0o555)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents is the reverse of tree, without directories that hold something.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch entry.Type() {
		case fs.ModeDir:
			inside, err := os.ReadDir(path)
			if len(inside) == 0 {
				found[name+"/"] = ""
			}
			return err
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			found[name] = "->" + target
			return err
		}
		content, err := os.ReadFile(path)
		found[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOverlay(t *testing.T) {
	outside := tree(t, map[string]string{"file": "outside"})
	for name, c := range map[string]struct{ lower, upper, want map[string]string }{
		"apart":               {map[string]string{"a/x": "1"}, map[string]string{"a/y": "2", "b/": ""}, map[string]string{"a/x": "1", "a/y": "2", "b/": ""}},
		"file over file":      {map[string]string{"a/x": "1"}, map[string]string{"a/x": "2"}, map[string]string{"a/x": "2"}},
		"file over directory": {map[string]string{"a/x": "1"}, map[string]string{"a": "2"}, map[string]string{"a": "2"}},
		"directory over file": {map[string]string{"a": "1"}, map[string]string{"a/x": "2"}, map[string]string{"a/x": "2"}},
		"link over link":      {map[string]string{"a": "->x"}, map[string]string{"a": "->y"}, map[string]string{"a": "->y"}},
		"file over link":      {map[string]string{"a": "->" + outside + "/file"}, map[string]string{"a": "2"}, map[string]string{"a": "2"}},
		"directory over link": {map[string]string{"a": "->" + outside}, map[string]string{"a/file": "2"}, map[string]string{"a/file": "2"}},
		"link over directory": {map[string]string{"a/x": "1"}, map[string]string{"a": "->b"}, map[string]string{"a": "->b"}},
	} {
		t.Run(name, func(t *testing.T) {
			to := t.TempDir()
			upper := tree(t, c.upper)
			for _, from := range []string{tree(t, c.lower), upper} {
				if err := sandbox.Overlay(t.Context(), from, to); err != nil {
					t.Fatal(err)
				}
			}
			got := contents(t, to)
			if len(got) != len(c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			for name, content := range c.want {
				if got[name] != content {
					t.Errorf("%s is %q, want %q", name, got[name], content)
				}
			}
			if is := contents(t, upper); len(is) != len(c.upper) {
				t.Errorf("what was laid over is now %v", is)
			}
		})
	}
	if is := contents(t, outside)["file"]; is != "outside" {
		t.Errorf("a link was followed: %q", is)
	}
	if err := sandbox.Overlay(t.Context(), filepath.Join(outside, "absent"), t.TempDir()); err == nil {
		t.Error("no error without a directory to link from")
	}
}

// What others may not enter, they may not enter afterwards either.
func TestOverlayKeepsModes(t *testing.T) {
	from, to := tree(t, map[string]string{"closed/file": "x", "open/file": "x"}), tree(t, map[string]string{"open/": ""})
	for name, mode := range map[string]fs.FileMode{"closed": 0o700, "open": 0o711} {
		if err := os.Chmod(filepath.Join(from, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := sandbox.Overlay(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{"closed": 0o700, "open": 0o711} {
		if info, err := os.Stat(filepath.Join(to, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
