package scratch

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

var supported = sync.OnceValue(func() bool {
	if os.Geteuid() != 0 {
		return false
	}
	for _, program := range []string{"mkfs.ext4", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	_, err := os.Stat("/dev/loop-control")
	return err == nil
})

// mount mounts a new file system on dir.
func mount(dir string, mb int) error {
	image := dir + ".img"
	defer os.Remove(image)
	file, err := os.OpenFile(image, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// What the file system needs for itself comes on top: an inode for each 32 KB, and some.
	const mib = 1 << 20
	if err := file.Truncate(int64(mb)*mib*103/100 + 8*mib); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-i", "32768", "-E", "nodiscard", image); err != nil {
		return err
	}
	// With discard, what a function deletes is given back to the disk.
	if err := run("mount", "-t", "ext4", "-o", "loop,discard,nosuid,nodev,noatime", image, dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "lost+found")); err != nil {
		return err
	}
	return os.Chmod(dir, 0o777|os.ModeSticky)
}

func run(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // an engine that is killed takes it along
	runtime.LockOSThread()                                             // whose end would be taken for the engine's
	defer runtime.UnlockOSThread()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}

// unmountBelow detaches what is mounted on dir and below it, deepest first.
func unmountBelow(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("look for mounts: %w", err)
	}
	mounts := mountsBelow(string(table), dir)
	for _, at := range slices.Backward(mounts) {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", at, err)
		}
	}
	return nil
}

// mountsBelow lists the mount points at dir and below it, in the order of the table:
// that of their mounting.
func mountsBelow(table, dir string) (found []string) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		at := unescape(fields[4])
		if at == dir || strings.HasPrefix(at, dir+"/") {
			found = append(found, at)
		}
	}
	return found
}

// unescape reads the octal escapes of the kernel's tables.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
