package cli

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// The log of a function is where its configuration says, and of what is there only its own.
func TestLogsOfASharedGroup(t *testing.T) {
	endpoint := startEngine(t)
	client, err := (&app{endpoint: endpoint, region: "us-east-1"}).lambda(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hello, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(*hello.Code.Location)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	pkg, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "another-one"} {
		_, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: &name, Runtime: "python3.13", Handler: aws.String("app.handler"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
			Code: &types.FunctionCode{ZipFile: pkg}, LoggingConfig: &types.LoggingConfig{LogGroup: aws.String("shared")},
		})
		if err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := run(t, "", "--endpoint", endpoint, "invoke", name, "-p", `{"by": "`+name+`"}`); code != 0 {
			t.Fatal(stderr)
		}
	}
	for _, name := range []string{"one", "another-one"} {
		code, stdout, stderr := run(t, "", "--endpoint", endpoint, "logs", name)
		if code != 0 || strings.Count(stdout, "\n") != 4 || !strings.Contains(stdout, "seen {'by': '"+name+"'}") {
			t.Errorf("log of %s: exit %d\n%s%s", name, code, stdout, stderr)
		}
	}
}
