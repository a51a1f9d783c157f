package datasources_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

// everything is a function with a version, an alias, a permission and a mapping.
func everything(name, dir, stream string) string {
	return fmt.Sprintf(`
resource "lambda_function" "test" {
  function_name = %q
  role          = %q
  runtime       = "python3.13"
  handler       = "app.handler"
  source_dir    = %q
  description   = "for tests"
  memory_size   = 256
  reserved_concurrent_executions = 3
  environment {
    variables = { ONE = "1" }
  }
  tags = { team = "a" }
}

resource "lambda_version" "test" {
  function_name = lambda_function.test.function_name
  code_sha256   = lambda_function.test.code_sha256
}

resource "lambda_alias" "test" {
  function_name    = lambda_function.test.function_name
  name             = "live"
  function_version = lambda_version.test.version
}

resource "lambda_permission" "test" {
  statement_id  = "s3"
  action        = "lambda:InvokeFunction"
  principal     = "s3.amazonaws.com"
  source_arn    = "arn:aws:s3:::bucket"
  function_name = lambda_function.test.function_name
  qualifier     = lambda_alias.test.name
}

resource "lambda_event_source_mapping" "test" {
  event_source_arn  = %q
  function_name     = lambda_alias.test.arn
  starting_position = "LATEST"
}
`, name, acctest.Role, dir, stream)
}

func setup(t *testing.T) (name, config string) {
	t.Helper()
	name = acctest.Name(t)
	return name, everything(name, acctest.Source(t, "app.py=def handler(event, context):\n    return 1\n"), acctest.Stream(t))
}

func run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.ParallelTest(t, resource.TestCase{ProtoV6ProviderFactories: acctest.Factories(), CheckDestroy: acctest.Gone, Steps: steps})
}

func is(address, attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), value)
}

// same expects a data source to have attributes of a resource.
func same(data, res string, attributes ...string) []statecheck.StateCheck {
	var out []statecheck.StateCheck
	for _, a := range attributes {
		out = append(out, statecheck.CompareValuePairs(data, tfjsonpath.New(a), res, tfjsonpath.New(a), compare.ValuesSame()))
	}
	return out
}

func text(s string) knownvalue.Check { return knownvalue.StringExact(s) }

func TestFunction(t *testing.T) {
	name, config := setup(t)
	data := func(lines string) string {
		return config + "\ndata \"lambda_function\" \"test\" {\n function_name = lambda_function.test.function_name\n depends_on = [lambda_version.test]\n" + lines + "\n}\n"
	}
	const ds = "data.lambda_function.test"
	arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
	run(t,
		resource.TestStep{
			Config: data(`qualifier = "$LATEST"`),
			ConfigStateChecks: append(same(ds, "lambda_function.test", "arn", "code_sha256", "config_sha256", "environment", "description", "memory_size", "timeout", "role", "runtime",
				"handler", "tags", "invoke_arn", "response_streaming_invoke_arn", "source_code_size", "architectures", "reserved_concurrent_executions"),
				is(ds, "version", text("$LATEST")), is(ds, "qualified_arn", text(arn+":$LATEST"))),
		},
		resource.TestStep{Config: data(""), ConfigStateChecks: []statecheck.StateCheck{
			is(ds, "version", text("1")), is(ds, "qualified_arn", text(arn+":1")), is(ds, "arn", text(arn)), is(ds, "reserved_concurrent_executions", knownvalue.Int64Exact(3)),
		}},
		resource.TestStep{Config: data(`qualifier = lambda_alias.test.name`), ConfigStateChecks: []statecheck.StateCheck{
			is(ds, "version", text("1")), is(ds, "qualified_arn", text(arn+":live")), is(ds, "vpc_config", knownvalue.ListSizeExact(0)),
		}},
	)
}

func TestFunctions(t *testing.T) {
	name, config := setup(t)
	run(t, resource.TestStep{
		Config: config + "\ndata \"lambda_functions\" \"test\" {\n depends_on = [lambda_function.test]\n}\noutput \"has\" {\n value = contains(data.lambda_functions.test.function_names, \"" + name + "\") && length(data.lambda_functions.test.function_arns) == length(data.lambda_functions.test.function_names)\n}\n",
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownOutputValue("has", knownvalue.Bool(true)),
		},
	})
}

func TestAlias(t *testing.T) {
	_, config := setup(t)
	run(t, resource.TestStep{
		Config: config + "\ndata \"lambda_alias\" \"test\" {\n function_name = lambda_function.test.arn\n name = lambda_alias.test.name\n}\n",
		ConfigStateChecks: append(same("data.lambda_alias.test", "lambda_alias.test", "id", "arn", "invoke_arn", "function_version", "revision_id", "description"),
			is("data.lambda_alias.test", "routing_config", knownvalue.ListSizeExact(0))),
	})
}

func TestVersion(t *testing.T) {
	_, config := setup(t)
	const ds = "data.lambda_version.test"
	data := func(lines string) string {
		return config + "\ndata \"lambda_version\" \"test\" {\n function_name = lambda_function.test.function_name\n depends_on = [lambda_alias.test]\n" + lines + "\n}\n"
	}
	checks := append(same(ds, "lambda_version.test", "id", "arn", "invoke_arn", "version", "code_sha256", "config_sha256", "runtime", "source_code_size", "last_modified"),
		is(ds, "aliases", knownvalue.ListExact([]knownvalue.Check{text("live")})), is(ds, "memory_size", knownvalue.Int64Exact(256)))
	run(t,
		resource.TestStep{Config: data("version = \"1\"\nalias = \"live\""), ExpectError: regexp.MustCompile(`cannot\s+be\s+configured\s+together`)},
		resource.TestStep{Config: data(`version = "9"`), ExpectError: regexp.MustCompile(`(?s)version = "9".*no published version`)},
		resource.TestStep{Config: data(""), ConfigStateChecks: checks},
		resource.TestStep{Config: data(`version = "1"`), ConfigStateChecks: checks},
		resource.TestStep{Config: data(`alias = "live"`), ConfigStateChecks: checks},
		resource.TestStep{Config: data(`code_sha256 = lambda_function.test.code_sha256`), ConfigStateChecks: checks},
	)
}

func TestPolicy(t *testing.T) {
	name, config := setup(t)
	const ds = "data.lambda_policy.test"
	data := func(lines string) string {
		return config + "\ndata \"lambda_policy\" \"test\" {\n depends_on = [lambda_permission.test]\n" + lines + "\n}\n"
	}
	run(t,
		resource.TestStep{
			Config: data("function_name = lambda_function.test.function_name\nqualifier = \"live\""),
			ConfigStateChecks: []statecheck.StateCheck{
				is(ds, "id", text(name+":live")), is(ds, "revision_id", knownvalue.NotNull()), is(ds, "policy", knownvalue.StringRegexp(regexp.MustCompile(`"Sid":"s3"`))),
				is(ds, "statements", knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
					"statement_id": text("s3"), "effect": text("Allow"), "action": text("lambda:InvokeFunction"), "principal": text("s3.amazonaws.com"),
					"resource":       text("arn:aws:lambda:us-east-1:000000000000:function:" + name + ":live"),
					"source_account": knownvalue.Null(), "source_arn": text("arn:aws:s3:::bucket"),
				})})),
			},
		},
		resource.TestStep{Config: data("function_name = lambda_function.test.function_name"), ConfigStateChecks: []statecheck.StateCheck{
			is(ds, "policy", knownvalue.Null()), is(ds, "statements", knownvalue.ListSizeExact(0)),
		}},
		resource.TestStep{Config: data("function_name = \"nowhere\""), ExpectError: regexp.MustCompile(`(?s)function_name = "nowhere".*ResourceNotFound`)},
	)
}

func TestEventSourceMapping(t *testing.T) {
	_, config := setup(t)
	const ds = "data.lambda_event_source_mapping.test"
	data := func(lines string) string {
		return config + "\ndata \"lambda_event_source_mapping\" \"test\" {\n depends_on = [lambda_event_source_mapping.test]\n" + lines + "\n}\n"
	}
	checks := append(same(ds, "lambda_event_source_mapping.test", "id", "uuid", "arn", "event_source_arn", "function_arn", "batch_size", "state", "starting_position", "maximum_retry_attempts"),
		is(ds, "enabled", knownvalue.Bool(true)))
	run(t,
		resource.TestStep{Config: data("uuid = lambda_event_source_mapping.test.uuid"), ConfigStateChecks: checks},
		resource.TestStep{Config: data("event_source_arn = lambda_event_source_mapping.test.event_source_arn"), ConfigStateChecks: checks},
		resource.TestStep{Config: data("event_source_arn = lambda_event_source_mapping.test.event_source_arn\nfunction_name = lambda_alias.test.arn"), ConfigStateChecks: checks},
		resource.TestStep{Config: data("event_source_arn = \"arn:aws:kinesis:us-east-1:000000000000:stream/none\""), ExpectError: regexp.MustCompile(`0 event source mappings`)},
	)
}
