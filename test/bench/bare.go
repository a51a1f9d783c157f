package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// bareStarts measures how long the runtime of an image takes from its start to its
// first response, with nothing but a loop around it, in one container with the
// limits that the engine sets. It is the part of a cold start that no engine can avoid.
func bareStarts(ctx context.Context, o options, p pkg, times int) ([]time.Duration, error) {
	out, err := docker(ctx, "run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp:exec,mode=1777", "--user", "993:990",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "1024", "--ulimit", "nofile=1024:1024",
		"--memory", "1793m", "--memory-swap", "1793m", "--cpus", "1", "--cpu-shares", "1024",
		"-v", o.bare+":/bare:ro", "-v", p.dir+"/code:/var/task:ro", "-e", "_HANDLER="+p.handler,
		"--entrypoint", "/bare", p.image, strconv.Itoa(times), p.boot)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for _, field := range strings.Fields(out) {
		microseconds, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("bare prints %q", out)
		}
		took = append(took, time.Duration(microseconds)*time.Microsecond)
	}
	return took, nil
}
