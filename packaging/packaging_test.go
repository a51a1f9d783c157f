package packaging

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// tree writes files below a new directory, in the order given.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func pack(t *testing.T, d Directory) ([]byte, Digest) {
	t.Helper()
	var b bytes.Buffer
	digest, err := d.Archive(t.Context(), &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), digest
}

func names(t *testing.T, archive []byte) []string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range r.File {
		out = append(out, f.Name)
	}
	return out
}

func TestArchiveIsTheSameEverywhere(t *testing.T) {
	one := tree(t, "a.py=print(1)", "lib/b.py=x = 1", "lib/c/d.txt=hello")
	two := tree(t, "lib/c/d.txt=hello", "lib/b.py=x = 1", "a.py=print(1)")
	if err := os.MkdirAll(filepath.Join(two, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(two, "a.py"), time.Now(), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(two, "lib/b.py"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, da := pack(t, Directory{Path: one})
	b, db := pack(t, Directory{Path: two})
	if !bytes.Equal(a, b) || da != db {
		t.Fatalf("two trees with the same files gave %v and %v", da, db)
	}
	if got := BytesDigest(a); got != da {
		t.Errorf("Archive returned %v for an archive of %v", da, got)
	}
	if again, err := (Directory{Path: one}).Digest(t.Context()); err != nil || again != da {
		t.Errorf("Digest returned %v, %v; Archive %v", again, err, da)
	}
	file := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(file, a, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := FileDigest(file); err != nil || got != da {
		t.Errorf("FileDigest returned %v, %v; want %v", got, err, da)
	}
	// Pinned: if a toolchain or a change here moves it, every user's next plan redeploys.
	if want := "M0lPiQET1wkvF3Fa6L2FOsVIw8CjS92slm4gLNn+B/k="; da.SHA256 != want {
		t.Errorf("the digest of a fixed tree changed: %s, was %s", da.SHA256, want)
	}
}

func TestArchiveSeesChanges(t *testing.T) {
	base := []string{"a.py=print(1)", "run=#!/bin/sh"}
	_, was := pack(t, Directory{Path: tree(t, base...)})
	changes := map[string]func(dir string) error{
		"content":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.py"), []byte("print(2)"), 0o644) },
		"name":       func(dir string) error { return os.Rename(filepath.Join(dir, "a.py"), filepath.Join(dir, "b.py")) },
		"executable": func(dir string) error { return os.Chmod(filepath.Join(dir, "run"), 0o755) },
		"new file":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "c"), nil, 0o644) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, base...)
			if err := change(dir); err != nil {
				t.Fatal(err)
			}
			if _, is := pack(t, Directory{Path: dir}); is == was {
				t.Error("the digest did not change")
			}
		})
	}
}

func TestArchiveModesTimesAndContent(t *testing.T) {
	dir := tree(t, "bootstrap=#!/bin/sh", "data/x.json={}")
	if err := os.Chmod(filepath.Join(dir, "bootstrap"), 0o700); err != nil {
		t.Fatal(err)
	}
	archive, _ := pack(t, Directory{Path: dir})
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		mode    fs.FileMode
		content string
	}{"bootstrap": {0o755, "#!/bin/sh"}, "data/x.json": {0o644, "{}"}}
	if len(r.File) != len(want) {
		t.Fatalf("entries %v", names(t, archive))
	}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(rc)
		rc.Close()
		w := want[f.Name]
		if err != nil || f.Mode() != w.mode || string(content) != w.content || !f.Modified.Equal(epoch) {
			t.Errorf("%s: mode %v, content %q, time %v, error %v", f.Name, f.Mode(), content, f.Modified, err)
		}
	}
}

func TestExcludes(t *testing.T) {
	dir := tree(t, "main.py=", "main_test.py=", "tests/a.py=", "lib/tests/b.py=", "lib/gen/c.out=", "docs/x/y.md=", "docs/z.md=",
		".git/HEAD=", "lib/__pycache__/b.pyc=", "docs/.DS_Store=", ".terraform/x=") // never packed
	tests := map[string]struct {
		excludes []string
		want     []string
	}{
		"none":              {nil, []string{"docs/x/y.md", "docs/z.md", "lib/gen/c.out", "lib/tests/b.py", "main.py", "main_test.py", "tests/a.py"}},
		"name anywhere":     {[]string{"tests", "*_test.py", "docs"}, []string{"lib/gen/c.out", "main.py"}},
		"path from the top": {[]string{"lib/tests", "docs/*.md"}, []string{"docs/x/y.md", "lib/gen/c.out", "main.py", "main_test.py", "tests/a.py"}},
		"any depth":         {[]string{"**/*.md", "**/gen/**", "./tests/"}, []string{"lib/tests/b.py", "main.py", "main_test.py"}},
		"slash means top":   {[]string{"/tests", "/docs/**"}, []string{"lib/gen/c.out", "lib/tests/b.py", "main.py", "main_test.py"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			archive, _ := pack(t, Directory{Path: dir, Excludes: tt.excludes})
			if got := names(t, archive); !slices.Equal(got, tt.want) {
				t.Errorf("got %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestSymlinks(t *testing.T) {
	outside := tree(t, "shared/s.py=s", "one.py=1")
	dir := tree(t, "bin/real.py=r", "lib/l.py=l")
	for link, target := range map[string]string{
		"alias.py":       "bin/real.py",
		"lib/up.py":      "../bin/real.py",
		"lib/abs.py":     filepath.Join(dir, "bin", "real.py"),
		"libs":           "lib",
		"one.py":         filepath.Join(outside, "one.py"),
		"vendor":         filepath.Join(outside, "shared"),
		"lib/twice.link": "up.py",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	archive, _ := pack(t, Directory{Path: dir})
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(rc)
		rc.Close()
		got[f.Name] = string(b)
		if f.Mode()&fs.ModeSymlink != 0 {
			got[f.Name] = "-> " + string(b)
		}
	}
	want := map[string]string{
		"alias.py": "-> bin/real.py", "bin/real.py": "r", "lib/abs.py": "-> ../bin/real.py", "lib/l.py": "l",
		"lib/twice.link": "-> ../bin/real.py", "lib/up.py": "-> ../bin/real.py", "libs": "-> lib", "one.py": "1", "vendor/s.py": "s",
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: got %q, want %q", name, got[name], content)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

func TestErrorsNameThePath(t *testing.T) {
	broken, loop := tree(t, "a=1"), tree(t, "sub/a=1")
	if err := os.Symlink("nowhere", filepath.Join(broken, "dangling")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(filepath.Dir(loop), filepath.Join(loop, "sub", "up")); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(broken, "a")
	tests := map[string]struct {
		dir  Directory
		want string
	}{
		"missing":     {Directory{Path: filepath.Join(broken, "gone")}, "gone"},
		"a file":      {Directory{Path: file}, file},
		"empty":       {Directory{Path: broken, Excludes: []string{"*"}}, broken},
		"dead link":   {Directory{Path: broken}, filepath.Join(broken, "dangling")},
		"loop":        {Directory{Path: loop}, filepath.Join("sub", "up")},
		"bad pattern": {Directory{Path: broken, Excludes: []string{"["}}, `"["`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := tt.dir.Digest(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that names %s", err, tt.want)
			}
		})
	}
}

func TestCheckHandler(t *testing.T) {
	pkg := fstest.MapFS{
		"app.py":           {},
		"pkg/__init__.py":  {},
		"pkg/mod.py":       {},
		"fast.abi3.so":     {},
		"index.js":         {},
		"src/api.mjs":      {},
		"old.cjs":          {},
		"bootstrap":        {Mode: 0o755},
		"dir.js/inside.js": {},
	}
	plain := fstest.MapFS{"bootstrap": {Mode: 0o644}}
	tests := map[string]struct {
		pkg              fs.FS
		runtime, handler string
		ok               bool
	}{
		"python module":        {pkg, "python3.13", "app.handler", true},
		"python package":       {pkg, "python3.13", "pkg.handler", true},
		"python submodule":     {pkg, "python3.13", "pkg.mod.handler", true},
		"python with slash":    {pkg, "python3.13", "pkg/mod.handler", true},
		"python extension":     {pkg, "python3.13", "fast.handler", true},
		"python missing":       {pkg, "python3.13", "other.handler", false},
		"python no function":   {pkg, "python3.13", "app", false},
		"node":                 {pkg, "nodejs22.x", "index.handler", true},
		"node nested":          {pkg, "nodejs22.x", "src/api.handler", true},
		"node commonjs":        {pkg, "nodejs22.x", "old.handler", true},
		"node nested function": {pkg, "nodejs22.x", "index.api.get", true},
		"node missing":         {pkg, "nodejs22.x", "main.handler", false},
		"node directory":       {pkg, "nodejs22.x", "dir.handler", false},
		"node no function":     {pkg, "nodejs22.x", "index", false},
		"layer's handler":      {pkg, "nodejs22.x", "/opt/nodejs/wrap.handler", true},
		"bootstrap":            {pkg, "provided.al2023", "any", true},
		"bootstrap mode":       {plain, "provided.al2023", "any", false},
		"bootstrap missing":    {fstest.MapFS{}, "provided.al2023", "any", false},
		"unknown runtime":      {pkg, "java21", "a.B::c", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := CheckHandler(tt.pkg, tt.runtime, tt.handler)
			if (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
			if err != nil && !IsHandlerError(err) {
				t.Errorf("%v is not a HandlerError", err)
			}
		})
	}
}

func FuzzMatcher(f *testing.F) {
	f.Add("**/*.py", "a/b/c.py")
	f.Add("tests/", "lib/tests")
	f.Add("[", "a")
	f.Add("/a/**/b", "a/x/y/b")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		m, err := newMatcher([]string{pattern})
		if err != nil {
			return
		}
		// A pattern that takes a name takes it again below "**".
		if m.match(name) && !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, ".") {
			deep, err := newMatcher([]string{"**/" + pattern})
			if err == nil && !deep.match("x/"+name) {
				t.Errorf("%q matches %q, but **/%q does not match x/%q", pattern, name, pattern, name)
			}
		}
	})
}
