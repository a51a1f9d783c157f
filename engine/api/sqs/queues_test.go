package sqs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

func TestAttributes(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url, fifo := c.queue("q"), c.queue("q.fifo", "FifoQueue", "true")
	arn := "arn:aws:sqs:" + region + ":" + account + ":"
	at := fmt.Sprint(noon.Unix())
	want := map[string]string{
		"QueueArn": arn + "q", "CreatedTimestamp": at, "LastModifiedTimestamp": at, "VisibilityTimeout": "30", "DelaySeconds": "0",
		"MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
	}
	if got := c.attributes(url); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attributes\n%v\nwant\n%v", got, want)
	}
	want["QueueArn"], want["FifoQueue"], want["ContentBasedDeduplication"] = arn+"q.fifo", "true", "false"
	want["DeduplicationScope"], want["FifoThroughputLimit"] = "queue", "perQueue"
	if got := c.attributes(fifo); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attributes\n%v\nwant\n%v", got, want)
	}
	set := func(url string, pairs ...string) error {
		in := &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			in.Attributes[pairs[i]] = pairs[i+1]
		}
		_, err := c.SetQueueAttributes(t.Context(), in)
		return err
	}
	redrive := func(target, count string) string {
		return fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":%s}`, target, count)
	}
	for _, r := range []struct{ url, name, value, code, message string }{
		{url, "VisibilityTimeout", "43201", "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
		{url, "VisibilityTimeout", "x", "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
		{url, "DelaySeconds", "901", "InvalidAttributeValue", "…"},
		{url, "MaximumMessageSize", "1023", "InvalidAttributeValue", "…"},
		{url, "MaximumMessageSize", "1048577", "InvalidAttributeValue", "…"},
		{url, "MessageRetentionPeriod", "59", "InvalidAttributeValue", "…"},
		{url, "ReceiveMessageWaitTimeSeconds", "21", "InvalidAttributeValue", "…"},
		{url, "Policy", "{", "InvalidAttributeValue", "…"},
		{url, "Colour", "blue", "InvalidAttributeName", "Unknown Attribute Colour."},
		{url, "QueueArn", "x", "InvalidAttributeName", "Unknown Attribute QueueArn."},
		{url, "FifoQueue", "true", "InvalidAttributeName", "Unknown Attribute FifoQueue."},
		{url, "DeduplicationScope", "queue", "InvalidAttributeName", "You can specify the DeduplicationScope only when FifoQueue is set to true."},
		{fifo, "FifoQueue", "false", "InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."},
		{fifo, "FifoThroughputLimit", "perMessageGroupId", "InvalidAttributeValue", "…"},
		{url, "RedrivePolicy", "{", "InvalidParameterValue", "Value { for parameter RedrivePolicy is invalid. Reason: Redrive policy is not a valid JSON map."},
		{url, "RedrivePolicy", redrive(arn+"none", "1"), "InvalidParameterValue", "…"},
		{url, "RedrivePolicy", redrive(arn+"q.fifo", "1"), "InvalidParameterValue", "…"},
		{url, "RedrivePolicy", redrive(arn+"q.fifo", "1001"), "InvalidParameterValue", "…"},
		{url, "RedriveAllowPolicy", `{"redrivePermission":"some"}`, "InvalidParameterValue", "…"},
	} {
		refused(t, set(r.url, r.name, r.value), r.code, r.message)
	}
	dead := c.queue("dead", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+arn+`other"]}`)
	refused(t, set(url, "RedrivePolicy", redrive(arn+"dead", "1")), "InvalidParameterValue", "…")
	if err := set(dead, "RedriveAllowPolicy", ""); err != nil {
		t.Error(err)
	}
	hands.Advance(time.Minute)
	if err := set(url, "RedrivePolicy", redrive(arn+"dead", `"3"`), "KmsMasterKeyId", "alias/key", "VisibilityTimeout", "0"); err != nil {
		t.Error(err)
	}
	c = c.restart()
	url = c.URL + "/" + account + "/q"
	a := c.attributes(url)
	if a["RedrivePolicy"] != redrive(arn+"dead", `"3"`) || a["KmsMasterKeyId"] != "alias/key" || a["SqsManagedSseEnabled"] != "false" || a["VisibilityTimeout"] != "0" || a["LastModifiedTimestamp"] != fmt.Sprint(noon.Unix()+60) {
		t.Errorf("attributes %v", a)
	}
	if err := set(url, "RedrivePolicy", ""); err != nil {
		t.Error(err)
	}
	if _, ok := c.attributes(url)["RedrivePolicy"]; ok {
		t.Error("the redrive policy is still there")
	}
	_, err := c.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"Colour"}})
	refused(t, err, "InvalidAttributeName", "Unknown Attribute Colour.")
}

func TestQueues(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	for name, attributes := range map[string]map[string]string{
		"no spaces": nil, strings.Repeat("x", 81): nil, "q.fifo": nil, "q": {"FifoQueue": "true"}, strings.Repeat("x", 76) + ".fifo": {"FifoQueue": "true"},
	} {
		_, err := c.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		refused(t, err, "InvalidParameterValue", "…")
	}
	url := c.queue("q", "DelaySeconds", "5")
	if again := c.queue("q"); again != url {
		t.Errorf("%s is not %s", again, url)
	}
	_, err := c.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"DelaySeconds": "6"}})
	refused(t, err, "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds")
	_, err = c.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("none")})
	refused(t, err, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
	_, err = c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: aws.String("http://x/y")})
	refused(t, err, "InvalidAddress", "The address http://x/y is not valid for this endpoint.")
	must[*awssqs.TagQueueOutput](t)(c.TagQueue(t.Context(), &awssqs.TagQueueInput{QueueUrl: &url, Tags: map[string]string{"a": "1", "b": "2"}}))
	must[*awssqs.UntagQueueOutput](t)(c.UntagQueue(t.Context(), &awssqs.UntagQueueInput{QueueUrl: &url, TagKeys: []string{"a"}}))
	if tags := must[*awssqs.ListQueueTagsOutput](t)(c.ListQueueTags(t.Context(), &awssqs.ListQueueTagsInput{QueueUrl: &url})).Tags; fmt.Sprint(tags) != "map[b:2]" {
		t.Errorf("tags %v", tags)
	}
	c.send(url, "old", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 1 })
	must[*awssqs.DeleteQueueOutput](t)(c.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: &url}))
	if got := c.receive(c.queue("q")); len(got) > 0 {
		t.Errorf("a new queue holds %v", bodies(got))
	}
}

// Who is of another account needs a statement of the queue's policy.
func TestPermissions(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	url := c.queue("q")
	stranger := c.as("111122223333")
	send := func() error {
		_, err := stranger.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")})
		return err
	}
	refused(t, send(), "AccessDenied", "User: arn:aws:iam::111122223333:root is not authorized to perform: sqs:sendmessage on resource: …")
	allow := &awssqs.AddPermissionInput{QueueUrl: &url, Label: aws.String("send"), AWSAccountIds: []string{"111122223333"}, Actions: []string{"SendMessage"}}
	must[*awssqs.AddPermissionOutput](t)(c.AddPermission(t.Context(), allow))
	if err := send(); err != nil {
		t.Error(err)
	}
	_, err := stranger.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url})
	refused(t, err, "AccessDenied", "…")
	_, err = c.AddPermission(t.Context(), allow)
	refused(t, err, "InvalidParameterValue", "Value send for parameter Label is invalid. Reason: Already exists.")
	arn := "arn:aws:sqs:" + region + ":" + account + ":q"
	want := `{"Version":"2008-10-17","Id":"` + arn + `/SQSDefaultPolicy","Statement":[{"Sid":"send","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"SQS:SendMessage","Resource":"` + arn + `"}]}`
	if got := c.attributes(url)["Policy"]; got != want {
		t.Errorf("policy %s\nwant %s", got, want)
	}
	remove := &awssqs.RemovePermissionInput{QueueUrl: &url, Label: aws.String("send")}
	must[*awssqs.RemovePermissionOutput](t)(c.RemovePermission(t.Context(), remove))
	_, err = c.RemovePermission(t.Context(), remove)
	refused(t, err, "InvalidParameterValue", "Value send for parameter Label is invalid. Reason: can't find label.")
	if _, ok := c.attributes(url)["Policy"]; ok {
		t.Error("there is still a policy")
	}
	refused(t, send(), "AccessDenied", "…")
}

// Each entry of a batch succeeds or fails on its own.
func TestBatchesInPart(t *testing.T) {
	hands := clock.NewManual(noon)
	c := start(t, t.TempDir(), hands)
	url := c.queue("q")
	c.send(url, "a")
	c.send(url, "b")
	got := c.receive(url)
	hidden := must[*awssqs.ChangeMessageVisibilityBatchOutput](t)(c.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("1"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 100},
		{Id: aws.String("2"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 43201},
		{Id: aws.String("3"), ReceiptHandle: got[1].ReceiptHandle},
	}}))
	if len(hidden.Successful) != 2 || len(hidden.Failed) != 1 || *hidden.Failed[0].Id != "2" || *hidden.Failed[0].Code != "InvalidParameterValue" || !hidden.Failed[0].SenderFault {
		t.Errorf("%+v", hidden)
	}
	if a := c.attributes(url); a["ApproximateNumberOfMessages"] != "1" || a["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("attributes %v", a)
	}
	deleted := must[*awssqs.DeleteMessageBatchOutput](t)(c.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("1"), ReceiptHandle: got[0].ReceiptHandle},
		{Id: aws.String("2"), ReceiptHandle: aws.String("garbage")},
		{Id: aws.String("3"), ReceiptHandle: got[1].ReceiptHandle}, // its time is over, and it has not come again
	}}))
	if len(deleted.Successful) != 2 || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("%+v", deleted)
	}
	hands.Advance(time.Hour)
	if again := c.receive(url); len(again) > 0 {
		t.Errorf("received %v", bodies(again))
	}
}
