package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine tells what was measured on.
func machine(ctx context.Context) string {
	version := func(argv ...string) string {
		out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
		if err != nil {
			return "none"
		}
		return strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%d cores (%s), kernel %s, Docker %s, Python %s, Node.js %s",
		runtime.NumCPU(), cpuModel(), version("uname", "-r"), version("docker", "version", "--format", "{{.Server.Version}}"),
		strings.TrimPrefix(version("python3", "--version"), "Python "), version("node", "--version"))
}

func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// loadAverage is that of the last minute.
func loadAverage() float64 {
	data, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(data), " ")
	average, _ := strconv.ParseFloat(first, 64)
	return average
}

// busy is the share of all CPUs that is in use during a second in which nothing
// is measured: what others do to the figures.
func busy() float64 {
	before, idleBefore := cpuTimes()
	time.Sleep(time.Second)
	after, idleAfter := cpuTimes()
	if after == before {
		return 0
	}
	return 1 - float64(idleAfter-idleBefore)/float64(after-before)
}

func cpuTimes() (total, idle int) {
	data, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(data), "\n")
	for i, field := range strings.Fields(line) {
		n, _ := strconv.Atoi(field)
		if i >= 1 && i <= 8 {
			total += n
		}
		if i == 4 || i == 5 { // idle and waiting for disks
			idle += n
		}
	}
	return total, idle
}
