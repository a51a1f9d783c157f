package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// signature is what a request says of how it was signed (AWS Signature Version 4).
type signature struct {
	algorithm   string
	accessKeyID string
	day         string // YYYYMMDD
	region      string // empty with SigV4a, which has none
	service     string
	headers     []string // signed ones, in the order given
	sum         string   // the signature itself, hexadecimal
	time        string   // when it was made, as sent
	expires     string   // seconds, of a presigned request
	presigned   bool
}

const (
	signingAlgorithm    = "AWS4-HMAC-SHA256"
	asymmetricAlgorithm = "AWS4-ECDSA-P256-SHA256"
)

// given tells whether a request was signed at all.
func (g signature) given() bool { return g.algorithm != "" }

// refusal is an error of the way a request was signed.
func refusal(code, format string, args ...any) *Error {
	return &Error{Code: code, Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

func incomplete(format string, args ...any) *Error {
	return refusal("IncompleteSignatureException", format, args...)
}

// readSignature reads the signature off the Authorization header or, of a presigned
// request, the query. A request that does not claim to be signed has the zero signature.
func readSignature(r *http.Request) (signature, error) {
	if auth := r.Header.Get("Authorization"); strings.HasPrefix(auth, "AWS4-") {
		g, err := parseAuthorization(auth)
		if g.time = r.Header.Get("X-Amz-Date"); g.time == "" {
			g.time = r.Header.Get("Date")
		}
		return g, err
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-") {
		if query := r.URL.Query(); query.Has("X-Amz-Credential") || query.Has("X-Amz-Signature") {
			return parsePresigned(query)
		}
	}
	return signature{}, nil
}

// parseAuthorization reads ALGORITHM Credential=…, SignedHeaders=…, Signature=….
func parseAuthorization(header string) (signature, error) {
	algorithm, rest, _ := strings.Cut(header, " ")
	values := map[string]string{}
	for pair := range strings.SplitSeq(rest, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return signature{}, incomplete("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '%s'.", hashed(header))
		}
		values[name] = value
	}
	missing := ""
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if values[name] == "" {
			missing += "Authorization header requires '" + name + "' parameter. "
		}
	}
	if missing != "" {
		return signature{}, incomplete("%s(Hashed with SHA-256 and encoded with Base64) Authorization=%s", missing, hashed(header))
	}
	g := signature{algorithm: algorithm, headers: strings.Split(values["SignedHeaders"], ";"), sum: values["Signature"]}
	return g, g.scope(values["Credential"])
}

// hashed is how messages show a header, which may hold secrets.
func hashed(header string) string {
	sum := sha256.Sum256([]byte(header))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func parsePresigned(query url.Values) (signature, error) {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if query.Get(name) == "" {
			return signature{}, incomplete("AWS query-string parameters must include '%s'. Re-examine the query-string parameters.", name)
		}
	}
	g := signature{
		algorithm: query.Get("X-Amz-Algorithm"), headers: strings.Split(query.Get("X-Amz-SignedHeaders"), ";"),
		sum: query.Get("X-Amz-Signature"), time: query.Get("X-Amz-Date"), expires: query.Get("X-Amz-Expires"), presigned: true,
	}
	return g, g.scope(query.Get("X-Amz-Credential"))
}

// scope reads KEY/DATE/REGION/SERVICE/aws4_request; SigV4a has no region. A key may hold slashes.
func (g *signature) scope(credential string) error {
	want := 5
	switch g.algorithm {
	case signingAlgorithm:
	case asymmetricAlgorithm:
		want = 4
	default:
		return incomplete("Unsupported AWS 'algorithm': '%s'.", g.algorithm)
	}
	parts := strings.Split(credential, "/")
	n := len(parts) - want + 1 // elements of the key
	if n < 1 {
		return incomplete("Credential must have exactly %d slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", want, credential)
	}
	g.accessKeyID, g.day, g.service = strings.Join(parts[:n], "/"), parts[n], parts[len(parts)-2]
	if want == 5 {
		g.region = parts[n+1]
	}
	switch term := parts[len(parts)-1]; {
	case term != "aws4_request":
		return incomplete("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", term)
	case g.accessKeyID == "" || len(g.day) != 8 || !isDigits(g.day):
		return incomplete("Credential must be keyid/date/region/service/term with a date of the form YYYYMMDD, got '%s'", credential)
	}
	return nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
