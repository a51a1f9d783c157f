// Package scratch makes the /tmp of environments: a directory on a file system of its
// own, which holds so much and no more (spec behaviour §5, A5.5).
//
// The file system is in a sparse file that nothing names any more once it is
// mounted, so that all that a dead engine can leave is the mount; RemoveAll finds
// it. It takes a Linux where the engine is root.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// ErrUnsupported says that sizes cannot be enforced here.
var ErrUnsupported = errors.New("only root on Linux, with mkfs.ext4 and mount, can limit the size of /tmp")

// Supported tells whether sizes can be enforced here.
func Supported() bool { return supported() }

// Make makes the empty directory dir, which everybody may write to and which takes
// mb MB. The error is ErrUnsupported where that cannot be had at all.
func Make(dir string, mb int) error {
	if !supported() {
		return ErrUnsupported
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	if err := mount(dir, mb); err != nil {
		return errors.Join(fmt.Errorf("make /tmp of %d MB: %w", mb, err), RemoveAll(dir))
	}
	return nil
}

// attempts is how often RemoveAll tries: a mount of an engine that has just been
// killed may still come while the directory is being removed.
const attempts = 20

// RemoveAll removes a directory with everything in it, mounts included.
func RemoveAll(dir string) (err error) {
	for range attempts {
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err = errors.Join(unmountBelow(dir), os.RemoveAll(dir)); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}
