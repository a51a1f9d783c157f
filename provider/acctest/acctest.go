// Package acctest runs acceptance tests: real Terraform, this provider, and an
// engine, all of them in one go and without a network.
package acctest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/provider"
)

// Role is a role for functions.
const Role = "arn:aws:iam::123456789012:role/test"

// version is that of the provider and of the engine.
const version = "test"

// Run runs a package's tests with an engine of their own. TestMain calls it:
//
//	func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }
func Run(m *testing.M) int {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "acceptance tests:", err)
		return 1
	}
	return code
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "lambda-acctest-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if binary == "" {
		if binary, err = exec.LookPath("terraform"); err != nil {
			return 0, fmt.Errorf("they need the terraform command: put it on the PATH, or set TF_ACC_TERRAFORM_PATH: %w", err)
		}
	}
	// The developer's own settings of Terraform must not get in the way.
	config := filepath.Join(dir, "terraformrc")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return 0, err
	}
	e, err := engine.Start(context.Background(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "engine"), Driver: "process", Version: version,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	for name, value := range map[string]string{
		"TF_ACC": "1", "TF_ACC_TERRAFORM_PATH": binary, "TF_CLI_CONFIG_FILE": config, "CHECKPOINT_DISABLE": "1",
		"LAMBDA_TARGET": "local", "LAMBDA_ENGINE_ENDPOINT": e.URL(), "AWS_REGION": "us-east-1",
	} {
		if err := os.Setenv(name, value); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// Factories make the provider.
func Factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"lambda": providerserver.NewProtocol6WithError(provider.New(version)()),
	}
}

// Lambda returns a client of the engine, to change things behind Terraform's back.
func Lambda() *lambda.Client { return lambda.NewFromConfig(config()) }

// Kinesis returns a client of the engine's streams.
func Kinesis() *kinesis.Client { return kinesis.NewFromConfig(config()) }

// SQS returns a client of the engine's queues.
func SQS() *sqs.Client { return sqs.NewFromConfig(config()) }

func config() aws.Config {
	endpoint := os.Getenv("LAMBDA_ENGINE_ENDPOINT")
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Name returns a name of the test's own, good for a function.
func Name(t *testing.T) string {
	t.Helper()
	name := strings.NewReplacer("/", "-", "_", "-", " ", "-", "#", "").Replace(strings.TrimPrefix(t.Name(), "Test"))
	return name[:min(len(name), 40)] + fmt.Sprintf("-%d", time.Now().UnixNano()%1e6)
}

// Source makes a directory with files, given as "name=content", and returns it.
func Source(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		Write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// Write writes a file, and the directory that it is in.
func Write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Stream makes a Kinesis stream for a test and returns its ARN.
func Stream(t *testing.T) string {
	t.Helper()
	ctx, name := context.Background(), Name(t)
	if _, err := Kinesis().CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := Kinesis().DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &name}); err != nil {
			t.Error(err)
		}
	})
	out, err := Kinesis().DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.StreamDescriptionSummary.StreamARN)
}

// Gone is a CheckDestroy: nothing of the state is left in the engine.
func Gone(s *terraform.State) error {
	ctx, client := context.Background(), Lambda()
	for _, module := range s.Modules {
		for address, r := range module.Resources {
			a := r.Primary.Attributes
			var err error
			switch r.Type {
			case "lambda_function":
				_, err = client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(a["function_name"])})
			case "lambda_alias":
				_, err = client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: aws.String(a["function_name"]), Name: aws.String(a["name"])})
			case "lambda_version":
				_, err = client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(a["function_name"]), Qualifier: aws.String(a["version"])})
			case "lambda_event_source_mapping":
				_, err = client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: aws.String(a["uuid"])})
			default:
				continue
			}
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != "ResourceNotFoundException" {
				return fmt.Errorf("%s is still there (error: %w)", address, err)
			}
		}
	}
	return nil
}
