// Greet is a function with AWS's Go library: an HTTP handler, a context, an error.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func greet(ctx context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	name := request.QueryStringParameters["name"]
	if name == "" {
		return events.APIGatewayV2HTTPResponse{}, errors.New("nobody to greet")
	}
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return events.APIGatewayV2HTTPResponse{}, errors.New("no context")
	}
	_, managed := os.LookupEnv("AWS_EXECUTION_ENV")
	return events.APIGatewayV2HTTPResponse{
		StatusCode: 200, Headers: map[string]string{"Content-Type": "text/plain", "X-Request": lc.AwsRequestID},
		Body: fmt.Sprintf("hello %s, says %s %s, managed %t", name, lambdacontext.FunctionName, lambdacontext.FunctionVersion, managed),
	}, nil
}

func main() { lambda.Start(greet) }
