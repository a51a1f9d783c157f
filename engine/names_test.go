package engine_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// call is a request as it goes over the wire. In its path and body, NAME is the name of
// the function as the caller spells it, and N a number that no other spelling has.
type call struct {
	method, path, body string
	status             int
}

// Spec api §0.1, F.25.5, F.16.2, F.3.7, F.8.5: whatever a function is called by, every
// operation finds it, and shows the ARN of what was asked for.
func TestSpellings(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	pkg := python(t, "return context.invoked_function_arn")
	a.create("f", pkg)
	a.publish("f")
	a.alias("f", "PROD", "1")
	source := a.stream("s")
	zip := base64.StdEncoding.EncodeToString(pkg)

	const functions = "/2015-03-31/functions/NAME"
	const async, url, provisioned = "/2019-09-25/functions/NAME/event-invoke-config", "/2021-10-31/functions/NAME/url", "/2019-09-30/functions/NAME/provisioned-concurrency"
	whole := []call{
		{"GET", functions, "", 200},
		{"GET", functions + "/configuration", "", 200},
		{"PUT", functions + "/configuration", `{"Timeout":3}`, 200},
		{"PUT", functions + "/code", `{"ZipFile":"` + zip + `"}`, 200},
		{"POST", functions + "/versions", `{}`, 201},
		{"GET", functions + "/versions", "", 200},
		{"POST", functions + "/invocations", `{}`, 200},
		{"POST", "/2014-11-13/functions/NAME/invoke-async/", `{}`, 202},
		{"POST", "/2021-11-15/functions/NAME/response-streaming-invocations", `{}`, 200},
		{"POST", functions + "/aliases", `{"Name":"a-N","FunctionVersion":"1"}`, 201},
		{"GET", functions + "/aliases/a-N", "", 200},
		{"GET", functions + "/aliases", "", 200},
		{"PUT", functions + "/aliases/a-N", `{}`, 200},
		{"DELETE", functions + "/aliases/a-N", "", 204},
		{"POST", functions + "/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}`, 201},
		{"GET", functions + "/policy", "", 200},
		{"DELETE", functions + "/policy/s", "", 204},
		{"PUT", "/2017-10-31/functions/NAME/concurrency", `{"ReservedConcurrentExecutions":5}`, 200},
		{"GET", "/2019-09-30/functions/NAME/concurrency", "", 200},
		{"DELETE", "/2017-10-31/functions/NAME/concurrency", "", 204},
		{"PUT", provisioned + "?Qualifier=PROD", `{"ProvisionedConcurrentExecutions":1}`, 202},
		{"GET", provisioned + "?Qualifier=PROD", "", 200},
		{"GET", provisioned + "?List=ALL", "", 200},
		{"DELETE", provisioned + "?Qualifier=PROD", "", 204},
		{"PUT", async, `{"MaximumRetryAttempts":0}`, 200},
		{"POST", async, `{"MaximumRetryAttempts":1}`, 200},
		{"GET", async, "", 200},
		{"GET", async + "/list", "", 200},
		{"DELETE", async, "", 204},
		{"POST", url, `{"AuthType":"NONE"}`, 201},
		{"PUT", url, `{"AuthType":"AWS_IAM"}`, 200},
		{"GET", url, "", 200},
		{"GET", url + "s", "", 200},
		{"DELETE", url, "", 204},
		{"GET", "/2020-06-30/functions/NAME/code-signing-config", "", 200},
		{"DELETE", "/2020-06-30/functions/NAME/code-signing-config", "", 204},
		{"PUT", "/2021-07-20/functions/NAME/runtime-management-config", `{"UpdateRuntimeOn":"Auto"}`, 200},
		{"GET", "/2021-07-20/functions/NAME/runtime-management-config", "", 200},
		{"PUT", "/2024-08-31/functions/NAME/recursion-config", `{"RecursiveLoop":"Allow"}`, 200},
		{"GET", "/2024-08-31/functions/NAME/recursion-config", "", 200},
		{"GET", "/2015-03-31/event-source-mappings?FunctionName=NAME", "", 200},
		{"DELETE", functions + "?Qualifier=99", "", 204},
		{"POST", "/2015-03-31/functions", `{"FunctionName":"NAME-N","Runtime":"python3.13","Handler":"app.handler","Role":"` + role + `","Code":{"ZipFile":"` + zip + `"}}`, 201},
		{"DELETE", functions + "-N", "", 204},
	}
	qualified := []call{
		{"GET", functions, "", 200},
		{"GET", functions + "/configuration", "", 200},
		{"POST", functions + "/invocations", `{}`, 200},
		{"PUT", async, `{"MaximumRetryAttempts":0}`, 200},
		{"GET", async, "", 200},
		{"DELETE", async, "", 204},
		{"POST", "/2015-03-31/event-source-mappings", `{"FunctionName":"NAME","EventSourceArn":"` + source + `","StartingPosition":"LATEST"}`, 202},
		{"GET", "/2015-03-31/event-source-mappings?FunctionName=NAME", "", 200},
	}

	encode := strings.NewReplacer(":", "%3A", "$", "%24")
	for n, name := range []string{"f", "function:f", a.id + ":f", a.id + ":function:f", a.arn("f")} {
		run := func(calls []call, qualifier string) {
			t.Helper()
			arn := strings.TrimSuffix(a.arn("f:"+qualifier), ":")
			spelled := strings.TrimSuffix(name+":"+qualifier, ":")
			number := strings.NewReplacer("-N", fmt.Sprintf("-%d", n))
			for _, c := range calls {
				path := number.Replace(strings.ReplaceAll(c.path, "NAME", encode.Replace(spelled)))
				got := a.send(c.method, path, number.Replace(strings.ReplaceAll(c.body, "NAME", spelled)))
				if got.status != c.status {
					t.Errorf("%s %s: %d %s", c.method, path, got.status, got.body)
				}
				if shown := got.field("FunctionArn"); shown != "" && !strings.HasPrefix(shown, arn) {
					t.Errorf("%s %s is about %s", c.method, path, shown)
				}
				if strings.HasSuffix(path, "/invocations") && got.body != `"`+arn+`"` {
					t.Errorf("%s %s has run %s", c.method, path, got.body)
				}
				if id := got.field("UUID"); id != "" {
					if gone := a.send("DELETE", "/2015-03-31/event-source-mappings/"+id, ""); gone.status != 202 {
						t.Errorf("%s: %d %s", path, gone.status, gone.body)
					}
				}
			}
		}
		run(whole, "")
		for _, qualifier := range []string{"$LATEST", "1", "PROD"} {
			run(qualified, qualifier)
		}
	}
}
