package packaging

import (
	"io/fs"
	"syscall"
)

func statusOf(info fs.FileInfo) Status {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Status{}
	}
	return Status{Inode: stat.Ino, Changed: stat.Ctim.Nano()}
}
