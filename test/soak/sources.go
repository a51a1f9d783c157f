//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	streamName   = "stream"
	failuresName = "failures" // the destination of both mappings of the stream
	deadStandard = "standard-dead"
	deadFIFO     = "fifo-dead.fifo"
	// visibility is the visibility timeout of queues, in seconds: queues live in real time,
	// whatever clock_speed is.
	visibility = 4
	// receives is how often a message is received before it is dead.
	receives = 4
)

// sources are a stream with two mappings and two queues with one each, and what becomes
// of the records on these four courses.
type sources struct {
	site                                 *site
	bisecting, reporting, standard, fifo *course
	urls                                 map[string]string // of queues
}

func newSources(s *site) *sources {
	all := &sources{site: s, bisecting: newCourse("bisecting"), reporting: newCourse("reporting"), standard: newCourse("standard"), fifo: newCourse("fifo.fifo"), urls: map[string]string{}}
	all.bisecting.stream, all.bisecting.single, all.reporting.stream = true, true, true
	all.standard.ordered = false
	return all
}

func (s *sources) courses() []*course {
	return []*course{s.bisecting, s.reporting, s.standard, s.fifo}
}

// course finds the course that a function's word is about, or nil.
func (s *sources) course(name string) *course {
	i := slices.IndexFunc(s.courses(), func(c *course) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return s.courses()[i]
}

// handled takes the word of a function.
func (s *sources) handled(h handling) {
	name := h.Source
	if name == streamName {
		name = h.Function
	}
	if c := s.course(name); c != nil {
		c.handle(h.Items)
	}
}

func arnOf(service, resource string) *string {
	return aws.String("arn:aws:" + service + ":us-east-1:000000000000:" + resource)
}

// deploy makes the stream, the queues, the functions and the mappings. The functions may
// not run as often as their sources would have them: they are throttled at times.
func (s *sources) deploy(ctx context.Context, code []byte) error {
	if _, err := s.site.streams.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(streamName), ShardCount: aws.Int32(2)}); err != nil {
		return err
	}
	for _, q := range []struct {
		name, dead string
		attributes map[string]string
	}{
		{failuresName, "", map[string]string{}},
		{deadStandard, "", map[string]string{}},
		{deadFIFO, "", map[string]string{"FifoQueue": "true"}},
		{s.standard.name, deadStandard, map[string]string{}},
		{s.fifo.name, deadFIFO, map[string]string{"FifoQueue": "true"}},
	} {
		q.attributes["VisibilityTimeout"] = strconv.Itoa(visibility)
		if q.dead != "" {
			q.attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, *arnOf("sqs", q.dead), receives)
		}
		out, err := s.site.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &q.name, Attributes: q.attributes})
		if err != nil {
			return err
		}
		s.urls[q.name] = *out.QueueUrl
	}
	report := []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	failures := &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: arnOf("sqs", failuresName)}}
	stream := arnOf("kinesis", "stream/"+streamName)
	for _, f := range []struct {
		name     string
		atATime  int32
		reports  bool
		mappings []lambda.CreateEventSourceMappingInput
	}{
		{s.bisecting.name, 3, false, []lambda.CreateEventSourceMappingInput{{
			EventSourceArn: stream, StartingPosition: types.EventSourcePositionTrimHorizon, BatchSize: aws.Int32(20), ParallelizationFactor: aws.Int32(3),
			BisectBatchOnFunctionError: aws.Bool(true), MaximumRetryAttempts: aws.Int32(2), DestinationConfig: failures,
		}}},
		{s.reporting.name, 1, true, []lambda.CreateEventSourceMappingInput{{
			EventSourceArn: stream, StartingPosition: types.EventSourcePositionTrimHorizon, BatchSize: aws.Int32(40), FunctionResponseTypes: report,
			MaximumRetryAttempts: aws.Int32(2), DestinationConfig: failures,
		}}},
		{"queues", 3, true, []lambda.CreateEventSourceMappingInput{
			{EventSourceArn: arnOf("sqs", s.standard.name), FunctionResponseTypes: report},
			{EventSourceArn: arnOf("sqs", s.fifo.name), FunctionResponseTypes: report},
		}},
	} {
		err := s.site.create(ctx, f.name, code, func(in *lambda.CreateFunctionInput) {
			in.Timeout = aws.Int32(1)
			if f.reports {
				in.Environment = &types.Environment{Variables: map[string]string{"REPORT": "1"}}
			}
		})
		if err != nil {
			return err
		}
		if _, err := s.site.client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &f.name, ReservedConcurrentExecutions: &f.atATime}); err != nil {
			return err
		}
		for _, m := range f.mappings {
			m.FunctionName = &f.name
			if _, err := s.site.client.CreateEventSourceMapping(ctx, &m); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle waits until everything that was acknowledged has been handled or given up, and
// nothing is left in the queues. It returns what has not, and what was wrong.
func (s *sources) settle(ctx context.Context, patience time.Duration) (violations []string) {
	deadline := time.Now().Add(patience)
	for {
		missing := s.missing(ctx)
		if len(missing) == 0 {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			violations = append(missing[:min(len(missing), 20)], fmt.Sprintf("%d records lost", len(missing)))
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, c := range s.courses() {
		violations = append(violations, c.violations()...)
	}
	return violations
}

func (s *sources) missing(ctx context.Context) (all []string) {
	for _, c := range s.courses() {
		all = append(all, c.missing()...)
	}
	for name, url := range s.urls {
		out, err := s.site.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
		if err != nil {
			all = append(all, fmt.Sprintf("queue %s: %v", name, err))
			continue
		}
		if waiting, flying := out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]; waiting != "0" || flying != "0" {
			all = append(all, fmt.Sprintf("queue %s has %s messages, and %s in flight", name, waiting, flying))
		}
	}
	return all
}

// counts are lines for the report.
func (s *sources) counts() (lines []string) {
	for _, c := range s.courses() {
		lines = append(lines, c.count())
	}
	return lines
}

// load puts records until ctx ends.
func (s *sources) load(ctx context.Context, load *sync.WaitGroup, r *report) {
	p := &producers{sources: s, report: r}
	load.Go(func() { p.putRecords(ctx) })
	load.Go(func() { p.putOne(ctx) })
	load.Go(func() { p.send(ctx, s.standard, 1, standardPause) })
	load.Go(func() { p.send(ctx, s.fifo, 8, fifoPause) })
	load.Go(func() { p.reshard(ctx) })
}
