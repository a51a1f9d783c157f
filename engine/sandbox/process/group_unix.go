//go:build unix

package process

import "syscall"

// ownGroup keeps a process out of the engine's group.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
