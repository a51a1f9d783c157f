package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// peer is another way to run a function on one's own machine.
type peer struct {
	name     string
	language string
	serial   bool // takes one call at a time: its eight clients call one after the other
	missing  func(o options) string
	start    func(ctx context.Context, o options, p pkg) (*service, error)
}

// service is a started peer.
type service struct {
	url  string
	cold time.Duration // of the first call, where starting made it; otherwise 0
	stop func()
}

// absent are the peers that are not measured anywhere, and why.
var absent = []absence{
	{"LocalStack", "its image needs an account; PyPI's localstack-core starts without (with older cbor2, pyOpenSSL and service-identity, on Python 3.13), but creating a function downloads its init binary from releases on GitHub"},
	{"floci", "neither PyPI nor npm has it: it is a container image"},
	{"localemu", "PyPI has it; not set up here yet"},
	{"lambda-local, @vercel/fun", "libraries of npm without an endpoint to call"},
}

type absence struct{ name, reason string }

func peers() []peer {
	return []peer{
		{name: "AWS's emulator (RIE), published port", language: "Go", serial: true, missing: noRIE, start: startRIE(false)},
		{name: "AWS's emulator (RIE), host network", language: "Go", serial: true, missing: noRIE, start: startRIE(true)},
		{name: "SAM CLI, warm containers", language: "Python", missing: noSAM, start: startSAM},
		{name: "moto", language: "Python", missing: noMoto, start: startMoto},
		{name: "ministack, processes", language: "Python", missing: noMinistack, start: startMinistack},
		{name: "ministack, processes", language: "Node.js", missing: noMinistack, start: startMinistack},
		{name: "serverless-offline", language: "Node.js", missing: noOffline, start: startOffline},
	}
}

// installed says why what scripts/bench.sh installs is not there.
func installed(o options, path, from string) string {
	if o.cache == "" {
		return "no directory of installed peers was given (-cache)"
	}
	if _, err := os.Stat(filepath.Join(o.cache, path)); err == nil {
		return ""
	}
	folder, _, _ := strings.Cut(path, "/")
	if why, err := os.ReadFile(filepath.Join(o.cache, folder+".failed")); err == nil {
		return strings.TrimSpace(string(why))
	}
	return "not installed: " + from
}

func hasImage(o options, image string) string {
	if !o.docker {
		return "no Docker daemon answers"
	}
	if exec.Command("docker", "image", "inspect", image).Run() != nil {
		return "the image " + image + " is missing: make images"
	}
	return ""
}

// server starts a program that listens at port, and waits for that. What it
// prints goes to a file, whose end is told when it does not come up.
func server(ctx context.Context, dir, port string, environment []string, argv ...string) (*service, error) {
	out, err := os.Create(filepath.Join(dir, "output.log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Dir = dir
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = out, out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	stop := func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
		}
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
			return &service{stop: stop}, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended: %s", filepath.Base(argv[0]), tail(out.Name()))
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		default:
		}
	}
	stop()
	return nil, fmt.Errorf("%s does not listen at port %s: %s", filepath.Base(argv[0]), port, tail(out.Name()))
}

func tail(path string) string {
	data, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

func docker(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return "", fmt.Errorf("docker %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
