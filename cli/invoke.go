package cli

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/lambdaform/terraform-provider-lambda/engine/daemon"
)

type invocation struct {
	payload string
	file    string
	async   bool
	tail    bool
	watch   string // directory
}

func (a *app) invokeCommand() *cobra.Command {
	var v invocation
	cmd := &cobra.Command{
		Use:   "invoke FUNCTION[:QUALIFIER] [-]",
		Short: "Run a function and print its result",
		Long:  "Runs a function on the engine. The result goes to stdout, the log to stderr. Exits with 1 when the function failed.",
		Example: `  terraform-provider-lambda invoke hello:live -p '{"name": "Ada"}' --tail
  echo '{"name": "Ada"}' | terraform-provider-lambda invoke hello -
  terraform-provider-lambda invoke hello --tail --watch src`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			payload, err := v.event(cmd, args[1:])
			if err != nil {
				return err
			}
			if v.watch != "" {
				return a.watch(cmd, args[0], v.watch, func() error { return a.invoke(cmd, args[0], payload, v) })
			}
			return a.invoke(cmd, args[0], payload, v)
		},
	}
	cmd.Flags().StringVarP(&v.payload, "payload", "p", "", "event, as JSON")
	cmd.Flags().StringVarP(&v.file, "file", "f", "", "file with the event")
	cmd.Flags().BoolVar(&v.async, "async", false, "queue the event and do not wait")
	cmd.Flags().BoolVar(&v.tail, "tail", false, "print the end of the log")
	cmd.Flags().StringVar(&v.watch, "watch", "", "run the code in this directory, and again whenever something is saved there")
	cmd.MarkFlagsMutuallyExclusive("payload", "file")
	cmd.MarkFlagsMutuallyExclusive("async", "tail")
	return cmd
}

// event returns the event to send: {} unless one is given.
func (v invocation) event(cmd *cobra.Command, args []string) ([]byte, error) {
	switch {
	case len(args) == 1 && args[0] != "-":
		return nil, usageError{fmt.Errorf("unexpected argument %q: give the event with -p, -f or -", args[0])}
	case len(args) == 1 && (v.payload != "" || v.file != ""):
		return nil, usageError{errors.New("give the event once: with -p, -f or -")}
	case len(args) == 1 || v.file == "-":
		return io.ReadAll(cmd.InOrStdin())
	case v.file != "":
		return os.ReadFile(v.file)
	case v.payload != "":
		return []byte(v.payload), nil
	}
	return []byte("{}"), nil
}

func (a *app) invoke(cmd *cobra.Command, function string, payload []byte, v invocation) error {
	in := &lambda.InvokeInput{FunctionName: &function, Payload: payload}
	if v.async {
		in.InvocationType = types.InvocationTypeEvent
	}
	if v.tail {
		in.LogType = types.LogTypeTail
	}
	client, err := a.lambda(cmd.Context())
	if err != nil {
		return fmt.Errorf("invoke %s: %w", function, err)
	}
	out, err := client.Invoke(cmd.Context(), in)
	if err != nil {
		return a.explain(cmd.Context(), "invoke "+function, err)
	}
	if out.LogResult != nil {
		tail, err := base64.StdEncoding.DecodeString(*out.LogResult)
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", function, err)
		}
		fmt.Fprintln(cmd.ErrOrStderr(), strings.TrimRight(string(tail), "\n"))
	}
	if v.async {
		fmt.Fprintln(cmd.ErrOrStderr(), "Accepted.")
		return nil
	}
	fmt.Fprintln(cmd.OutOrStdout(), string(out.Payload))
	if out.FunctionError != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "Error: %s failed (%s).\n", function, *out.FunctionError)
		return errReported
	}
	return nil
}

// lambda returns a client of the engine.
func (a *app) lambda(ctx context.Context) (*lambda.Client, error) {
	key, err := a.key(ctx)
	if err != nil {
		return nil, err
	}
	return lambda.New(lambda.Options{
		Region:           a.region,
		BaseEndpoint:     &a.endpoint,
		Credentials:      aws.NewCredentialsCache(credentials.StaticCredentialsProvider{Value: key}),
		RetryMaxAttempts: 1,
	}), nil
}

// key is what to sign requests to the engine with: its own key, where it has issued
// one and takes no other, or AWS's variables. Where nothing is verified, an access
// key of 12 digits is the account of that number, and any other the engine's own.
func (a *app) key(ctx context.Context) (aws.Credentials, error) {
	key := aws.Credentials{AccessKeyID: env("AWS_ACCESS_KEY_ID", "test"), SecretAccessKey: env("AWS_SECRET_ACCESS_KEY", "test")}
	health, err := daemon.Find(ctx, daemon.Options{Endpoint: a.endpoint})
	if err != nil {
		return key, err
	}
	issued, err := health.Key()
	if err != nil && os.Getenv("AWS_ACCESS_KEY_ID") != "" {
		return key, nil // of an engine whose data directory is elsewhere
	}
	if issued != nil {
		key = aws.Credentials{AccessKeyID: issued.AccessKeyID, SecretAccessKey: issued.SecretAccessKey}
	}
	return key, err
}

// explain turns an error of a client into one that says what to do.
func (a *app) explain(ctx context.Context, doing string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s: %s", doing, api.ErrorCode(), api.ErrorMessage())
	}
	if _, findErr := daemon.Find(ctx, daemon.Options{Endpoint: a.endpoint}); findErr != nil {
		return fmt.Errorf("%s: %w", doing, findErr)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
