package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// samImages are the names by which SAM asks for an image that no registry need be reached for.
var samImages = []string{"public.ecr.aws/lambda/python:3.13-x86_64", "public.ecr.aws/lambda/python:3.13-arm64", "public.ecr.aws/lambda/python:3.13"}

func noSAM(o options) string {
	if why := hasImage(o, pythonImage); why != "" {
		return why
	}
	for _, image := range samImages {
		if hasImage(o, image) == "" {
			return "the image " + image + " exists; it is not replaced by the stand-in for a measurement"
		}
	}
	return installed(o, "sam/bin/sam", "PyPI package aws-sam-cli")
}

// startSAM runs `sam local start-lambda` with its fastest setting: containers that
// exist before the first call. The stand-in goes by the name of AWS's image meanwhile.
func startSAM(ctx context.Context, o options, p pkg) (*service, error) {
	dir, err := os.MkdirTemp(p.dir, "sam-")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(dir, "code"), os.DirFS(filepath.Join(p.dir, "code"))); err != nil {
		return nil, err
	}
	template := `AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  echo:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: app.handler, CodeUri: code, MemorySize: 1769, Timeout: 60}
`
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(template), 0o600); err != nil {
		return nil, err
	}
	untag := func() {
		for _, image := range samImages {
			_ = exec.Command("docker", "rmi", "--no-prune", image).Run()
			_ = exec.Command("docker", "rmi", "public.ecr.aws/lambda/python:3.13-rapid-x86_64", "public.ecr.aws/lambda/python:3.13-rapid-arm64").Run()
		}
	}
	for _, image := range samImages {
		if _, err := docker(ctx, "tag", pythonImage, image); err != nil {
			untag()
			return nil, err
		}
	}
	s, err := server(ctx, dir, "4597", []string{"SAM_CLI_TELEMETRY=0", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"},
		filepath.Join(o.cache, "sam/bin/sam"), "local", "start-lambda", "--skip-pull-image", "--warm-containers", "EAGER",
		"--host", "127.0.0.1", "--port", "4597", "--template", "template.yaml")
	if err != nil {
		untag()
		return nil, err
	}
	s.url = "http://127.0.0.1:4597/2015-03-31/functions/echo/invocations"
	end := s.stop
	s.stop = func() { end(); untag() }
	return s, nil
}
