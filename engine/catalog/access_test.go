package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Who may do what through a statement, and why not.
func TestAuthorize(t *testing.T) {
	const account = "111111111111"
	bob := Caller{Account: account, Principal: "arn:aws:iam::111111111111:user/bob", Organization: "o-abcdefghij"}
	session := Caller{Account: account, Principal: "arn:aws:sts::111111111111:assumed-role/r/s"}
	s3 := Caller{Account: home.Account, Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::examplebucket", SourceAccount: account}
	alexa := Caller{Service: "alexa-connectedhome.amazon.com", EventSourceToken: "skill"}
	type in = lambda.AddPermissionInput
	str := aws.String
	for name, c := range map[string]struct {
		in     in
		caller Caller
		auth   string // of a function URL
		action string
		why    string // "" is allowed
	}{
		"account":               {in: in{Principal: str(account)}, caller: bob},
		"its root":              {in: in{Principal: str(rootARN(account))}, caller: bob},
		"everybody":             {in: in{Principal: str("*")}, caller: bob},
		"everybody, a service":  {in: in{Principal: str("*")}, caller: s3},
		"user":                  {in: in{Principal: str(bob.Principal)}, caller: bob},
		"another user":          {in: in{Principal: str(bob.Principal + "by")}, caller: bob, why: "principal does not match: wanted arn:aws:iam::111111111111:user/bobby, got arn:aws:iam::111111111111:user/bob"},
		"role":                  {in: in{Principal: str("arn:aws:iam::111111111111:role/r")}, caller: session},
		"session":               {in: in{Principal: str(session.Principal)}, caller: session},
		"another role":          {in: in{Principal: str("arn:aws:iam::111111111111:role/q")}, caller: session, why: "principal does not match"},
		"another account":       {in: in{Principal: str("222222222222")}, caller: bob, why: "principal does not match"},
		"service":               {in: in{Principal: str("s3.amazonaws.com")}, caller: s3},
		"another service":       {in: in{Principal: str("sns.amazonaws.com")}, caller: s3, why: "principal does not match: wanted sns.amazonaws.com, got s3.amazonaws.com"},
		"service, not account":  {in: in{Principal: str("s3.amazonaws.com")}, caller: bob, why: "principal does not match"},
		"account, not service":  {in: in{Principal: str(home.Account)}, caller: s3, why: "principal does not match"},
		"anonymous":             {in: in{Principal: str(account)}, why: "got anonymous"},
		"all actions":           {in: in{Principal: str("*"), Action: str("lambda:*")}, caller: bob},
		"any action":            {in: in{Principal: str("*"), Action: str("*")}, caller: bob},
		"action in other case":  {in: in{Principal: str("*"), Action: str("lambda:invokefunction")}, caller: bob},
		"another action":        {in: in{Principal: str("*"), Action: str("lambda:GetFunction")}, caller: bob, why: "action does not match: wanted lambda:GetFunction, got lambda:InvokeFunction"},
		"inert action":          {in: in{Principal: str("*"), Action: str("lambda:Invoke")}, caller: bob, why: "action does not match"},
		"source":                {in: in{Principal: str(s3.Service), SourceArn: &s3.SourceARN, SourceAccount: str(account)}, caller: s3},
		"another bucket":        {in: in{Principal: str(s3.Service), SourceArn: str("arn:aws:s3:::other")}, caller: s3, why: `condition ArnLike AWS:SourceArn: wanted "arn:aws:s3:::other", got "arn:aws:s3:::examplebucket"`},
		"bucket by pattern":     {in: in{Principal: str(s3.Service), SourceArn: str("arn:aws:s3:::example*")}, caller: s3},
		"another owner":         {in: in{Principal: str(s3.Service), SourceArn: &s3.SourceARN, SourceAccount: str("222222222222")}, caller: s3, why: `condition StringEquals AWS:SourceAccount: wanted "222222222222", got "111111111111"`},
		"no source":             {in: in{Principal: str("*"), SourceAccount: str(account)}, caller: bob, why: `condition StringEquals AWS:SourceAccount: wanted "111111111111", got ""`},
		"organisation":          {in: in{Principal: str("*"), PrincipalOrgID: str("o-abcdefghij")}, caller: bob},
		"another organisation":  {in: in{Principal: str("*"), PrincipalOrgID: str("o-0000000000")}, caller: bob, why: "condition StringEquals aws:PrincipalOrgID"},
		"token":                 {in: in{Principal: str(alexa.Service), EventSourceToken: str("skill")}, caller: alexa},
		"another token":         {in: in{Principal: str(alexa.Service), EventSourceToken: str("Skill")}, caller: alexa, why: "condition StringEquals lambda:EventSourceToken"},
		"public URL":            {in: in{Principal: str("*"), Action: str(InvokeURLAction), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone}, action: InvokeURLAction, auth: "NONE"},
		"signed URL":            {in: in{Principal: str("*"), Action: str(InvokeURLAction), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone}, action: InvokeURLAction, auth: "AWS_IAM", caller: bob, why: `wanted "NONE", got "AWS_IAM"`},
		"URL by invoke":         {in: in{Principal: str("*")}, action: InvokeURLAction, auth: "NONE", why: "action does not match"},
		"only by URL":           {in: in{Principal: str("*"), InvokedViaFunctionUrl: aws.Bool(true)}, auth: "NONE"},
		"only by URL, directly": {in: in{Principal: str("*"), InvokedViaFunctionUrl: aws.Bool(true)}, caller: bob, why: `condition Bool lambda:InvokedViaFunctionUrl: wanted "true", got "false"`},
		"never by URL":          {in: in{Principal: str("*"), InvokedViaFunctionUrl: aws.Bool(false)}, auth: "NONE", why: "condition Bool"},
	} {
		f := Function{Scope: home, Name: "f"}
		c.in.StatementId = str("s")
		if c.in.Action == nil {
			c.in.Action = str(InvokeAction)
		}
		if _, err := f.AddPermission(Today(), "", &c.in); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		raw, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var stored Function
		if err := json.Unmarshal(raw, &stored); err != nil {
			t.Fatal(err)
		}
		a := Access{Caller: c.caller, Action: InvokeAction, FunctionURLAuthType: c.auth}
		if c.action != "" {
			a.Action = c.action
		}
		for what, f := range map[string]Function{"new": f, "stored": stored} { // statements are read back from JSON
			err := f.Authorize("", a)
			var denied *Denied
			if c.why == "" && err != nil || c.why != "" && (!errors.As(err, &denied) || len(denied.Reasons) != 1 || !strings.Contains(denied.Reasons[0], c.why)) {
				t.Errorf("%s, %s: %v %v, want %q", name, what, err, denied, c.why)
			}
			if err := f.Authorize("1", a); !errors.As(err, &denied) || denied.Reasons[0] != "no policy is associated with the resource" {
				t.Errorf("%s, %s: another ARN is allowed too", name, what)
			}
		}
	}
}

func TestAuthorizeOwnAccount(t *testing.T) {
	f := Function{Scope: home, Name: "f"}
	if err := f.Authorize("1", Access{Caller: Caller{Account: home.Account}, Action: InvokeAction}); err != nil {
		t.Error(err)
	}
	err := f.Authorize("1", Access{Caller: Caller{Account: home.Account, Service: "s3.amazonaws.com"}, Action: InvokeAction})
	arn := f.Ref().With("1").ARN()
	if err == nil || err.Error() != "User: s3.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: "+arn+" because no resource-based policy allows the lambda:InvokeFunction action" {
		t.Error(err)
	}
}

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		pattern, arn string
		want         bool
	}{
		{"arn:aws:s3:::b", "arn:aws:s3:::b", true},
		{"arn:aws:s3:::b", "arn:aws:s3:::B", false},
		{"arn:aws:s3:::b*", "arn:aws:s3:::bucket", true},
		{"arn:aws:s3:::b?", "arn:aws:s3:::bu", true},
		{"arn:aws:s3:::b?", "arn:aws:s3:::b", false},
		{"arn:aws:s3:::b.", "arn:aws:s3:::bx", false},
		{"arn:aws:sns:*:111111111111:t", "arn:aws:sns:us-east-1:111111111111:t", true},
		{"arn:aws:sns:*:t", "arn:aws:sns:us-east-1:111111111111:t", false}, // a star does not reach over a colon
		{"arn:aws:sns:us-*:*:t", "arn:aws:sns:us-east-1:111111111111:t", true},
		{"arn:aws:sns:us-*:*:t", "arn:aws:sns:eu-west-1:111111111111:t", false},
		{"arn:aws:logs:us-east-1:111111111111:*", "arn:aws:logs:us-east-1:111111111111:log-group:g:*", true},
		{"arn:aws:execute-api:us-east-1:111111111111:api/*/GET/*", "arn:aws:execute-api:us-east-1:111111111111:api/prod/GET/a/b", true},
		{"arn:aws:execute-api:us-east-1:111111111111:api/*/GET/*", "arn:aws:execute-api:us-east-1:111111111111:api/prod/POST/a", false},
		{"*", "arn:aws:s3:::b", false},
		{"arn:aws:s3:::b", "b", false},
		{"arn:aws:s3:::" + strings.Repeat("*a", 100), "arn:aws:s3:::" + strings.Repeat("a", 99) + "b", false}, // and does not take for ever
	} {
		if got := holds("ArnLike", c.pattern, c.arn); got != c.want {
			t.Errorf("%s like %s: %v", c.arn, c.pattern, got)
		}
	}
	if !holds("Bool", "TRUE", "true") || holds("StringEquals", "A", "a") || holds("StringLike", "a", "a") {
		t.Error("operators")
	}
	s := Statement{Principal: "*", Action: "*", Condition: map[string]map[string]string{"StringEquals": {"aws:sourceACCOUNT": "1"}}}
	if why := s.refuses(Access{Caller: Caller{SourceAccount: "1"}}); why != "" {
		t.Errorf("keys are the same in any case: %s", why)
	}
}

func TestPrincipals(t *testing.T) {
	for _, bad := range []string{"nobody", "1", "arn:aws:s3:::b", "arn:aws:iam::1:root", "arn:aws:iam::111111111111:group/g", "s3.example.com", ".amazonaws.com.evil"} {
		if p, err := principalOf(bad); err == nil {
			t.Errorf("%s is %v", bad, p)
		}
	}
	for _, good := range []string{"*", "111111111111", "s3.amazonaws.com", "states.us-east-1.amazonaws.com", "alexa-appkit.amazon.com", "arn:aws:iam::111111111111:user/path/bob"} {
		if _, err := principalOf(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}
