package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// address makes a URL for a function or an alias ("f:live") that anybody may call.
func (a account) address(function string, edit ...func(*lambda.CreateFunctionUrlConfigInput)) string {
	a.Helper()
	in := &lambda.CreateFunctionUrlConfigInput{FunctionName: &function, AuthType: types.FunctionUrlAuthTypeNone}
	for _, e := range edit {
		e(in)
	}
	out, err := a.CreateFunctionUrlConfig(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	a.permitURL(function, "*", in.AuthType)
	return *out.FunctionUrl
}

func (a account) permitURL(function, principal string, auth types.FunctionUrlAuthType) {
	a.Helper()
	_, err := a.AddPermission(a.Context(), &lambda.AddPermissionInput{
		FunctionName: &function, StatementId: aws.String("url-" + strings.Trim(principal, "*")), Action: aws.String("lambda:InvokeFunctionUrl"),
		Principal: &principal, FunctionUrlAuthType: auth,
	})
	if err != nil {
		a.Fatal(err)
	}
}

func streams(in *lambda.CreateFunctionUrlConfigInput) { in.InvokeMode = types.InvokeModeResponseStream }

// browser resolves every name to this machine, as browsers do for those below localhost.
var browser = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}}}

// arriving is a response whose body may still be under way.
type arriving struct {
	status int
	header http.Header
	body   io.Reader
}

// browse makes a request to a function URL. Headers come as pairs of name and value.
func (a account) browse(method, address, body string, headers ...string) arriving {
	a.Helper()
	request, err := http.NewRequestWithContext(a.Context(), method, address, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := browser.Do(request)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { _ = response.Body.Close() })
	return arriving{response.StatusCode, response.Header, response.Body}
}

func (a account) page(method, address, body string, headers ...string) answer {
	a.Helper()
	response := a.browse(method, address, body, headers...)
	raw, err := io.ReadAll(response.body)
	if err != nil {
		a.Fatal(err)
	}
	return answer{response.status, response.header, string(raw)}
}

// Spec api §E.7, in the texts that AWS was recorded with.
func TestFunctionURLConfigs(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	a.publish("f")
	a.alias("f", "live", "1")
	f, live := aws.String("f"), aws.String("live")
	create := func(name, qualifier *string) error {
		_, err := a.CreateFunctionUrlConfig(t.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: name, Qualifier: qualifier, AuthType: types.FunctionUrlAuthTypeNone})
		return err
	}
	update := func(name, qualifier *string) error {
		_, err := a.UpdateFunctionUrlConfig(t.Context(), &lambda.UpdateFunctionUrlConfigInput{FunctionName: name, Qualifier: qualifier})
		return err
	}
	get := func(name, qualifier *string) error {
		_, err := a.GetFunctionUrlConfig(t.Context(), &lambda.GetFunctionUrlConfigInput{FunctionName: name, Qualifier: qualifier})
		return err
	}
	remove := func(name, qualifier *string) error {
		_, err := a.DeleteFunctionUrlConfig(t.Context(), &lambda.DeleteFunctionUrlConfigInput{FunctionName: name, Qualifier: qualifier})
		return err
	}
	const noFunction, nothing = "Function does not exist", "The resource you requested does not exist."
	for name, op := range map[string]struct {
		call    func(name, qualifier *string) error
		missing string
	}{"create": {create, noFunction}, "update": {update, noFunction}, "get": {get, nothing}, "delete": {remove, nothing}} {
		t.Log(name)
		refused[*types.ResourceNotFoundException](t, op.call(aws.String("nope"), nil), 404, op.missing)
		refused[*types.ResourceNotFoundException](t, op.call(aws.String(a.arn("nope")), nil), 404, op.missing)
		refused[*types.ResourceNotFoundException](t, op.call(f, aws.String("ghost")), 404, op.missing)
		refused[*types.InvalidParameterValueException](t, op.call(aws.String("f:live"), aws.String("other")), 400, "The derived qualifier from the function name does not match the specified qualifier.")
		for _, qualifier := range []string{"1", "$LATEST"} {
			invalid(t, op.call(f, &qualifier))
		}
		if name != "create" {
			refused[*types.ResourceNotFoundException](t, op.call(f, nil), 404, nothing)
		}
	}

	made := must[*lambda.CreateFunctionUrlConfigOutput](t)(a.CreateFunctionUrlConfig(t.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeNone}))
	shape := regexp.MustCompile(`^http://([a-z0-9]{32})\.lambda-url\.` + region + `\.localhost:\d+/$`)
	if !shape.MatchString(*made.FunctionUrl) || *made.FunctionArn != a.arn("f") || made.InvokeMode != "" || made.AuthType != "NONE" || made.Cors != nil || *made.CreationTime == "" {
		t.Errorf("created %+v", made)
	}
	refused[*types.ResourceConflictException](t, create(f, nil), 409, "Failed to create function url config for [functionArn = "+a.arn("f")+"]. Error message:  FunctionUrlConfig exists for this Lambda function")
	got := must[*lambda.GetFunctionUrlConfigOutput](t)(a.GetFunctionUrlConfig(t.Context(), &lambda.GetFunctionUrlConfigInput{FunctionName: f}))
	if got.InvokeMode != types.InvokeModeBuffered || *got.FunctionUrl != *made.FunctionUrl || *got.CreationTime != *made.CreationTime || *got.LastModifiedTime == "" {
		t.Errorf("got %+v", got)
	}
	cors := &types.Cors{AllowOrigins: []string{"*"}, MaxAge: aws.Int32(5)}
	changed := must[*lambda.UpdateFunctionUrlConfigOutput](t)(a.UpdateFunctionUrlConfig(t.Context(), &lambda.UpdateFunctionUrlConfigInput{FunctionName: f, AuthType: types.FunctionUrlAuthTypeAwsIam, Cors: cors}))
	if changed.InvokeMode != "" || changed.AuthType != "AWS_IAM" || *changed.FunctionUrl != *made.FunctionUrl || changed.Cors.AllowOrigins[0] != "*" || *changed.Cors.MaxAge != 5 {
		t.Errorf("changed %+v", changed)
	}
	changed = must[*lambda.UpdateFunctionUrlConfigOutput](t)(a.UpdateFunctionUrlConfig(t.Context(), &lambda.UpdateFunctionUrlConfigInput{FunctionName: f, InvokeMode: types.InvokeModeResponseStream, Cors: &types.Cors{}}))
	if changed.InvokeMode != types.InvokeModeResponseStream || changed.AuthType != "AWS_IAM" || changed.Cors != nil {
		t.Errorf("changed again %+v", changed)
	}
	if err := create(f, live); err != nil {
		t.Fatal(err)
	}
	var arns []string
	pages := lambda.NewListFunctionUrlConfigsPaginator(a, &lambda.ListFunctionUrlConfigsInput{FunctionName: f, MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page := must[*lambda.ListFunctionUrlConfigsOutput](t)(pages.NextPage(t.Context()))
		for _, c := range page.FunctionUrlConfigs {
			arns = append(arns, *c.FunctionArn+" "+string(c.InvokeMode))
		}
	}
	if want := a.arn("f") + " RESPONSE_STREAM|" + a.arn("f:live") + " BUFFERED"; strings.Join(arns, "|") != want {
		t.Errorf("listed %q, want %q", arns, want)
	}
	_, err := a.ListFunctionUrlConfigs(t.Context(), &lambda.ListFunctionUrlConfigsInput{FunctionName: aws.String("nope")})
	refused[*types.ResourceNotFoundException](t, err, 404, noFunction)

	// An alias takes its URL with it, and so does a function.
	if _, err := a.DeleteAlias(t.Context(), &lambda.DeleteAliasInput{FunctionName: f, Name: live}); err != nil {
		t.Fatal(err)
	}
	a.alias("f", "live", "1")
	refused[*types.ResourceNotFoundException](t, get(f, live), 404, nothing)
	if _, err := a.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: f}); err != nil {
		t.Fatal(err)
	}
	a.create("f", python(t, "return 1"))
	refused[*types.ResourceNotFoundException](t, get(f, nil), 404, nothing)
	if err := create(f, nil); err != nil {
		t.Fatal(err)
	}
	if err := remove(f, nil); err != nil {
		t.Fatal(err)
	}
	refused[*types.ResourceNotFoundException](t, get(f, nil), 404, nothing)
}

// What a page sends and gets, by either address.
func TestFunctionURL(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, `return {"statusCode": 201, "headers": {"X-Own": "yes"}, "cookies": ["a=1; Path=/", "b=2"], "body": __import__("json").dumps(event)}`))
	a.publish("f")
	a.alias("f", "live", "1")
	address := a.address("f:live", func(in *lambda.CreateFunctionUrlConfigInput) {
		in.Cors = &types.Cors{AllowOrigins: []string{"https://app.example"}, AllowMethods: []string{"POST"}, AllowHeaders: []string{"content-type"}}
	})
	id, _, _ := strings.Cut(strings.TrimPrefix(address, "http://"), ".")
	for _, base := range []string{address, shared.URL() + "/_engine/url/" + id + "/"} {
		got := a.page(http.MethodPost, base+"some/path%2F?x=1&x=2&y=%20", "\x00\x01", "Origin", "https://app.example", "Cookie", "k=v; l=w", "Content-Type", "image/png", "X-In", "1", "X-In", "2")
		if got.status != 201 || got.header.Get("X-Own") != "yes" || strings.Join(got.header.Values("Set-Cookie"), "|") != "a=1; Path=/|b=2" || got.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %d %v %s", base, got.status, got.header, got.body)
		}
		if got.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
			t.Errorf("%s: CORS %v", base, got.header)
		}
		var event struct {
			Version, RawPath, RawQueryString, Body string
			Cookies                                []string
			Headers, QueryStringParameters         map[string]string
			IsBase64Encoded                        bool
			RequestContext                         struct{ DomainName, DomainPrefix, RequestID string }
		}
		if err := json.Unmarshal([]byte(got.body), &event); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
		if event.Version != "2.0" || event.RawPath != "/some/path%2F" || event.RawQueryString != "x=1&x=2&y=%20" || event.QueryStringParameters["x"] != "1,2" || event.QueryStringParameters["y"] != " " ||
			event.Headers["x-in"] != "1,2" || strings.Join(event.Cookies, "|") != "k=v|l=w" || event.Body != "AAE=" || !event.IsBase64Encoded ||
			event.RequestContext.DomainName != id+".lambda-url."+region+".localhost" || event.RequestContext.RequestID != got.header.Get("x-amzn-RequestId") {
			t.Errorf("%s: event %s", base, got.body)
		}
		asked := a.page(http.MethodOptions, base, "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
		if asked.status != 200 || asked.body != "" || asked.header.Get("Access-Control-Allow-Methods") != "POST" || asked.header.Get("Access-Control-Allow-Headers") != "content-type" {
			t.Errorf("%s: preflight %d %v %s", base, asked.status, asked.header, asked.body)
		}
	}
	// The host of a URL is for the URL only: its page cannot get at the API.
	if got := a.page(http.MethodGet, address+"2015-03-31/functions/", "", "Origin", "https://evil.example"); !strings.Contains(got.body, `"rawPath": "/2015-03-31/functions/"`) {
		t.Errorf("the API at a function URL: %d %s", got.status, got.body)
	}
	if got := a.page(http.MethodGet, shared.URL()+"/2015-03-31/functions/", "", "Origin", "https://evil.example"); got.status != 403 {
		t.Errorf("the API for a web page: %d %s", got.status, got.body)
	}
}

func TestFunctionURLAccess(t *testing.T) {
	t.Parallel()
	a, b := newAccount(t), newAccount(t)
	a.create("f", python(t, `return event["requestContext"].get("authorizer", {}).get("iam", {}).get("accountId", "nobody")`))
	signed := func(account string) []string {
		return []string{"Authorization", "AWS4-HMAC-SHA256 Credential=" + account + "/20261122/" + region + "/lambda/aws4_request, SignedHeaders=host, Signature=0"}
	}
	const text = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`
	forbidden := func(address string, headers ...string) {
		t.Helper()
		got := a.page(http.MethodGet, address, "", headers...)
		if got.status != 403 || got.body != text || got.header.Get("X-Amzn-Errortype") != "AccessDeniedException" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %v %s", got.status, got.header, got.body)
		}
	}
	answers := func(address, want string, headers ...string) {
		t.Helper()
		if got := a.page(http.MethodGet, address, "", headers...); got.status != 200 || got.body != want {
			t.Errorf("%d %s, want %s", got.status, got.body, want)
		}
	}
	made := must[*lambda.CreateFunctionUrlConfigOutput](t)(a.CreateFunctionUrlConfig(t.Context(), &lambda.CreateFunctionUrlConfigInput{FunctionName: aws.String("f"), AuthType: types.FunctionUrlAuthTypeNone}))
	address := *made.FunctionUrl
	forbidden(address)
	a.permitURL("f", "*", types.FunctionUrlAuthTypeNone)
	answers(address, "nobody")
	answers(address, "nobody", signed(b.id)...)
	if _, err := a.UpdateFunctionUrlConfig(t.Context(), &lambda.UpdateFunctionUrlConfigInput{FunctionName: aws.String("f"), AuthType: types.FunctionUrlAuthTypeAwsIam}); err != nil {
		t.Fatal(err)
	}
	forbidden(address)
	forbidden(address, signed(b.id)...) // the statement is for URLs that ask for no signature
	answers(address, a.id, signed(a.id)...)
	a.permitURL("f", b.id, types.FunctionUrlAuthTypeAwsIam)
	answers(address, b.id, signed(b.id)...)
	if _, err := a.DeleteFunctionUrlConfig(t.Context(), &lambda.DeleteFunctionUrlConfigInput{FunctionName: aws.String("f")}); err != nil {
		t.Fatal(err)
	}
	if got := a.page(http.MethodGet, address, "", signed(a.id)...); got.status != 403 || got.body != `{"Message":null}` || got.header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
		t.Errorf("after its end: %d %s", got.status, got.body)
	}
}

func TestFunctionURLErrors(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "raise ValueError('secret')"))
	a.create("odd", python(t, "return {'statusCode': 'odd'}"))
	address := a.address("f")
	for _, function := range []string{address, a.address("odd")} {
		if got := a.page(http.MethodGet, function, ""); got.status != 502 || got.body != "Internal Server Error" {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if got := a.page(http.MethodPost, address, strings.Repeat("x", 6<<20+1)); got.status != 413 || got.header.Get("X-Amzn-Errortype") != "RequestEntityTooLargeException" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := a.page(http.MethodPost, address, strings.Repeat("x", 6<<20-100)); got.status != 413 { // what counts is the event
		t.Errorf("%d %s", got.status, got.body)
	}
	if _, err := a.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	if got := a.page(http.MethodGet, address, ""); got.status != 429 || got.header.Get("X-Amzn-Errortype") != "TooManyRequestsException" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// A page has the beginning of a response before the function writes its end.
func TestFunctionURLStream(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	gate := filepath.Join(t.TempDir(), "gate")
	a.streaming("f", fmt.Sprintf(`
		out = awslambda.HttpResponseStream.from(out, {statusCode: 201, headers: {"Content-Type": "text/event-stream", "X-Own": "yes"}, cookies: ["a=1", "b=2"]});
		out.write("first"); await exists(%q); out.end("second");`, gate))
	response := a.browse(http.MethodGet, a.address("f", streams), "")
	first := make([]byte, 5)
	if _, err := io.ReadFull(response.body, first); err != nil || string(first) != "first" {
		t.Fatalf("%q %v", first, err)
	}
	if h := response.header; response.status != 201 || h.Get("Content-Type") != "text/event-stream" || h.Get("X-Own") != "yes" || len(h.Values("Set-Cookie")) != 2 {
		t.Errorf("%d %v", response.status, h)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(response.body); err != nil || string(rest) != "second" {
		t.Errorf("%q %v", rest, err)
	}

	a.streaming("plain", `out.setContentType("text/plain"); out.end("text");`)
	a.create("whole", python(t, "return {'statusCode': 404, 'body': 'x'}"))
	a.streaming("none", `throw new Error("at once");`)
	for function, want := range map[string]string{
		"plain": "200 text/plain text", "whole": `200 application/json {"statusCode": 404, "body": "x"}`, "none": "502 application/json Internal Server Error",
	} {
		got := a.page(http.MethodGet, a.address(function, streams), "")
		if text := fmt.Sprint(got.status, " ", got.header.Get("Content-Type"), " ", got.body); text != want {
			t.Errorf("%s: %s, want %s", function, text, want)
		}
	}

	a.streaming("half", `out.write("half"); throw new Error("midway");`)
	half := a.browse(http.MethodGet, a.address("half", streams), "")
	if body, err := io.ReadAll(half.body); err == nil || string(body) != "half" {
		t.Errorf("a response that broke off ends as if whole: %q %v", body, err)
	}
}

// A URL is the same after a restart of the engine.
func TestFunctionURLSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEngine(t, dir)
	a := accountOn(t, e.URL(), "123456789012")
	a.create("f", python(t, "return 'here'"))
	before, err := url.Parse(a.address("f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	a = accountOn(t, startEngine(t, dir).URL(), "123456789012")
	out := must[*lambda.GetFunctionUrlConfigOutput](t)(a.GetFunctionUrlConfig(t.Context(), &lambda.GetFunctionUrlConfigInput{FunctionName: aws.String("f")}))
	after, err := url.Parse(*out.FunctionUrl)
	if err != nil || after.Hostname() != before.Hostname() {
		t.Errorf("%s was %s (%v)", after, before, err)
	}
	if got := a.page(http.MethodGet, after.String(), ""); got.body != "here" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
