package sqs_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// BenchmarkSendBatch sends messages of 200 bytes in batches of ten by 16 senders.
func BenchmarkSendBatch(b *testing.B) {
	c := start(b, b.TempDir(), nil)
	url := c.queue("q")
	b.ResetTimer()
	sendAll(c, url, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkReceiveBatch receives and deletes them in batches of ten by 16 receivers.
func BenchmarkReceiveBatch(b *testing.B) {
	c := start(b, b.TempDir(), nil)
	url := c.queue("q")
	sendAll(c, url, b.N)
	b.ResetTimer()
	receiveAll(c, url, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkSendReceive does both at once.
func BenchmarkSendReceive(b *testing.B) {
	c := start(b, b.TempDir(), nil)
	url := c.queue("q")
	b.ResetTimer()
	var both sync.WaitGroup
	both.Go(func() { sendAll(c, url, b.N) })
	both.Go(func() { receiveAll(c, url, b.N) })
	both.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

const workers = 16

func sendAll(c *cloud, url string, n int) {
	body := strings.Repeat("x", 200)
	var sent atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for {
				to := min(sent.Add(10), int64(n)+10)
				in := &awssqs.SendMessageBatchInput{QueueUrl: &url}
				for i := to - 10; i < min(to, int64(n)); i++ {
					in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body})
				}
				if len(in.Entries) == 0 {
					return
				}
				if out, err := c.inside.SendMessageBatch(c.Context(), in); err != nil || len(out.Failed) > 0 {
					c.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func receiveAll(c *cloud, url string, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for left.Load() > 0 && !c.Failed() {
				got, err := c.inside.ReceiveMessage(c.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
				if err != nil {
					c.Error(err)
					return
				}
				in := &awssqs.DeleteMessageBatchInput{QueueUrl: &url}
				for i, m := range got.Messages {
					in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
				}
				if len(in.Entries) == 0 {
					continue
				}
				if out, err := c.inside.DeleteMessageBatch(c.Context(), in); err != nil || len(out.Failed) > 0 {
					c.Error(err, out)
					return
				}
				left.Add(-int64(len(in.Entries)))
			}
		})
	}
	wait.Wait()
}
