package sqs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// onDisk is what the journals of all queues have.
func (c *cloud) onDisk() (records, size uint64, journals int) {
	c.Helper()
	list := c.store.JetStream().ListStreams(c.Context(), jetstream.WithStreamListSubject("sqs.>"))
	for info := range list.Info() {
		records, size, journals = records+info.State.Msgs, size+info.State.Bytes, journals+1
	}
	return records, size, journals
}

// A journal is cut off behind what was deleted, also when one old message stays, and goes
// with its queue.
func TestJournalStaysSmall(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	// The SDK may close a connection while it still reads a large answer from it, when the
	// answer comes before it is through with the request.
	c.Client = c.inside
	url := c.queue("q", "VisibilityTimeout", "43200")
	c.send(url, "stays")
	c.send(url, "too")
	held := c.receive(url, atMost(1))
	if fmt.Sprint(bodies(held)) != "[stays]" {
		t.Fatal(bodies(held))
	}
	big := strings.Repeat("x", 250_000)
	for range 40 {
		c.send(url, big)
		for _, m := range c.receive(url) {
			if *m.Body == big {
				c.delete(url, m)
			}
		}
	}
	waitFor(t, "the journal is cut off", func() bool {
		_, size, _ := c.onDisk()
		return size < 4<<20
	})
	c = c.restart()
	url = c.URL + "/" + account + "/q"
	if a := c.attributes(url); a["ApproximateNumberOfMessagesNotVisible"] != "2" {
		t.Errorf("%v", a)
	}
	hands.Advance(12 * time.Hour)
	got := c.receive(url)
	if fmt.Sprint(bodies(got)) != "[stays too]" || got[0].Attributes["ApproximateReceiveCount"] != "2" || *got[0].MessageId != *held[0].MessageId {
		t.Fatalf("%v", got)
	}
	c.delete(url, got[0])
	c.delete(url, got[1])
	waitFor(t, "nothing is left", func() bool {
		records, _, _ := c.onDisk()
		return records == 0
	})
	must[*awssqs.DeleteQueueOutput](t)(c.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: &url}))
	if _, _, journals := c.onDisk(); journals != 0 {
		t.Errorf("%d journals", journals)
	}
	_, err := c.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
	refused(t, err, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

// A hundred thousand messages are loaded in a moment.
func TestLoadMany(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	c := start(t, t.TempDir(), nil)
	url := c.queue("q")
	sendAll(c, url, 100_000)
	c = c.restart()
	begun := time.Now()
	a := c.attributes(c.URL + "/" + account + "/q")
	took := time.Since(begun)
	if a["ApproximateNumberOfMessages"] != "100000" || took > 10*time.Second {
		t.Errorf("%s messages after %s", a["ApproximateNumberOfMessages"], took)
	}
	t.Logf("100,000 messages were loaded in %s", took)
}

// What may be sent, and what is said of what may not.
func TestRefusedMessages(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	standard, small := c.queue("q"), c.queue("small", "MaximumMessageSize", "1024")
	fifo := c.queue("q.fifo", "FifoQueue", "true")
	attribute := func(name, kind, value string) func(*awssqs.SendMessageInput) {
		return func(in *awssqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: &value}}
		}
	}
	nothing := func(*awssqs.SendMessageInput) {}
	for _, r := range []struct {
		url, body string
		edit      func(*awssqs.SendMessageInput)
		code      string
		message   string
	}{
		{standard, "", nothing, "MissingParameter", "The request must contain the parameter MessageBody."},
		{standard, "\x01", nothing, "InvalidMessageContents", "Invalid characters found. …"},
		{standard, strings.Repeat("x", 1<<20+1), nothing, "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."},
		{small, strings.Repeat("x", 1020), attribute("abc", "String", "de"), "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		{standard, "x", attribute("n", "Number", "x"), "InvalidParameterValue", "Can't cast the value of message (user) attribute 'n' to a number."},
		{standard, "x", attribute("n", "String", ""), "InvalidParameterValue", "Message (user) attribute 'n' must contain a non-empty value of type 'String'."},
		{standard, "x", attribute("aws.n", "String", "x"), "InvalidParameterValue", "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. …"},
		{standard, "x", attribute("n", "Text", "x"), "InvalidParameterValue", "The message attribute 'n' has an invalid message attribute type, …"},
		{standard, "x", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 901 }, "InvalidParameterValue", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{standard, "x", to("a b", ""), "InvalidParameterValue", "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{fifo, "x", nothing, "MissingParameter", "The request must contain the parameter MessageGroupId."},
		{fifo, "x", to("a", ""), "InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{fifo, "x", func(in *awssqs.SendMessageInput) { to("a", "b")(in); in.DelaySeconds = 2 }, "InvalidParameterValue", "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
	} {
		in := &awssqs.SendMessageInput{QueueUrl: &r.url, MessageBody: &r.body}
		r.edit(in)
		_, err := c.SendMessage(t.Context(), in)
		refused(t, err, r.code, r.message)
	}
	batch := func(ids ...string) error {
		in := &awssqs.SendMessageBatchInput{QueueUrl: &standard, Entries: []types.SendMessageBatchRequestEntry{}}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String(strings.Repeat("x", 600_000))})
		}
		_, err := c.SendMessageBatch(t.Context(), in)
		return err
	}
	refused(t, batch(), "AWS.SimpleQueueService.EmptyBatchRequest", "…")
	refused(t, batch("a", "a"), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated.")
	refused(t, batch("a b"), "AWS.SimpleQueueService.InvalidBatchEntryId", "A batch entry id can only …")
	refused(t, batch("a", "b"), "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 bytes.")
	refused(t, batch("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11.")
	_, err := c.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &standard, ReceiptHandle: aws.String("garbage")})
	refused(t, err, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`)
}
