//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// failure is what a destination is told of records that are given up.
type failure struct {
	RequestContext struct {
		FunctionARN string
		Condition   string
	}
	Batch *struct {
		ShardID   string
		Start     string `json:"startSequenceNumber"`
		End       string `json:"endSequenceNumber"`
		BatchSize int
	} `json:"KinesisBatchInfo"`
}

// read reads the destination of failures and the dead-letter queues until ctx ends. The
// group that it returns is to be waited for.
func (s *sources) read(ctx context.Context, r *report) *sync.WaitGroup {
	var readers sync.WaitGroup
	for name, take := range map[string]func(body string) error{
		failuresName: s.failed,
		deadStandard: dead(s.standard),
		deadFIFO:     dead(s.fifo),
	} {
		readers.Go(func() {
			for ctx.Err() == nil {
				begin := time.Now()
				if err := s.receive(ctx, s.urls[name], take); err != nil && ctx.Err() == nil {
					if !s.site.disturbedSince(begin) {
						r.violated("read queue %s at %s: %v", name, begin.Format("15:04:05.000"), err)
					}
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	return &readers
}

// receive takes messages out of a queue, once they are in the ledger.
func (s *sources) receive(ctx context.Context, url string, take func(body string) error) error {
	out, err := s.site.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 10})
	if err != nil || len(out.Messages) == 0 {
		return err
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
	for n, m := range out.Messages {
		if err := take(*m.Body); err != nil {
			return fmt.Errorf("%w: %s", err, *m.Body)
		}
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(n)), ReceiptHandle: m.ReceiptHandle})
	}
	_, err = s.site.queues.DeleteMessageBatch(ctx, in) // what is not deleted comes again
	return err
}

// failed takes a message at the destination of failures.
func (s *sources) failed(body string) error {
	var f failure
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		return err
	}
	c := s.course(f.RequestContext.FunctionARN[strings.LastIndexByte(f.RequestContext.FunctionARN, ':')+1:])
	if c == nil || f.Batch == nil || f.RequestContext.Condition != "RetryAttemptsExhausted" {
		return fmt.Errorf("a message that makes no sense")
	}
	c.giveUp(batch{f.Batch.ShardID, f.Batch.Start, f.Batch.End, f.Batch.BatchSize})
	return nil
}

// dead takes messages of a dead-letter queue.
func dead(c *course) func(body string) error {
	return func(body string) error {
		var i item
		if err := json.Unmarshal([]byte(body), &i); err != nil {
			return err
		}
		c.bury(i)
		return nil
	}
}
