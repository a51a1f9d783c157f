package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// statement is how clients decode a policy: values are strings (spec api §E.9).
type statement struct {
	Sid, Effect, Action, Resource string
	Principal                     json.RawMessage
	Condition                     map[string]map[string]string
}

// allow lets everybody invoke a function through an ARN of it.
func (a account) allow(function, qualifier, sid string) {
	a.Helper()
	in := &lambda.AddPermissionInput{FunctionName: &function, StatementId: &sid, Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("*")}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	if _, err := a.AddPermission(a.Context(), in); err != nil {
		a.Fatal(err)
	}
}

// policy reads the statements of a policy of the function f; nil when there is none.
func (a account) policy(qualifier string) (statements []statement, revision string) {
	a.Helper()
	in := &lambda.GetPolicyInput{FunctionName: aws.String("f")}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := a.GetPolicy(a.Context(), in)
	if err != nil {
		refused[*types.ResourceNotFoundException](a, err, 404, "The resource you requested does not exist.")
		return nil, ""
	}
	var document struct {
		Version, ID string
		Statement   []statement
	}
	if err := json.Unmarshal([]byte(*out.Policy), &document); err != nil {
		a.Fatal(err)
	}
	if document.Version != "2012-10-17" || document.ID != "default" {
		a.Errorf("policy %s", *out.Policy)
	}
	return document.Statement, *out.RevisionId
}

// Spec api F.1, F.12.
func TestAddPermission(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.alias("f", "PROD", "1")
	type input = lambda.AddPermissionInput
	add := func(edit func(*input)) (statement, error) {
		in := &input{FunctionName: aws.String("f"), StatementId: aws.String("1"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com")}
		edit(in)
		out, err := a.AddPermission(t.Context(), in)
		if err != nil {
			return statement{}, err
		}
		var s statement
		if err := json.Unmarshal([]byte(*out.Statement), &s); err != nil {
			t.Fatal(err)
		}
		return s, nil
	}

	if got, _ := a.policy(""); got != nil {
		t.Errorf("a new function has the policy %v", got)
	}
	s := must[statement](t)(add(func(in *input) {
		in.SourceArn, in.SourceAccount = aws.String("arn:aws:s3:::examplebucket"), aws.String("111111111111")
	}))
	if s.Sid != "1" || s.Effect != "Allow" || string(s.Principal) != `{"Service":"s3.amazonaws.com"}` || s.Resource != a.arn("f") ||
		s.Condition["StringEquals"]["AWS:SourceAccount"] != "111111111111" || s.Condition["ArnLike"]["AWS:SourceArn"] != "arn:aws:s3:::examplebucket" {
		t.Errorf("statement %+v", s)
	}
	s = must[statement](t)(add(func(in *input) { in.StatementId, in.Principal = aws.String("2"), aws.String("111111111111") }))
	if string(s.Principal) != `{"AWS":"arn:aws:iam::111111111111:root"}` || s.Condition != nil {
		t.Errorf("statement for an account %+v", s)
	}
	statements, revision := a.policy("")
	if len(statements) != 2 || statements[0].Sid != "1" || statements[1].Sid != "2" {
		t.Errorf("policy %+v", statements)
	}
	s = must[statement](t)(add(func(in *input) { in.StatementId, in.Qualifier = aws.String("3"), aws.String("PROD") }))
	if s.Resource != a.arn("f:PROD") {
		t.Errorf("statement for an alias %+v", s)
	}
	if got, now := a.policy(""); len(got) != 2 || now != revision {
		t.Error("the alias's statement is in the function's policy")
	}
	if got, _ := a.policy("1"); got != nil {
		t.Error("the alias's statement is in the version's policy")
	}
	if _, err := add(func(in *input) { in.StatementId, in.RevisionId = aws.String("4"), &revision }); err != nil {
		t.Error(err)
	}

	_, err := add(func(*input) {})
	refused[*types.ResourceConflictException](t, err, 409, "The statement id (1) provided already exists. Please provide a new statement id, or remove the existing statement.")
	_, err = add(func(in *input) { in.StatementId, in.RevisionId = aws.String("5"), &revision })
	refused[*types.PreconditionFailedException](t, err, 412, "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
	for name, c := range map[string]struct {
		function, qualifier string
		message             string
	}{
		"function": {"nope", "", "Function not found: " + a.arn("nope")},
		"version":  {"f", "42", "Function not found: " + a.arn("f:42")},
		"alias":    {"f", "ghost", "Cannot find alias arn: " + a.arn("f:ghost")},
	} {
		t.Run("missing "+name, func(t *testing.T) {
			_, err := add(func(in *input) {
				in.FunctionName = &c.function
				if c.qualifier != "" {
					in.Qualifier = &c.qualifier
				}
			})
			refused[*types.ResourceNotFoundException](t, err, 404, c.message)
		})
	}
	for message, edit := range map[string]func(*input){
		"The derived qualifier from the function name does not match the specified qualifier.":  func(in *input) { in.FunctionName, in.Qualifier = aws.String("f:1"), aws.String("2") },
		"We currently do not support adding policies for $LATEST.":                              func(in *input) { in.Qualifier = aws.String("$LATEST") },
		"The provided principal was invalid. Please check the principal and try again.":         func(in *input) { in.Principal = aws.String("nobody") },
		"The provided principal was invalid. Please check the principal and try again…":         func(in *input) { in.Principal = aws.String("1") },
		"The derived qualifier from the function name does not match the specified qualifier.…": func(in *input) { in.FunctionName, in.Qualifier = aws.String(a.arn("f:1")), aws.String("PROD") },
	} {
		_, err := add(func(in *input) {
			in.StatementId = aws.String("new")
			edit(in)
		})
		refused[*types.InvalidParameterValueException](t, err, 400, message)
	}
	for name, edit := range map[string]func(*input){
		"dot":       func(in *input) { in.StatementId = aws.String("a.b") },
		"long":      func(in *input) { in.StatementId = aws.String(strings.Repeat("a", 101)) },
		"action":    func(in *input) { in.Action = aws.String("s3:GetObject") },
		"qualifier": func(in *input) { in.Qualifier = aws.String("bad!") },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := add(edit)
			invalid(t, err)
		})
	}
	for missing, body := range map[string]string{"principal": `{"StatementId":"9","Action":"lambda:InvokeFunction"}`, "id": `{"StatementId":"","Action":"lambda:InvokeFunction","Principal":"*"}`} {
		if got := a.send("POST", "/2015-03-31/functions/f/policy", body); got.status != 400 {
			t.Errorf("without %s: %d %s", missing, got.status, got.body)
		}
	}
}

// Spec api F.1.8: a policy grows up to its limit and not beyond.
func TestPolicyLength(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	for i := range 200 {
		before, revision := a.policy("")
		_, err := a.AddPermission(t.Context(), &lambda.AddPermissionInput{
			FunctionName: aws.String("f"), StatementId: aws.String(fmt.Sprintf("%0100d", i)), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
		})
		if err == nil {
			continue
		}
		refused[*types.PolicyLengthExceededException](t, err, 400, "The final policy size (…")
		if after, now := a.policy(""); now != revision || len(after) != len(before) || len(after) < 50 {
			t.Errorf("%d statements, then %d", len(before), len(after))
		}
		return
	}
	t.Error("the policy has no limit")
}

// Spec api F.20, F.12.4–F.12.6.
func TestRemovePermission(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.alias("f", "PROD", "1")
	remove := func(function, sid, qualifier, revision string) error {
		in := &lambda.RemovePermissionInput{FunctionName: &function, StatementId: &sid}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		if revision != "" {
			in.RevisionId = &revision
		}
		_, err := a.RemovePermission(t.Context(), in)
		return err
	}
	refused[*types.ResourceNotFoundException](t, remove("f", "1", "", ""), 404, "No policy is associated with the given resource.")
	refused[*types.ResourceNotFoundException](t, remove("nope", "1", "", ""), 404, "No policy found for: "+a.arn("nope"))
	a.allow("f", "", "1")
	a.allow("f", "PROD", "2")
	_, revision := a.policy("")
	refused[*types.ResourceNotFoundException](t, remove("f", "zzz", "", ""), 404, "Statement zzz is not found in resource policy.")
	refused[*types.ResourceNotFoundException](t, remove("f", "2", "", ""), 404, "Statement 2 is not found in resource policy.")
	refused[*types.ResourceNotFoundException](t, remove("f", "2", "ghost", ""), 404, "Cannot find alias arn: "+a.arn("f:ghost"))
	refused[*types.PreconditionFailedException](t, remove("f", "1", "", "stale"), 412, "The Revision Id provided…")
	if _, now := a.policy(""); now != revision {
		t.Error("refused removals changed the revision")
	}
	for qualifier, sid := range map[string]string{"": "1", "PROD": "2"} {
		if err := remove("f", sid, qualifier, ""); err != nil {
			t.Error(err)
		}
		if left, _ := a.policy(qualifier); left != nil {
			t.Errorf("left is %+v", left)
		}
	}
	for _, path := range []string{"nope/policy", "f/policy?Qualifier=42", "f/policy?Qualifier=ghost"} {
		if got := a.send("GET", "/2015-03-31/functions/"+path, ""); got.status != 404 || got.field("Message") != "The resource you requested does not exist." {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := a.send("GET", "/2015-03-31/functions/f/policy?Qualifier=bad!", ""); got.header.Get("X-Amzn-Errortype") != "ValidationException" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Spec behaviour R35–R39, A9.7, api F.13.12: a permission is bound to the ARN it was given for.
func TestPermissionIsBoundToItsARN(t *testing.T) {
	t.Parallel()
	owner, stranger := newAccount(t), newAccount(t)
	owner.create("f", python(t, "return 1"))
	owner.publish("f")
	owner.alias("f", "PROD", "1")
	call := func(qualifier string) error {
		_, err := stranger.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(strings.TrimSuffix(owner.arn("f:"+qualifier), ":"))})
		return err
	}
	qualifiers := []string{"", "$LATEST", "1", "PROD"}
	for _, granted := range []string{"", "1", "PROD"} {
		in := &lambda.AddPermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: &stranger.id}
		remove := &lambda.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s")}
		if granted != "" {
			in.Qualifier, remove.Qualifier = &granted, &granted
		}
		must[*lambda.AddPermissionOutput](t)(owner.AddPermission(t.Context(), in))
		for _, called := range qualifiers {
			err := call(called)
			if called == granted && err != nil {
				t.Errorf("granted for %q: %v", granted, err)
			}
			if called != granted {
				refusedAs(t, err, "AccessDeniedException", 403, "…")
			}
		}
		must[*lambda.RemovePermissionOutput](t)(owner.RemovePermission(t.Context(), remove))
		refusedAs(t, call(granted), "AccessDeniedException", 403, "…")
	}
	for _, qualifier := range qualifiers { // the owner needs no permission
		owner.call(strings.TrimSuffix("f:"+qualifier, ":"))
	}
}
