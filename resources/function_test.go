package resources_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

const fn = "lambda_function.test"

// functionConfig is a function of a directory, with more lines in its block.
func functionConfig(name, dir, more string) string {
	return fmt.Sprintf(`
resource "lambda_function" "test" {
  function_name = %q
  role          = %q
  runtime       = "python3.13"
  handler       = "app.handler"
  source_dir    = %q
  %s
}
`, name, acctest.Role, dir, more)
}

func source(t *testing.T) string {
	t.Helper()
	return acctest.Source(t, "app.py=def handler(event, context):\n    return 1\n", "notes.md=")
}

// attribute expects an attribute of the function in the state.
func attribute(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(fn, tfjsonpath.New(name), value)
}

func text(s string) knownvalue.Check { return knownvalue.StringExact(s) }

// planned are checks of a plan before it is applied.
func planned(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func action(a plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(fn, a)
}

func unknown(attribute string) plancheck.PlanCheck {
	return plancheck.ExpectUnknownValue(fn, tfjsonpath.New(attribute))
}

func knownAs(attribute string, value knownvalue.Check) plancheck.PlanCheck {
	return plancheck.ExpectKnownValue(fn, tfjsonpath.New(attribute), value)
}

var empty = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}

// sequence runs steps with what all tests have in common.
func sequence(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.ParallelTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(), CheckDestroy: acctest.Gone, Steps: steps,
	})
}

func TestFunctionBasic(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
	sequence(t,
		resource.TestStep{
			Config:           functionConfig(name, dir, ""),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionCreate), knownAs("code_sha256", knownvalue.NotNull()), knownAs("region", text("us-east-1"))),
			ConfigStateChecks: []statecheck.StateCheck{
				attribute("id", text(name)), attribute("arn", text(arn)), attribute("version", text("$LATEST")),
				attribute("qualified_arn", text(arn+":$LATEST")),
				attribute("invoke_arn", text("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"+arn+"/invocations")),
				attribute("memory_size", knownvalue.Int64Exact(128)), attribute("timeout", knownvalue.Int64Exact(3)),
				attribute("reserved_concurrent_executions", knownvalue.Int64Exact(-1)), attribute("package_type", text("Zip")),
				attribute("description", knownvalue.Null()), attribute("tags_all", knownvalue.MapSizeExact(0)),
				attribute("architectures", knownvalue.ListSizeExact(1)), attribute("last_modified", knownvalue.NotNull()),
				attribute("source_code_size", knownvalue.NotNull()), attribute("config_sha256", knownvalue.NotNull()),
			},
		},
		resource.TestStep{Config: functionConfig(name, dir, ""), ConfigPlanChecks: empty},
		resource.TestStep{
			ResourceName: fn, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"source_dir", "source_excludes"},
		},
		resource.TestStep{ResourceName: fn, ImportState: true, ImportStateId: arn, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"source_dir"}},
		resource.TestStep{
			Config:           functionConfig(name+"-b", dir, ""),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionDestroyBeforeCreate)),
		},
	)
}

func TestFunctionUpdateInPlace(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	full := `
  description = "all of it"
  memory_size = 256
  timeout     = 30
  reserved_concurrent_executions = 5
  environment {
    variables = { ONE = "1", TWO = "two" }
  }
  tags = { team = "a" }
`
	sequence(t,
		resource.TestStep{Config: functionConfig(name, dir, full), ConfigStateChecks: []statecheck.StateCheck{
			attribute("description", text("all of it")), attribute("memory_size", knownvalue.Int64Exact(256)), attribute("timeout", knownvalue.Int64Exact(30)),
			attribute("reserved_concurrent_executions", knownvalue.Int64Exact(5)),
			attribute("environment", knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
				"variables": knownvalue.MapExact(map[string]knownvalue.Check{"ONE": text("1"), "TWO": text("two")}),
			})})),
		}},
		resource.TestStep{Config: functionConfig(name, dir, full), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: fn, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"source_dir"}},
		resource.TestStep{
			Config: functionConfig(name, dir, `
  memory_size = 512
  reserved_concurrent_executions = 0
  environment {
    variables = { ONE = "2" }
  }
  tags = { team = "b", stage = "x" }
`),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate), unknown("config_sha256"), unknown("last_modified"), knownAs("version", text("$LATEST"))),
			ConfigStateChecks: []statecheck.StateCheck{
				attribute("description", knownvalue.Null()), attribute("memory_size", knownvalue.Int64Exact(512)), attribute("timeout", knownvalue.Int64Exact(3)),
				attribute("reserved_concurrent_executions", knownvalue.Int64Exact(0)),
				attribute("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"team": text("b"), "stage": text("x")})),
			},
		},
		resource.TestStep{
			Config:           functionConfig(name, dir, ""),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				attribute("environment", knownvalue.ListSizeExact(0)), attribute("tags_all", knownvalue.MapSizeExact(0)), attribute("reserved_concurrent_executions", knownvalue.Int64Exact(-1)),
			},
		},
		resource.TestStep{Config: functionConfig(name, dir, ""), ConfigPlanChecks: empty},
	)
}

// Tags alone change neither what a version freezes nor what derives from it.
func TestFunctionTagsKeepTheRestKnown(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	sequence(t,
		resource.TestStep{Config: functionConfig(name, dir, `publish = true`)},
		resource.TestStep{
			Config: functionConfig(name, dir, `
  publish = true
  tags    = { a = "1" }
  reserved_concurrent_executions = 2
`),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate),
				knownAs("version", text("1")), knownAs("last_modified", knownvalue.NotNull()), knownAs("qualified_arn", knownvalue.NotNull()), knownAs("config_sha256", knownvalue.NotNull())),
		},
	)
}

func TestFunctionCodeAndVersions(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := functionConfig(name, dir, `publish = true`)
	hashes := statecheck.CompareValue(compare.ValuesDiffer())
	sequence(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{
			attribute("version", text("1")), hashes.AddStateValue(fn, tfjsonpath.New("code_sha256")),
			attribute("qualified_arn", text("arn:aws:lambda:us-east-1:000000000000:function:"+name+":1")),
		}},
		resource.TestStep{Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			PreConfig:        func() { acctest.Write(t, filepath.Join(dir, "app.py"), "def handler(event, context):\n    return 2\n") },
			Config:           config,
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate), unknown("version"), unknown("qualified_arn"), knownAs("code_sha256", knownvalue.NotNull())),
			ConfigStateChecks: []statecheck.StateCheck{
				attribute("version", text("2")), hashes.AddStateValue(fn, tfjsonpath.New("code_sha256")),
			},
		},
		resource.TestStep{
			Config:            functionConfig(name, dir, "publish = true\n  timeout = 7"),
			ConfigPlanChecks:  planned(unknown("version"), knownAs("source_code_size", knownvalue.NotNull())),
			ConfigStateChecks: []statecheck.StateCheck{attribute("version", text("3"))},
		},
		resource.TestStep{
			Config:            functionConfig(name, dir, "timeout = 7"),
			ConfigPlanChecks:  planned(knownAs("version", text("3"))),
			ConfigStateChecks: []statecheck.StateCheck{attribute("version", text("3"))},
		},
		resource.TestStep{
			Config:            functionConfig(name, dir, "timeout = 8"),
			ConfigStateChecks: []statecheck.StateCheck{attribute("version", text("3"))},
		},
		resource.TestStep{
			Config:            functionConfig(name, dir, "timeout = 8\n  publish = true"),
			ConfigPlanChecks:  planned(unknown("version")),
			ConfigStateChecks: []statecheck.StateCheck{attribute("version", text("4"))},
		},
		resource.TestStep{Config: functionConfig(name, dir, "timeout = 8\n  publish = true"), ConfigPlanChecks: empty},
	)
}

func TestFunctionExcludesAndTouch(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := functionConfig(name, dir, `source_excludes = ["*.md"]`)
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:        func() { acctest.Write(t, filepath.Join(dir, "notes.md"), "changed") },
			Config:           config,
			ConfigPlanChecks: empty,
		},
	)
}

func TestFunctionDrift(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := functionConfig(name, dir, "description = \"mine\"")
	ctx := t.Context()
	other := acctest.Source(t, "app.py=def handler(event, context):\n    return 'other'\n")
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				_, err := acctest.Lambda().UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Description: aws.String("theirs"), MemorySize: aws.Int32(1024)})
				if err != nil {
					t.Fatal(err)
				}
			},
			Config:            config,
			ConfigPlanChecks:  planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{attribute("description", text("mine")), attribute("memory_size", knownvalue.Int64Exact(128))},
		},
		resource.TestStep{
			PreConfig: func() {
				_, err := acctest.Lambda().UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: archive(t, other)})
				if err != nil {
					t.Fatal(err)
				}
			},
			Config:           config,
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate), knownAs("code_sha256", knownvalue.NotNull())),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			PreConfig: func() {
				if _, err := acctest.Lambda().DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
					t.Fatal(err)
				}
			},
			Config:           config,
			ConfigPlanChecks: planned(action(plancheck.ResourceActionCreate)),
		},
	)
}

func TestFunctionFilename(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	file := filepath.Join(t.TempDir(), "one.zip")
	acctest.Write(t, file, string(archive(t, dir)))
	again := filepath.Join(t.TempDir(), "two.zip")
	acctest.Write(t, again, string(archive(t, dir)))
	config := func(file string) string {
		return fmt.Sprintf(`
resource "lambda_function" "test" {
  function_name    = %q
  role             = %q
  runtime          = "python3.13"
  handler          = "app.handler"
  filename         = %q
  publish          = true
}
`, name, acctest.Role, file)
	}
	sequence(t,
		resource.TestStep{Config: config(file), ConfigPlanChecks: planned(knownAs("code_sha256", knownvalue.NotNull()))},
		resource.TestStep{Config: config(file), ConfigPlanChecks: empty},
		// The same bytes under another name are the same code.
		resource.TestStep{Config: config(again), ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate), knownAs("version", text("1")), knownAs("last_modified", knownvalue.NotNull()))},
		resource.TestStep{
			PreConfig:         func() { acctest.Write(t, again, string(archive(t, acctest.Source(t, "app.py=handler = print")))) },
			Config:            config(again),
			ConfigPlanChecks:  planned(unknown("version")),
			ConfigStateChecks: []statecheck.StateCheck{attribute("version", text("2"))},
		},
	)
}

// What was deployed before is not deployed again after an import.
func TestFunctionImportDoesNotDeploy(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	client, ctx := acctest.Lambda(), t.Context()
	sequence(t,
		resource.TestStep{
			PreConfig: func() {
				_, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
					FunctionName: &name, Role: aws.String(acctest.Role), Runtime: "python3.13", Handler: aws.String("app.handler"),
					Code: zipCode(t, dir), Publish: true,
				})
				if err != nil {
					t.Fatal(err)
				}
			},
			Config:           functionConfig(name, dir, "publish = true") + fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", fn, name),
			ConfigPlanChecks: planned(knownAs("version", text("1")), knownAs("last_modified", knownvalue.NotNull()), knownAs("qualified_arn", knownvalue.NotNull())),
		},
		resource.TestStep{Config: functionConfig(name, dir, "publish = true"), ConfigPlanChecks: empty},
	)
}

func TestFunctionFilledInBlocks(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := functionConfig(name, dir, `
  tracing_config {
    mode = "Active"
  }
  ephemeral_storage {
    size = 1024
  }
  logging_config {
    log_format = "JSON"
  }
`)
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			Config:           functionConfig(name, dir, "tracing_config {\n    mode = \"PassThrough\"\n  }"),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
		},
		resource.TestStep{Config: functionConfig(name, dir, ""), ConfigPlanChecks: empty},
	)
}

// Blocks with nothing in them are neither a change nor drift.
func TestFunctionEmptyBlocks(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := functionConfig(name, dir, `
  description = ""
  layers      = []
  tags        = {}
  environment {}
  image_config {}
  vpc_config {
    security_group_ids = []
    subnet_ids         = []
  }
`)
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			Config:           functionConfig(name, dir, `publish = true`),
			ConfigPlanChecks: planned(knownAs("last_modified", knownvalue.NotNull())),
		},
	)
}

func TestFunctionDefaultTags(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(defaults, tags string) string {
		return fmt.Sprintf("provider \"lambda\" {\n  default_tags {\n    tags = %s\n  }\n}\n", defaults) + functionConfig(name, dir, "tags = "+tags)
	}
	sequence(t,
		resource.TestStep{
			Config: config(`{ owner = "us", stage = "dev" }`, `{ stage = "live" }`),
			ConfigStateChecks: []statecheck.StateCheck{
				attribute("tags", knownvalue.MapExact(map[string]knownvalue.Check{"stage": text("live")})),
				attribute("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"stage": text("live"), "owner": text("us")})),
			},
		},
		resource.TestStep{Config: config(`{ owner = "us", stage = "dev" }`, `{ stage = "live" }`), ConfigPlanChecks: empty},
		resource.TestStep{
			Config:            config(`{ owner = "them" }`, `{ stage = "live" }`),
			ConfigPlanChecks:  planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{attribute("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"stage": text("live"), "owner": text("them")}))},
		},
	)
}

// What is known only in the apply is taken from there.
func TestFunctionOfUnknownValues(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(value string) string {
		return fmt.Sprintf(`
provider "lambda" {
  default_tags {
    tags = { owner = "us" }
  }
}
resource "terraform_data" "x" {
  input = { dir = %q, value = %q }
}
resource "lambda_function" "test" {
  function_name = %q
  role          = %q
  runtime       = "python3.13"
  handler       = "app.handler"
  publish       = true
  source_dir    = terraform_data.x.output.dir
  environment {
    variables = { VALUE = terraform_data.x.output.value }
  }
  tags = { value = terraform_data.x.output.value }
}
`, dir, value, name, acctest.Role)
	}
	tags := func(value string) statecheck.StateCheck {
		return attribute("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"owner": text("us"), "value": text(value)}))
	}
	sequence(t,
		resource.TestStep{Config: config("one"), ConfigPlanChecks: planned(unknown("code_sha256"), unknown("tags_all")), ConfigStateChecks: []statecheck.StateCheck{tags("one"), attribute("version", text("1"))}},
		resource.TestStep{Config: config("one"), ConfigPlanChecks: empty},
		resource.TestStep{Config: config("two"), ConfigPlanChecks: planned(unknown("version")), ConfigStateChecks: []statecheck.StateCheck{tags("two"), attribute("version", text("2"))}},
		resource.TestStep{Config: config("two"), ConfigPlanChecks: empty},
	)
}

func TestFunctionErrorsAtPlan(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	missing := "resource \"lambda_function\" \"test\" {\n  function_name = \"x\"\n  role = \"" + acctest.Role + "\"\n  source_dir = \"" + dir + "\"\n}\n"
	steps := map[string]struct{ config, want string }{
		"handler not there":    {functionConfig(name, acctest.Source(t, "other.py="), ""), `neither\s+app.py nor\s+app/__init__.py`},
		"no handler":           {missing, `needs a handler`},
		"two sources":          {functionConfig(name, dir, `filename = "x.zip"`), `Exactly one of these attributes`},
		"bad memory":           {functionConfig(name, dir, `memory_size = 1`), `between 128 and 32768`},
		"bad name":             {functionConfig("a b", dir, ``), `neither the name of a function`},
		"image needs its type": {functionConfig(name, dir, `image_uri = "x"`), `package_type`},
		"bad exclude":          {functionConfig(name, dir, `source_excludes = ["["]`), `syntax error in pattern`},
		"bad variable":         {functionConfig(name, dir, "environment {\n variables = { A = 1 }\n}"), `at\s+least\s+two`},
		"bad mode":             {functionConfig(name, dir, "tracing_config {\n mode = \"On\"\n}"), `must be one of Active, PassThrough`},
		"wrong hash":           {functionConfig(name, dir, `code_sha256 = "x"`), `another hash`},
		"not a zip":            {regexp.MustCompile(`source_dir +=.*`).ReplaceAllString(functionConfig(name, dir, ""), fmt.Sprintf("filename = %q", filepath.Join(dir, "app.py"))), `Not a zip archive`},
	}
	for step, tt := range steps {
		t.Run(step, func(t *testing.T) {
			sequence(t, resource.TestStep{Config: tt.config, PlanOnly: true, ExpectError: regexp.MustCompile(tt.want)})
		})
	}
}

func TestFunctionExistsAlready(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	two := functionConfig(name, dir, "") + regexp.MustCompile(`"test"`).ReplaceAllString(functionConfig(name, dir, "depends_on = [lambda_function.test]"), `"other"`)
	sequence(t, resource.TestStep{Config: two, ExpectError: regexp.MustCompile(`(?s)already exist.*import`)})
}

// A failed update leaves the state as it was, so that the next plan tries again.
func TestFunctionFailedUpdateIsTriedAgain(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	sequence(t,
		resource.TestStep{Config: functionConfig(name, dir, "")},
		resource.TestStep{Config: functionConfig(name, dir, `memory_size = 20000`), ExpectError: regexp.MustCompile(`(?s)memory_size|MemorySize`)},
		resource.TestStep{Config: functionConfig(name, dir, `memory_size = 200`), ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate))},
	)
}

func TestFunctionSkipDestroy(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	resource.ParallelTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{Config: functionConfig(name, dir, `skip_destroy = true`)},
			{Config: functionConfig(name, dir, `skip_destroy = true`), Destroy: true},
		},
	})
	if _, err := acctest.Lambda().DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
		t.Errorf("the function should still be there: %v", err)
	}
}

// What is saved is live without an apply; the tag that does it is shown, and is nobody's drift.
func TestFunctionHotReload(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := functionConfig(name, dir, "publish = true\n hot_reload = true\n tags = { stage = \"dev\" }")
	answers := func(function, want string) func() {
		return func() {
			out, err := acctest.Lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &function})
			if err != nil || string(out.Payload) != want {
				t.Errorf("%s answers %s, %v, want %s", function, out.Payload, err, want)
			}
		}
	}
	save := func(answer string) {
		acctest.Write(t, filepath.Join(dir, "app.py"), "def handler(event, context):\n    return "+answer+"\n")
	}
	save("1")
	sequence(t,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				attribute("tags", knownvalue.MapExact(map[string]knownvalue.Check{"stage": text("dev")})),
				attribute("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{"stage": text("dev"), "lambdaform:hot-reload": text(dir)})),
			},
		},
		resource.TestStep{PreConfig: answers(name, "1"), Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			PreConfig: func() { save("2"); answers(name, "2")(); answers(name+":1", "1")() },
			Config:    config, ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
		},
		resource.TestStep{PreConfig: func() { answers(name+":2", "2")(); save("3"); answers(name, "3")(); save("2") }, Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			Config:            functionConfig(name, dir, "publish = true"),
			ConfigStateChecks: []statecheck.StateCheck{attribute("tags_all", knownvalue.MapExact(map[string]knownvalue.Check{}))},
		},
		resource.TestStep{PreConfig: func() { save("4"); answers(name, "2")() }, Config: functionConfig(name, dir, "publish = true")},
	)
}
