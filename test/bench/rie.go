package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"time"
)

const riePort = "4598"

func noRIE(o options) string {
	if why := hasImage(o, "lambdaform/provided:al2023"); why != "" {
		return why
	}
	return installed(o, "rie/rie", "it comes with the PyPI package aws-sam-cli")
}

// startRIE runs the Go echo function under AWS's runtime interface emulator, in
// the image that the engine uses for it. The published port is what its manual
// says; without a network of its own, Docker's proxy is not in the way. There is
// nothing before the container is there: the first call counts from its start.
func startRIE(host bool) func(context.Context, options, pkg) (*service, error) {
	return func(ctx context.Context, o options, p pkg) (*service, error) {
		args := []string{"run", "-d", "--rm", "-v", o.cache + "/rie/rie:/rie:ro", "-v", p.dir + "/code/bootstrap:/var/runtime/bootstrap:ro", "--entrypoint", "/rie"}
		command := []string{"lambdaform/provided:al2023"}
		if host {
			args = append(args, "--network", "host")
			command = append(command, "--runtime-interface-emulator-address", "127.0.0.1:"+riePort, "--runtime-api-address", "127.0.0.1:4588")
		} else {
			args = append(args, "-p", "127.0.0.1:"+riePort+":8080")
		}
		begin := time.Now()
		id, err := docker(ctx, append(append(args, command...), "/var/runtime/bootstrap")...)
		if err != nil {
			return nil, err
		}
		s := &service{url: "http://127.0.0.1:" + riePort + "/2015-03-31/functions/function/invocations"}
		s.stop = func() {
			_ = exec.Command("docker", "rm", "-f", id).Run()
			for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
				conn, err := net.Dial("tcp", "127.0.0.1:"+riePort)
				if err != nil {
					return
				}
				_ = conn.Close()
			}
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
			if _, err = callOnce(s.url); err == nil {
				s.cold = time.Since(begin)
				return s, nil
			}
			if time.Now().After(deadline) {
				s.stop()
				return nil, fmt.Errorf("no answer: %w", err)
			}
		}
	}
}
