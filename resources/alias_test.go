package resources_test

import (
	"fmt"
	"regexp"
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

const live = "lambda_alias.test"

// aliasConfig is a function with versions, and an alias with the given lines.
func aliasConfig(name, dir, function, lines string) string {
	return versionConfig(name, dir, "", "") + fmt.Sprintf(`
resource "lambda_alias" "test" {
  function_name = %s
  %s
  depends_on    = [lambda_version.test]
}
`, function, lines)
}

func TestAliasPromotion(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	const byName, byARN = "lambda_function.test.function_name", "lambda_function.test.arn"
	pointing := func(version string) string { return "name = \"live\"\n function_version = \"" + version + "\"" }
	arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name + ":live"
	update := planned(plancheck.ExpectResourceAction(live, plancheck.ResourceActionUpdate), plancheck.ExpectKnownValue(live, tfjsonpath.New("arn"), text(arn)))
	sequence(t,
		resource.TestStep{Config: aliasConfig(name, dir, byName, pointing("1")), ConfigStateChecks: []statecheck.StateCheck{
			is(live, "arn", text(arn)), is(live, "id", text(arn)), is(live, "function_version", text("1")),
			is(live, "invoke_arn", text("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"+arn+"/invocations")),
		}},
		resource.TestStep{Config: aliasConfig(name, dir, byName, pointing("1")), ConfigPlanChecks: empty},
		resource.TestStep{Config: aliasConfig(name, dir, byARN, pointing("1")), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: live, ImportState: true, ImportStateId: name + "/live", ImportStateVerify: true},
		resource.TestStep{ResourceName: live, ImportState: true, ImportStateVerify: true},
		resource.TestStep{PreConfig: change(t, dir, "two"), Config: aliasConfig(name, dir, byName, pointing("1")), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(live, plancheck.ResourceActionNoop))},
		// Promote, and roll back.
		resource.TestStep{Config: aliasConfig(name, dir, byName, pointing("2")), ConfigPlanChecks: update, ConfigStateChecks: []statecheck.StateCheck{is(live, "function_version", text("2"))}},
		resource.TestStep{Config: aliasConfig(name, dir, byName, pointing("1")), ConfigPlanChecks: update},
		resource.TestStep{Config: aliasConfig(name, dir, byName, pointing("$LATEST")), ConfigPlanChecks: update},
		resource.TestStep{Config: aliasConfig(name, dir, byName, "name = \"beta\"\n function_version = \"1\""), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(live, plancheck.ResourceActionDestroyBeforeCreate))},
	)
}

func TestAliasRouting(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(lines string) string {
		return aliasConfig(name, dir, "lambda_function.test.function_name", "name = \"live\"\n function_version = \"1\"\n"+lines)
	}
	canary := config("routing_config {\n additional_version_weights = { \"2\" = 0.1 }\n}")
	sequence(t,
		resource.TestStep{Config: config("")},
		resource.TestStep{PreConfig: change(t, dir, "two"), Config: config("description = \"d\"")},
		resource.TestStep{Config: canary, ConfigStateChecks: []statecheck.StateCheck{
			is(live, "description", knownvalue.Null()),
			is(live, "routing_config", knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
				"additional_version_weights": knownvalue.MapExact(map[string]knownvalue.Check{"2": knownvalue.Float64Exact(0.1)}),
			})})),
		}},
		resource.TestStep{Config: canary, ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: live, ImportState: true, ImportStateVerify: true},
		resource.TestStep{Config: config("routing_config {\n additional_version_weights = {}\n}")},
		resource.TestStep{Config: config("routing_config {}"), ConfigPlanChecks: planned(plancheck.ExpectResourceAction(live, plancheck.ResourceActionUpdate))},
		resource.TestStep{Config: config(""), ConfigStateChecks: []statecheck.StateCheck{is(live, "routing_config", knownvalue.ListSizeExact(0))}},
		resource.TestStep{Config: config(""), ConfigPlanChecks: empty},
	)
}

func TestAliasDrift(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := aliasConfig(name, dir, "lambda_function.test.function_name", "name = \"live\"\n function_version = \"1\"")
	client, ctx := acctest.Lambda(), t.Context()
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				if _, err := client.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: &name, Name: aws.String("live"), FunctionVersion: aws.String("$LATEST")}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(live, plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{is(live, "function_version", text("1"))},
		},
		resource.TestStep{
			PreConfig: func() {
				if _, err := client.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: &name, Name: aws.String("live")}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(live, plancheck.ResourceActionCreate)),
		},
	)
}

func TestAliasErrors(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(lines string) string {
		return aliasConfig(name, dir, "lambda_function.test.function_name", lines)
	}
	weights := func(version, weights string) string {
		return config("name = \"x\"\n function_version = \"" + version + "\"\n routing_config {\n additional_version_weights = {" + weights + "}\n}")
	}
	steps := map[string]struct{ config, want string }{
		"name is a number":     {config("name = \"12\"\n function_version = \"1\""), `cannot be a number`},
		"name with a space":    {config("name = \"a b\"\n function_version = \"1\""), `1 to 128 letters`},
		"version is a name":    {config("name = \"x\"\n function_version = \"live\""), `number or \$LATEST`},
		"two weights":          {weights("1", "\"2\" = 0.1, \"3\" = 0.1"), `one version besides`},
		"weight too large":     {weights("1", "\"2\" = 1.5"), `between 0 and 1`},
		"weight of $LATEST":    {weights("1", "\"$LATEST\" = 0.5"), `only a published version`},
		"weight of itself":     {weights("1", "\"1\" = 0.5"), `is function_version`},
		"weights with $LATEST": {weights("$LATEST", "\"1\" = 0.5"), `alias of \$LATEST`},
	}
	for step, tt := range steps {
		t.Run(step, func(t *testing.T) {
			sequence(t, resource.TestStep{Config: tt.config, PlanOnly: true, ExpectError: regexp.MustCompile(tt.want)})
		})
	}
	t.Run("missing version", func(t *testing.T) {
		sequence(t, resource.TestStep{
			Config:      config("name = \"x\"\n function_version = \"77\""),
			ExpectError: regexp.MustCompile(`(?s)function_version = "77".*Function not found.*newest version of the function is 1`),
		})
	})
}
