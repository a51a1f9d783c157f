package docker

import (
	"testing"

	"github.com/distribution/reference"
)

func TestPinned(t *testing.T) {
	const built, pulled, other = "sha256:1111111111111111111111111111111111111111111111111111111111111111",
		"sha256:2222222222222222222222222222222222222222222222222222222222222222", "sha256:3333333333333333333333333333333333333333333333333333333333333333"
	for _, c := range []struct {
		name    string
		digests []string
		want    string
	}{
		{"mine", nil, "mine@" + built},
		{"mine:latest", nil, "mine@" + built},
		{"public.ecr.aws/lambda/python:3.13", []string{"public.ecr.aws/lambda/python@" + pulled}, "public.ecr.aws/lambda/python@" + pulled},
		{"public.ecr.aws/lambda/python@" + pulled, []string{"public.ecr.aws/lambda/python@" + pulled}, "public.ecr.aws/lambda/python@" + pulled},
		{"localhost:5000/f:v1", []string{"elsewhere/f@" + other, "localhost:5000/f@" + pulled}, "localhost:5000/f@" + pulled},
		{"docker.io/library/busybox:1", []string{"busybox@" + pulled}, "busybox@" + pulled},
		{"retagged:1", []string{"elsewhere/f@" + other}, "retagged@" + built},
	} {
		named, err := reference.ParseNormalizedNamed(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := pinned(named, &imageInfo{id: built, digests: c.digests}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
