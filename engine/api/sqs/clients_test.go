package sqs_test

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// post sends a form as clients of before 2023 do.
func (c *cloud) post(url string, form string) (status int, body string) {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), http.MethodPost, url, strings.NewReader(form))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261122/"+region+"/sqs/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// The protocol of forms, at the root and at a queue's URL.
func TestForms(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	url := c.URL + "/" + account + "/q"
	const body = "this is the body"
	for _, step := range []struct {
		url, form string
		status    int
		want      []string // pieces of the answer
	}{
		{c.URL, "Action=CreateQueue&Version=2012-11-05&QueueName=q&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=40&Attribute.2.Name=DelaySeconds&Attribute.2.Value=0&Tag.1.Key=team&Tag.1.Value=a", 200, []string{"<CreateQueueResult><QueueUrl>" + url + "</QueueUrl></CreateQueueResult>", `xmlns="http://queue.amazonaws.com/doc/2012-11-05/"`}},
		{c.URL + "/", "Action=GetQueueUrl&QueueName=q", 200, []string{"<QueueUrl>" + url + "</QueueUrl>"}},
		{url, "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout&AttributeName.2=QueueArn", 200, []string{
			"<GetQueueAttributesResult><Attribute><Name>QueueArn</Name><Value>arn:aws:sqs:" + region + ":" + account + ":q</Value></Attribute><Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute></GetQueueAttributesResult>",
		}},
		{url, "Action=ListQueueTags", 200, []string{"<ListQueueTagsResult><Tag><Key>team</Key><Value>a</Value></Tag></ListQueueTagsResult>"}},
		{url, "Action=SendMessage&MessageBody=this+is+the+body&MessageAttribute.1.Name=n&MessageAttribute.1.Value.StringValue=12&MessageAttribute.1.Value.DataType=Number", 200, []string{"<MD5OfMessageBody>91b74f83e6fdd148d9083113b96bcbb3</MD5OfMessageBody>", "<MD5OfMessageAttributes>"}},
		{url, "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=one&SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=two&SendMessageBatchRequestEntry.2.DelaySeconds=901", 200, []string{
			"<SendMessageBatchResult><SendMessageBatchResultEntry><Id>a</Id>", "<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>InvalidParameterValue</Code>",
		}},
		{c.URL, "Action=ReceiveMessage&QueueUrl=" + url + "&MaxNumberOfMessages=10&AttributeName.1=SenderId&MessageAttributeName.1=All", 200, []string{
			"<Body>" + body + "</Body>", "<Attribute><Name>SenderId</Name><Value>" + account + "</Value></Attribute>",
			"<MessageAttribute><Name>n</Name><Value><StringValue>12</StringValue><DataType>Number</DataType></Value></MessageAttribute>", "<Body>one</Body>",
		}},
		{url, "Action=ReceiveMessage", 200, []string{"<ReceiveMessageResult></ReceiveMessageResult>"}},
		{url, "Action=DeleteMessage", 400, []string{"<Type>Sender</Type><Code>MissingParameter</Code><Message>The request must contain the parameter ReceiptHandle.</Message>"}},
		{url, "Action=ReceiveMessage&MaxNumberOfMessages=11", 400, []string{"<Code>InvalidParameterValue</Code><Message>Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.</Message>"}},
		{url + "x", "Action=ReceiveMessage", 400, []string{"<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"}},
		{c.URL, "Action=ListQueues&QueueNamePrefix=q", 200, []string{"<ListQueuesResult><QueueUrl>" + url + "</QueueUrl></ListQueuesResult>"}},
		{url, "Action=DeleteQueue", 200, []string{"<DeleteQueueResponse", "<ResponseMetadata>"}},
	} {
		status, answer := c.post(step.url, step.form)
		if status != step.status {
			t.Errorf("%s: status %d", step.form, status)
		}
		for _, want := range step.want {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: no %s in\n%s", step.form, want, answer)
			}
		}
	}
}

// Zero is not nothing: it overrides what the queue says. The SDK of Go cannot send it.
func TestZero(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	url := c.queue("q", "DelaySeconds", "10", "ReceiveMessageWaitTimeSeconds", "20")
	if _, answer := c.post(url, "Action=SendMessage&MessageBody=now&DelaySeconds=0"); !strings.Contains(answer, "MessageId") {
		t.Error(answer)
	}
	if _, answer := c.post(url, "Action=ReceiveMessage&VisibilityTimeout=0"); !strings.Contains(answer, "now") {
		t.Error(answer)
	}
	for range 2 {
		if _, answer := c.post(url, "Action=ReceiveMessage&WaitTimeSeconds=0"); !strings.Contains(answer, "ReceiveMessageResult") {
			t.Error(answer)
		}
	}
}

// The error codes of both protocols are in both kinds of answers.
func TestQueryErrorHeader(t *testing.T) {
	c := start(t, t.TempDir(), clock.NewManual(noon))
	for body, want := range map[string]string{
		`{"QueueName": "none"}`: "AWS.SimpleQueueService.NonExistentQueue;Sender QueueDoesNotExist The specified queue does not exist.",
		`{}`:                    "MissingParameter;Sender MissingRequiredParameterException The request must contain the parameter QueueName.",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/"+account+"/q", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "AmazonSQS.GetQueueUrl")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(response.Body)
		response.Body.Close()
		header, code, _ := strings.Cut(want, " ")
		code, message, _ := strings.Cut(code, " ")
		if got := response.Header.Get("x-amzn-query-error"); got != header || response.StatusCode != 400 || !strings.Contains(string(raw), `"__type":"`+code+`"`) || !strings.Contains(string(raw), message) {
			t.Errorf("%s: %d %s %s", body, response.StatusCode, got, raw)
		}
	}
}

const boto3Script = `
import boto3, sys, hashlib
from botocore.config import Config
c = boto3.client("sqs", region_name="eu-west-1", endpoint_url=sys.argv[1], aws_access_key_id="AKID", aws_secret_access_key="s", config=Config(retries={"total_max_attempts": 1}))
q = c.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "5"}, tags={"a": "b"})["QueueUrl"]
assert c.get_queue_url(QueueName="q")["QueueUrl"] == q
attrs = {"s": {"DataType": "String", "StringValue": "text \u00e9"}, "n": {"DataType": "Number", "StringValue": "1.5"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
r = c.send_message(QueueUrl=q, MessageBody="h\u00e9llo", MessageAttributes=attrs, MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}})
assert r["MD5OfMessageBody"] == hashlib.md5("h\u00e9llo".encode()).hexdigest(), r
def md5(attrs):
    h = b""
    for name in sorted(attrs):
        v = attrs[name]
        data = v["BinaryValue"] if "BinaryValue" in v else v["StringValue"].encode()
        for part in (name.encode(), v["DataType"].encode()):
            h += len(part).to_bytes(4, "big") + part
        h += (b"\x02" if "BinaryValue" in v else b"\x01") + len(data).to_bytes(4, "big") + data
    return hashlib.md5(h).hexdigest()
assert r["MD5OfMessageAttributes"] == md5(attrs), r
assert r["MD5OfMessageSystemAttributes"] == md5({"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}), r
r = c.send_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(5)])
assert len(r["Successful"]) == 5 and "Failed" not in r, r
got = []
while len(got) < 6:
    r = c.receive_message(QueueUrl=q, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["All"], MessageAttributeNames=["s", "b.*", "n", "x.*"])
    got += r["Messages"]
m = [m for m in got if m["Body"] == "h\u00e9llo"][0]
assert m["MessageAttributes"]["s"]["StringValue"] == "text \u00e9" and set(m["MessageAttributes"]) == {"s", "b", "n"}, m
assert m["MD5OfMessageAttributes"] == md5({k: attrs[k] for k in m["MessageAttributes"]}), m
assert m["Attributes"]["AWSTraceHeader"].startswith("Root=1"), m
r = c.delete_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got)])
assert len(r["Successful"]) == 6, r
assert "Messages" not in c.receive_message(QueueUrl=q)
try:
    c.receive_message(QueueUrl=q + "x")
except c.exceptions.QueueDoesNotExist as e:
    assert e.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue" and e.response["Error"]["QueryErrorCode"] == "QueueDoesNotExist", e.response
else:
    raise SystemExit("no error")
try:
    c.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "6"})
except c.exceptions.QueueNameExists as e:
    assert e.response["Error"]["Code"] == "QueueAlreadyExists", e.response
else:
    raise SystemExit("no error")
assert c.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "5"})["QueueUrl"] == q
for i in range(3):
    c.create_queue(QueueName="p%d" % i)
pages = [p["QueueUrls"] for p in c.get_paginator("list_queues").paginate(QueueNamePrefix="p", PaginationConfig={"PageSize": 2})]
assert [len(p) for p in pages] == [2, 1], pages
assert c.list_queue_tags(QueueUrl=q)["Tags"] == {"a": "b"}
c.delete_queue(QueueUrl=q)
print("ok")
`

// TestBoto3 runs the Python SDK, where it is installed: it verifies checksums too.
func TestBoto3(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed")
	}
	c := start(t, t.TempDir(), nil)
	run(t, "ok", "python3", "-c", boto3Script, c.URL)
}

// TestCLI runs the aws command, where it is installed.
func TestCLI(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the aws command is not installed")
	}
	c := start(t, t.TempDir(), nil)
	url := c.queue("q")
	aws := func(args ...string) []string {
		return append([]string{"aws", "--endpoint-url", c.URL, "--region", region, "--output", "text", "sqs"}, args...)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	run(t, url, aws("get-queue-url", "--queue-name", "q")...)
	c.send(url, "hello")
	run(t, "hello", aws("receive-message", "--queue-url", url, "--query", "Messages[0].Body")...)
	run(t, "1", aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "All", "--query", "Attributes.ApproximateNumberOfMessagesNotVisible")...)
	_, _ = c.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url})
}

func run(t *testing.T, want string, command ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%s %v\n%s", out, err, stderr.String())
	}
}
