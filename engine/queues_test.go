package engine_test

import (
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
)

// Destinations and dead-letter targets are the engine's own queues where nothing else is
// configured, and what they hold survives.
func TestOwnQueuesAsDestinations(t *testing.T) {
	t.Parallel()
	config := engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Logger: slog.New(slog.DiscardHandler), Clock: clock.Scaled(1000)}
	e, err := engine.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	open := func() others {
		url := e.URL()
		return others{account: accountOn(t, url, othersAccount), queues: sqs.New(sqs.Options{
			Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(othersAccount, "s", ""),
		})}
	}
	o := open()
	_, queue := o.queue("outcomes")
	deadURL, dead := o.queue("dead")
	o.create("divide", python(t, "return 1/event['n']"))
	o.destined(queue, queue, 1)
	do(t, o.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("divide"), DeadLetterConfig: &types.DeadLetterConfig{TargetArn: &dead}})
	id := o.event("divide", `{"n": 0}`)
	m := o.receive(deadURL)
	if *m.Body != `{"n": 0}` || aws.ToString(m.MessageAttributes["RequestID"].StringValue) != id || aws.ToString(m.MessageAttributes["ErrorMessage"].StringValue) != "division by zero" {
		t.Errorf("dead letter %s %v", *m.Body, m.MessageAttributes)
	}
	attributes := func(url string) map[string]string {
		out := must[*sqs.GetQueueAttributesOutput](t)(o.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}}))
		return out.Attributes
	}
	url := e.URL() + "/" + othersAccount + "/outcomes"
	o.eventually("the record arrives", func() bool { return attributes(url)["ApproximateNumberOfMessages"] == "1" })
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	if e, err = engine.Start(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	o = open()
	o.checkOutcome(*o.receive(e.URL() + "/" + othersAccount + "/outcomes").Body, id, false)
}
