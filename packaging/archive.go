package packaging

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"
)

// epoch is the time of every entry: the earliest that the zip format can say.
var epoch = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// creatorUnix marks the entries' modes as Unix modes on every system, so that
// the bytes do not tell where the archive was made.
const creatorUnix = 3 << 8

// Directory is a directory to be packed, without the files that one of the
// exclude patterns matches (see [Directory.Archive] for the pattern syntax), and
// without what version control, Terraform, Finder and Python leave lying about.
type Directory struct {
	Path     string
	Excludes []string
	// Loose leaves out what cannot be packed, such as a link to nothing or a socket, and
	// what vanishes meanwhile, where an archive would be refused.
	Loose bool
}

// HotReloadTag is the tag of a function of the local engine whose $LATEST runs what the
// [Directory] at the path of its value holds at each call. Published versions run what
// was deployed. On AWS it is a tag like any other.
const HotReloadTag = "lambdaform:hot-reload"

// Digest identifies an archive.
type Digest struct {
	SHA256 string // base64, as Lambda's CodeSha256
	Size   int64  // in bytes
}

// Archive writes the zip archive of d to w and returns what it wrote.
//
// Entries are sorted by name. A file has the mode 0755 if its owner may execute
// it and 0644 if not; directories have no entries of their own. A symbolic link
// that stays within the directory is stored as a link; what lies behind one
// that leaves it is stored in its place.
//
// An exclude pattern is matched against the slash-separated path within the
// directory; one without a slash (but a last one) is matched against the last element at any
// depth. Besides the syntax of [path.Match], "**" stands for any number of
// directories. A pattern that matches a directory excludes all of it.
func (d Directory) Archive(ctx context.Context, w io.Writer) (Digest, error) {
	files, err := d.Files()
	if err != nil {
		return Digest{}, err
	}
	sum := newSummer(w)
	zw := zip.NewWriter(sum)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Digest{}, fmt.Errorf("packing %s: %w", d.Path, err)
		}
		if err := f.write(zw); err != nil {
			return Digest{}, fmt.Errorf("packing %s: %w", f.Path, err)
		}
	}
	if err := zw.Close(); err != nil {
		return Digest{}, fmt.Errorf("packing %s: %w", d.Path, err)
	}
	return sum.digest(), nil
}

// Digest returns the digest of the archive of d without keeping the archive.
func (d Directory) Digest(ctx context.Context) (Digest, error) {
	return d.Archive(ctx, io.Discard)
}

// FileDigest returns the digest of a finished archive.
func FileDigest(path string) (Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, fmt.Errorf("reading the package: %w", err)
	}
	defer f.Close()
	sum := newSummer(io.Discard)
	if _, err := io.Copy(sum, f); err != nil {
		return Digest{}, fmt.Errorf("reading the package %s: %w", path, err)
	}
	return sum.digest(), nil
}

// BytesDigest returns the digest of an archive in memory.
func BytesDigest(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest{SHA256: base64.StdEncoding.EncodeToString(sum[:]), Size: int64(len(b))}
}

func (f File) write(zw *zip.Writer) error {
	h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: epoch}
	h.SetMode(f.Mode)
	h.CreatorVersion = creatorUnix
	if f.Mode&fs.ModeSymlink != 0 {
		h.Method = zip.Store
		w, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, f.Target)
		return err
	}
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	w, err := zw.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}

// summer hashes and counts what passes through it.
type summer struct {
	w    io.Writer
	hash hash.Hash
	size int64
}

func newSummer(w io.Writer) *summer { return &summer{w: w, hash: sha256.New()} }

func (s *summer) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.hash.Write(p[:n])
	s.size += int64(n)
	return n, err
}

func (s *summer) digest() Digest {
	return Digest{SHA256: base64.StdEncoding.EncodeToString(s.hash.Sum(nil)), Size: s.size}
}
