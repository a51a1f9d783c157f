package resources_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

const queue = "lambda_local_queue.test"

func queueConfig(name, lines string) string {
	return fmt.Sprintf("resource \"lambda_local_queue\" \"test\" {\n  name = %q\n  %s\n}\n", name, lines)
}

// queueAttributes are what SQS says of a queue.
func queueAttributes(t *testing.T, name string) map[string]string {
	t.Helper()
	url, err := acctest.SQS().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	out, err := acctest.SQS().GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

func TestLocalQueue(t *testing.T) {
	name := acctest.Name(t)
	arn := "arn:aws:sqs:us-east-1:000000000000:" + name
	updated := planned(plancheck.ExpectResourceAction(queue, plancheck.ResourceActionUpdate))
	dead := fmt.Sprintf("resource \"lambda_local_queue\" \"dead\" {\n  name = %q\n}\n", name+"-dead")
	redrive := "redrive_policy = jsonencode({ maxReceiveCount = 3, deadLetterTargetArn = lambda_local_queue.dead.arn })"
	full := `visibility_timeout_seconds = 60
  delay_seconds = 5
  message_retention_seconds = 3600
  max_message_size = 2048
  receive_wait_time_seconds = 10
  tags = { team = "a", level = "1" }
  ` + redrive
	remove := func() {
		url, err := acctest.SQS().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		if err == nil {
			_, err = acctest.SQS().DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: url.QueueUrl})
		}
		if err != nil {
			t.Error(err)
		}
	}
	drift := func() {
		url, err := acctest.SQS().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		if err == nil {
			_, err = acctest.SQS().SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: url.QueueUrl, Attributes: map[string]string{"DelaySeconds": "7"}})
		}
		if err != nil {
			t.Error(err)
		}
	}
	changed := func() {
		if a := queueAttributes(t, name); a["DelaySeconds"] != "5" || a["MaximumMessageSize"] != "2048" || a["RedrivePolicy"] == "" {
			t.Errorf("attributes %v", a)
		}
	}
	sequence(t,
		resource.TestStep{Config: queueConfig(name, ""), ConfigStateChecks: []statecheck.StateCheck{
			is(queue, "arn", text(arn)), is(queue, "url", knownvalue.StringRegexp(regexp.MustCompile(`^http://.+/000000000000/`+name+`$`))),
			is(queue, "visibility_timeout_seconds", knownvalue.Int64Exact(30)), is(queue, "message_retention_seconds", knownvalue.Int64Exact(345600)),
			is(queue, "max_message_size", knownvalue.Int64Exact(1048576)), is(queue, "fifo_queue", knownvalue.Bool(false)),
		}},
		resource.TestStep{Config: queueConfig(name, "visibility_timeout_seconds = 30"), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: queue, ImportState: true, ImportStateId: name, ImportStateVerify: true},
		resource.TestStep{Config: dead + queueConfig(name, full), ConfigPlanChecks: updated},
		resource.TestStep{PreConfig: changed, Config: dead + queueConfig(name, full), ConfigPlanChecks: empty},
		resource.TestStep{PreConfig: drift, Config: dead + queueConfig(name, full), ConfigPlanChecks: updated},
		resource.TestStep{ResourceName: queue, ImportState: true, ImportStateId: name, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"redrive_policy"}},
		resource.TestStep{Config: dead + queueConfig(name, `tags = { level = "2" }`), ConfigPlanChecks: updated, ConfigStateChecks: []statecheck.StateCheck{
			is(queue, "redrive_policy", knownvalue.Null()), is(queue, "delay_seconds", knownvalue.Int64Exact(0)),
		}},
		resource.TestStep{PreConfig: remove, Config: queueConfig(name, ""), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(queue, plancheck.ResourceActionCreate))},
		resource.TestStep{Config: queueConfig(name+".fifo", "fifo_queue = true\n  content_based_deduplication = true"), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(queue, plancheck.ResourceActionDestroyBeforeCreate))},
	)
}

func TestLocalQueueErrors(t *testing.T) {
	taken := acctest.Name(t)
	out, err := acctest.SQS().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &taken})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_, _ = acctest.SQS().DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
	}()
	sequence(t,
		resource.TestStep{Config: queueConfig("no spaces", ""), ExpectError: regexp.MustCompile(`has 1 to 80 letters`)},
		resource.TestStep{Config: queueConfig("q", "fifo_queue = true"), ExpectError: regexp.MustCompile(`ends\s+in\s+\.fifo`)},
		resource.TestStep{Config: queueConfig("q.fifo", ""), ExpectError: regexp.MustCompile(`ends\s+in\s+\.fifo`)},
		resource.TestStep{Config: queueConfig("q", "content_based_deduplication = true"), ExpectError: regexp.MustCompile(`fifo_queue = true`)},
		resource.TestStep{Config: queueConfig("q", "delay_seconds = 901"), ExpectError: regexp.MustCompile(`must be between 0 and 900`)},
		resource.TestStep{Config: queueConfig("q", `redrive_policy = "x"`), ExpectError: regexp.MustCompile(`not\s+JSON`)},
		resource.TestStep{Config: queueConfig("q", `redrive_policy = jsonencode({ maxReceiveCount = 1, deadLetterTargetArn = "arn:aws:sqs:us-east-1:000000000000:none" })`), ExpectError: regexp.MustCompile(`Dead\s+letter\s+target\s+does\s+not\s+exist`)},
		resource.TestStep{Config: queueConfig(taken, ""), ExpectError: regexp.MustCompile(`already\s+exists`)},
		resource.TestStep{
			Config:      "provider \"lambda\" {\n  target = \"aws\"\n  access_key = \"a\"\n  secret_key = \"b\"\n  skip_requesting_account_id = true\n  skip_credentials_validation = true\n}\n" + queueConfig("q", ""),
			ExpectError: regexp.MustCompile(`use aws_sqs_queue`),
		},
	)
}
