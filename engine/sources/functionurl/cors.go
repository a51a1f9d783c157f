package functionurl

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// cors is what a URL's settings say to one request. Without settings, everything is
// left to the function.
type cors struct {
	settings *types.Cors
	request  *http.Request
	origin   string // empty when the request is of no page
}

func corsOf(u catalog.URL, r *http.Request) cors {
	return cors{u.Cors, r, r.Header.Get("Origin")}
}

// preflight answers a browser that asks whether it may make a request. The function
// does not see it.
func (c cors) preflight(w http.ResponseWriter) bool {
	if c.settings == nil || c.origin == "" || c.request.Method != http.MethodOptions || c.request.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		set(h, "Access-Control-Allow-Methods", c.settings.AllowMethods)
		set(h, "Access-Control-Allow-Headers", c.settings.AllowHeaders)
		if age := c.settings.MaxAge; age != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(int(*age)))
		}
	}
	w.WriteHeader(http.StatusOK)
	return true
}

// headers puts the settings into the headers of a response, in place of what the
// function has said of the matter.
func (c cors) headers(h http.Header) {
	if c.settings == nil || c.origin == "" {
		return
	}
	h.Del("Access-Control-Allow-Origin")
	h.Del("Access-Control-Allow-Credentials")
	h.Del("Access-Control-Expose-Headers")
	if !slices.Contains(h.Values("Vary"), "Origin") {
		h.Add("Vary", "Origin")
	}
	if !slices.ContainsFunc(c.settings.AllowOrigins, func(o string) bool { return o == "*" || strings.EqualFold(o, c.origin) }) {
		return
	}
	h.Set("Access-Control-Allow-Origin", c.origin)
	if aws.ToBool(c.settings.AllowCredentials) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	set(h, "Access-Control-Expose-Headers", c.settings.ExposeHeaders)
}

func set(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}
