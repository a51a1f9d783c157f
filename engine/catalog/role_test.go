package catalog

import "testing"

func TestRolePolicy(t *testing.T) {
	const arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f"
	for _, c := range []struct {
		policy, action string
		want           bool
	}{
		{`{"Version":"2012-10-17","Statement":[]}`, "logs:PutLogEvents", false},
		{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "logs:PutLogEvents", true},
		{`{"Statement":[{"Effect":"Allow","Action":["s3:*","logs:*"],"Resource":"*"}]}`, "logs:PutLogEvents", true},
		{`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "logs:PutLogEvents", false},
		{`{"Statement":[{"Effect":"Allow","Action":"logs:put*","Resource":"arn:aws:logs:*:*:*"}]}`, "logs:PutLogEvents", true},
		{`{"Statement":[{"Effect":"Allow","Action":"logs:Create*","Resource":"*"}]}`, "logs:PutLogEvents", false},
		{`{"Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"` + arn + `:*"}]}`, "logs:PutLogEvents", true},
		{`{"Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:/other*"}]}`, "logs:PutLogEvents", false},
		{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"logs:PutLogEvents","Resource":"*"}]}`, "logs:PutLogEvents", false},
		{`{"Statement":[{"Effect":"Allow","NotAction":"logs:*","Resource":"*"}]}`, "logs:PutLogEvents", false},
		{`{"Statement":[{"Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:s3:::*"}]}`, "logs:PutLogEvents", true},
	} {
		p, err := ParseRolePolicy(c.policy)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := p.Allows(c.action, arn+":log-stream:s"); got != c.want {
			t.Errorf("%s allows %s: %v", c.policy, c.action, got)
		}
	}
	if !(*RolePolicy)(nil).Allows("logs:PutLogEvents", arn) {
		t.Error("a role of which nothing is known may not log")
	}
	for _, policy := range []string{
		``, `{}`, `[]`, `{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`, `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Allow","Action":"*"}]}`, `{"Statement":[{"Effect":"Allow","Actoin":"*","Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":"b"}}}]}`,
	} {
		if _, err := ParseRolePolicy(policy); err == nil {
			t.Errorf("%s is valid", policy)
		}
	}
}
