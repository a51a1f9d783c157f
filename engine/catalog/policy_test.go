package catalog

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Who may invoke through a statement. Statements are read back from JSON as from the store.
func TestAllows(t *testing.T) {
	const caller = "111111111111"
	for name, c := range map[string]struct {
		in   lambda.AddPermissionInput
		want bool
	}{
		"account":     {lambda.AddPermissionInput{Principal: aws.String(caller)}, true},
		"its root":    {lambda.AddPermissionInput{Principal: aws.String(rootARN(caller))}, true},
		"everybody":   {lambda.AddPermissionInput{Principal: aws.String("*")}, true},
		"other":       {lambda.AddPermissionInput{Principal: aws.String("222222222222")}, false},
		"service":     {lambda.AddPermissionInput{Principal: aws.String("s3.amazonaws.com")}, false},
		"all actions": {lambda.AddPermissionInput{Principal: aws.String(caller), Action: aws.String("lambda:*")}, true},
		"action":      {lambda.AddPermissionInput{Principal: aws.String(caller), Action: aws.String("lambda:GetFunction")}, false},
		"condition":   {lambda.AddPermissionInput{Principal: aws.String("*"), SourceAccount: aws.String(caller)}, false},
	} {
		f := Function{Scope: home, Name: "f"}
		c.in.StatementId = aws.String("s")
		if c.in.Action == nil {
			c.in.Action = aws.String("lambda:InvokeFunction")
		}
		if _, err := f.AddPermission(Today(), "", &c.in); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var stored Function
		if err := json.Unmarshal(raw, &stored); err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]Function{"new": f, "stored": stored} {
			if got := f.Allows("", caller); got != c.want {
				t.Errorf("%s, %s: %v", name, what, got)
			}
			if f.Allows("1", caller) {
				t.Errorf("%s, %s: another ARN is allowed too", name, what)
			}
		}
	}
}

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
