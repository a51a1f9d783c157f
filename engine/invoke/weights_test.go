package invoke_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
)

// weighted makes a function whose alias "live" sends a share of its calls to version 2.
func (b *bench) weighted(weight float64) catalog.Ref {
	b.Helper()
	b.function("f")
	b.change(func(f *catalog.Function) {
		for n := range 2 {
			f.Latest.Config.CodeSha256 = aws.String(fmt.Sprint(n)) // so that there is something to publish
			if _, _, err := b.catalog.Publish(b.Context(), f, nil); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := f.CreateAlias(catalog.Alias{Name: "live", FunctionVersion: "1", Weights: map[string]float64{"2": weight}}); err != nil {
			b.Fatal(err)
		}
	})
	return ref("f").With("live")
}

// Ten thousand calls of an alias with weights land where they should, within four
// standard deviations (one run in 16,000 fails by chance), and independently of each
// other. The version that ran is told.
func TestWeights(t *testing.T) {
	const calls = 10_000
	for _, weight := range []float64{0.1, 0.5} {
		t.Run(fmt.Sprint(weight), func(t *testing.T) {
			b := newBench(t, &driver{})
			live := b.weighted(weight)
			var second, pairs, last int
			for range calls {
				got, err := b.Invoke(t.Context(), invoke.Request{Ref: live, RequestID: "request", Payload: []byte("{}")})
				if err != nil {
					t.Fatal(err)
				}
				ran := 0
				switch got.Version {
				case "1":
				case "2":
					ran = 1
				default:
					t.Fatalf("version %q", got.Version)
				}
				second += ran
				pairs += ran & last
				last = ran
			}
			within(t, "calls of version 2", second, calls, weight)
			within(t, "calls of version 2 after version 2", pairs, second, weight)
		})
	}
}

// within checks that n of all trials is what the probability lets expect.
func within(t *testing.T, what string, n, all int, probability float64) {
	t.Helper()
	mean := float64(all) * probability
	if bound := 4 * math.Sqrt(mean*(1-probability)); math.Abs(float64(n)-mean) > bound {
		t.Errorf("%s: %d of %d, want %.0f ± %.0f", what, n, all, mean, bound)
	}
}

// Events choose a version when they run, each attempt anew.
func TestWeightsOfEvents(t *testing.T) {
	b := newBench(t, &driver{})
	live := b.weighted(0.5)
	q := b.queue(quick)
	const events = 400
	for i := range events {
		if err := q.Enqueue(t.Context(), invoke.Request{Ref: live, RequestID: fmt.Sprint(i), Payload: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all have run", b.settled)
	var second, all int
	eventually(t, "all is logged", func() bool {
		second, all = 0, 0
		for _, line := range b.log("f") {
			if strings.HasPrefix(line, "START ") {
				all++
				if strings.HasSuffix(line, "Version: 2") {
					second++
				}
			}
		}
		return all == events
	})
	within(t, "events of version 2", second, all, 0.5)
}
