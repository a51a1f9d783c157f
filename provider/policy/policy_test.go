package policy

import "testing"

const document = `{"Version":"2012-10-17","Id":"default","Statement":[
 {"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction",
  "Resource":"arn:aws:lambda:us-east-1:123456789012:function:f",
  "Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}},
 {"Sid":"all","Effect":"Allow","Principal":"*","Action":["lambda:*"],"Resource":["r"]},
 {"Sid":"account","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":"lambda:GetFunction","Resource":"r",
  "Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":true}}}]}`

func TestParse(t *testing.T) {
	d, err := Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ sid, principal, action, key, value string }{
		{"s3", "s3.amazonaws.com", "lambda:InvokeFunction", "aws:sourcearn", "arn:aws:s3:::b"},
		{"s3", "s3.amazonaws.com", "lambda:InvokeFunction", "AWS:SourceAccount", "123456789012"},
		{"all", "*", "lambda:*", "AWS:SourceArn", ""},
		{"account", "arn:aws:iam::123456789012:root", "lambda:GetFunction", "lambda:InvokedViaFunctionUrl", "true"},
	}
	for _, tt := range tests {
		s, found := d.Find(tt.sid)
		if !found || string(s.Principal) != tt.principal || string(s.Action) != tt.action || s.Compared(tt.key) != tt.value {
			t.Errorf("%s: %+v, %s is %q", tt.sid, s, tt.key, s.Compared(tt.key))
		}
	}
	if _, found := d.Find("other"); found {
		t.Error("found a statement that is not there")
	}
	if _, err := Parse("{"); err == nil {
		t.Error("took half a document")
	}
}

func TestSamePrincipal(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{"123456789012", "arn:aws:iam::123456789012:root", true},
		{"123456789012", "arn:aws:iam::210987654321:root", false},
		{"s3.amazonaws.com", "s3.amazonaws.com", true},
		{"arn:aws:iam::123456789012:role/x", "123456789012", false},
	}
	for _, tt := range tests {
		if got := SamePrincipal(tt.a, tt.b); got != tt.same {
			t.Errorf("SamePrincipal(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}
