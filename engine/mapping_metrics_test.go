package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// count waits until a metric of a mapping has a sum.
func (a account) count(id *string, metric string, want float64) {
	a.Helper()
	a.eventually(fmt.Sprintf("%s is %.0f", metric, want), func() bool {
		d := a.metric(metric, "EventSourceMappingUUID", *id)
		return d != nil && *d.Sum == want
	})
}

var eventCount = &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{types.EventSourceMappingMetricEventCount}}

// A mapping that asks for them has metrics of what becomes of its records.
func TestMappingMetrics(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.kinesisStream(a.streams, "s", 1)
	_, dead := a.queue("dead")
	a.recorder("f", "if 'bad' in texts: raise Exception('no')")
	for _, text := range []string{"good", "bad", "filtered", "good"} {
		s.put("k", text)
	}
	id := a.mapStream(s.arn, "f", func(in *mappingInput) {
		in.BatchSize, in.MaximumRetryAttempts, in.MetricsConfig = aws.Int32(1), aws.Int32(1), eventCount
		in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &dead}}
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"data":{"v":[{"anything-but":"filtered"}]}}`)}}}
	})
	a.count(id, "InvokedEventCount", 4)
	a.count(id, "PolledEventCount", 4)
	a.count(id, "FilteredOutEventCount", 1)
	a.count(id, "FailedInvokeEventCount", 2)
	a.count(id, "OnFailureDestinationDeliveredEventCount", 1)

	q := queued{a, a.sqs()}.new(map[string]string{})
	calls := a.recorder("g", "pass")
	q.send("one", "")
	out := do(t, a.CreateEventSourceMapping, &mappingInput{EventSourceArn: &q.arn, FunctionName: aws.String("g"), MetricsConfig: eventCount})
	a.handled(calls, 1)
	a.count(out.UUID, "DeletedEventCount", 1)
}

// A function that is throttled holds its shard up, not what others read; nothing is
// given up meanwhile, and no retry is used.
func TestStreamThrottled(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.kinesisStream(a.streams, "s", 1)
	slow, other := a.recorder("slow", "pass"), a.recorder("other", "pass")
	reserve := func(n int32) {
		do(t, a.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("slow"), ReservedConcurrentExecutions: &n})
	}
	reserve(0)
	want := numbered("r", 3)
	for _, text := range want {
		s.put("k", text)
	}
	id := a.mapStream(s.arn, "slow", func(in *mappingInput) { in.MaximumRetryAttempts = aws.Int32(0) })
	a.mapStream(s.arn, "other", func(in *mappingInput) { in.MaximumRetryAttempts = aws.Int32(0) })
	if got := a.handled(other, 3); !slices.Equal(got, want) {
		t.Errorf("the other has %v", got)
	}
	a.eventually("the throttled mapping tells", func() bool {
		return *a.settled(id, "Enabled").LastProcessingResult != "No records processed"
	})
	if got := texts(slow()); len(got) > 0 {
		t.Errorf("handled while throttled: %v", got)
	}
	reserve(1)
	if got := a.handled(slow, 3); !slices.Equal(got, want) {
		t.Errorf("handled %v", got)
	}
}
