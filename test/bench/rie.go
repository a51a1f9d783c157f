package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// measureRIE runs the Go echo function under AWS's runtime interface emulator, in
// the image that the engine uses for it, and puts one client's load on it; the
// emulator takes no more at a time.
func measureRIE(ctx context.Context, o options, p pkg) (*figures, error) {
	out, err := exec.CommandContext(ctx, "docker", "run", "-d", "--rm",
		"-v", o.rie+":/rie:ro", "-v", p.bootstrap+":/var/runtime/bootstrap:ro", "-p", "127.0.0.1:4598:8080",
		"--entrypoint", "/rie", "lambdaform/provided:al2023", "/var/runtime/bootstrap").Output()
	if err != nil {
		return nil, fmt.Errorf("docker run: %w", err)
	}
	id := strings.TrimSpace(string(out))
	defer func() { _ = exec.Command("docker", "rm", "-f", id).Run() }()
	url := "http://127.0.0.1:4598/2015-03-31/functions/function/invocations"
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		f, err := load(ctx, url, 1, o.duration)
		if err == nil || time.Now().After(deadline) {
			return f, err
		}
	}
}
