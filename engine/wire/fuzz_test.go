package wire

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequest throws anything at the server: it must not panic, must always
// name the request and must answer in a form that clients can read.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][5]string{
		{"GET", "/2015-03-31/functions/f", "Qualifier=1", "", ""},
		{"POST", "/2015-03-31/functions", "", "", `{"FunctionName":"f","Role":"r","Code":{"ZipFile":"AA=="},"VpcConfig":{"SubnetIds":[null]},"Timeout":1e9}`},
		{"POST", "/2015-03-31/functions/a%2Fb%3A/aliases", "", "", `{"Name":"1","RoutingConfig":{"AdditionalVersionWeights":{"":null}}}`},
		{"PUT", "/2015-03-31/functions/f/configuration/", "", "", `{"Environment":{"Variables":{"A":1}}}`},
		{"POST", "/2015-03-31/functions/f/invocations", "Qualifier=%zz", "", `not json`},
		{"DELETE", "/2017-03-31/tags/arn", "tagKeys=&tagKeys", "", ``},
		{"POST", "/", "", "Kinesis_20131202.PutRecord", `{"StreamName":[],"Data":"="}`},
		{"POST", "/", "", "", `Action=GetCallerIdentity`},
		{"GET", "/2018-10-31/layers", "find=LayerVersion", "", ""},
		{"PUT", "/2019-09-25/functions/f/event-invoke-config", "", "", `{"DestinationConfig":{"OnFailure":null}}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	c := newCloud(f)
	handler := c.Config.Handler
	f.Fuzz(func(t *testing.T, method, path, query, target, body string) {
		u := &url.URL{Path: "/" + strings.TrimPrefix(path, "/"), RawQuery: query}
		if p, err := url.PathUnescape(u.Path); err == nil {
			u.RawPath, u.Path = u.Path, p
		}
		r := &http.Request{
			Method: method, URL: u, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)), Host: "localhost",
		}
		if target != "" {
			r.Header.Set("X-Amz-Target", target)
		}
		if strings.HasPrefix(body, "Action=") {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		c.log.Reset()
		handler.ServeHTTP(w, r.WithContext(t.Context()))
		if id := w.Header().Get("x-amzn-RequestId"); !uuidPattern.MatchString(id) {
			t.Errorf("request id %q", id)
		}
		// The server catches panics, so they show in its log only.
		if log := c.log.String(); strings.Contains(log, "panic") && !strings.Contains(log, "tags are scary") {
			t.Error(log)
		}
		answer := w.Body.Bytes()
		switch {
		case len(answer) == 0 || w.Code < 300 && strings.HasSuffix(path, "/invocations"):
		case strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml"):
			if err := xml.Unmarshal(answer, new(any)); err != nil {
				t.Errorf("%s: %v", answer, err)
			}
		case w.Code < 300 && w.Header().Get("Content-Type") == "":
			// The raw handler's own answer.
		case !json.Valid(answer):
			t.Errorf("%d %q", w.Code, answer)
		}
	})
}
