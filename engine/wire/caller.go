package wire

import (
	"context"
	"net/http"
	"strings"
)

// Caller is who made a request and where it was sent, read off the request's
// SigV4 credential scope. The engine does not verify signatures: any
// well-formed one is accepted, and an unsigned request gets the defaults.
type Caller struct {
	Account     string // 12 digits
	Region      string // such as us-east-1
	AccessKeyID string // empty when the request was not signed
	RequestID   string // UUID, also sent back as x-amzn-RequestId
}

type callerKey struct{}

// WithCaller returns a context that carries c.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller that the wire layer put into ctx, or the zero Caller.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// credential is the scope of a SigV4 signature.
type credential struct {
	accessKeyID, region, service string
}

// credentialOf reads the credential scope off a signed request, from its
// Authorization header or, when presigned, its query. Anything else is unsigned.
func credentialOf(r *http.Request) credential {
	var scope string
	if auth := r.Header.Get("Authorization"); strings.HasPrefix(auth, "AWS4-") {
		_, scope, _ = strings.Cut(auth, "Credential=")
		if i := strings.IndexAny(scope, ", "); i >= 0 {
			scope = scope[:i]
		}
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		scope = r.URL.Query().Get("X-Amz-Credential")
	}
	// key/date/region/service/aws4_request; SigV4A has no region. A key may hold slashes.
	parts := strings.Split(scope, "/")
	n := len(parts)
	if n < 4 || parts[n-1] != "aws4_request" {
		return credential{}
	}
	c := credential{service: parts[n-2]}
	if isDate(parts[n-3]) {
		c.accessKeyID = strings.Join(parts[:n-3], "/")
	} else if n >= 5 {
		c.region = parts[n-3]
		c.accessKeyID = strings.Join(parts[:n-4], "/")
	}
	return c
}

func isDate(s string) bool { return len(s) == 8 && isDigits(s) }

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
