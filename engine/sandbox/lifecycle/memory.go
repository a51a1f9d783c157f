//go:build linux

package lifecycle

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/programs"
)

// Group is what a container's control group tells: the most memory it has used, and how
// often the kernel has killed for it. A file that is nil is not known; outside of
// containers neither is, since the group is shared with others.
type Group struct{ Peak, Kills *os.File }

// OwnGroup finds the control group of the container that this process is the first of.
func OwnGroup() Group {
	var g Group
	for _, dir := range groups() {
		for _, peak := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
			if f, err := os.Open(filepath.Join(dir, peak)); err == nil && g.Peak == nil {
				g.Peak = f
			}
		}
		for _, events := range []string{"memory.events", "memory.oom_control"} {
			if f, err := os.Open(filepath.Join(dir, events)); err == nil && g.Kills == nil {
				g.Kills = f
			}
		}
	}
	return g
}

// memory knows how much memory the environment has used at most, and whether
// the kernel killed something for using more.
//
// In a container both are read from its control group. Elsewhere, or where the
// kernel keeps no peak, the peak is the sum of the high-water marks of the
// processes of the runtime and of the extensions.
type memory struct {
	group   Group
	killed  int64 // kills before the runtime started
	pids    []int // of the runtime and the extensions
	highest int64

	// Their descendants as of looked: finding them costs more than all
	// the rest of an invocation, and what they used does not go away meanwhile.
	children []int
	looked   time.Time
	asked    time.Time // when their memory was looked at
}

// How old may be what is known of the processes: the list of them, and their memory.
// Calls that follow each other faster would cost more to measure than to run.
const (
	outdated = 100 * time.Millisecond
	fresh    = 10 * time.Millisecond
)

func newMemory(group Group) *memory {
	m := &memory{group: group}
	m.killed = m.kills()
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
	if m.group.Peak != nil {
		var buf [32]byte
		n, _ := m.group.Peak.ReadAt(buf[:], 0)
		if v, err := strconv.ParseInt(string(bytes.TrimSpace(buf[:n])), 10, 64); err == nil {
			now = v
		}
	} else if len(m.pids) > 0 && time.Since(m.asked) > fresh {
		m.asked = time.Now()
		if m.asked.Sub(m.looked) > outdated {
			m.children, m.looked = m.children[:0], m.asked
			for _, pid := range m.pids {
				m.children = append(m.children, programs.Descendants(pid)...)
			}
		}
		now = 0
		for _, pid := range m.pids {
			now += highWater(pid)
		}
		for _, pid := range m.children {
			now += highWater(pid)
		}
	}
	m.highest = max(m.highest, now)
	return m.highest
}

// atLeast takes in a peak that was learnt elsewhere, where it is the better guess.
func (m *memory) atLeast(peak int64) {
	if m.group.Peak == nil {
		m.highest = max(m.highest, peak)
	}
}

// exhausted reports whether the kernel has killed for memory since the start.
func (m *memory) exhausted() bool { return m.kills() > m.killed }

func (m *memory) kills() int64 {
	if m.group.Kills == nil {
		return 0
	}
	var buf [1024]byte
	n, _ := m.group.Kills.ReadAt(buf[:], 0)
	for line := range strings.Lines(string(buf[:n])) {
		if v, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}

// highWater reads the peak resident set of one process.
func highWater(pid int) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(data, []byte("VmHWM:"))
	value, _, _ := bytes.Cut(rest, []byte("kB"))
	kb, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	return kb << 10
}
