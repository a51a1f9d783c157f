package process_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/process"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	sandboxtest.Cleanup()
	os.Exit(code)
}

func newDriver(tb testing.TB) *process.Driver {
	tb.Helper()
	d, err := process.New(process.Options{Dir: tb.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return d
}

func TestSuite(t *testing.T) {
	sandboxtest.Suite{Driver: newDriver(t)}.Run(t)
}

func BenchmarkInvoke(b *testing.B) { sandboxtest.BenchmarkInvoke(b, newDriver(b)) }

func BenchmarkCold(b *testing.B) { sandboxtest.BenchmarkCold(b, newDriver(b), func() {}) }
