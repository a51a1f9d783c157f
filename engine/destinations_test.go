package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// others are services that are not ours, beside an engine that sends to them.
type others struct {
	account
	queues *sqs.Client
	topics *sns.Client
	events *eventbridge.Client
	files  *s3.Client
}

const othersAccount = "123456789012"

// withOthers starts an engine whose minutes are a few milliseconds.
func withOthers(t *testing.T) others {
	t.Helper()
	url := moto(t)
	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Logger: slog.New(slog.DiscardHandler), Clock: clock.Scaled(1000),
		Services: map[string]string{"sqs": url, "sns": url, "events": url, "s3": url},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	who := credentials.NewStaticCredentialsProvider("local", "local", "")
	return others{
		account: accountOn(t, e.URL(), othersAccount),
		queues:  sqs.New(sqs.Options{Region: region, BaseEndpoint: &url, Credentials: who}),
		topics:  sns.New(sns.Options{Region: region, BaseEndpoint: &url, Credentials: who}),
		events:  eventbridge.New(eventbridge.Options{Region: region, BaseEndpoint: &url, Credentials: who}),
		files:   s3.New(s3.Options{Region: region, BaseEndpoint: &url, Credentials: who, UsePathStyle: true}),
	}
}

// queue makes a queue and returns its URL and ARN.
func (o others) queue(name string) (url, arn string) {
	o.Helper()
	out, err := o.queues.CreateQueue(o.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		o.Fatal(err)
	}
	return *out.QueueUrl, "arn:aws:sqs:" + region + ":" + othersAccount + ":" + name
}

// topic makes a topic whose messages go to the queue of that ARN as they are.
func (o others) topic(name, queue string) (arn string) {
	o.Helper()
	out, err := o.topics.CreateTopic(o.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		o.Fatal(err)
	}
	_, err = o.topics.Subscribe(o.Context(), &sns.SubscribeInput{
		TopicArn: out.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue, Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	if err != nil {
		o.Fatal(err)
	}
	return *out.TopicArn
}

// receive waits for one message of a queue.
func (o others) receive(url string) (m sqstypes.Message) {
	o.Helper()
	o.eventually("a message arrives at "+url, func() bool {
		out, err := o.queues.ReceiveMessage(o.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MessageAttributeNames: []string{"All"}})
		if err != nil {
			o.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return false
		}
		m = out.Messages[0]
		return true
	})
	return m
}

// destined sets where the events of the function divide end, and how often they are tried again.
func (o others) destined(success, failure string, retries int32) {
	o.Helper()
	to := &types.DestinationConfig{}
	if success != "" {
		to.OnSuccess = &types.OnSuccess{Destination: &success}
	}
	if failure != "" {
		to.OnFailure = &types.OnFailure{Destination: &failure}
	}
	do(o, o.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("divide"), DestinationConfig: to, MaximumRetryAttempts: &retries})
}

// event sends an event, and returns the id of the request.
func (a account) event(function, payload string) string {
	a.Helper()
	got := a.send(http.MethodPost, "/2015-03-31/functions/"+function+"/invocations", payload, "X-Amz-Invocation-Type", "Event")
	if got.status != http.StatusAccepted {
		a.Fatalf("%d %s", got.status, got.body)
	}
	return got.header.Get("X-Amzn-Requestid")
}

// outcome is the record of an event as AWS writes it.
type outcome struct {
	Version, Timestamp string
	RequestContext     struct {
		RequestID, FunctionArn, Condition string
		ApproximateInvokeCount            int
	}
	RequestPayload  any
	ResponseContext struct {
		StatusCode                     int
		ExecutedVersion, FunctionError string
	}
	ResponsePayload any
}

// checkOutcome reads a record of an event {"n": …} of the function divide.
func (o others) checkOutcome(raw, id string, success bool) {
	o.Helper()
	var got outcome
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		o.Fatalf("%v: %s", err, raw)
	}
	condition, count, functionError := "Success", 1, ""
	if !success {
		condition, count, functionError = "RetriesExhausted", 2, "Unhandled"
	}
	_, err := time.Parse("2006-01-02T15:04:05.000Z", got.Timestamp)
	if c := got.RequestContext; err != nil || got.Version != "1.0" || c.RequestID != id || c.FunctionArn != o.arn("divide:$LATEST") || c.Condition != condition || c.ApproximateInvokeCount != count {
		o.Errorf("record %s", raw)
	}
	if c := got.ResponseContext; c.StatusCode != 200 || c.ExecutedVersion != "$LATEST" || c.FunctionError != functionError {
		o.Errorf("response of record %s", raw)
	}
	if success && fmt.Sprint(got.ResponsePayload) != "0.5" || !success && !strings.Contains(fmt.Sprint(got.ResponsePayload), "ZeroDivisionError") || got.RequestPayload.(map[string]any)["n"] == nil {
		o.Errorf("payloads of record %s", raw)
	}
}

// Destinations and dead-letter targets are told in AWS's shapes, by way of services
// that are not ours.
func TestDestinations(t *testing.T) {
	t.Parallel()
	o := withOthers(t)
	queueURL, queue := o.queue("outcomes")
	deadURL, dead := o.queue("dead")
	topicURL, topicQueue := o.queue("topic-outcomes")
	topic := o.topic("outcomes", topicQueue)
	deadTopicURL, deadTopicQueue := o.queue("dead-topic")
	deadTopic := o.topic("dead", deadTopicQueue)
	busURL, busQueue := o.queue("bus-outcomes")
	must[*eventbridge.CreateEventBusOutput](t)(o.events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("outcomes")}))
	must[*eventbridge.PutRuleOutput](t)(o.events.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("all"), EventBusName: aws.String("outcomes"), EventPattern: aws.String(`{"source": ["lambda"]}`),
	}))
	must[*eventbridge.PutTargetsOutput](t)(o.events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("all"), EventBusName: aws.String("outcomes"), Targets: []eventtypes.Target{{Id: aws.String("q"), Arn: &busQueue}},
	}))
	bus := "arn:aws:events:" + region + ":" + othersAccount + ":event-bus/outcomes"
	must[*s3.CreateBucketOutput](t)(o.files.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("outcomes"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
	}))

	o.create("divide", python(t, "return 1/event['n']"))
	failing, good := `{"n": 0}`, `{"n": 2}`

	o.destined(queue, queue, 1)
	for payload, success := range map[string]bool{good: true, failing: false} {
		id := o.event("divide", payload)
		m := o.receive(queueURL)
		o.checkOutcome(*m.Body, id, success)
		must[*sqs.DeleteMessageOutput](t)(o.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: m.ReceiptHandle}))
	}

	o.destined(topic, topic, 1)
	id := o.event("divide", failing)
	o.checkOutcome(*o.receive(topicURL).Body, id, false)

	o.destined(bus, bus, 1)
	id = o.event("divide", good)
	var event struct {
		Source     string
		DetailType string `json:"detail-type"`
		Resources  []string
		Detail     json.RawMessage
	}
	if raw := *o.receive(busURL).Body; json.Unmarshal([]byte(raw), &event) != nil || event.Source != "lambda" || event.DetailType != "Lambda Function Invocation Result - Success" ||
		len(event.Resources) != 2 || event.Resources[0] != bus || event.Resources[1] != o.arn("divide:$LATEST") {
		t.Errorf("event %s", raw)
	}
	o.checkOutcome(string(event.Detail), id, true)

	o.destined("", "arn:aws:s3:::outcomes", 1)
	id = o.event("divide", failing)
	var key string
	o.eventually("an object is written", func() bool {
		list := must[*s3.ListObjectsV2Output](t)(o.files.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("outcomes")}))
		if len(list.Contents) > 0 {
			key = *list.Contents[0].Key
		}
		return key != ""
	})
	object := must[*s3.GetObjectOutput](t)(o.files.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("outcomes"), Key: &key}))
	raw := must[[]byte](t)(io.ReadAll(object.Body))
	o.checkOutcome(string(raw), id, false)
	if !strings.HasPrefix(key, "aws/lambda/async/divide/") {
		t.Errorf("key %s", key)
	}

	// Both a dead-letter queue and a destination are told.
	o.destined("", queue, 0)
	for target, url := range map[string]string{dead: deadURL, deadTopic: deadTopicURL} {
		do(t, o.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("divide"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: &target}})
		id := o.event("divide", failing)
		m := o.receive(url)
		attribute := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
		if *m.Body != failing || attribute("RequestID") != id || attribute("ErrorCode") != "200" || attribute("ErrorMessage") != "division by zero" {
			t.Errorf("dead letter %s %v", *m.Body, m.MessageAttributes)
		}
		told := o.receive(queueURL)
		if !strings.Contains(*told.Body, id) {
			t.Errorf("record %s", *told.Body)
		}
		must[*sqs.DeleteMessageOutput](t)(o.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &queueURL, ReceiptHandle: told.ReceiptHandle}))
	}

	// A function that may not run at all: nothing is tried.
	do(t, o.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("divide"), ReservedConcurrentExecutions: aws.Int32(0)})
	o.event("divide", good)
	if body := *o.receive(queueURL).Body; !strings.Contains(body, `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0}`) || strings.Contains(body, "responseContext") {
		t.Errorf("record %s", body)
	}
}

// What is told to a place that is not there yet waits until it is.
func TestDestinationComesLater(t *testing.T) {
	t.Parallel()
	o := withOthers(t)
	o.create("divide", python(t, "return 1/event['n']"))
	o.destined("arn:aws:sqs:"+region+":"+othersAccount+":later", "", 0)
	id := o.event("divide", `{"n": 2}`)
	o.eventually("the function has run", func() bool { return len(o.starts("divide")) == 1 })
	url, _ := o.queue("later")
	o.checkOutcome(*o.receive(url).Body, id, true)
}

// Spec api PutFunctionEventInvokeConfig, DeadLetterConfig: what may be a destination.
func TestDestinationKinds(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "pass"))
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + region + ":" + a.id + ":" + resource
	}
	for target, fits := range map[string]struct{ success, failure, dead bool }{
		arn("sqs", "q"):                {true, true, true},
		arn("sns", "t"):                {true, true, true},
		arn("lambda", "function:g"):    {true, true, false},
		arn("events", "event-bus/bus"): {true, true, false},
		"arn:aws:s3:::bucket":          {false, true, false},
		arn("sqs", "q.fifo"):           {},
		arn("sns", "t.fifo"):           {},
		arn("lambda", "function:f"):    {},
		arn("events", "rule/r"):        {},
		arn("dynamodb", "table/t"):     {},
	} {
		check := func(what string, err error, want bool) {
			if want && err != nil {
				t.Errorf("%s as %s: %v", target, what, err)
			}
			if !want {
				refused[*types.InvalidParameterValueException](t, err, 400, "…")
			}
		}
		_, err := a.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &target}}})
		check("success", err, fits.success)
		_, err = a.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &target}}})
		check("failure", err, fits.failure)
		_, err = a.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: &target}})
		check("dead-letter target", err, fits.dead)
	}
	in := newFunction("g", python(t, "pass"))
	in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String(arn("sqs", "q.fifo"))}
	_, err := a.CreateFunction(t.Context(), in)
	refused[*types.InvalidParameterValueException](t, err, 400, "…")
}
