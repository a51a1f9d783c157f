package resources_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

const stream = "lambda_local_stream.test"

func streamConfig(name, lines string) string {
	return fmt.Sprintf("resource \"lambda_local_stream\" \"test\" {\n  name = %q\n  %s\n}\n", name, lines)
}

func TestLocalStream(t *testing.T) {
	name := acctest.Name(t)
	replaced := planned(plancheck.ExpectResourceAction(stream, plancheck.ResourceActionDestroyBeforeCreate))
	remove := func() {
		if _, err := acctest.Kinesis().DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: &name}); err != nil {
			t.Error(err)
		}
	}
	updated := planned(plancheck.ExpectResourceAction(stream, plancheck.ResourceActionUpdate))
	shards := func(want int32) func() {
		return func() {
			out, err := acctest.Kinesis().DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
			if err != nil || *out.StreamDescriptionSummary.OpenShardCount != want {
				t.Errorf("%+v, %v; want %d shards", out, err, want)
			}
		}
	}
	sequence(t,
		resource.TestStep{Config: streamConfig(name, ""), ConfigStateChecks: []statecheck.StateCheck{
			is(stream, "arn", text("arn:aws:kinesis:us-east-1:000000000000:stream/"+name)), is(stream, "shard_count", knownvalue.Int64Exact(1)),
		}},
		resource.TestStep{Config: streamConfig(name, "shard_count = 1"), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: stream, ImportState: true, ImportStateId: name, ImportStateVerify: true},
		resource.TestStep{
			Config:            streamConfig(name, "shard_count = 3\n  retention_period = 48\n  tags = { a = \"1\", b = \"2\" }"),
			ConfigPlanChecks:  updated,
			ConfigStateChecks: []statecheck.StateCheck{is(stream, "tags_all", knownvalue.MapSizeExact(2)), is(stream, "retention_period", knownvalue.Int64Exact(48))},
		},
		resource.TestStep{ResourceName: stream, ImportState: true, ImportStateId: name, ImportStateVerify: true},
		resource.TestStep{Config: streamConfig(name, "shard_count = 10\n  retention_period = 24\n  tags = { b = \"3\" }"), ConfigPlanChecks: updated},
		resource.TestStep{PreConfig: shards(10), Config: streamConfig(name, ""), ConfigPlanChecks: updated, ConfigStateChecks: []statecheck.StateCheck{is(stream, "tags_all", knownvalue.MapSizeExact(0))}},
		resource.TestStep{PreConfig: shards(1), Config: streamConfig(name+"-2", ""), ConfigPlanChecks: replaced},
		resource.TestStep{Config: streamConfig(name, "shard_count = 3")},
		resource.TestStep{PreConfig: remove, Config: streamConfig(name, "shard_count = 3"), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(stream, plancheck.ResourceActionCreate))},
	)
}

func TestLocalStreamErrors(t *testing.T) {
	_, taken, _ := strings.Cut(acctest.Stream(t), ":stream/")
	sequence(t,
		resource.TestStep{Config: streamConfig("no spaces", ""), ExpectError: regexp.MustCompile(`has 1 to 128 letters`)},
		resource.TestStep{Config: streamConfig("s", "shard_count = 0"), ExpectError: regexp.MustCompile(`must be between 1 and 500`)},
		resource.TestStep{Config: streamConfig("s", "retention_period = 23"), ExpectError: regexp.MustCompile(`must be between 24 and 8760`)},
		resource.TestStep{Config: streamConfig(taken, ""), ExpectError: regexp.MustCompile(`ResourceInUse|already exists`)},
		resource.TestStep{
			Config:      "provider \"lambda\" {\n  target = \"aws\"\n  access_key = \"a\"\n  secret_key = \"b\"\n  skip_requesting_account_id = true\n  skip_credentials_validation = true\n}\n" + streamConfig("s", ""),
			ExpectError: regexp.MustCompile(`use aws_kinesis_stream`),
		},
	)
}
