package docker_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/docker"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	sandboxtest.Cleanup()
	os.Exit(code)
}

// standIns are the images that `make images` builds: the tests ask no registry.
var standIns = map[string]string{
	"python3.13":      "lambdaform/python:3.13",
	"nodejs22.x":      "lambdaform/nodejs:22",
	"nodejs24.x":      "lambdaform/nodejs:24",
	"java21":          "lambdaform/java:21",
	"ruby3.3":         "lambdaform/ruby:3.3",
	"provided.al2023": "lambdaform/provided:al2023",
}

// newDriver skips the test where there is no Docker, unless the environment says
// that there has to be.
func newDriver(tb testing.TB, change ...func(*docker.Options)) *docker.Driver {
	tb.Helper()
	o := docker.Options{Dir: tb.TempDir(), Logger: slog.New(slog.DiscardHandler), Images: standIns}
	for _, c := range change {
		c(&o)
	}
	d, err := docker.New(context.Background(), o)
	if err == nil {
		err = docker.Available(context.Background(), o)
	}
	if err != nil {
		if os.Getenv("LAMBDA_TEST_DOCKER") == "required" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return d
}

func TestSuite(t *testing.T) {
	sandboxtest.Suite{Driver: newDriver(t), Isolates: true, OfficialJava: true}.Run(t)
}

func TestModel(t *testing.T) {
	d := newDriver(t)
	_, err := newDaemon(t).ImageInspect(t.Context(), standIns["nodejs24.x"])
	sandboxtest.Suite{Driver: d, Isolates: true, Official: true, NoNode24: err != nil}.Model(t)
}

func BenchmarkInvoke(b *testing.B) { sandboxtest.BenchmarkInvoke(b, newDriver(b)) }

func BenchmarkInvokeStdio(b *testing.B) {
	sandboxtest.BenchmarkInvoke(b, newDriver(b, func(o *docker.Options) { o.Transport = docker.Stdio }))
}

func BenchmarkColdPool(b *testing.B) {
	sandboxtest.BenchmarkCold(b, newDriver(b), func() { time.Sleep(time.Second) }) // the pool refills
}

func BenchmarkColdNoPool(b *testing.B) {
	sandboxtest.BenchmarkCold(b, newDriver(b, func(o *docker.Options) { o.Spares = -1 }), func() {})
}
