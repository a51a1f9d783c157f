package resources_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

const mapped = "lambda_event_source_mapping.test"

func mappingConfig(name, dir, stream, function, lines string) string {
	return versionConfig(name, dir, "", "") + aliasOf("live", `"1"`) + fmt.Sprintf(`
resource "lambda_event_source_mapping" "test" {
  event_source_arn = %q
  function_name    = %s
  %s
  depends_on = [lambda_alias.test, lambda_version.test]
}
`, stream, function, lines)
}

func TestMapping(t *testing.T) {
	name, dir, stream := acctest.Name(t), source(t), acctest.Stream(t)
	const byName, byARN, byAlias = "lambda_function.test.function_name", "lambda_function.test.arn", "lambda_alias.test.arn"
	const begin = "starting_position = \"TRIM_HORIZON\"\n"
	config := func(function, lines string) string { return mappingConfig(name, dir, stream, function, begin+lines) }
	update := planned(plancheck.ExpectResourceAction(mapped, plancheck.ResourceActionUpdate))
	arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
	sequence(t,
		resource.TestStep{Config: config(byName, ""), ConfigStateChecks: []statecheck.StateCheck{
			is(mapped, "state", text("Enabled")), is(mapped, "enabled", knownvalue.Bool(true)), is(mapped, "batch_size", knownvalue.Int64Exact(100)),
			is(mapped, "function_arn", text(arn)), is(mapped, "maximum_retry_attempts", knownvalue.Int64Exact(-1)),
			is(mapped, "tumbling_window_in_seconds", knownvalue.Null()), is(mapped, "uuid", knownvalue.NotNull()),
		}},
		resource.TestStep{Config: config(byName, ""), ConfigPlanChecks: empty},
		resource.TestStep{Config: config(byName, "batch_size = 100"), ConfigPlanChecks: empty},
		resource.TestStep{Config: config(byARN, ""), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: mapped, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"last_modified", "function_name"}},
		resource.TestStep{
			Config: config(byName, "batch_size = 7\n maximum_batching_window_in_seconds = 2\n maximum_retry_attempts = 3\n enabled = false\n tags = { a = 1 }"), ConfigPlanChecks: update,
			ConfigStateChecks: []statecheck.StateCheck{
				is(mapped, "state", text("Disabled")), is(mapped, "batch_size", knownvalue.Int64Exact(7)), is(mapped, "maximum_batching_window_in_seconds", knownvalue.Int64Exact(2)),
				is(mapped, "maximum_retry_attempts", knownvalue.Int64Exact(3)), is(mapped, "tags_all", knownvalue.MapSizeExact(1)),
			},
		},
		// What is left out of the configuration goes back to its default, or stays.
		resource.TestStep{
			Config: config(byName, ""), ConfigPlanChecks: update,
			ConfigStateChecks: []statecheck.StateCheck{
				is(mapped, "state", text("Enabled")), is(mapped, "batch_size", knownvalue.Int64Exact(100)), is(mapped, "maximum_batching_window_in_seconds", knownvalue.Null()),
				is(mapped, "maximum_retry_attempts", knownvalue.Int64Exact(3)),
			},
		},
		resource.TestStep{Config: config(byName, ""), ConfigPlanChecks: empty},
		resource.TestStep{Config: config(byAlias, ""), ConfigPlanChecks: update, ConfigStateChecks: []statecheck.StateCheck{is(mapped, "function_arn", text(arn+":live"))}},
		resource.TestStep{
			Config:           mappingConfig(name, dir, stream, byAlias, "starting_position = \"LATEST\""),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction(mapped, plancheck.ResourceActionDestroyBeforeCreate)),
		},
		resource.TestStep{
			Config: mappingConfig(name, dir, stream, byAlias, "starting_position = \"AT_TIMESTAMP\"\n starting_position_timestamp = \"2026-01-02T03:04:05Z\""),
		},
		resource.TestStep{
			Config:           mappingConfig(name, dir, stream, byAlias, "starting_position = \"AT_TIMESTAMP\"\n starting_position_timestamp = \"2026-01-02T03:04:05Z\""),
			ConfigPlanChecks: empty,
		},
	)
}

// Every setting of a stream's mapping comes back as it was given, and goes when it is
// left out.
func TestMappingSettings(t *testing.T) {
	name, dir, stream := acctest.Name(t), source(t), acctest.Stream(t)
	config := func(lines string) string {
		return mappingConfig(name, dir, stream, "lambda_function.test.function_name", "starting_position = \"TRIM_HORIZON\"\n"+lines)
	}
	all := config(`
  batch_size                         = 500
  maximum_batching_window_in_seconds = 3
  maximum_record_age_in_seconds      = 3600
  maximum_retry_attempts             = 2
  parallelization_factor             = 4
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]
  destination_config {
    on_failure {
      destination_arn = "arn:aws:sqs:us-east-1:000000000000:dead"
    }
  }
  filter_criteria {
    filter {
      pattern = jsonencode({ data = { kind = ["order"] } })
    }
    filter {
      pattern = jsonencode({ partitionKey = [{ prefix = "a" }] })
    }
  }
  metrics_config {
    metrics = ["EventCount"]
  }`)
	update := planned(plancheck.ExpectResourceAction(mapped, plancheck.ResourceActionUpdate))
	sequence(t,
		resource.TestStep{Config: all, ConfigStateChecks: []statecheck.StateCheck{
			is(mapped, "parallelization_factor", knownvalue.Int64Exact(4)), is(mapped, "bisect_batch_on_function_error", knownvalue.Bool(true)),
			is(mapped, "maximum_record_age_in_seconds", knownvalue.Int64Exact(3600)), is(mapped, "last_processing_result", text("No records processed")),
		}},
		resource.TestStep{Config: all, ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: mapped, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"last_modified", "function_name"}},
		resource.TestStep{Config: config(""), ConfigPlanChecks: update, ConfigStateChecks: []statecheck.StateCheck{
			is(mapped, "batch_size", knownvalue.Int64Exact(100)), is(mapped, "filter_criteria", knownvalue.ListSizeExact(0)), is(mapped, "metrics_config", knownvalue.ListSizeExact(0)),
		}},
		resource.TestStep{Config: config(""), ConfigPlanChecks: empty},
		resource.TestStep{Config: config("tumbling_window_in_seconds = 30\n parallelization_factor = 1"), ConfigPlanChecks: update, ConfigStateChecks: []statecheck.StateCheck{
			is(mapped, "tumbling_window_in_seconds", knownvalue.Int64Exact(30)),
		}},
	)
}

// A queue's mapping, with the queue beside it.
func TestMappingQueue(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(lines string) string {
		return versionConfig(name, dir, "", "") + fmt.Sprintf(`
resource "lambda_local_queue" "test" {
  name = %q
}
resource "lambda_event_source_mapping" "test" {
  event_source_arn = lambda_local_queue.test.arn
  function_name    = lambda_function.test.arn
  %s
  depends_on = [lambda_version.test]
}
`, name, lines)
	}
	update := planned(plancheck.ExpectResourceAction(mapped, plancheck.ResourceActionUpdate))
	sequence(t,
		resource.TestStep{Config: config(""), ConfigStateChecks: []statecheck.StateCheck{
			is(mapped, "state", text("Enabled")), is(mapped, "batch_size", knownvalue.Int64Exact(10)), is(mapped, "state_transition_reason", text("USER_INITIATED")),
		}},
		resource.TestStep{Config: config(""), ConfigPlanChecks: empty},
		resource.TestStep{
			Config: config("batch_size = 50\n maximum_batching_window_in_seconds = 1\n function_response_types = [\"ReportBatchItemFailures\"]\n scaling_config {\n maximum_concurrency = 5\n}"), ConfigPlanChecks: update,
			ConfigStateChecks: []statecheck.StateCheck{is(mapped, "batch_size", knownvalue.Int64Exact(50)), is(mapped, "scaling_config", knownvalue.ListSizeExact(1))},
		},
		resource.TestStep{Config: config("provisioned_poller_config {\n minimum_pollers = 2\n maximum_pollers = 4\n}"), ConfigPlanChecks: update},
		resource.TestStep{Config: config(""), ConfigPlanChecks: update, ConfigStateChecks: []statecheck.StateCheck{
			is(mapped, "batch_size", knownvalue.Int64Exact(10)), is(mapped, "scaling_config", knownvalue.ListSizeExact(0)), is(mapped, "provisioned_poller_config", knownvalue.ListSizeExact(0)),
		}},
		resource.TestStep{Config: config(""), ConfigPlanChecks: empty},
	)
}

func TestMappingDrift(t *testing.T) {
	name, dir, stream := acctest.Name(t), source(t), acctest.Stream(t)
	config := mappingConfig(name, dir, stream, "lambda_function.test.function_name", "starting_position = \"LATEST\"")
	client, ctx, id := acctest.Lambda(), t.Context(), ""
	sequence(t,
		resource.TestStep{Config: config, Check: func(s *terraform.State) error {
			id = s.RootModule().Resources[mapped].Primary.Attributes["uuid"]
			return nil
		}},
		resource.TestStep{
			PreConfig: func() {
				if _, err := client.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(false)}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(mapped, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{is(mapped, "state", text("Enabled"))},
		},
		resource.TestStep{
			PreConfig: func() {
				if _, err := client.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &id}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(mapped, plancheck.ResourceActionCreate)),
		},
	)
}

func TestMappingErrors(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(source, lines string) string {
		return mappingConfig(name, dir, source, "lambda_function.test.function_name", lines)
	}
	const stream = "arn:aws:kinesis:us-east-1:000000000000:stream/nowhere"
	steps := map[string]struct{ config, want string }{
		"no position":      {config(stream, ""), `needs a starting_position`},
		"position of none": {config("arn:aws:sqs:us-east-1:000000000000:q", "starting_position = \"LATEST\""), `Only a stream`},
		"no time":          {config(stream, "starting_position = \"AT_TIMESTAMP\""), `needs a\s+starting_position_timestamp`},
		"bad time":         {config(stream, "starting_position = \"AT_TIMESTAMP\"\nstarting_position_timestamp = \"now\""), `2006-01-02T15:04:05Z`},
		"two sources":      {config(stream, "starting_position = \"LATEST\"\nself_managed_event_source {\n endpoints = { A = \"b\" }\n}"), `Exactly one of these`},
		"no such stream":   {config(stream, "starting_position = \"LATEST\""), `(?s)event_source_arn\s+=.*nowhere`},
		"time in a table":  {config("arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026", "starting_position = \"AT_TIMESTAMP\"\nstarting_position_timestamp = \"2026-01-02T03:04:05Z\""), `cannot be read from a time on`},
		"retries of queue": {config("arn:aws:sqs:us-east-1:000000000000:q", "maximum_retry_attempts = 2"), `Not for a queue`},
		"long batch":       {config("arn:aws:sqs:us-east-1:000000000000:q", "batch_size = 11"), `needs\s+maximum_batching_window_in_seconds`},
		"FIFO batch":       {config("arn:aws:sqs:us-east-1:000000000000:q.fifo", "batch_size = 11"), `10 messages at most`},
		"FIFO window":      {config("arn:aws:sqs:us-east-1:000000000000:q.fifo", "maximum_batching_window_in_seconds = 1"), `Not for a FIFO queue`},
		"scaled stream":    {config(stream, "starting_position = \"LATEST\"\nscaling_config {\n maximum_concurrency = 2\n}"), `Not for a stream`},
		"lanes of windows": {config(stream, "starting_position = \"LATEST\"\ntumbling_window_in_seconds = 5\nparallelization_factor = 2"), `must be\s+1`},
		"pattern of text":  {config(stream, "starting_position = \"LATEST\"\nfilter_criteria {\n filter {\n pattern = jsonencode({ data = [\"x\"] })\n}\n}"), `says of data is an\s+object`},
		"destination":      {config(stream, "starting_position = \"LATEST\"\ndestination_config {\n on_failure {\n destination_arn = \"arn:aws:lambda:us-east-1:000000000000:function:f\"\n}\n}"), `Not a destination`},
		"topics":           {config(stream, "starting_position = \"LATEST\"\ntopics = [\"a\"]"), `Only a Kafka cluster`},
		"pattern":          {config(stream, "starting_position = \"LATEST\"\nfilter_criteria {\n filter {\n pattern = \"[1]\"\n}\n}"), `A pattern is a JSON object`},
		"batch size":       {config(stream, "starting_position = \"LATEST\"\nbatch_size = 0"), `between 1 and 10000`},
	}
	for step, tt := range steps {
		t.Run(step, func(t *testing.T) {
			own := strings.ReplaceAll(tt.config, name, acctest.Name(t))
			sequence(t, resource.TestStep{Config: own, ExpectError: regexp.MustCompile(tt.want)})
		})
	}
}
