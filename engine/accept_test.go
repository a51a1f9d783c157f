package engine_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

// BenchmarkEvents measures how many events a second the engine accepts over HTTP, of
// 64 clients on this machine, beside what JetStream stores by itself in a stream of
// the same settings. The function may not run.
//
//	go test ./engine -run '^$' -bench Events -benchtime 5x
func BenchmarkEvents(b *testing.B) {
	const callers, round = 64, 2048
	e, err := engine.Start(b.Context(), engine.Config{Listen: "127.0.0.1:0", DataDir: b.TempDir(), Driver: "process", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	a := accountOn(b, e.URL(), "123456789012")
	a.create("f", python(b, "pass"))
	do(b, a.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	js := e.JetStream()
	if _, err = js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage}); err != nil {
		b.Fatal(err)
	}
	raw := func(ctx context.Context) error {
		_, err := js.Publish(ctx, "raw", make([]byte, 400))
		return err
	}
	clients := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	event := func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL()+"/2015-03-31/functions/f/invocations", strings.NewReader(`{"text": "`+strings.Repeat("x", 100)+`"}`))
		if err != nil {
			return err
		}
		request.Header.Set("X-Amz-Invocation-Type", "Event")
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+a.id+"/20261122/"+region+"/lambda/aws4_request, SignedHeaders=host, Signature=0")
		response, err := clients.Do(request)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, response.Body)
		if response.StatusCode != http.StatusAccepted {
			return errors.New(response.Status)
		}
		return response.Body.Close()
	}
	var took [2]time.Duration
	rounds := 0
	for b.Loop() {
		rounds++
		for i, publish := range []func(context.Context) error{raw, event} {
			start := time.Now()
			var working sync.WaitGroup
			for range callers {
				working.Go(func() {
					for range round / callers {
						if err := publish(b.Context()); err != nil {
							b.Error(err)
						}
					}
				})
			}
			working.Wait()
			took[i] += time.Since(start)
		}
	}
	rate := func(i int) float64 { return float64(rounds*round) / took[i].Seconds() }
	b.ReportMetric(rate(0), "raw/s")
	b.ReportMetric(rate(1), "accepts/s")
	b.ReportMetric(rate(1)/rate(0), "ratio")
	b.ReportMetric(0, "ns/op")
}
