package invoke_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
)

// BenchmarkAccept measures how many events a second the queue accepts, each on disk
// before its caller hears of it: while their function may not run, and while it
// handles them. Beside it, what JetStream stores by itself, in a stream of the same
// settings and with messages of the same size. Rounds of both take turns.
//
//	go test ./engine/invoke -run '^$' -bench Accept -benchtime 5x
func BenchmarkAccept(b *testing.B) {
	const round = 2000
	payload := []byte(`{"text": "` + strings.Repeat("x", 100) + `"}`)
	for _, handled := range []bool{false, true} {
		for _, callers := range []int{32, 64} {
			name := "waiting"
			if handled {
				name = "handled"
			}
			b.Run(fmt.Sprintf("%s/%d", name, callers), func(b *testing.B) {
				f := newBench(b, &driver{})
				f.function("f")
				if !handled {
					f.change(func(f *catalog.Function) { f.Reserved = aws.Int32(0) })
				}
				q := f.queue(quick)
				js := f.store.JetStream()
				_, err := js.CreateStream(b.Context(), jetstream.StreamConfig{
					Name: "RAW", Subjects: []string{"raw.>"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
				})
				if err != nil {
					b.Fatal(err)
				}
				head := nats.Header{"Event": {strings.Repeat("x", 170)}}
				raw := func(ctx context.Context) error {
					_, err := js.PublishMsg(ctx, &nats.Msg{Subject: "raw.000000000000.us-east-1.f", Header: head, Data: payload})
					return err
				}
				enqueue := func(ctx context.Context) error {
					return q.Enqueue(ctx, invoke.Request{Ref: ref("f"), RequestID: uuid.NewString(), Payload: payload})
				}
				var took [2]time.Duration
				rounds := 0
				for b.Loop() {
					rounds++
					if handled { // what the round before has left is none of this one's
						eventually(b, "the queue is empty", f.settled)
					}
					for i, publish := range []func(context.Context) error{raw, enqueue} {
						took[i] += concurrently(b, callers, round, publish)
					}
				}
				rate := func(i int) float64 { return float64(rounds*round) / took[i].Seconds() }
				b.ReportMetric(rate(0), "raw/s")
				b.ReportMetric(rate(1), "accepts/s")
				b.ReportMetric(rate(1)/rate(0), "ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// concurrently makes n calls, so many at the same time, and tells how long they took.
func concurrently(b *testing.B, callers, n int, call func(context.Context) error) time.Duration {
	b.Helper()
	start := time.Now()
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for range n / callers {
				if err := call(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	return time.Since(start)
}
