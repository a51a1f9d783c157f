package invoke_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

const queueARN, deadARN = "arn:aws:sqs:us-east-1:000000000000:outcomes", "arn:aws:sqs:us-east-1:000000000000:dead"

// tally counts what a queue observes.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (t *tally) observe(_ catalog.Ref, metric string, _ float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[metric]++
}

func (t *tally) of(metric string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[metric]
}

// destined makes a function of one attempt at an event, whose failures two places are told of.
func (b *bench) destined() {
	b.Helper()
	b.function("f")
	b.change(func(f *catalog.Function) {
		f.EventInvoke = map[string]catalog.EventInvoke{catalog.LatestVersion: {MaximumRetryAttempts: aws.Int32(0), OnFailure: queueARN}}
		f.Latest.Config.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String(deadARN)}
	})
}

// A destination that fails is told again, after pauses that double, until it takes the
// record; one that has taken it is not told twice, and the function runs no more. An
// engine's end in between changes nothing.
func TestDeliveryIsRetried(t *testing.T) {
	b := newBench(t, &driver{calls: make(chan *invocation)})
	b.destined()
	c, seen := manual(), &tally{}
	told := make(chan destination.Message)
	answers := make(chan error)
	options := invoke.QueueOptions{Clock: c, Observe: seen.observe, Destinations: func(_ context.Context, m destination.Message) error {
		told <- m
		return <-answers
	}}
	first := b.queue(options)
	b.enqueue(first, "f", "event")
	(<-b.calls).end(sandbox.FunctionError)
	expect := func(arn string, answer error) {
		t.Helper()
		m := <-told
		if m.ARN != arn || m.RequestID != "event" || (m.Failure != nil) != (arn == deadARN) || !strings.Contains(string(m.Body), `{}`) {
			t.Errorf("%s was told %+v", arn, m)
		}
		answers <- answer
	}
	down := errors.New("connection refused")
	expect(queueARN, down)
	expect(deadARN, nil)
	pass(t, c, time.Second)
	expect(queueARN, down)
	eventually(t, "the second pause has begun", func() bool { next, ok := c.Next(); return ok && next == 2*time.Second })
	first.Close()

	b.queue(options)
	pass(t, c, 2*time.Second)
	expect(queueARN, nil)
	eventually(t, "nothing is left to tell", b.settled)
	if failed, dead, dropped := seen.of(invoke.MetricDestinationFailures), seen.of(invoke.MetricDeadLetterErrors), seen.of(invoke.MetricEventsDropped); failed != 2 || dead != 0 || dropped != 1 {
		t.Errorf("%d deliveries failed, %d dead letters, %d events dropped", failed, dead, dropped)
	}
}

// A record that a destination refuses for good is given up at once, and one that
// nobody takes after six hours.
func TestDeliveryIsGivenUp(t *testing.T) {
	for name, refusal := range map[string]error{
		"rejected": &destination.RejectedError{Err: errors.New("message must be shorter than 262144 bytes")},
		"down":     errors.New("connection refused"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &driver{calls: make(chan *invocation)})
			b.destined()
			c, seen := manual(), &tally{}
			q := b.queue(invoke.QueueOptions{Clock: c, Observe: seen.observe, Destinations: func(context.Context, destination.Message) error { return refusal }})
			b.enqueue(q, "f", "event")
			(<-b.calls).end(sandbox.FunctionError)
			start := c.Now()
			var pauses []time.Duration
			eventually(t, "the record is given up", func() bool {
				if next, ok := c.Next(); ok && next <= 5*time.Minute {
					pauses = append(pauses, next)
					c.Advance(next)
				}
				return b.settled()
			})
			failed, dead := seen.of(invoke.MetricDestinationFailures), seen.of(invoke.MetricDeadLetterErrors)
			if name == "rejected" {
				if len(pauses) != 0 || failed != 1 || dead != 1 {
					t.Errorf("told %d and %d times, after pauses of %v", failed, dead, pauses)
				}
				return
			}
			if took := c.Now().Sub(start); took < 6*time.Hour || took > 6*time.Hour+10*time.Minute || failed != dead || failed != len(pauses)+1 || !slices.IsSorted(pauses) {
				t.Errorf("told %d and %d times in %s, after %d pauses: %v", failed, dead, took, len(pauses), pauses)
			}
		})
	}
}
