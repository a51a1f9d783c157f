package invoke_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
)

// file is an entry of a package.
type file struct {
	name, content string
	mode          fs.FileMode
}

func pack(t *testing.T, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		header.SetMode(f.mode)
		out, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cache opens a code cache that holds up to 1 MB and its package store. sizes are those
// of the packages to keep.
func cache(t *testing.T, sizes map[string]int64, dir string) (*invoke.CodeCache, *store.Packages) {
	t.Helper()
	s, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	packages, err := store.OpenPackages(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := invoke.OpenCodeCache(dir, packages, sizes, 1e6)
	if err != nil {
		t.Fatal(err)
	}
	return c, packages
}

// dirOf gets packages and releases them at once.
func dirOf(t *testing.T, c *invoke.CodeCache, sums ...string) (string, error) {
	t.Helper()
	dir, release, err := c.Dir(t.Context(), sums...)
	if err == nil {
		release()
	}
	return dir, err
}

func TestUnpack(t *testing.T) {
	c, packages := cache(t, nil, t.TempDir())
	sum, err := packages.Put(t.Context(), pack(t,
		file{"app.py", "code", 0o664},
		file{"bin/tool", "#!", 0o775},
		file{"deep/er/module.py", "x", 0o644},
		file{"empty/", "", fs.ModeDir | 0o775},
		file{"private.py", "only its owner's", 0o640},
		file{"owners", "#!", 0o744},
		file{"closed/", "", fs.ModeDir | 0o700},
		file{"closed/in.py", "", 0o644},
		file{"link", "deep/er", fs.ModeSymlink | 0o777},
		file{"./dotted.py", "y", 0o444},
	))
	if err != nil {
		t.Fatal(err)
	}
	var dirs [8]string
	var wg sync.WaitGroup
	for i := range dirs { // all at once, and one unpacks
		wg.Go(func() {
			var err error
			if dirs[i], err = dirOf(t, c, sum); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for name, mode := range map[string]fs.FileMode{
		"app.py": 0o444, "bin/tool": 0o555, "deep/er/module.py": 0o444, "empty": 0o755 | fs.ModeDir, "link/module.py": 0o444, "dotted.py": 0o444,
		"private.py": 0o400, "owners": 0o444, "closed": 0o700 | fs.ModeDir, "closed/in.py": 0o444, ".": 0o755 | fs.ModeDir,
	} {
		info, err := os.Stat(filepath.Join(dirs[0], name))
		if err != nil {
			t.Error(err)
		} else if info.Mode() != mode {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
	}
	entries, err := os.ReadDir(filepath.Dir(dirs[0]))
	if err != nil || len(entries) != 1 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
}

// A package cannot write outside its directory, and one that tries leaves nothing.
func TestUnpackRefuses(t *testing.T) {
	outside := t.TempDir()
	for name, files := range map[string][]file{
		"parent":         {{"../evil", "x", 0o644}},
		"deep parent":    {{"a/../../evil", "x", 0o644}},
		"absolute":       {{filepath.Join(outside, "evil"), "x", 0o644}},
		"through a link": {{"link", outside, fs.ModeSymlink | 0o777}, {"link/evil", "x", 0o644}},
		"over a link":    {{"link", filepath.Join(outside, "evil"), fs.ModeSymlink | 0o777}, {"link", "x", 0o644}},
		"relative link":  {{"link", "../..", fs.ModeSymlink | 0o777}, {"link/evil", "x", 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "cache")
			c, packages := cache(t, nil, root)
			sum, err := packages.Put(t.Context(), pack(t, files...))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dirOf(t, c, sum); err == nil {
				t.Error("it was unpacked")
			}
			for _, dir := range []string{outside, root} {
				if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
					t.Errorf("%s holds %v, %v", dir, entries, err)
				}
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(root), "evil")); err == nil {
				t.Error("it has written outside")
			}
		})
	}
}

// A header that lies about the size does not fill the disk.
func TestUnpackLimitsSize(t *testing.T) {
	pkg := pack(t, file{"zeros", string(make([]byte, 1<<20)), 0o644})
	lie := []byte{0x10, 0, 0, 0}
	truth := []byte{0, 0, 0x10, 0}
	i := bytes.LastIndex(pkg, truth) // in the central directory
	copy(pkg[i:], lie)
	if archive, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg))); err != nil || archive.File[0].UncompressedSize64 != 16 {
		t.Fatalf("the package does not lie: %v", err)
	}
	c, packages := cache(t, nil, t.TempDir())
	sum, err := packages.Put(t.Context(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := dirOf(t, c, sum); err == nil {
		t.Errorf("unpacked to %s", dir)
	}
}

func TestCodeCacheForgets(t *testing.T) {
	dir := t.TempDir()
	c, packages := cache(t, nil, dir)
	var sums []string
	for _, content := range []string{"one", "two"} {
		sum, err := packages.Put(t.Context(), pack(t, file{"app.py", content, 0o644}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dirOf(t, c, sum); err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	if err := os.Mkdir(filepath.Join(dir, "unpack-1"), 0o755); err != nil { // of an engine that was killed
		t.Fatal(err)
	}
	cache(t, map[string]int64{sums[1]: 3}, dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != store.HexSum(sums[1]) {
		t.Errorf("left are %v, %v", entries, err)
	}
	if _, err := dirOf(t, c, store.Sum([]byte("unknown"))); !errors.Is(err, store.ErrNoPackage) {
		t.Errorf("a package that is not there: %v", err)
	}
}

// The cache does not outgrow its size, but keeps what is in use and what was used last.
func TestCodeCacheEvicts(t *testing.T) {
	root := t.TempDir()
	c, packages := cache(t, nil, root)
	put := func(name string, size int) string {
		t.Helper()
		sum, err := packages.Put(t.Context(), pack(t, file{name, string(make([]byte, size)), 0o644}))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	cached := func(sums ...string) (there []bool) {
		for _, sum := range sums {
			_, err := os.Stat(c.Path(sum))
			there = append(there, err == nil)
		}
		return there
	}
	used, old, newer, next := put("used", 400_000), put("old", 300_000), put("newer", 250_000), put("next", 250_000)
	_, release, err := c.Dir(t.Context(), used)
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range []string{old, newer, next} {
		if _, err := dirOf(t, c, sum); err != nil {
			t.Fatal(err)
		}
	}
	if got := cached(used, old, newer, next); !slices.Equal(got, []bool{true, false, true, true}) {
		t.Errorf("of used, old, newer and next there are %v", got)
	}
	release()
	release()                                   // which counts once
	if _, err := dirOf(t, c, old); err != nil { // again, and newer and next have been used longer ago
		t.Fatal(err)
	}
	if got := cached(used, old, newer, next); !slices.Equal(got, []bool{true, true, false, true}) {
		t.Errorf("of used, old, newer and next there are %v", got)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 3 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
}

// Several packages are merged once, later ones over earlier ones, without copies.
func TestMergedPackages(t *testing.T) {
	dir := t.TempDir()
	c, packages := cache(t, nil, dir)
	var sums []string
	for _, files := range [][]file{
		{{"python/m.py", "one", 0o644}, {"bin/tool", "#!", 0o755}},
		{{"python/m.py", "two", 0o644}},
	} {
		sum, err := packages.Put(t.Context(), pack(t, files...))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	read := func(sums ...string) (merged, content string) {
		t.Helper()
		merged, err := dirOf(t, c, sums...)
		if err != nil {
			t.Fatal(err)
		}
		if merged != c.Path(sums...) {
			t.Errorf("in %s, not in %s", merged, c.Path(sums...))
		}
		data, err := os.ReadFile(filepath.Join(merged, "python/m.py"))
		if err != nil {
			t.Fatal(err)
		}
		return merged, string(data)
	}
	forth, content := read(sums[0], sums[1])
	back, other := read(sums[1], sums[0])
	if content != "two" || other != "one" || forth == back {
		t.Errorf("%q in %s, %q in %s", content, forth, other, back)
	}
	single, _ := read(sums[0])
	original, err := os.Stat(filepath.Join(single, "bin/tool"))
	if err != nil {
		t.Fatal(err)
	}
	linked, err := os.Stat(filepath.Join(forth, "bin/tool"))
	if err != nil || !os.SameFile(original, linked) || linked.Mode() != 0o555 {
		t.Errorf("%v, %v", linked, err)
	}
	if none, err := dirOf(t, c); none != "" || err != nil {
		t.Errorf("no packages are in %q, %v", none, err)
	}
	if _, err := dirOf(t, c, sums[0], store.Sum([]byte("unknown"))); !errors.Is(err, store.ErrNoPackage) {
		t.Errorf("a package that is not there: %v", err)
	}
	cache(t, map[string]int64{sums[0]: 5}, dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != store.HexSum(sums[0]) {
		t.Errorf("left are %v, %v", left, err)
	}
}
