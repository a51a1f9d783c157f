// Command terraform-provider-lambda is a Terraform provider for AWS Lambda, a
// local engine that implements AWS Lambda on one machine, and the command line of
// both. Terraform starts it without arguments and with a cookie in the
// environment; a person starts it with a command.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/lambdaform/terraform-provider-lambda/cli"
	"github.com/lambdaform/terraform-provider-lambda/provider"
)

// version is set at build time.
var version = "dev"

const address = "registry.terraform.io/lambdaform/lambda"

func main() {
	debug := len(os.Args) == 2 && os.Args[1] == "-debug"
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") == "" && !debug {
		os.Exit(cli.Run(context.Background(), version, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	quietSDK()
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{Address: address, Debug: debug})
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// quietSDK keeps the plugin SDK from tracing every step to Terraform, which throws
// it away unless TF_LOG asks for it: a third of the time of a plan.
func quietSDK() {
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "TF_LOG") {
			return
		}
	}
	_ = os.Setenv("TF_LOG_SDK", "ERROR")
}
