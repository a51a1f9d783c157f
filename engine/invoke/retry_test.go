package invoke_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// manual is a clock that stands until the test turns it.
func manual() *clock.Manual { return clock.NewManual(time.Date(2016, 11, 24, 12, 0, 0, 0, time.UTC)) }

// pass lets a pause of exactly d, that the queue keeps, go by.
func pass(t *testing.T, c *clock.Manual, d time.Duration) {
	t.Helper()
	eventually(t, fmt.Sprintf("the queue pauses for %s", d), func() bool { next, ok := c.Next(); return ok && next == d })
	c.Advance(d - time.Millisecond)
	if next, _ := c.Next(); next != time.Millisecond {
		t.Errorf("the pause of %s has ended too early", d)
	}
	c.Advance(time.Millisecond)
}

// Spec behaviour A3.4: the same request, again after one and two minutes.
func TestQueuePauses(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	c := manual()
	b.enqueue(b.queue(invoke.QueueOptions{Clock: c}), "f", "event")
	(<-b.calls).end(sandbox.FunctionError)
	pass(t, c, time.Minute)
	(<-b.calls).end(sandbox.FunctionError)
	pass(t, c, 2*time.Minute)
	(<-b.calls).end(sandbox.FunctionError)
	eventually(t, "the event is given up", b.settled)
}

// Failures of the engine itself are tried again after pauses that double, and use up
// none of the function's attempts.
func TestQueueBacksOff(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	c := manual()
	b.enqueue(b.queue(invoke.QueueOptions{Clock: c}), "f", "event")
	fail := func() { (<-b.calls).answer <- answer{err: fmt.Errorf("the disk is on fire")} }
	for d := time.Second; d < 5*time.Minute; d *= 2 {
		fail()
		pass(t, c, d)
	}
	fail()
	pass(t, c, 5*time.Minute)
	for _, d := range []time.Duration{time.Minute, 2 * time.Minute} {
		(<-b.calls).end(sandbox.FunctionError)
		pass(t, c, d)
	}
	(<-b.calls).succeed()
	eventually(t, "the event is done", b.settled)
}

// Spec behaviour A3.6: an event that is throttled for six hours is dropped, and
// never executed. So is one that is too old for its next attempt.
func TestQueueAge(t *testing.T) {
	for name, age := range map[string]*int32{"default": nil, "set": aws.Int32(90)} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.function("f")
			b.change(func(f *catalog.Function) {
				f.Reserved = aws.Int32(1)
				f.EventInvoke = map[string]catalog.EventInvoke{catalog.LatestVersion: {MaximumEventAgeInSeconds: age}}
			})
			busy := b.call(ref("f"))
			running := <-b.calls
			c := manual()
			dropped := make(chan string, 10)
			q := b.queue(invoke.QueueOptions{Clock: c, Observe: func(_ catalog.Ref, metric string, _ float64) {
				if metric == invoke.MetricEventsDropped {
					dropped <- metric
				}
			}})
			b.enqueue(q, "f", "throttled")
			most := 6 * time.Hour
			if age != nil {
				most = time.Duration(*age) * time.Second
			}
			waits := func() bool { next, ok := c.Next(); return ok && (next == most || age == nil && next == time.Hour) }
			eventually(t, "the event waits", waits)
			if age == nil { // the queue looks up now and then
				for range 5 {
					c.Advance(time.Hour)
					eventually(t, "an hour later it still waits", func() bool { next, ok := c.Next(); return ok && next <= time.Hour })
				}
				most -= 5 * time.Hour
			}
			select {
			case <-dropped:
				t.Fatal("dropped too early")
			default:
			}
			c.Advance(most)
			<-dropped
			running.succeed()
			<-busy
			eventually(t, "the event is gone", b.settled)

			b.change(func(f *catalog.Function) {
				f.EventInvoke = map[string]catalog.EventInvoke{catalog.LatestVersion: {MaximumEventAgeInSeconds: aws.Int32(60)}}
			})
			b.enqueue(q, "f", "failing")
			failing := <-b.calls
			if failing.RequestID != "failing" {
				t.Errorf("%s was run", failing.RequestID)
			}
			c.Advance(time.Second)
			failing.end(sandbox.FunctionError) // a minute later it will be too old
			<-dropped
			eventually(t, "the event is gone", b.settled)
		})
	}
}

// The number of attempts, and when the next is due, survive the end of an engine.
func TestQueueKeepsCounts(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	c := manual()
	first := b.queue(invoke.QueueOptions{Clock: c})
	b.enqueue(first, "f", "event")
	(<-b.calls).end(sandbox.FunctionError)
	pass(t, c, time.Minute)
	(<-b.calls).end(sandbox.FunctionError)
	eventually(t, "the second pause has begun", func() bool { next, ok := c.Next(); return ok && next == 2*time.Minute })
	c.Advance(30 * time.Second)
	first.Close()

	b.queue(invoke.QueueOptions{Clock: c})
	pass(t, c, 90*time.Second)
	if last := <-b.calls; last.RequestID != "event" {
		t.Errorf("request id %s", last.RequestID)
	} else {
		last.end(sandbox.FunctionError)
	}
	eventually(t, "the event is given up after the third attempt", b.settled)
}

// failOnce leaves an event to the next queue that has been tried once, and that is noted.
func (b *bench) failOnce(t *testing.T, c clock.Clock) {
	t.Helper()
	q := b.queue(invoke.QueueOptions{Clock: c})
	b.enqueue(q, "f", "event")
	(<-b.calls).end(sandbox.FunctionError)
	eventually(t, "the attempt is noted", func() bool { return b.stored("ASYNC") == 0 && b.stored("LATER") == 1 })
	q.Close()
}

// A clock that jumps between two engines, backwards or by hours, costs no event its end:
// one that would be due far away is due as late as any may be, and one that has become
// too old is dropped, as told.
func TestQueueClockJumps(t *testing.T) {
	for name, c := range map[string]struct {
		jump time.Duration
		ends bool
	}{"back": {jump: -3 * time.Hour}, "ahead": {jump: 7 * time.Hour, ends: true}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.function("f")
			before := manual()
			b.failOnce(t, before)

			after := clock.NewManual(before.Now().Add(c.jump))
			dropped := make(chan string, 1)
			q := b.queue(invoke.QueueOptions{Clock: after, Observe: func(_ catalog.Ref, metric string, _ float64) {
				if metric == invoke.MetricEventsDropped {
					dropped <- metric
				}
			}})
			if c.ends {
				<-dropped
			} else {
				pass(t, after, 5*time.Minute)
				(<-b.calls).succeed()
			}
			eventually(t, "the event has ended", b.settled)
			b.enqueue(q, "f", "another")
			(<-b.calls).succeed()
			eventually(t, "another has ended too", b.settled)
		})
	}
}

// An engine may die after it has noted an attempt and before it has taken the event
// out of the work queue: the next one finds both, and heeds the note.
func TestQueueHeedsNotes(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.function("f")
	c := manual()
	b.failOnce(t, c)
	second, err := invoke.OpenQueue(t.Context(), b.store, b.Invoker, invoke.QueueOptions{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	b.enqueue(second, "f", "event") // lies there again
	if err := second.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the work queue is empty", func() bool { return b.stored("ASYNC") == 0 })
	pass(t, c, time.Minute)
	(<-b.calls).end(sandbox.FunctionError)
	pass(t, c, 2*time.Minute)
	(<-b.calls).end(sandbox.FunctionError)
	eventually(t, "the event is given up after three attempts", b.settled)
}

// Retries are as many as is set: by default AWS's two, in the guide of 2016 three.
func TestQueueRetryLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits catalog.Limits
		set    *int32
		want   int // attempts
	}{
		"today":            {catalog.Today(), nil, 3},
		"guide":            {catalog.Guide2016(), nil, 4},
		"none":             {catalog.Today(), aws.Int32(0), 1},
		"one":              {catalog.Today(), aws.Int32(1), 2},
		"two of the guide": {catalog.Guide2016(), aws.Int32(2), 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.catalog.Limits = c.limits
			b.function("f")
			b.change(func(f *catalog.Function) {
				f.EventInvoke = map[string]catalog.EventInvoke{catalog.LatestVersion: {MaximumRetryAttempts: c.set}}
			})
			b.enqueue(b.queue(quick), "f", "event")
			for range c.want {
				(<-b.calls).end(sandbox.FunctionError)
			}
			eventually(t, "the event is given up", b.settled)
		})
	}
}

// A function with thousands of events that fail or hang delays no other (and its own
// new events only as long as its concurrency is used up).
func TestQueueBacklog(t *testing.T) {
	const backlog = 5000
	for name, fails := range map[string]bool{"slow": false, "failing": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation), easy: "fast:$LATEST"})
			b.function("busy")
			b.function("fast")
			q := b.queue(invoke.QueueOptions{Clock: manual()})
			var writers sync.WaitGroup
			for w := range 10 {
				writers.Go(func() {
					for i := range backlog / 10 {
						if err := q.Enqueue(context.Background(), invoke.Request{Ref: ref("busy"), RequestID: fmt.Sprintf("%d-%d", w, i), Payload: []byte("{}")}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			hang, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				for i := range b.calls {
					go func() {
						if !fails {
							<-hang
						}
						i.end(sandbox.FunctionError)
					}()
				}
			}()
			t.Cleanup(func() { // before the queue is closed
				close(hang)
				q.Close()
				close(b.calls)
				<-ended
			})
			writers.Wait()
			var took []time.Duration
			for i := range 50 {
				start := time.Now()
				b.enqueue(q, "fast", fmt.Sprint(i))
				id := "END RequestId: " + fmt.Sprint(i)
				eventually(t, "the fast function has run", func() bool { return slices.Contains(b.log("fast"), id) })
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			if median := took[len(took)/2]; median > 250*time.Millisecond {
				t.Errorf("an event of the fast function took %s", median)
			}
			t.Logf("median %s, worst %s", took[len(took)/2], took[len(took)-1])
			if n := len(b.alive()); n > 101 {
				t.Errorf("%d environments", n)
			}
		})
	}
}

// A burst of events boots few environments: as many as may boot at once, and one in the
// place of the first that is ready. That one serves everybody who waits.
func TestQueueBurst(t *testing.T) {
	const events = 60
	d := &driver{boots: make(chan *boot), calls: make(chan *invocation)}
	b := newBench(t, d)
	b.function("f")
	q := b.queue(quick)
	for i := range events {
		b.enqueue(q, "f", fmt.Sprint(i))
	}
	most := max(4, 2*runtime.NumCPU())
	booting := []*boot{<-d.boots}
	for len(booting) < most {
		booting = append(booting, <-d.boots)
	}
	booting[0].verdict <- nil
	booting = append(booting[1:], <-d.boots)
	for range events {
		i := <-d.calls
		if i.env.name != "env-1" {
			t.Errorf("%s was handled by %s", i.RequestID, i.env.name)
		}
		i.succeed()
	}
	eventually(t, "all are done", b.settled)
	for _, late := range booting {
		late.verdict <- nil
	}
	eventually(t, "those that had begun are ready", func() bool { return len(b.alive()) == most+1 })
	select {
	case <-d.boots:
		t.Error("an environment boots that nobody waits for")
	default:
	}
}
