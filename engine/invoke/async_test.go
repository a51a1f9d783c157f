package invoke_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// quick are times for tests.
var quick = invoke.QueueOptions{RetryDelays: []time.Duration{time.Millisecond, 2 * time.Millisecond}, RefusedDelay: time.Millisecond}

func (b *bench) queue(o invoke.QueueOptions) *invoke.Queue {
	b.Helper()
	q, err := invoke.OpenQueue(b.Context(), b.store, b.Invoker, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(q.Close)
	if err := q.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return q
}

func (b *bench) enqueue(q *invoke.Queue, name, id string) {
	b.Helper()
	if err := q.Enqueue(b.Context(), invoke.Request{Ref: ref(name), RequestID: id, Payload: []byte(`{}`)}); err != nil {
		b.Fatal(err)
	}
}

// settled tells whether the queue holds nothing any more.
func (b *bench) settled() bool { return b.stored("ASYNC")+b.stored("LATER") == 0 }

// stored is how many messages a stream holds.
func (b *bench) stored(name string) uint64 {
	stream, err := b.store.JetStream().Stream(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestQueueRetries(t *testing.T) {
	fails := func(n int) []sandbox.Outcome { return slices.Repeat([]sandbox.Outcome{sandbox.FunctionError}, n) }
	for name, c := range map[string]struct {
		outcomes []sandbox.Outcome // of the attempts, one after the other
	}{
		"success":         {[]sandbox.Outcome{sandbox.Success}},
		"second try":      {append(fails(1), sandbox.Success)},
		"third try":       {append(fails(2), sandbox.Success)},
		"given up":        {fails(3)},
		"timeouts":        {[]sandbox.Outcome{sandbox.Timeout, sandbox.Timeout, sandbox.Timeout}},
		"exit, then well": {[]sandbox.Outcome{sandbox.Exited, sandbox.Success}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.function("f")
			b.enqueue(b.queue(quick), "f", "event")
			for _, o := range c.outcomes {
				attempt := <-b.calls
				if attempt.RequestID != "event" {
					t.Errorf("request id %s", attempt.RequestID)
				}
				attempt.end(o)
			}
			eventually(t, "the event is done", b.settled)
			select {
			case <-b.calls:
				t.Error("one attempt too many")
			default:
			}
		})
	}
}

// Throttling uses up none of the attempts that the function has, and its end wakes
// the event up (A3.3).
func TestQueueWaitsOutThrottling(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(1) })
	busy := b.call(ref("f"))
	running := <-b.calls
	throttles := make(chan string, 10)
	o := quick
	o.RefusedDelay = time.Hour // nothing may wait for it
	o.Observe = func(_ catalog.Ref, metric string, _ float64) {
		if metric == invoke.MetricThrottles {
			throttles <- metric
		}
	}
	b.enqueue(b.queue(o), "f", "event")
	<-throttles
	running.succeed()
	<-busy
	for range 2 {
		(<-b.calls).end(sandbox.FunctionError)
	}
	(<-b.calls).succeed()
	eventually(t, "the event is done", b.settled)
	if len(throttles) != 0 {
		t.Error("an event that waits is counted more than once")
	}
}

// A function whose events all fail and wait holds up neither another function
// nor new events of its own.
func TestQueueIsNotHeldUp(t *testing.T) {
	b := newBench(t, &driver{})
	b.function("f")
	b.function("g")
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(0) })
	q := b.queue(invoke.QueueOptions{})
	for i := range 300 {
		b.enqueue(q, "f", fmt.Sprint(i))
	}
	b.enqueue(q, "g", "other")
	eventually(t, "the other function has run", func() bool { return len(b.log("g")) > 0 })
	b.change(func(f *catalog.Function) { f.Reserved = nil })
	b.enqueue(q, "f", "late")
	eventually(t, "the new event has run", func() bool {
		return slices.ContainsFunc(b.log("f"), func(line string) bool { return strings.HasPrefix(line, "END RequestId: late") })
	})
}

// Events of a function that is deleted are dropped.
func TestQueueDropsEventsOfDeletedFunctions(t *testing.T) {
	b := newBench(t, &driver{})
	b.function("f")
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(0) })
	q := b.queue(quick)
	b.enqueue(q, "f", "event")
	if err := b.catalog.Delete(t.Context(), ref("f")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is gone", b.settled)
}

// Events survive the end of the queue, those that were being handled included.
func TestQueueSurvives(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	b.change(func(f *catalog.Function) { f.Reserved = aws.Int32(1) })
	first := b.queue(quick)
	for i := range 5 {
		b.enqueue(first, "f", fmt.Sprint(i))
	}
	interrupted := <-b.calls
	closed := make(chan struct{})
	go func() { first.Close(); close(closed) }()
	eventually(t, "the queue takes no more", func() bool {
		return first.Enqueue(context.Background(), invoke.Request{Ref: ref("other"), RequestID: "late", Payload: []byte("{}")}) != nil
	})
	interrupted.answer <- answer{err: fmt.Errorf("the engine stops")}
	<-closed

	b.queue(quick) // takes up what is there
	handled := map[string]bool{}
	for len(handled) < 5 {
		i := <-b.calls
		handled[i.RequestID] = true
		i.succeed()
	}
	eventually(t, "the queue is empty", b.settled)
}

// Many writers at once, and every event is handled.
func TestQueueUnderLoad(t *testing.T) {
	b := newBench(t, &driver{}, func(o *invoke.Options) { o.Log = slog.New(slog.DiscardHandler) })
	q := b.queue(quick)
	var wg sync.WaitGroup
	for i := range 4 {
		name := fmt.Sprintf("f%d", i)
		b.function(name)
		for j := range 4 {
			wg.Go(func() {
				for k := range 25 {
					b.enqueue(q, name, fmt.Sprintf("%d-%d", j, k))
				}
			})
		}
	}
	wg.Wait()
	eventually(t, "the queue is empty", b.settled)
	for i := range 4 {
		ran := map[string]bool{}
		for _, line := range b.log(fmt.Sprintf("f%d", i)) {
			if id, ok := strings.CutPrefix(line, "END RequestId: "); ok {
				ran[id] = true
			}
		}
		if len(ran) != 100 {
			t.Errorf("f%d has run for %d events", i, len(ran))
		}
	}
}
