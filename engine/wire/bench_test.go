package wire

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkServe measures what the wire costs beside the handler: a raw
// operation, a read and a write of a small structure.
func BenchmarkServe(b *testing.B) {
	c := newCloud(b)
	for name, request := range map[string][3]string{
		"Invoke":      {"POST", functions + "/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Af/invocations?Qualifier=%24LATEST", `{"a":1}`},
		"GetFunction": {"GET", functions + "/f", ""},
		"CreateAlias": {"POST", functions + "/f/aliases", `{"Name":"live","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.1}}}`},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(request[0], request[1], strings.NewReader(request[2]))
				w := httptest.NewRecorder()
				c.Config.Handler.ServeHTTP(w, r)
				if w.Code >= http.StatusBadRequest {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// BenchmarkLoad measures what a service costs at start-up.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		m, err := LoadModel("lambda")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := NewService(m, &api{}); err != nil {
			b.Fatal(err)
		}
	}
}
