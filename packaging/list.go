package packaging

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// File is a file or a symbolic link of a package.
type File struct {
	Name     string      // within the package, with slashes
	Path     string      // on disk
	Mode     fs.FileMode // 0644 or 0755; fs.ModeSymlink | 0777
	Target   string      // of a link
	Size     int64       // of a file, in bytes
	Modified time.Time   // a file
	Status   Status      // of a file
}

// Status changes whenever a file does, even one that keeps its size and its time of
// modification. It is zero where the system does not tell.
type Status struct {
	Inode   uint64
	Changed int64 // nanoseconds
}

// Files returns what d's archive holds, in its order.
func (d Directory) Files() ([]File, error) {
	exclude, err := newMatcher(slices.Concat(never, d.Excludes))
	if err != nil {
		return nil, err
	}
	root, err := filepath.EvalSymlinks(d.Path)
	if err != nil {
		return nil, fmt.Errorf("packing a directory: %w", err)
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, fmt.Errorf("packing %s: %w", d.Path, err)
	}
	if info, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("packing a directory: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("packing %s: not a directory", d.Path)
	}
	l := lister{root: root, exclude: exclude, loose: d.Loose}
	if err := l.walk(root, "", nil); err != nil {
		return nil, err
	}
	if len(l.files) == 0 {
		return nil, fmt.Errorf("packing %s: no files in it to pack", d.Path)
	}
	slices.SortFunc(l.files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return l.files, nil
}

// lister collects the files below root.
type lister struct {
	root    string
	exclude matcher
	loose   bool
	files   []File
}

// walk adds what is in dir under the archive's prefix. outside holds the
// directories beyond root that links led through, to notice a loop.
func (l *lister) walk(dir, prefix string, outside []string) error {
	children, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	for _, c := range children {
		file, name := filepath.Join(dir, c.Name()), path.Join(prefix, c.Name())
		if l.exclude.match(name) {
			continue
		}
		if err := l.add(file, name, c.Type(), outside); err != nil && !l.loose {
			return err
		}
	}
	return nil
}

func (l *lister) add(file, name string, kind fs.FileMode, outside []string) error {
	switch {
	case kind&fs.ModeSymlink != 0:
		return l.addLink(file, name, outside)
	case kind.IsDir():
		return l.walk(file, name, outside)
	case !kind.IsRegular():
		return fmt.Errorf("packing %s: neither a file nor a directory (%s)", file, kind)
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	l.files = append(l.files, File{Name: name, Path: file, Mode: mode, Size: info.Size(), Modified: info.ModTime(), Status: statusOf(info)})
	return nil
}

// addLink keeps a link within the tree and follows one that leaves it.
func (l *lister) addLink(file, name string, outside []string) error {
	target, err := filepath.EvalSymlinks(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("packing %s: a symbolic link to nothing", file)
	} else if err != nil {
		return fmt.Errorf("packing %s: %w", file, err)
	}
	// A link below a followed one has another depth in the archive than on disk.
	if rel, ok := within(l.root, target); ok && len(outside) == 0 {
		link, err := filepath.Rel(filepath.FromSlash(path.Dir(name)), rel)
		if err != nil {
			return fmt.Errorf("packing %s: %w", file, err)
		}
		l.files = append(l.files, File{Name: name, Path: file, Mode: fs.ModeSymlink | 0o777, Target: filepath.ToSlash(link)})
		return nil
	}
	info, err := os.Stat(target)
	if err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	if !info.IsDir() {
		return l.add(target, name, info.Mode().Type(), outside)
	}
	if _, contains := within(target, l.root); contains || slices.Contains(outside, target) {
		return fmt.Errorf("packing %s: a symbolic link to %s, which contains it", file, target)
	}
	return l.walk(target, name, append(slices.Clip(outside), target))
}

// within returns file's path relative to dir if it lies in it.
func within(dir, file string) (string, bool) {
	rel, err := filepath.Rel(dir, file)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	return rel, true
}
