package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	pythonImage = "lambdaform/python:3.13"
	motoImage   = "lambdaform/bench-moto:python3.13"
	volumeImage = "busybox:latest" // has moto fill a volume with the code
)

func noMoto(o options) string {
	if why := hasImage(o, pythonImage); why != "" {
		return why
	}
	return installed(o, "moto/bin/moto_server", "PyPI package moto")
}

// startMoto runs moto's server. It starts a container for every call, from images
// that take the handler and the event as arguments and print the response: the
// stand-in with bare for an entry point is such a one.
func startMoto(ctx context.Context, o options, p pkg) (*service, error) {
	dir, err := os.MkdirTemp(p.dir, "moto-")
	if err != nil {
		return nil, err
	}
	remove, err := motoImages(ctx, o)
	if err != nil {
		return nil, err
	}
	s, err := server(ctx, dir, "4592", []string{"MOTO_DOCKER_LAMBDA_IMAGE=" + motoImage, "MOTO_DOCKER_NETWORK_MODE=bridge", "AWS_DEFAULT_REGION=us-east-1"},
		filepath.Join(o.cache, "moto/bin/moto_server"), "--host", "127.0.0.1", "--port", "4592")
	if err != nil {
		remove()
		return nil, err
	}
	end := s.stop
	s.stop = func() { end(); remove() }
	url := "http://127.0.0.1:4592"
	role, err := newRole(ctx, url)
	if err == nil {
		err = create(ctx, newClientOf(url), "echo", role, p)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("create the function: %w", err)
	}
	s.url = url + "/2015-03-31/functions/echo/invocations"
	return s, nil
}

// motoImages builds what moto asks for, and returns how to remove it.
func motoImages(ctx context.Context, o options) (remove func(), err error) {
	dir := filepath.Join(o.work, "moto-image")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(o.bare)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "bare"), program, 0o755); err != nil { //nolint:gosec // it is a program
		return nil, err
	}
	recipes := map[string]string{motoImage: "FROM " + pythonImage + "\nCOPY bare /bare\nENTRYPOINT [\"/bare\", \"once\"]\n"}
	if hasImage(o, volumeImage) != "" {
		recipes[volumeImage] = "FROM " + pythonImage + "\nENTRYPOINT []\n"
	}
	remove = func() {
		for image := range recipes {
			_ = exec.Command("docker", "rmi", image).Run()
		}
	}
	for image, recipe := range recipes {
		build := exec.CommandContext(ctx, "docker", "build", "-q", "-t", image, "-f", "-", dir)
		build.Stdin = strings.NewReader(recipe)
		if out, err := build.CombinedOutput(); err != nil {
			remove()
			return nil, fmt.Errorf("docker build: %w: %s", err, out)
		}
	}
	return remove, nil
}
