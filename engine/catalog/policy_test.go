package catalog

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestConditions(t *testing.T) {
	via := true
	f := Function{Scope: home, Name: "f"}
	s, err := f.AddPermission(Today(), "", &lambda.AddPermissionInput{
		StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunctionUrl"), Principal: aws.String("*"),
		SourceArn: aws.String("arn:aws:s3:::b"), SourceAccount: aws.String("1"), EventSourceToken: aws.String("t"), PrincipalOrgID: aws.String("o"),
		FunctionUrlAuthType: types.FunctionUrlAuthTypeNone, InvokedViaFunctionUrl: &via,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s.Condition)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"},"Bool":{"lambda:InvokedViaFunctionUrl":"true"},` +
		`"StringEquals":{"AWS:SourceAccount":"1","aws:PrincipalOrgID":"o","lambda:EventSourceToken":"t","lambda:FunctionUrlAuthType":"NONE"}}`
	if string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
