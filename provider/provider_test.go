package provider_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lambdaform/terraform-provider-lambda/cli"
	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

// TestMain makes this test binary the engine that the provider starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "engine" {
		os.Exit(cli.Run(context.Background(), "test", os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(acctest.Run(m))
}

func config(t *testing.T, provider, name string) string {
	t.Helper()
	dir := acctest.Source(t, "app.py=def handler(event, context):\n    return 1\n")
	return provider + fmt.Sprintf(`
resource "lambda_function" "test" {
  function_name = %q
  role          = %q
  runtime       = "python3.13"
  handler       = "app.handler"
  source_dir    = %q
}
`, name, acctest.Role, dir)
}

func run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: acctest.Factories(), Steps: steps})
}

func arnIs(arn string) []statecheck.StateCheck {
	return []statecheck.StateCheck{statecheck.ExpectKnownValue("lambda_function.test", tfjsonpath.New("arn"), knownvalue.StringExact(arn))}
}

var empty = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}

// freeAddress returns an address of this machine that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The provider finds no engine, starts one, and leaves it running.
func TestAutostart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	name, o := acctest.Name(t), daemon.Options{Endpoint: "http://" + freeAddress(t), DataDir: dir, Version: "test"}
	t.Setenv("LAMBDA_ENGINE_DRIVER", "process")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := daemon.Stop(ctx, o); err != nil {
			t.Error(err)
		}
	})
	block := fmt.Sprintf("provider \"lambda\" {\n  engine {\n    endpoint = %q\n    data_dir = %q\n  }\n}\n", o.Endpoint, dir)
	text := config(t, block, name)
	var first int
	run(t,
		resource.TestStep{Config: text, ConfigStateChecks: arnIs("arn:aws:lambda:us-east-1:000000000000:function:" + name)},
		resource.TestStep{PreConfig: func() { first = health(t, o) }, Config: text, ConfigPlanChecks: empty},
	)
	if again := health(t, o); again != first {
		t.Errorf("engine %d became engine %d", first, again)
	}
}

func health(t *testing.T, o daemon.Options) int {
	t.Helper()
	h, err := daemon.Find(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return h.PID
}

// An engine that asks for signatures has issued a key, which the provider finds;
// where it was given credentials, they are the provider's to tell.
func TestStrictEngine(t *testing.T) {
	for name, credentials := range map[string]map[string]wire.Credential{"issued": nil, "configured": {"AKIATERRAFORM": {SecretKey: "secret", Identity: wire.Root("111111111111")}}} {
		t.Run(name, func(t *testing.T) {
			e, err := engine.Start(context.Background(), engine.Config{
				Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Version: "test", Authentication: "strict", Credentials: credentials,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
			block := func(keys string) string {
				return fmt.Sprintf("provider \"lambda\" {\n  %s\n  engine {\n    endpoint = %q\n  }\n}\n", keys, e.URL())
			}
			function, account, keys := acctest.Name(t), "000000000000", ""
			if credentials != nil {
				account, keys = "111111111111", "access_key = \"AKIATERRAFORM\"\n  secret_key = \"secret\""
			}
			text := config(t, block(keys), function)
			run(t,
				resource.TestStep{Config: config(t, block("access_key = \"AKIANOBODY\"\n  secret_key = \"x\""), function), ExpectError: regexp.MustCompile("UnrecognizedClientException")},
				resource.TestStep{Config: text, ConfigStateChecks: arnIs("arn:aws:lambda:us-east-1:" + account + ":function:" + function)},
				resource.TestStep{Config: text, ConfigPlanChecks: empty},
			)
		})
	}
}

func TestNoAutostart(t *testing.T) {
	block := fmt.Sprintf("provider \"lambda\" {\n  engine {\n    endpoint  = \"http://%s\"\n    autostart = false\n  }\n}\n", freeAddress(t))
	run(t, resource.TestStep{Config: config(t, block, acctest.Name(t)), ExpectError: regexp.MustCompile(`(?s)No engine is running.*engine start -d\s+--listen`)})
}

// A configuration that depends on what an apply makes is not guessed at: planned
// without a connection, it is applied with one.
func TestUnknownConfiguration(t *testing.T) {
	name := acctest.Name(t)
	text := config(t, fmt.Sprintf(`
resource "terraform_data" "endpoint" {
  input = %q
}
provider "lambda" {
  engine {
    endpoint = terraform_data.endpoint.output
  }
}
`, os.Getenv("LAMBDA_ENGINE_ENDPOINT")), name)
	run(t,
		resource.TestStep{Config: text, ConfigStateChecks: arnIs("arn:aws:lambda:us-east-1:000000000000:function:" + name)},
		resource.TestStep{Config: text, ConfigPlanChecks: empty},
	)
}

// The engine answers as AWS does, so it can stand in for AWS.
func TestTargetAWS(t *testing.T) {
	endpoint := os.Getenv("LAMBDA_ENGINE_ENDPOINT")
	name := acctest.Name(t)
	block := func(more string) string {
		return fmt.Sprintf(`
provider "lambda" {
  target     = "aws"
  region     = "eu-west-1"
  access_key = "123456789012"
  secret_key = "secret"
  endpoints {
    lambda = %q
    sts    = %q
  }
  %s
}
`, endpoint, endpoint, more)
	}
	run(t,
		resource.TestStep{Config: config(t, block(`allowed_account_ids = ["999999999999"]`), name), ExpectError: regexp.MustCompile(`belong\s+to\s+account\s+123456789012`)},
		resource.TestStep{
			Config:            config(t, block(`allowed_account_ids = ["123456789012"]`), name),
			ConfigStateChecks: arnIs("arn:aws:lambda:eu-west-1:123456789012:function:" + name),
		},
	)
}

func TestRegionOfAResource(t *testing.T) {
	name := acctest.Name(t)
	text := func(region string) string {
		return regexp.MustCompile(`(?m)^  role `).ReplaceAllString(config(t, "", name), "  region = \""+region+"\"\n  role ")
	}
	run(t,
		resource.TestStep{Config: text("eu-west-1"), ConfigStateChecks: arnIs("arn:aws:lambda:eu-west-1:000000000000:function:" + name)},
		resource.TestStep{
			Config:            text("us-west-2"),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("lambda_function.test", plancheck.ResourceActionDestroyBeforeCreate)}},
			ConfigStateChecks: arnIs("arn:aws:lambda:us-west-2:000000000000:function:" + name),
		},
	)
}

func TestConfigurationErrors(t *testing.T) {
	tests := map[string]struct{ block, want string }{
		"unknown target":  {`target = "moon"`, `must be one of`},
		"two endpoints":   {"endpoints {\n lambda = \"http://localhost:1\"\n}", `engine.endpoint`},
		"key alone":       {`access_key = "x"`, `secret_key`},
		"bad duration":    {"target = \"aws\"\nassume_role {\n role_arn = \"arn:aws:iam::123456789012:role/x\"\n duration = \"soon\"\n}", `Not a duration`},
		"no engine there": {"engine {\n endpoint = \"ftp://x\"\n}", `unsupported protocol`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			run(t, resource.TestStep{Config: config(t, "provider \"lambda\" {\n"+tt.block+"\n}\n", "x"), PlanOnly: true, ExpectError: regexp.MustCompile(tt.want)})
		})
	}
}
