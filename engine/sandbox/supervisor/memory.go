//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory knows how much memory the environment has used at most, and whether
// the kernel killed something for using more.
//
// In a container both are read from its control group. Elsewhere, or where the
// kernel keeps no peak, the peak is the sum of the high-water marks of the
// runtime's processes.
type memory struct {
	peakFile *os.File // nil: ask the processes
	oomPath  string   // file with a line "oom_kill N"; empty: unknown
	oomKills int64    // kills before the runtime started
	pid      int
	highest  int64
}

// newMemory finds the control group of a container; a process of the host
// shares its group with others, so the group says nothing about it.
func newMemory(container bool) *memory {
	m := &memory{}
	if !container {
		return m
	}
	for _, dir := range groups() {
		for _, peak := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
			if f, err := os.Open(filepath.Join(dir, peak)); err == nil && m.peakFile == nil {
				m.peakFile = f
			}
		}
		for _, events := range []string{"memory.events", "memory.oom_control"} {
			path := filepath.Join(dir, events)
			if _, err := os.Stat(path); err == nil && m.oomPath == "" {
				m.oomPath = path
			}
		}
	}
	m.oomKills = m.kills()
	return m
}

// groups lists where the supervisor's memory group may be mounted: at the root
// (the usual, with or without a namespace) or at the path the kernel names.
func groups() []string {
	dirs := []string{"/sys/fs/cgroup", "/sys/fs/cgroup/memory"}
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return dirs
	}
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "":
			dirs = append(dirs, "/sys/fs/cgroup"+parts[2])
		case parts[1] == "memory":
			dirs = append(dirs, "/sys/fs/cgroup/memory"+parts[2])
		}
	}
	return dirs
}

// peak returns the highest use so far, in bytes.
func (m *memory) peak() int64 {
	now := m.highest
	if m.peakFile != nil {
		var buf [32]byte
		if n, _ := m.peakFile.ReadAt(buf[:], 0); n > 0 {
			if v, err := strconv.ParseInt(string(bytes.TrimSpace(buf[:n])), 10, 64); err == nil {
				now = v
			}
		}
	} else if m.pid > 0 {
		now = highWater(m.pid)
		for _, pid := range descendants(m.pid) {
			now += highWater(pid)
		}
	}
	m.highest = max(m.highest, now)
	return m.highest
}

// exhausted reports whether the kernel has killed for memory since the start.
func (m *memory) exhausted() bool { return m.kills() > m.oomKills }

func (m *memory) kills() int64 {
	if m.oomPath == "" {
		return 0
	}
	data, err := os.ReadFile(m.oomPath)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}

// highWater reads the peak resident set of one process.
func highWater(pid int) int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := bytes.CutPrefix(lines.Bytes(), []byte("VmHWM:")); ok {
			kb, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(v, []byte("kB")))), 10, 64)
			return kb << 10
		}
	}
	return 0
}
