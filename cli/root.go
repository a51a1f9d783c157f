// Package cli is the command line: a thin layer over engine, packaging and deploy.
//
// Commands print data on stdout and everything else on stderr. They exit with 0
// when all went well, 1 when something failed and 2 when they were called wrongly.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errReported fails a command that has said already what is wrong.
var errReported = errors.New("reported")

// usageError says that a command was called wrongly.
type usageError struct{ error }

// app is what all commands share.
type app struct {
	version  string
	endpoint string
	region   string
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, version string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(&app{version: version})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(stderr, "Error: %v\nSee %s --help.\n", err, command.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(stderr, "Error: %v\n", err)
	return exitFailed
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "terraform-provider-lambda",
		Short:         "AWS Lambda on this machine, for Terraform and for you",
		Long:          "A Terraform provider for AWS Lambda (started by Terraform itself), and a local engine that runs functions on this machine with AWS's API.",
		Version:       a.version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return usageError{errors.New("a command is missing")}
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&a.endpoint, "endpoint", env("LAMBDA_ENGINE_ENDPOINT", daemon.DefaultEndpoint), "where the engine answers ($LAMBDA_ENGINE_ENDPOINT)")
	root.PersistentFlags().StringVar(&a.region, "region", env("AWS_REGION", "us-east-1"), "region to work in ($AWS_REGION)")
	root.AddCommand(a.engineCommand(), a.invokeCommand(), a.logsCommand(), a.metricsCommand())
	return root
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
