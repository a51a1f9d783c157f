package catalog

import (
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestURLs(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	f := Function{Scope: home, Name: "f", Aliases: map[string]Alias{"live": {Name: "live"}}}
	own, err := f.CreateURL(URL{AuthType: types.FunctionUrlAuthTypeNone, Cors: &types.Cors{}}, now)
	if err != nil || !regexp.MustCompile(`^[a-z0-9]{32}$`).MatchString(own.ID) || own.Created != "2026-01-02T03:04:05.000006Z" || own.Modified != own.Created || own.Cors != nil {
		t.Errorf("%+v %v", own, err)
	}
	live, err := f.CreateURL(URL{Qualifier: "live"}, now)
	if err != nil || live.ID == own.ID {
		t.Errorf("%+v %v", live, err)
	}
	if _, err := f.CreateURL(URL{Qualifier: "live"}, now); !isConflict(err) {
		t.Errorf("a second URL: %v", err)
	}
	changed, err := f.UpdateURL("", now.Add(time.Hour), func(u *URL) { u.InvokeMode = types.InvokeModeResponseStream })
	if err != nil || changed.ID != own.ID || changed.Created != own.Created || changed.Modified == own.Modified || !changed.Streams() || live.Streams() {
		t.Errorf("%+v %v", changed, err)
	}
	if urls := f.SortedURLs(); len(urls) != 2 || urls[0].ID != own.ID || urls[1].ID != live.ID {
		t.Errorf("%+v", urls)
	}
	f.RemoveAlias("live")
	if _, err := f.URL("live"); !isNotFound(err) {
		t.Errorf("the alias has gone, its URL has not: %v", err)
	}
	for what, err := range map[string]error{
		"create for no alias": second(f.CreateURL(URL{Qualifier: "live"}, now)),
		"update of no alias":  second(f.UpdateURL("live", now, func(*URL) {})),
		"remove":              f.RemoveURL("live"),
	} {
		if !isNotFound(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := f.RemoveURL(""); err != nil || len(f.URLs) != 0 {
		t.Errorf("%v %v", err, f.URLs)
	}
}

func second[T any](_ T, err error) error { return err }

func isConflict(err error) bool {
	var conflict *types.ResourceConflictException
	return errors.As(err, &conflict)
}

func isNotFound(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

func TestAuthorizeURL(t *testing.T) {
	const caller = "111111111111"
	none, iam := types.FunctionUrlAuthTypeNone, types.FunctionUrlAuthTypeAwsIam
	for name, c := range map[string]struct {
		in          lambda.AddPermissionInput
		auth        types.FunctionUrlAuthType
		public, own bool // without a signature, and for caller
	}{
		"everybody":         {lambda.AddPermissionInput{Principal: aws.String("*"), FunctionUrlAuthType: none}, none, true, true},
		"no condition":      {lambda.AddPermissionInput{Principal: aws.String("*")}, none, true, true},
		"other type":        {lambda.AddPermissionInput{Principal: aws.String("*"), FunctionUrlAuthType: none}, iam, false, false},
		"account":           {lambda.AddPermissionInput{Principal: aws.String(caller), FunctionUrlAuthType: iam}, iam, false, true},
		"other account":     {lambda.AddPermissionInput{Principal: aws.String("222222222222"), FunctionUrlAuthType: iam}, iam, false, false},
		"only invoke":       {lambda.AddPermissionInput{Principal: aws.String("*"), Action: aws.String("lambda:InvokeFunction")}, none, false, false},
		"all actions":       {lambda.AddPermissionInput{Principal: aws.String("*"), Action: aws.String("lambda:*")}, none, true, true},
		"further condition": {lambda.AddPermissionInput{Principal: aws.String("*"), FunctionUrlAuthType: none, PrincipalOrgID: aws.String("o-1234567890")}, none, false, false},
	} {
		f := Function{Scope: home, Name: "f"}
		c.in.StatementId = aws.String("s")
		if c.in.Action == nil {
			c.in.Action = aws.String("lambda:InvokeFunctionUrl")
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
		allows := func(qualifier string, who Caller) bool {
			return stored.Authorize(qualifier, Access{Caller: who, Action: InvokeURLAction, FunctionURLAuthType: string(c.auth)}) == nil
		}
		signed := Caller{Account: caller, Principal: "arn:aws:iam::" + caller + ":root"}
		if public, own := allows("", Caller{}), allows("", signed); public != c.public || own != c.own {
			t.Errorf("%s: %v for everybody, %v for the account", name, public, own)
		}
		if allows("live", signed) {
			t.Errorf("%s: another ARN is allowed too", name)
		}
	}
}
