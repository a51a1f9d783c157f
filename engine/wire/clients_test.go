package wire

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TestBoto3 runs the Python SDK against the server, where it is installed: it
// sends no Content-Type with Invoke and reads errors in its own way.
func TestBoto3(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed")
	}
	c := newCloud(t)
	const script = `
import boto3, sys
from botocore.config import Config
from botocore.exceptions import ClientError
keys = dict(region_name="us-west-2", endpoint_url=sys.argv[1], aws_access_key_id="111122223333", aws_secret_access_key="s", config=Config(retries={"total_max_attempts": 1}))
c = boto3.client("lambda", **keys)
f = c.get_function(FunctionName="f")["Configuration"]
assert f["LastModified"] == "2015-07-16T00:34:31.322+0000" and f["Layers"] == [] and "Role" not in f, f
r = c.create_function(FunctionName="f", Role="arn:aws:iam::123456789012:role/r", Code={"ZipFile": b"123"})
assert r["CodeSize"] == 3 and r["ResponseMetadata"]["HTTPStatusCode"] == 201, r
assert len(r["ResponseMetadata"]["RequestId"]) == 36, r
assert c.delete_function(FunctionName="f")["ResponseMetadata"]["HTTPStatusCode"] == 204
r = c.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
assert r["LastModified"].timestamp() == 1784259271.322, r
r = c.invoke(FunctionName="arn:aws:lambda:us-west-2:123456789012:function:f", Qualifier="$LATEST", Payload=b'{"a":1}')
assert r["Payload"].read() == b'{"a":1}' and r["ExecutedVersion"] == "$LATEST" and r["StatusCode"] == 200, r
def fails(code, call, **args):
    try:
        call(**args)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e.response
        return e.response["Error"]["Message"]
    raise SystemExit("no " + code)
m = fails("ValidationException", c.create_alias, FunctionName="f", Name="2024", FunctionVersion="1")
assert m.startswith("1 validation error detected: Value '2024' at 'name'"), m
m = fails("NotImplementedException", c.get_account_settings)
assert "GetAccountSettings" in m, m
fails("ServiceException", c.list_tags, Resource="arn:aws:lambda:us-west-2:123456789012:function:f")
assert boto3.client("sts", **keys).get_caller_identity()["Account"] == "111122223333"
print("ok")
`
	run(t, c, "ok", "python3", "-c", script, c.URL)

	c.api.fail(&types.ResourceNotFoundException{Message: aws.String("Function not found: x")})
	run(t, c, "Function not found: x", "python3", "-c", `
import boto3, sys
c = boto3.client("lambda", region_name="us-west-2", endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="s")
try:
    c.get_function(FunctionName="f")
except c.exceptions.ResourceNotFoundException as e:
    print(e.response["Error"]["Message"])
`, c.URL)
}

// TestCLI runs the AWS command line against the server, where it is installed.
func TestCLI(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	c := newCloud(t)
	run(t, c, "2015-07-16T00:34:31.322+0000", "aws", "lambda", "get-function", "--function-name", "f", "--query", "Configuration.LastModified", "--output", "text")
	run(t, c, "123456789012", "aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text")
	run(t, c, "k", "aws", "kinesis", "put-record", "--stream-name", "s", "--partition-key", "k", "--data", "YQ==", "--query", "ShardId", "--output", "text")
}

func run(t *testing.T, c *cloud, want, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+c.URL, "AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=s",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("%s: got %q, want %q, %v\n%s", name, out, want, err, stderr.String())
	}
}

// TestConcurrentErrors compiles the plan of an error type from many requests at once.
func TestConcurrentErrors(t *testing.T) {
	c := newCloud(t)
	c.api.fail(&types.ResourceNotFoundException{Message: aws.String("no")})
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := c.lambda().GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("a")})
			errs <- err
		}()
	}
	for range 8 {
		var notFound *types.ResourceNotFoundException
		if err := <-errs; !errors.As(err, &notFound) {
			t.Error(err)
		}
	}
}
