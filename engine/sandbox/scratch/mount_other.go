//go:build !linux

package scratch

func supported() bool { return false }

func mount(string, int) error { return ErrUnsupported }

func unmountBelow(string) error { return nil }
