package engine_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzAPI throws requests at a whole engine that has a function, a version, an
// alias and a layer: whatever comes, the fault is never the engine's own.
func FuzzAPI(f *testing.F) {
	e := startEngine(f, f.TempDir())
	a := accountOn(f, e.URL(), "123456789012")
	a.create("f", python(f, "return 1"))
	a.publish("f")
	a.alias("f", "live", "1")
	pkg := base64.StdEncoding.EncodeToString(python(f, "return 2"))
	layer := a.send("POST", "/2018-10-31/layers/l/versions", `{"Content":{"ZipFile":"`+pkg+`"}}`)
	if layer.status != http.StatusCreated {
		f.Fatalf("layer: %d %s", layer.status, layer.body)
	}
	role := `"arn:aws:iam::123456789012:role/r"`
	for _, seed := range [][3]string{
		{"POST", "/2015-03-31/functions", `{"FunctionName":"g","Runtime":"python3.13","Handler":"a.b","Role":` + role + `,"Code":{"ZipFile":"` + pkg + `"},"Layers":["arn:aws:lambda:us-west-2:123456789012:layer:l:1"]}`},
		{"POST", "/2015-03-31/functions", `{"FunctionName":"h","Role":` + role + `,"PackageType":"Image","Code":{"ImageUri":"x"},"ImageConfig":{}}`},
		{"GET", "/2015-03-31/functions?MaxItems=1&Marker=YWZ0ZXI6Zg%3D%3D&FunctionVersion=ALL", ""},
		{"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Af%3Alive?Qualifier=live", ""},
		{"GET", "/2015-03-31/functions/f/versions", ""},
		{"PUT", "/2015-03-31/functions/f/code", `{"ZipFile":"` + pkg + `","Publish":true,"RevisionId":"x"}`},
		{"PUT", "/2015-03-31/functions/f/configuration", `{"Timeout":5,"Environment":{"Variables":{"A":"b"}},"VpcConfig":{},"LoggingConfig":{"LogFormat":"JSON"},"DeadLetterConfig":{},"TracingConfig":{},"SnapStart":{},"EphemeralStorage":{"Size":512},"Layers":[]}`},
		{"POST", "/2015-03-31/functions/f/versions", `{"CodeSha256":"x","Description":"d"}`},
		{"POST", "/2015-03-31/functions/f/aliases", `{"Name":"n","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`},
		{"PUT", "/2015-03-31/functions/f/aliases/live", `{"RoutingConfig":{}}`},
		{"DELETE", "/2015-03-31/functions/f/aliases/n", ""},
		{"POST", "/2015-03-31/functions/f/policy?Qualifier=live", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","SourceArn":"arn:aws:s3:::b"}`},
		{"GET", "/2015-03-31/functions/f/policy", ""},
		{"DELETE", "/2015-03-31/functions/f/policy/s", ""},
		{"POST", "/2015-03-31/functions/g:1/invocations", `{}`},
		{"POST", "/2014-11-13/functions/g/invoke-async/", `{}`},
		{"POST", "/2021-11-15/functions/g/response-streaming-invocations", `{}`},
		{"POST", "/2015-03-31/event-source-mappings", `{"FunctionName":"f","EventSourceArn":"arn:aws:kinesis:us-west-2:123456789012:stream/s","StartingPosition":"LATEST"}`},
		{"POST", "/2021-10-31/functions/f/url?Qualifier=live", `{"AuthType":"NONE","Cors":{"AllowOrigins":["*"]}}`},
		{"PUT", "/2021-10-31/functions/f/url", `{"InvokeMode":"RESPONSE_STREAM"}`},
		{"PUT", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=9", `{"ProvisionedConcurrentExecutions":1}`},
		{"PUT", "/2019-09-25/functions/f/event-invoke-config", `{"MaximumRetryAttempts":1,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:lambda:us-west-2:123456789012:function:g"}}}`},
		{"PUT", "/2017-10-31/functions/f/concurrency", `{"ReservedConcurrentExecutions":1}`},
		{"PUT", "/2021-07-20/functions/f/runtime-management-config", `{"UpdateRuntimeOn":"Manual","RuntimeVersionArn":"arn:aws:lambda:us-west-2::runtime:x"}`},
		{"POST", "/2020-04-22/code-signing-configs", `{"AllowedPublishers":{"SigningProfileVersionArns":["arn:aws:signer:us-west-2:1:x"]}}`},
		{"PUT", "/2020-06-30/functions/f/code-signing-config", `{"CodeSigningConfigArn":"arn:aws:lambda:us-west-2:123456789012:code-signing-config:csc-00000000000000000"}`},
		{"POST", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Af", `{"Tags":{"a":"b"}}`},
		{"POST", "/2018-10-31/layers/l/versions/1/policy", `{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"*"}`},
		{"GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Alayer%3Al%3A1", ""},
		{"GET", "/_engine/url/x/y?z", ""},
		{"GET", "/_engine/code/00?Expires=1&Signature=x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, uri, body string) {
		u, err := url.ParseRequestURI(uri)
		if err != nil || strings.HasPrefix(u.Path, "/_engine/logs") {
			return // no request that a server would hand on, or one that follows a log
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := (&http.Request{
			Method: method, URL: u, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Host: "localhost",
		}).WithContext(ctx)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=00")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusNotImplemented && !strings.Contains(w.Header().Get("x-amzn-ErrorType"), "InvalidZipFile") {
			t.Errorf("%s %s %q: %d %s", method, uri, body, w.Code, w.Body)
		}
	})
}
