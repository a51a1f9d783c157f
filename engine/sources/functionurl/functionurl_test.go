package functionurl

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const id = "abcdefghijklmnopqrstuvwxyz234567"

func TestAddresses(t *testing.T) {
	for _, tc := range []struct{ host, target, id, path string }{
		{id + ".lambda-url.us-east-1.localhost:4574", "/", id, "/"},
		{strings.ToUpper(id) + ".Lambda-URL.us-east-1.localhost.", "/a%2Fb", id, "/a%2Fb"},
		{id + ".lambda-url.us-east-1.localhost", "/2015-03-31/functions", id, "/2015-03-31/functions"},
		{id + ".lambda-url.us-east-1.localhost", "/_engine/url/x/y", id, "/_engine/url/x/y"},
		{"127.0.0.1:4574", "/_engine/url/" + id, id, "/"},
		{"127.0.0.1:4574", "/_engine/url/" + id + "/a%2Fb/", id, "/a%2Fb/"},
		{"127.0.0.1:4574", "/_engine/url/" + id + "/../../2015-03-31/functions", id, "/../../2015-03-31/functions"},
		{host: "127.0.0.1:4574", target: "/2015-03-31/functions"},
		{host: "127.0.0.1:4574", target: "/_engine/urls"},
		{host: "127.0.0.1:4574", target: "/_engine%2Furl/" + id},
		{host: "x.lambda-url.us-east-1.localhost.evil.example", target: "/"},
		{host: "lambda-url.us-east-1.localhost", target: "/"},
	} {
		r := httptest.NewRequest(http.MethodGet, tc.target, nil)
		r.Host = tc.host
		if id, path, ok := split(r); id != tc.id || path != tc.path || ok != (tc.id != "") || ok != Addresses(r) {
			t.Errorf("%s %s: %q, %q, %v", tc.host, tc.target, id, path, ok)
		}
	}
}

func TestEvent(t *testing.T) {
	f := catalog.Function{Scope: catalog.Scope{Account: "123456789012", Region: "eu-west-1"}, Name: "f"}
	r := httptest.NewRequest(http.MethodPost, "/pa2%2Fth/1?q=query&multi=foo&multi=%2Fbar&empty&bad=%zz", strings.NewReader(`{"ü":1}`))
	r.Host = id + ".lambda-url.eu-west-1.localhost:4574"
	r.RemoteAddr = "127.0.0.1:55555"
	for name, values := range map[string][]string{
		"ExTrA-HeadErs": {"With WeiRd CapS", "twice"}, "Content-Type": {"application/json; charset=utf-8"},
		"Cookie": {"a=1; b=2", "c=3"}, "User-Agent": {"test/echo"},
	} {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	call := invoke.Request{RequestID: "request", TraceID: "Root=1-2-3"}
	u := catalog.URL{ID: id, AuthType: types.FunctionUrlAuthTypeNone}
	raw, err := event(r, "/pa2%2Fth/1", f, u, call, wire.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) any {
		var v any = got
		for _, name := range path {
			v = v.(map[string]any)[name]
		}
		return v
	}
	for path, want := range map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": "/pa2%2Fth/1",
		"rawQueryString": "q=query&multi=foo&multi=%2Fbar&empty&bad=%zz", "body": `{"ü":1}`, "isBase64Encoded": false,
		"queryStringParameters multi": "foo,/bar", "queryStringParameters q": "query", "queryStringParameters empty": "",
		"headers extra-headers": "With WeiRd CapS,twice", "headers host": r.Host, "headers cookie": nil,
		"headers x-forwarded-for": "127.0.0.1", "headers x-forwarded-port": "4574", "headers x-forwarded-proto": "http", "headers x-amzn-trace-id": "Root=1-2-3",
		"requestContext accountId": "anonymous", "requestContext apiId": id, "requestContext domainPrefix": id,
		"requestContext domainName": id + ".lambda-url.eu-west-1.localhost", "requestContext requestId": "request",
		"requestContext routeKey": "$default", "requestContext stage": "$default", "requestContext authentication": nil, "requestContext authorizer": nil,
		"requestContext http method": "POST", "requestContext http path": "/pa2%2Fth/1", "requestContext http protocol": "HTTP/1.1",
		"requestContext http sourceIp": "127.0.0.1", "requestContext http userAgent": "test/echo",
	} {
		if value := at(strings.Fields(path)...); value != want {
			t.Errorf("%s: %v, want %v", path, value, want)
		}
	}
	if got := at("cookies"); !slices.Equal(got.([]any), []any{"a=1", "b=2", "c=3"}) {
		t.Errorf("cookies %v", got)
	}

	bare := httptest.NewRequest(http.MethodGet, "/", nil)
	u.AuthType = types.FunctionUrlAuthTypeAwsIam
	if raw, err = event(bare, "/", f, u, call, wire.Caller{Identity: wire.Root("999999999999"), AccessKeyID: "AKIA"}); err != nil {
		t.Fatal(err)
	}
	got = nil
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"body", "cookies", "queryStringParameters"} {
		if _, there := got[absent]; there {
			t.Errorf("%s of a request without: %s", absent, raw)
		}
	}
	if at("requestContext", "authorizer", "iam", "accessKey") != "AKIA" || at("requestContext", "authorizer", "iam", "userArn") != "arn:aws:iam::999999999999:root" ||
		at("requestContext", "accountId") != "999999999999" {
		t.Errorf("authorizer: %s", raw)
	}
}

func TestBodies(t *testing.T) {
	for _, tc := range []struct {
		contentType, body string
		base64            bool
	}{
		{"text/plain", "text", false},
		{"application/vnd.api+json", "{}", false},
		{"image/svg+xml", "<svg/>", false},
		{"application/javascript", "1", false},
		{"text/plain", "\xff\xfe", true},
		{"application/octet-stream", "text", true},
		{"application/x-www-form-urlencoded", "a=b", true},
		{"multipart/form-data; boundary=x", "--x--", true},
		{"", "text", true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.contentType)
		raw, err := event(r, "/", catalog.Function{}, catalog.URL{}, invoke.Request{}, wire.Caller{})
		if err != nil {
			t.Fatal(err)
		}
		var got payload
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		want := tc.body
		if tc.base64 {
			want = base64.StdEncoding.EncodeToString([]byte(tc.body))
		}
		if got.IsBase64Encoded != tc.base64 || *got.Body != want {
			t.Errorf("%s: %v %s", tc.contentType, got.IsBase64Encoded, *got.Body)
		}
	}
}

// What AWS makes of a function's result: the first eight as recorded.
func TestAnswers(t *testing.T) {
	for payload, want := range map[string]struct {
		status int // 502 when the result is no response
		body   string
		header string // of X
	}{
		`{"hello": "world"}`:                                    {200, `{"hello":"world"}`, ""},
		`{"statusCode": 200, "body": "body123"}`:                {200, "body123", ""},
		`{"statusCode": 200, "body": "{\"hello\": \"world\"}"}`: {200, `{"hello": "world"}`, ""},
		`["hello", 3, true]`:                                    {200, `["hello",3,true]`, ""},
		`"hello"`:                                               {200, "hello", ""},
		`3.1`:                                                   {200, "3.1", ""},
		`true`:                                                  {200, "true", ""},
		`{"statusCode": "418", "body": "teapot"}`: {418, "teapot", ""},
		`null`:                                  {200, "null", ""},
		`no json`:                               {200, "no json", ""},
		`{"body": "no status"}`:                 {200, `{"body":"no status"}`, ""},
		`{"statusCode": 204}`:                   {204, "", ""},
		`{"statusCode": 201, "body": null}`:     {201, "", ""},
		`{"statusCode": 200, "body": {"a": 1}}`: {200, `{"a":1}`, ""},
		`{"statusCode": 200, "body": "AAEC", "isBase64Encoded": true}`: {200, "\x00\x01\x02", ""},
		`{"statusCode": 200, "headers": {"x": "y"}}`:                   {200, "", "y"},
		`{"statusCode": 200, "headers": {"X": 7}}`:                     {200, "", "7"},
		`{"statusCode": 200, "headers": {"content-length": "9"}}`:      {200, "", ""},
		`{"statusCode": 200, "body": "%%%", "isBase64Encoded": true}`:  {status: 502},
		`{"statusCode": 99}`:                    {status: 502},
		`{"statusCode": "fine"}`:                {status: 502},
		`{"statusCode": 200, "headers": ["x"]}`: {status: 502},
		`{"statusCode": 200, "cookies": "a=b"}`: {status: 502},
	} {
		a, err := answerOf(invoke.Response{Payload: []byte(payload)})
		if err != nil {
			a.status = 502
		} else {
			w := httptest.NewRecorder()
			a.headers(w, cors{})
			a.write(w)
			if w.Body.String() != want.body || w.Header().Get("X") != want.header || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %q %v", payload, w.Body, w.Header())
			}
		}
		if a.status != want.status {
			t.Errorf("%s: status %d, want %d (%v)", payload, a.status, want.status, err)
		}
	}
	if _, err := answerOf(invoke.Response{Payload: []byte(`{"statusCode":200}`), FunctionError: "Unhandled"}); err == nil {
		t.Error("a failed function has an answer")
	}
}

func TestCORS(t *testing.T) {
	settings := types.Cors{
		AllowOrigins: []string{"https://a.example", "https://b.example"}, AllowMethods: []string{"GET", "PUT"},
		AllowHeaders: []string{"x-one", "x-two"}, ExposeHeaders: []string{"x-out"}, AllowCredentials: aws.Bool(true), MaxAge: aws.Int32(60),
	}
	all := types.Cors{AllowOrigins: []string{"*"}}
	for name, tc := range map[string]struct {
		settings  *types.Cors
		method    string
		headers   map[string]string
		preflight bool
		want      map[string]string
	}{
		"no settings": {nil, "OPTIONS", map[string]string{"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}, false, map[string]string{"Access-Control-Allow-Origin": "of the function"}},
		"preflight": {&settings, "OPTIONS", map[string]string{"Origin": "https://b.example", "Access-Control-Request-Method": "GET"}, true, map[string]string{
			"Access-Control-Allow-Origin": "https://b.example", "Access-Control-Allow-Methods": "GET,PUT", "Access-Control-Allow-Headers": "x-one,x-two",
			"Access-Control-Max-Age": "60", "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		}},
		"preflight of a stranger": {&settings, "OPTIONS", map[string]string{"Origin": "https://c.example", "Access-Control-Request-Method": "GET"}, true, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": ""}},
		"plain options":           {&settings, "OPTIONS", map[string]string{"Origin": "https://a.example"}, false, map[string]string{"Access-Control-Allow-Origin": "https://a.example"}},
		"request": {&settings, "GET", map[string]string{"Origin": "https://a.example"}, false, map[string]string{
			"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Expose-Headers": "x-out", "Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods": "", "Vary": "Origin",
		}},
		"request of a stranger": {&settings, "GET", map[string]string{"Origin": "https://c.example"}, false, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		"any origin":            {&all, "GET", map[string]string{"Origin": "https://c.example"}, false, map[string]string{"Access-Control-Allow-Origin": "https://c.example", "Access-Control-Allow-Credentials": ""}},
		"no page":               {&settings, "GET", nil, false, map[string]string{"Access-Control-Allow-Origin": "of the function", "Vary": ""}},
	} {
		r := httptest.NewRequest(tc.method, "/", nil)
		for k, v := range tc.headers {
			r.Header.Set(k, v)
		}
		c := corsOf(catalog.URL{Cors: tc.settings}, r)
		w := httptest.NewRecorder()
		c.headers(w.Header())
		if c.preflight(w) != tc.preflight {
			t.Errorf("%s: preflight %v", name, !tc.preflight)
		}
		if !tc.preflight {
			a := answer{status: 200, Headers: map[string]json.RawMessage{"access-control-allow-origin": json.RawMessage(`"of the function"`)}}
			a.headers(w, c)
		}
		for header, want := range tc.want {
			if got := strings.Join(w.Header().Values(header), "|"); got != want {
				t.Errorf("%s: %s: %q, want %q", name, header, got, want)
			}
		}
	}
}

// A prelude may come in any pieces.
func TestPrelude(t *testing.T) {
	const head = `{"statusCode":201,"headers":{"X":"y"},"cookies":["a=1","b=2"]}`
	whole := head + string(preludeEnd) + "body\x00\x00\x00\x00\x00\x00\x00\x00rest"
	for size := 1; size <= len(whole); size++ {
		w := httptest.NewRecorder()
		s := &stream{w: w}
		s.Begin(invoke.Head{ContentType: withPrelude})
		for piece := range slices.Chunk([]byte(whole), size) {
			if n, err := s.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if w.Code != 201 || w.Header().Get("X") != "y" || len(w.Header().Values("Set-Cookie")) != 2 || w.Body.String() != whole[len(head)+8:] {
			t.Errorf("pieces of %d: %d %v %q", size, w.Code, w.Header(), w.Body)
		}
	}
	for _, bad := range []string{"no json" + string(preludeEnd), `{"statusCode":9}` + string(preludeEnd), strings.Repeat("x", maxPrelude+1)} {
		w := httptest.NewRecorder()
		s := &stream{w: w}
		s.Begin(invoke.Head{ContentType: withPrelude})
		if _, err := s.Write([]byte(bad)); err == nil || s.begun || s.bad == nil {
			t.Errorf("%.20q: %v, begun %v", bad, err, s.begun)
		}
	}
}
