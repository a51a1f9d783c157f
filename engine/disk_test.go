package engine_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/scratch"
)

// A full disk refuses what it cannot store, loses nothing that it has, and is
// forgotten once there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if !scratch.Supported() {
		t.Skip(scratch.ErrUnsupported)
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := scratch.Make(dir, 160); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := scratch.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	data := filepath.Join(dir, "data")
	e := start(t, data)
	defer func() { _ = e.Close() }()
	a := accountOn(t, e.URL(), "100000000000")
	a.create("f", python(t, "return 1"), func(in *lambda.CreateFunctionInput) { in.Publish = true })
	if got := a.call("f"); got != "1" {
		t.Fatalf("it answers %s", got)
	}

	fill(t, filepath.Join(dir, "ballast"))
	big := zipOf(t, map[string]string{"app.py": "def handler(event, context):\n    return 2\n", "noise": noise(1 << 20)})
	for what, write := range map[string]func() error{
		"code": func() error {
			_, err := a.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: big})
			return err
		},
		"a configuration": func() error {
			_, err := a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Description: aws.String("x")})
			return err
		},
		"an event": func() error {
			_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent})
			return err
		},
	} {
		err := write()
		if err == nil {
			t.Errorf("%s that cannot be stored is taken", what)
			continue
		}
		refusedAs(t, err, "ServiceException", http.StatusInternalServerError, "The disk of the engine's data directory is almost full: 0 MB are free in …")
	}
	if got := a.call("f"); got != "1" { // which is warm
		t.Errorf("on a full disk, it answers %s", got)
	}
	_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f:1")}) // which is cold
	refusedAs(t, err, "ServiceException", http.StatusInternalServerError, "start f:1: …")

	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	a.deploy("f", big)
	if got := a.call("f"); got != "2" {
		t.Errorf("with room again, it answers %s", got)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	e = start(t, data)
	a = accountOn(t, e.URL(), "100000000000")
	for function, want := range map[string]string{"f": "2", "f:1": "1"} {
		if got := a.call(function); got != want {
			t.Errorf("after a restart, %s answers %s", function, got)
		}
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}

// noise is text that does not compress.
func noise(n int) string {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return string(b)
}
