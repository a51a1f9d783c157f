package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

const role = "arn:aws:iam::000000000000:role/bench"

// newClientOf speaks Lambda's API with whoever serves it at endpoint.
func newClientOf(endpoint string) *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func create(ctx context.Context, client *lambda.Client, name, role string, p pkg) error {
	_, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.Runtime(p.runtime), Handler: &p.handler, Role: &role,
		MemorySize: aws.Int32(1769), Timeout: aws.Int32(60),
		Code: &types.FunctionCode{ZipFile: p.zip},
	})
	return err
}

// messageOf is what the service said, without where and when.
func messageOf(err error) string {
	var said smithy.APIError
	if errors.As(err, &said) {
		return said.ErrorMessage()
	}
	return err.Error()
}

func waitActive(ctx context.Context, client *lambda.Client, name string) error {
	waiter := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	})
	return waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, patience)
}

// newRole makes a role, for who wants one that exists. Signatures are not looked at there.
func newRole(ctx context.Context, endpoint string) (string, error) {
	form := url.Values{
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {"bench"},
		"AssumeRolePolicyDocument": {`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", fmt.Sprintf(authorization, "iam"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(body), "<Arn>")
	arn, _, found := strings.Cut(rest, "</Arn>")
	if !found {
		return "", fmt.Errorf("CreateRole answers %s: %.200s", response.Status, body)
	}
	return arn, nil
}
