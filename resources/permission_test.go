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

const allowed = "lambda_permission.test"

func permissionConfig(name, dir, lines string) string {
	return functionConfig(name, dir, "publish = true") + fmt.Sprintf(`
resource "lambda_permission" "test" {
  action = "lambda:InvokeFunction"
  %s
}
`, lines)
}

func TestPermission(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	const byName, byARN = "\nfunction_name = lambda_function.test.function_name", "\nfunction_name = lambda_function.test.arn"
	s3 := "statement_id = \"from-s3\"\n principal = \"s3.amazonaws.com\"\n source_arn = \"arn:aws:s3:::bucket\"\n source_account = \"123456789012\""
	replaced := planned(plancheck.ExpectResourceAction(allowed, plancheck.ResourceActionDestroyBeforeCreate))
	sequence(t,
		resource.TestStep{Config: permissionConfig(name, dir, s3+byName), ConfigStateChecks: []statecheck.StateCheck{
			is(allowed, "id", text("from-s3")), is(allowed, "qualifier", knownvalue.Null()),
		}},
		resource.TestStep{Config: permissionConfig(name, dir, s3+byName), ConfigPlanChecks: empty},
		resource.TestStep{Config: permissionConfig(name, dir, s3+byARN), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: allowed, ImportState: true, ImportStateId: name + "/from-s3", ImportStateVerify: true},
		resource.TestStep{Config: permissionConfig(name, dir, strings.Replace(s3, "bucket", "other", 1)+byName), ConfigPlanChecks: replaced},
		// An account and the ARN of its root are the same.
		resource.TestStep{Config: permissionConfig(name, dir, "statement_id = \"them\"\nprincipal = \"210987654321\"\nqualifier = \"1\""+byName), ConfigPlanChecks: replaced},
		resource.TestStep{Config: permissionConfig(name, dir, "statement_id = \"them\"\nprincipal = \"arn:aws:iam::210987654321:root\"\nqualifier = \"1\""+byName), ConfigPlanChecks: empty},
		resource.TestStep{ResourceName: allowed, ImportState: true, ImportStateId: name + ":1/them", ImportStateVerify: true},
		resource.TestStep{Config: permissionConfig(name, dir, "statement_id = \"them\"\nprincipal = \"*\"\nfunction_name = \"${lambda_function.test.function_name}:1\""), ConfigPlanChecks: replaced},
		resource.TestStep{Config: permissionConfig(name, dir, "statement_id = \"them\"\nprincipal = \"*\"\nfunction_name = \"${lambda_function.test.function_name}:1\""), ConfigPlanChecks: empty},
	)
}

func TestPermissionStatementIDs(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	rest := "\nfunction_name = lambda_function.test.function_name\nprincipal = \"events.amazonaws.com\""
	sequence(t,
		resource.TestStep{Config: permissionConfig(name, dir, rest), ConfigStateChecks: []statecheck.StateCheck{is(allowed, "statement_id", knownvalue.StringRegexp(regexp.MustCompile(`^terraform-\w+$`)))}},
		resource.TestStep{Config: permissionConfig(name, dir, rest), ConfigPlanChecks: empty},
		resource.TestStep{Config: permissionConfig(name, dir, rest+"\nstatement_id_prefix = \"my-\""), ConfigStateChecks: []statecheck.StateCheck{is(allowed, "statement_id", knownvalue.StringRegexp(regexp.MustCompile(`^my-\w+$`)))}},
		resource.TestStep{Config: permissionConfig(name, dir, rest+"\nstatement_id_prefix = \"my-\""), ConfigPlanChecks: empty},
	)
}

// Statements that are added and removed at the same time do not get lost.
func TestPermissionsInParallel(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := func(n int) string {
		return functionConfig(name, dir, "") + fmt.Sprintf(`
resource "lambda_permission" "many" {
  count         = %d
  statement_id  = "s${count.index}"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  function_name = count.index %% 2 == 0 ? lambda_function.test.function_name : lambda_function.test.arn
}
`, n)
	}
	has := func(n int) func(*terraform.State) error {
		return func(*terraform.State) error {
			out, err := acctest.Lambda().GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: &name})
			if err != nil {
				return err
			}
			if got := strings.Count(aws.ToString(out.Policy), `"Sid"`); got != n {
				return fmt.Errorf("%d statements, want %d", got, n)
			}
			return nil
		}
	}
	sequence(t,
		resource.TestStep{Config: config(10), Check: has(10)},
		resource.TestStep{Config: config(3), Check: has(3)},
		resource.TestStep{Config: config(3), ConfigPlanChecks: empty},
	)
}

func TestPermissionDisappears(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	config := permissionConfig(name, dir, "statement_id = \"x\"\nfunction_name = lambda_function.test.function_name\nprincipal = \"*\"")
	sequence(t,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				if _, err := acctest.Lambda().RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: &name, StatementId: aws.String("x")}); err != nil {
					t.Fatal(err)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ExpectResourceAction(allowed, plancheck.ResourceActionCreate)),
		},
	)
}

func TestPermissionErrors(t *testing.T) {
	name, dir := acctest.Name(t), source(t)
	rest := "\nfunction_name = lambda_function.test.function_name\nprincipal = \"events.amazonaws.com\"\n"
	twice := permissionConfig(name, dir, "statement_id = \"a\""+rest) + `
resource "lambda_permission" "twice" {
  action        = "lambda:InvokeFunction"
  statement_id  = lambda_permission.test.statement_id
  function_name = lambda_function.test.function_name
  principal     = "*"
}
`
	steps := map[string]struct{ config, want string }{
		"duplicate":       {twice, `(?s)with\s+lambda_permission.twice.*statement_id\s+=.*already exists`},
		"two ids":         {permissionConfig(name, dir, "statement_id = \"a\"\nstatement_id_prefix = \"b\""+rest), `cannot be specified when`},
		"bad action":      {strings.Replace(permissionConfig(name, dir, rest), "lambda:InvokeFunction", "s3:Get", 1), `lambda: and the name of an\s+action`},
		"bad account":     {permissionConfig(name, dir, "source_account = \"1\""+rest), `12 digits`},
		"bad source":      {permissionConfig(name, dir, "source_arn = \"bucket\""+rest), `not an ARN`},
		"qualifier is no": {permissionConfig(name, dir, "qualifier = \"nope\""+rest), `(?s)qualifier\s+=.*alias`},
	}
	for step, tt := range steps {
		t.Run(step, func(t *testing.T) {
			own := strings.ReplaceAll(tt.config, name, acctest.Name(t))
			sequence(t, resource.TestStep{Config: own, ExpectError: regexp.MustCompile(tt.want)})
		})
	}
}
