package sts_test

import (
	"net/http/httptest"
	"regexp"
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
	known := func(account, principal string) wire.Credential {
		return wire.Credential{Identity: wire.Identity{Account: account, Principal: principal}}
	}
	server := httptest.NewServer(wire.NewServer(wire.ServerConfig{Account: "123456789012", Credentials: map[string]wire.Credential{
		"BOB":       known("111111111111", "arn:aws:iam::111111111111:user/path/bob"),
		"SESSION":   known("111111111111", "arn:aws:sts::111111111111:assumed-role/r/s"),
		"FEDERATED": known("111111111111", "arn:aws:sts::111111111111:federated-user/eve"),
	}}, service))
	defer server.Close()
	for key, want := range map[string]struct{ account, arn, id string }{
		"AKID":         {"123456789012", "arn:aws:iam::123456789012:root", `^123456789012$`},
		"111122223333": {"111122223333", "arn:aws:iam::111122223333:root", `^111122223333$`},
		"BOB":          {"111111111111", "arn:aws:iam::111111111111:user/path/bob", `^AIDA[A-Z2-7]{17}$`},
		"SESSION":      {"111111111111", "arn:aws:sts::111111111111:assumed-role/r/s", `^AROA[A-Z2-7]{17}:s$`},
		"FEDERATED":    {"111111111111", "arn:aws:sts::111111111111:federated-user/eve", `^111111111111:eve$`},
	} {
		client := sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider(key, "s", "")})
		out, err := client.GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(out.Account) != want.account || aws.ToString(out.Arn) != want.arn || !regexp.MustCompile(want.id).MatchString(aws.ToString(out.UserId)) {
			t.Errorf("%s: got %s %s %s", key, aws.ToString(out.Account), aws.ToString(out.Arn), aws.ToString(out.UserId))
		}
	}
}
