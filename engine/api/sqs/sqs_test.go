package sqs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// refused checks the code and message of an API error. A message that ends in … need only
// begin so.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error is not %s: %v", code, err)
		return
	}
	if begin, open := strings.CutSuffix(message, "…"); open && !strings.HasPrefix(api.ErrorMessage(), begin) || !open && api.ErrorMessage() != message {
		t.Errorf("message of %s is %q, want %q", code, api.ErrorMessage(), message)
	}
}

func TestSendReceiveDelete(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	url := c.queue("q")
	if url != c.URL+"/"+account+"/q" {
		t.Errorf("URL %s", url)
	}
	sent := c.send(url, "hello", func(in *awssqs.SendMessageInput) {
		in.MessageAttributes = map[string]types.MessageAttributeValue{
			"n": {DataType: aws.String("Number"), StringValue: aws.String("12")},
			"b": {DataType: aws.String("Binary.png"), BinaryValue: []byte{0, 1, 2}},
		}
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-2-3")}}
	})
	if aws.ToString(sent.MD5OfMessageBody) != "5d41402abc4b2a76b9719d911017c592" || sent.MD5OfMessageAttributes == nil || sent.MD5OfMessageSystemAttributes == nil || sent.SequenceNumber != nil {
		t.Errorf("sent %+v", sent)
	}
	got := c.receive(url)
	if len(got) != 1 {
		t.Fatalf("received %d messages", len(got))
	}
	m := got[0]
	if *m.Body != "hello" || *m.MessageId != *sent.MessageId || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes ||
		*m.MessageAttributes["n"].StringValue != "12" || string(m.MessageAttributes["b"].BinaryValue) != "\x00\x01\x02" {
		t.Errorf("received %+v", m)
	}
	at := fmt.Sprint(noon.UnixMilli())
	want := map[string]string{
		"SenderId": account, "SentTimestamp": at, "ApproximateFirstReceiveTimestamp": at, "ApproximateReceiveCount": "1", "AWSTraceHeader": "Root=1-2-3",
	}
	if fmt.Sprint(m.Attributes) != fmt.Sprint(want) {
		t.Errorf("attributes %v, want %v", m.Attributes, want)
	}
	if a := c.attributes(url); a["ApproximateNumberOfMessages"] != "0" || a["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("attributes %v", a)
	}
	c.delete(url, m)
	c.delete(url, m) // again is no error
	if a := c.attributes(url); a["ApproximateNumberOfMessagesNotVisible"] != "0" {
		t.Errorf("attributes %v", a)
	}
	if got := c.receive(url); len(got) > 0 {
		t.Errorf("received %v after the deletion", bodies(got))
	}
}

// Delays, visibility and retention are measured by the clock.
func TestTime(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q", "VisibilityTimeout", "30", "MessageRetentionPeriod", "3600")
	count := func(visible, hidden, delayed string) {
		t.Helper()
		a := c.attributes(url)
		if a["ApproximateNumberOfMessages"] != visible || a["ApproximateNumberOfMessagesNotVisible"] != hidden || a["ApproximateNumberOfMessagesDelayed"] != delayed {
			t.Errorf("%v", a)
		}
	}
	c.send(url, "later", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 10 })
	count("0", "0", "1")
	hands.Advance(9 * time.Second)
	if got := c.receive(url); len(got) > 0 {
		t.Error("received what is delayed")
	}
	hands.Advance(time.Second)
	count("1", "0", "0")
	first := c.receive(url)
	hands.Advance(30 * time.Second)
	again := c.receive(url, func(in *awssqs.ReceiveMessageInput) { in.VisibilityTimeout = 100 })
	if len(first) != 1 || len(again) != 1 || again[0].Attributes["ApproximateReceiveCount"] != "2" || *first[0].ReceiptHandle == *again[0].ReceiptHandle {
		t.Fatalf("%v %v", first, again)
	}
	hide := func(m types.Message, seconds int32) error {
		_, err := c.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
		return err
	}
	refused(t, hide(first[0], 10), "InvalidParameterValue", "Value "+*first[0].ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.")
	refused(t, hide(again[0], 43201), "InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid. …")
	hands.Advance(99 * time.Second)
	count("0", "1", "0")
	if err := hide(again[0], 60); err != nil {
		t.Error(err)
	}
	hands.Advance(59 * time.Second)
	count("0", "1", "0")
	if err := hide(again[0], 0); err != nil {
		t.Error(err)
	}
	count("1", "0", "0")
	hands.Advance(time.Hour)
	count("0", "0", "0")
	if got := c.receive(url); len(got) > 0 {
		t.Error("received what has expired")
	}
}

// An engine whose clock ran ahead, as with a clock_speed, leaves times that mean as much
// to the next one, which begins at the present.
func TestClockGoesBack(t *testing.T) {
	hands := clock.NewManual(noon.Add(5 * time.Hour))
	c := start(t, t.TempDir(), hands)
	url := c.queue("q", "VisibilityTimeout", "30")
	c.send(url, "received")
	c.receive(url)
	c.send(url, "later", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 40 })
	hands = clock.NewManual(noon)
	c.clock = hands
	c = c.restart()
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, ""}, {29 * time.Second, ""}, {time.Second, "received"}, {9 * time.Second, ""}, {time.Second, "later"}} {
		hands.Advance(step.after)
		var got string
		for _, m := range c.receive(url) {
			got += *m.Body
		}
		if got != step.want {
			t.Errorf("received %q after %s more, want %q", got, step.after, step.want)
		}
	}
}

// A receive that waits ends with a send, with a delay that is over, at its time, and with
// the engine.
func TestLongPolling(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q", "ReceiveMessageWaitTimeSeconds", "20")
	receive := func(client *awssqs.Client) chan string {
		answer := make(chan string, 1)
		go func() {
			out, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url})
			switch {
			case err != nil:
				answer <- err.Error()
			case len(out.Messages) == 0:
				answer <- "nothing"
			default:
				answer <- *out.Messages[0].Body
			}
		}()
		waitFor(t, "a receive waits", func() bool { _, ok := hands.Next(); return ok })
		return answer
	}
	for name, client := range map[string]*awssqs.Client{"over TCP": c.Client, "from inside": c.inside} {
		answer := receive(client)
		c.send(url, "sent")
		if got := <-answer; got != "sent" {
			t.Errorf("%s: %s", name, got)
		}
		c.send(url, "delayed", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 5 })
		answer = receive(client)
		hands.Advance(5 * time.Second)
		if got := <-answer; got != "delayed" {
			t.Errorf("%s: %s", name, got)
		}
		answer = receive(client)
		hands.Advance(20 * time.Second)
		if got := <-answer; got != "nothing" {
			t.Errorf("%s: %s", name, got)
		}
		must[*awssqs.PurgeQueueOutput](t)(c.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url}))
	}
	answer := receive(c.Client)
	c.stop()
	if got := <-answer; got != "nothing" {
		t.Errorf("at the end: %s", got)
	}
}

// One that waits learns of a visibility timeout that began after it.
func TestVisibilityEndsWait(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q", "VisibilityTimeout", "5")
	receive := func(wait int32) chan []types.Message {
		answer := make(chan []types.Message, 1)
		go func() {
			out, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: wait})
			if err != nil {
				t.Error(err)
				out = &awssqs.ReceiveMessageOutput{}
			}
			answer <- out.Messages
		}()
		return answer
	}
	timer := func(d time.Duration) {
		t.Helper()
		waitFor(t, "a timer of "+d.String(), func() bool { next, ok := hands.Next(); return ok && next == d })
	}
	first := receive(10)
	timer(10 * time.Second)
	second := receive(9)
	timer(9 * time.Second)
	c.send(url, "m")
	if got := bodies(<-first); fmt.Sprint(got) != "[m]" {
		t.Fatalf("the first received %v", got)
	}
	timer(5 * time.Second)
	hands.Advance(5 * time.Second)
	if got := bodies(<-second); fmt.Sprint(got) != "[m]" {
		t.Errorf("the second received %v", got)
	}
}

// waitFor waits until something is so.
func waitFor(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

// What was acknowledged is there after a restart, with its count, and nothing else.
func TestRestart(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q", "VisibilityTimeout", "60")
	for i := range 30 {
		c.send(url, fmt.Sprint(i))
	}
	got := c.receive(url)
	c.delete(url, got[0])
	hands.Advance(time.Second)
	must[*awssqs.ChangeMessageVisibilityOutput](t)(c.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 600}))
	before := c.attributes(url)

	for range 2 {
		c = c.restart()
		url = c.URL + "/" + account + "/q"
		if after := c.attributes(url); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("attributes %v\nwere %v", after, before)
		}
	}
	hands.Advance(time.Minute)
	seen := map[string]string{}
	for {
		got := c.receive(url)
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			if seen[*m.Body] != "" {
				t.Errorf("%s came twice", *m.Body)
			}
			seen[*m.Body] = m.Attributes["ApproximateReceiveCount"]
		}
	}
	for i := range 30 {
		want := "1"
		switch {
		case i < 2:
			want = ""
		case i < 10:
			want = "2"
		}
		if got := seen[fmt.Sprint(i)]; got != want {
			t.Errorf("message %d: count %q, want %q", i, got, want)
		}
	}
	must[*awssqs.PurgeQueueOutput](t)(c.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url}))
	c = c.restart()
	hands.Advance(time.Hour)
	if got := c.receive(c.URL + "/" + account + "/q"); len(got) > 0 {
		t.Errorf("received %v after a purge", bodies(got))
	}
}

// A receive that waits hands a message out by the settings of that moment.
func TestSettingsWhileWaiting(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q", "ReceiveMessageWaitTimeSeconds", "20", "VisibilityTimeout", "600")
	received := make(chan error, 1)
	go func() {
		_, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url})
		received <- err
	}()
	waitFor(t, "a receive waits", func() bool { _, ok := hands.Next(); return ok })
	must[*awssqs.SetQueueAttributesOutput](t)(c.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": "7"}}))
	c.send(url, "m")
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	hands.Advance(7 * time.Second)
	if got := bodies(c.receive(url, func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = 0 })); len(got) != 1 {
		t.Errorf("visible after 7 s: %v", got)
	}
}
