package sandboxtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// BenchmarkInvoke measures warm invocations of each language, one after the
// other: as its own the median and the 99th percentile.
func BenchmarkInvoke(b *testing.B, d sandbox.Driver) {
	for _, f := range Functions(b) {
		b.Run(f.Name, func(b *testing.B) {
			spec, _ := f.Spec()
			env, err := d.Start(b.Context(), spec)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = env.Stop(context.Background()) }()
			invoke := func() time.Duration {
				start := time.Now()
				res, err := env.Invoke(context.Background(), sandbox.Invocation{
					RequestID:   "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
					FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:f",
					Deadline:    start.Add(10 * time.Second),
					Payload:     []byte(`{"key":"value"}`),
				})
				if err != nil || res.Outcome != sandbox.Success {
					b.Fatalf("%v: outcome %d %s", err, res.Outcome, res.Payload)
				}
				return time.Since(start)
			}
			for range 100 {
				invoke()
			}
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				took = append(took, invoke())
			}
			report(b, took)
		})
	}
}

// BenchmarkCold measures starts, up to the runtime's first request for an event.
// ready waits until the driver has recovered from the start before.
func BenchmarkCold(b *testing.B, d sandbox.Driver, ready func()) {
	for _, f := range Functions(b) {
		b.Run(f.Name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				ready()
				spec, _ := f.Spec()
				b.StartTimer()
				start := time.Now()
				env, err := d.Start(b.Context(), spec)
				took = append(took, time.Since(start))
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				_ = env.Stop(context.Background())
				b.StartTimer()
			}
			report(b, took)
		})
	}
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
}
