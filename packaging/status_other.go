//go:build !linux && !darwin

package packaging

import "io/fs"

func statusOf(fs.FileInfo) Status { return Status{} }
