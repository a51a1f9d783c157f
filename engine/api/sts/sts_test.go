package sts_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/lambdaform/terraform-provider-lambda/engine/api/sts"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

func TestGetCallerIdentity(t *testing.T) {
	service, err := sts.Service{}.Wire()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(wire.NewServer(wire.ServerConfig{Account: "123456789012"}, service))
	defer server.Close()
	for key, account := range map[string]string{"AKID": "123456789012", "111122223333": "111122223333"} {
		client := sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider(key, "s", "")})
		out, err := client.GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(out.Account) != account || aws.ToString(out.Arn) != "arn:aws:iam::"+account+":root" {
			t.Errorf("%s: got %s %s", key, aws.ToString(out.Account), aws.ToString(out.Arn))
		}
	}
}
