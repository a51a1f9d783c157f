//go:build unix

package store

import "golang.org/x/sys/unix"

// freeBytes is what ordinary users may still write to the file system of dir.
func freeBytes(dir string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // types differ between systems
}
