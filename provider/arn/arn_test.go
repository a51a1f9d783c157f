package arn

import "testing"

func TestParseFunction(t *testing.T) {
	tests := map[string]struct {
		in   string
		want Function
		ok   bool
	}{
		"name":           {"hello", Function{Name: "hello"}, true},
		"name:alias":     {"hello:live", Function{Name: "hello", Qualifier: "live"}, true},
		"$LATEST":        {"hello:$LATEST", Function{Name: "hello", Qualifier: "$LATEST"}, true},
		"ARN":            {"arn:aws:lambda:us-east-1:123456789012:function:hello", Function{"aws", "us-east-1", "123456789012", "hello", ""}, true},
		"gov":            {"arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:hello:3", Function{"aws-us-gov", "us-gov-west-1", "123456789012", "hello", "3"}, true},
		"partial":        {"123456789012:function:hello", Function{Account: "123456789012", Name: "hello"}, true},
		"function:":      {"function:hello", Function{Name: "hello"}, true},
		"space":          {"he llo", Function{}, false},
		"other service":  {"arn:aws:s3:::bucket", Function{}, false},
		"empty":          {"", Function{}, false},
		"number as name": {"123456789012", Function{Name: "123456789012"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseFunction(tt.in)
			if (err == nil) != tt.ok || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestSameFunction(t *testing.T) {
	const full = "arn:aws:lambda:us-east-1:123456789012:function:hello"
	tests := []struct {
		a, b string
		want bool
	}{
		{"hello", full, true},
		{full, "123456789012:function:hello", true},
		{"hello", "hello", true},
		{"hello", "hallo", false},
		{full, full + ":1", false},
		{"hello:1", full + ":1", true},
		{full, "210987654321:function:hello", false},
		{"arn:aws:lambda:eu-west-1:123456789012:function:hello", full, false},
	}
	for _, tt := range tests {
		if got := SameFunction(tt.a, tt.b); got != tt.want {
			t.Errorf("SameFunction(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestDerivedARNs(t *testing.T) {
	const fn = "arn:aws:lambda:us-east-1:123456789012:function:hello"
	if got, want := Invoke(fn), "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"+fn+"/invocations"; got != want {
		t.Errorf("Invoke: %s", got)
	}
	if got, want := InvokeStreaming(fn), "arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/"+fn+"/response-streaming-invocations"; got != want {
		t.Errorf("InvokeStreaming: %s", got)
	}
	if got := Unqualified(fn + ":$LATEST"); got != fn {
		t.Errorf("Unqualified: %s", got)
	}
	if got := Region(fn); got != "us-east-1" {
		t.Errorf("Region: %s", got)
	}
}
