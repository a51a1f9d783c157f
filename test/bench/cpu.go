package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// spent is CPU time by who spent it.
type spent struct{ engine, supervisor, function, generator time.Duration }

func (s spent) minus(o spent) spent {
	return spent{s.engine - o.engine, s.supervisor - o.supervisor, s.function - o.function, s.generator - o.generator}
}

func (s spent) by(calls int) spent {
	n := time.Duration(calls)
	return spent{s.engine / n, s.supervisor / n, s.function / n, s.generator / n}
}

// cast are the processes that take part in a call.
type cast struct{ engine, supervisors, functions []int }

// takePart finds them: supervisors are children of the engine, or the first
// processes of its containers, and functions are below them.
func (e *running) takePart(ctx context.Context) (cast, error) {
	c := cast{engine: []int{e.process.Process.Pid}}
	if e.driver == "docker" {
		ids, err := docker(ctx, "ps", "-q", "--no-trunc", "--filter", "label=lambdaform.pid="+strconv.Itoa(c.engine[0]))
		if err != nil {
			return c, err
		}
		if ids != "" {
			pids, err := docker(ctx, append([]string{"inspect", "-f", "{{.State.Pid}}"}, strings.Fields(ids)...)...)
			if err != nil {
				return c, err
			}
			for _, field := range strings.Fields(pids) {
				if pid, err := strconv.Atoi(field); err == nil {
					c.supervisors = append(c.supervisors, pid)
				}
			}
		}
	} else {
		c.supervisors = children(c.engine[0])
	}
	for _, pid := range c.supervisors {
		c.functions = append(c.functions, below(pid)...)
	}
	return c, nil
}

func (c cast) spent() spent {
	return spent{engine: cpuOf(c.engine), supervisor: cpuOf(c.supervisors), function: cpuOf(c.functions), generator: cpuOf([]int{os.Getpid()})}
}

func children(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		data, _ := os.ReadFile(path) //nolint:gosec // a path of the kernel's
		for _, field := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

func below(pid int) []int {
	var all []int
	for _, child := range children(pid) {
		all = append(append(all, child), below(child)...)
	}
	return all
}

// cpuOf is the time that processes have spent so far, in ticks of 10 ms.
func cpuOf(pids []int) time.Duration {
	var total time.Duration
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(data), ") ") // names may have spaces
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		total += time.Duration(user+system) * 10 * time.Millisecond
	}
	return total
}
