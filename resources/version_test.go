package resources_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

const published = "lambda_version.test"

// versionConfig is a function and a version of it.
func versionConfig(name, dir, function, version string) string {
	return functionConfig(name, dir, function) + fmt.Sprintf(`
resource "lambda_version" "test" {
  function_name = lambda_function.test.function_name
  code_sha256   = lambda_function.test.code_sha256
  triggers      = { config = lambda_function.test.config_sha256 }
  %s
}
`, version)
}

func aliasOf(name, version string) string {
	return fmt.Sprintf(`
resource "lambda_alias" "test" {
  function_name    = lambda_function.test.function_name
  name             = %q
  function_version = %s
  depends_on       = [lambda_version.test]
}
`, name, version)
}

func is(address, attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), value)
}

func versionIs(number string) []statecheck.StateCheck {
	return []statecheck.StateCheck{is(published, "version", text(number))}
}

func change(t *testing.T, dir, result string) func() {
	t.Helper()
	return func() {
		acctest.Write(t, filepath.Join(dir, "app.py"), "def handler(event, context):\n    return '"+result+"'\n")
	}
}

func TestVersionFollowsCodeAndConfiguration(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := versionConfig(name, dir, "", "")
	sequence(t,
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{
			is(published, "version", text("1")), is(published, "id", text(name+"/1")),
			is(published, "arn", text("arn:aws:lambda:us-east-1:000000000000:function:"+name+":1")), is(published, "runtime", text("python3.13")),
		}},
		resource.TestStep{Config: config, ConfigPlanChecks: empty},
		resource.TestStep{
			ResourceName: published, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"triggers"},
		},
		resource.TestStep{
			PreConfig: change(t, dir, "two"), Config: config,
			ConfigPlanChecks:  planned(plancheck.ExpectResourceAction(published, plancheck.ResourceActionDestroyBeforeCreate), plancheck.ExpectUnknownValue(published, tfjsonpath.New("version"))),
			ConfigStateChecks: versionIs("2"),
		},
		resource.TestStep{Config: versionConfig(name, dir, "timeout = 9", ""), ConfigStateChecks: versionIs("3")},
		resource.TestStep{Config: versionConfig(name, dir, "timeout = 9", ""), ConfigPlanChecks: empty},
		resource.TestStep{Config: versionConfig(name, dir, "timeout = 9\n  tags = { a = 1 }", ""), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(published, plancheck.ResourceActionNoop))},
		resource.TestStep{Config: versionConfig(name, dir, "timeout = 9", "description = \"tagged\""), ConfigStateChecks: []statecheck.StateCheck{is(published, "description", text("tagged"))}},
	)
}

// numbers returns the published versions of a function.
func numbers(t *testing.T, name string) string {
	t.Helper()
	out, err := acctest.Lambda().ListVersionsByFunction(t.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, v := range out.Versions {
		all += " " + aws.ToString(v.Version)
	}
	return all
}

func expectVersions(t *testing.T, name, want string) func() {
	t.Helper()
	return func() {
		if got := numbers(t, name); got != want {
			t.Errorf("the function has the versions%s, not%s", got, want)
		}
	}
}

func TestVersionKeepsWhatAnAliasNeeds(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	pinned := versionConfig(name, dir, "", "skip_destroy = false") + aliasOf("live", `"1"`)
	loose := versionConfig(name, dir, "", "skip_destroy = false")
	sequence(t,
		resource.TestStep{Config: loose, ConfigStateChecks: versionIs("1")},
		resource.TestStep{Config: pinned},
		// Version 1 goes out of the state, but stays: live needs it.
		resource.TestStep{PreConfig: change(t, dir, "two"), Config: pinned, ConfigStateChecks: versionIs("2")},
		resource.TestStep{PreConfig: expectVersions(t, name, " $LATEST 1 2"), Config: pinned, ConfigPlanChecks: empty},
		// Version 2 is nobody's: replaced is removed.
		resource.TestStep{PreConfig: change(t, dir, "three"), Config: pinned, ConfigStateChecks: versionIs("3")},
		resource.TestStep{PreConfig: expectVersions(t, name, " $LATEST 1 3"), Config: pinned, ConfigPlanChecks: empty},
	)
}

func TestVersionKeepLast(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := versionConfig(name, dir, "", "keep_last = 2") + aliasOf("live", `"1"`)
	sequence(t,
		resource.TestStep{Config: versionConfig(name, dir, "", "keep_last = 2")},
		resource.TestStep{PreConfig: change(t, dir, "two"), Config: config},
		resource.TestStep{PreConfig: change(t, dir, "three"), Config: config},
		resource.TestStep{PreConfig: change(t, dir, "four"), Config: config, ConfigStateChecks: versionIs("4")},
		resource.TestStep{PreConfig: expectVersions(t, name, " $LATEST 1 3 4"), Config: config, ConfigPlanChecks: empty},
	)
}

func TestVersionDisappears(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := versionConfig(name, dir, "", "")
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				if _, err := acctest.Lambda().DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &name, Qualifier: aws.String("1")}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(published, plancheck.ResourceActionCreate)), ConfigStateChecks: versionIs("2"),
		},
	)
}
