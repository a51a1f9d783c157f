package sqs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// to sends to a group; the deduplication id may be empty.
func to(group, dedup string) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) {
		in.MessageGroupId = &group
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
	}
}

func atMost(n int32) func(*awssqs.ReceiveMessageInput) {
	return func(in *awssqs.ReceiveMessageInput) { in.MaxNumberOfMessages = n }
}

func TestFIFOOrder(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	var numbers []string
	for _, body := range []string{"a1", "b1", "a2", "c1", "a3", "b2"} {
		numbers = append(numbers, *c.send(url, body, to(body[:1], "")).SequenceNumber)
	}
	if !slices.IsSorted(numbers) || len(numbers[0]) != 20 {
		t.Errorf("sequence numbers %v", numbers)
	}
	expect := func(limit int32, want string) []types.Message {
		t.Helper()
		got := c.receive(url, atMost(limit))
		if text := strings.Join(bodies(got), " "); text != want {
			t.Errorf("received %q, want %q", text, want)
		}
		return got
	}
	as := expect(2, "a1 a2")
	bs := expect(10, "b1 b2 c1")
	expect(10, "")
	c.delete(url, as[0])
	expect(10, "") // a2 is in flight still
	c.delete(url, as[1])
	as = expect(10, "a3")
	hands.Advance(30 * time.Second)
	_, err := c.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: as[0].ReceiptHandle})
	refused(t, err, "InvalidParameterValue", "Value "+*as[0].ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")
	_, err = c.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: bs[0].ReceiptHandle})
	refused(t, err, "AWS.SimpleQueueService.MessageNotInflight", "…")

	got := append(c.receive(url, atMost(10)), c.receive(url)...)
	all := bodies(got)
	slices.Sort(all)
	if fmt.Sprint(all) != "[a3 b1 b2 c1]" || slices.Index(bodies(got), "b1") > slices.Index(bodies(got), "b2") {
		t.Errorf("received %v", bodies(got))
	}
	for _, m := range got { // the first of a group may be visible while a later one is not, and is alone then
		if *m.Body == "b1" {
			must[*awssqs.ChangeMessageVisibilityOutput](t)(c.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}))
		}
	}
	b := expect(10, "b1")[0].Attributes
	if b["MessageGroupId"] != "b" || b["MessageDeduplicationId"] == "" || b["SequenceNumber"] != numbers[1] || b["ApproximateReceiveCount"] != "3" {
		t.Errorf("attributes %v", b)
	}
}

func TestDuplicates(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	byQueue := c.queue("q.fifo", "FifoQueue", "true")
	byGroup := c.queue("g.fifo", "FifoQueue", "true", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	first := c.send(byQueue, "one", to("a", "id"))
	again := c.send(byQueue, "two", to("b", "id"))
	if *first.MessageId != *again.MessageId || *first.SequenceNumber != *again.SequenceNumber {
		t.Errorf("%v is no duplicate of %v", *again.MessageId, *first.MessageId)
	}
	c.send(byGroup, "one", to("a", "id"))
	c.send(byGroup, "two", to("b", "id"))
	c.send(byGroup, "three", to("b", "id"))
	if got := bodies(c.receive(byGroup)); fmt.Sprint(got) != "[one two]" {
		t.Errorf("received %v", got)
	}
	m := c.receive(byQueue)
	if fmt.Sprint(bodies(m)) != "[one]" {
		t.Fatalf("received %v", bodies(m))
	}
	c.delete(byQueue, m[0])

	// It is known when it is gone, and after a restart.
	hands.Advance(5*time.Minute - time.Second)
	c = c.restart()
	byQueue = c.URL + "/" + account + "/q.fifo"
	if again := c.send(byQueue, "three", to("a", "id")); *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Error("a restart forgot what was sent")
	}
	hands.Advance(time.Second)
	if later := c.send(byQueue, "four", to("a", "id")); *later.MessageId == *first.MessageId || *later.SequenceNumber <= *first.SequenceNumber {
		t.Error("five minutes are longer than five minutes")
	}
	batch := must[*awssqs.SendMessageBatchOutput](t)(c.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &byQueue, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("1"), MessageBody: aws.String("x"), MessageGroupId: aws.String("a"), MessageDeduplicationId: aws.String("same")},
		{Id: aws.String("2"), MessageBody: aws.String("x"), MessageGroupId: aws.String("a"), MessageDeduplicationId: aws.String("same")},
	}}))
	if len(batch.Successful) != 2 || *batch.Successful[0].MessageId != *batch.Successful[1].MessageId {
		t.Errorf("batch %+v", batch)
	}
}

// Dead letters keep their id, their count and, in standard queues, when they were sent.
func TestDeadLetters(t *testing.T) {
	for _, kind := range []struct {
		suffix     string
		attributes []string
		edit       func(*awssqs.SendMessageInput)
	}{
		{"", nil, func(*awssqs.SendMessageInput) {}},
		{".fifo", []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}, to("g", "")},
	} {
		t.Run("queue"+kind.suffix, func(t *testing.T) {
			hands := clock.NewManual(noon)
			c := start(t, t.TempDir(), hands)
			c.queue("dead"+kind.suffix, kind.attributes...)
			arn := "arn:aws:sqs:" + region + ":" + account + ":"
			url := c.queue("q"+kind.suffix, append(slices.Clone(kind.attributes), "VisibilityTimeout", "1", "RedrivePolicy",
				fmt.Sprintf(`{"deadLetterTargetArn":"%sdead%s","maxReceiveCount":"2"}`, arn, kind.suffix))...)
			sent := c.send(url, "poison", kind.edit)
			c.send(url, "good", kind.edit)
			for range 2 {
				if got := c.receive(url, atMost(1)); len(got) != 1 {
					t.Fatalf("received %v", bodies(got))
				}
				if kind.suffix == "" {
					c.receive(url, atMost(1))
				}
				hands.Advance(time.Second)
			}
			want := "[]"
			if kind.suffix != "" {
				want = "[good]" // only the first of the group was received
			}
			if got := c.receive(url); fmt.Sprint(bodies(got)) != want {
				t.Errorf("received %v, want %s", bodies(got), want)
			}
			c = c.restart()
			url = c.URL + "/" + account + "/q" + kind.suffix
			dead := c.URL + "/" + account + "/dead" + kind.suffix
			got := c.receive(dead)
			if len(got) == 0 || *got[0].Body != "poison" {
				t.Fatalf("dead letters %v", bodies(got))
			}
			a := got[0].Attributes
			sentAt := noon.UnixMilli()
			if kind.suffix != "" {
				sentAt = noon.Add(2 * time.Second).UnixMilli()
			}
			if *got[0].MessageId != *sent.MessageId || a["ApproximateReceiveCount"] != "3" || a["SentTimestamp"] != fmt.Sprint(sentAt) || a["DeadLetterQueueSourceArn"] != arn+"q"+kind.suffix {
				t.Errorf("dead letter %v %v", *got[0].MessageId, a)
			}
			sources := must[*awssqs.ListDeadLetterSourceQueuesOutput](t)(c.ListDeadLetterSourceQueues(t.Context(), &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead}))
			if len(sources.QueueUrls) != 1 || sources.QueueUrls[0] != url {
				t.Errorf("sources %v", sources.QueueUrls)
			}

			// And back again.
			hands.Advance(time.Hour)
			task := must[*awssqs.StartMessageMoveTaskOutput](t)(c.StartMessageMoveTask(t.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn + "dead" + kind.suffix)}))
			var list *awssqs.ListMessageMoveTasksOutput
			waitFor(t, "the task ends", func() bool {
				list = must[*awssqs.ListMessageMoveTasksOutput](t)(c.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(arn + "dead" + kind.suffix)}))
				return *list.Results[0].Status == "COMPLETED"
			})
			if r := list.Results[0]; r.ApproximateNumberOfMessagesMoved != *r.ApproximateNumberOfMessagesToMove || r.ApproximateNumberOfMessagesMoved == 0 {
				t.Errorf("task %+v", r)
			}
			_, err := c.CancelMessageMoveTask(t.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: task.TaskHandle})
			refused(t, err, "ResourceNotFoundException", "Task does not exist.")
			back := map[string]types.Message{}
			for got := c.receive(url); len(got) > 0; got = c.receive(url) {
				for _, m := range got {
					back[*m.Body] = m
					c.delete(url, m)
				}
			}
			m, ok := back["poison"]
			if !ok || m.Attributes["ApproximateReceiveCount"] != "1" || *m.MessageId == *sent.MessageId || m.Attributes["DeadLetterQueueSourceArn"] != "" {
				t.Errorf("back again %v %v", ok, m.Attributes)
			}
		})
	}
}
