package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How far the clocks of a client may be off.
const (
	signatureLife = 15 * time.Minute
	signatureLead = 5 * time.Minute
	longestExpiry = 7 * 24 * time.Hour // of presigned requests
)

const (
	basicTime       = "20060102T150405Z" // ISO 8601's basic format
	unsignedPayload = "UNSIGNED-PAYLOAD"
	payloadHeader   = "X-Amz-Content-Sha256"
	tokenHeader     = "x-amz-security-token"
)

func mismatch() *Error {
	return refusal("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// verify tells whether the owner of the secret key made the request as it is.
func (g signature) verify(r *http.Request, secretKey string, now time.Time) error {
	if g.algorithm == asymmetricAlgorithm {
		return incomplete("The engine does not verify signatures of SigV4a (%s): sign for one region, with %s.", asymmetricAlgorithm, signingAlgorithm)
	}
	made, err := g.made()
	if err != nil {
		return err
	}
	if err := g.current(made, now); err != nil {
		return err
	}
	if err := g.covers(r); err != nil {
		return err
	}
	payload, err := g.payload(r)
	if err != nil {
		return err
	}
	if g.service != "s3" {
		normalise(r.URL)
	}
	stamp := made.Format(basicTime)
	scope := strings.Join([]string{g.day, g.region, g.service, "aws4_request"}, "/")
	text := strings.Join([]string{signingAlgorithm, stamp, scope, hexSum([]byte(g.canonical(r, payload)))}, "\n")
	key := []byte("AWS4" + secretKey)
	for _, part := range []string{g.day, g.region, g.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(g.sum)) {
		return mismatch()
	}
	return nil
}

// made reads when the request was signed.
func (g signature) made() (time.Time, error) {
	if g.time == "" {
		return time.Time{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	made, err := time.Parse(basicTime, g.time)
	if err != nil {
		made, err = http.ParseTime(g.time) // a Date header
	}
	if err != nil {
		return made, incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", g.time)
	}
	made = made.UTC()
	if day := made.Format("20060102"); day != g.day {
		return made, refusal("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", g.day, day, made.Format(basicTime))
	}
	return made, nil
}

// current refuses what was signed too long ago, or in the future.
func (g signature) current(made, now time.Time) error {
	life := signatureLife
	if g.expires != "" {
		seconds, err := strconv.Atoi(g.expires)
		switch {
		case err != nil:
			return incomplete("X-Amz-Expires should be a number")
		case seconds < 0:
			return incomplete("X-Amz-Expires must be non-negative")
		case seconds > int(longestExpiry/time.Second):
			return incomplete("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than %d seconds", int(longestExpiry/time.Second))
		}
		life = time.Duration(seconds) * time.Second
	}
	now = now.UTC()
	const format = "Signature %s: %s is %s than %s (%s %s %g min.)"
	if oldest := now.Add(-life); made.Before(oldest) {
		return refusal("InvalidSignatureException", format, "expired", made.Format(basicTime), "now earlier", oldest.Format(basicTime), now.Format(basicTime), "-", life.Minutes())
	}
	if newest := now.Add(signatureLead); made.After(newest) {
		return refusal("InvalidSignatureException", format, "not yet current", made.Format(basicTime), "still later", newest.Format(basicTime), now.Format(basicTime), "+", signatureLead.Minutes())
	}
	return nil
}

// covers refuses a signature that leaves out what changes the request's meaning.
// A session token may be added to a request that has been signed.
func (g signature) covers(r *http.Request) error {
	if !slices.Contains(g.headers, "host") {
		return refusal("InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && name != tokenHeader && !slices.Contains(g.headers, name) {
			return refusal("InvalidSignatureException", "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
	}
	return nil
}

// payload returns the last line of the canonical request: the hash of the body as
// it was read, or that it was not signed.
func (g signature) payload(r *http.Request) (string, error) {
	declared := r.Header.Get(payloadHeader)
	if declared == "" && g.presigned {
		declared = r.URL.Query().Get(payloadHeader)
		if declared == "" && g.service == "s3" {
			declared = unsignedPayload
		}
	}
	if declared == unsignedPayload {
		return declared, nil
	}
	body, err := ReadBody(r, maxCodeRequest, "requested")
	if err != nil {
		return "", err
	}
	if r.Body != nil {
		r.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(body), r.Body}
		r.ContentLength = int64(len(body))
	}
	sum := hexSum(body)
	if declared != "" && declared != sum {
		return "", mismatch()
	}
	return sum, nil
}

// canonical writes the request down as its signer has.
func (g signature) canonical(r *http.Request, payload string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + g.path(r.URL) + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	names := slices.Sorted(slices.Values(g.headers))
	for _, name := range names {
		values := slices.Clone(r.Header.Values(name))
		if name == "host" {
			values = []string{r.Host}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	b.WriteString("\n" + strings.Join(names, ";") + "\n" + payload)
	return b.String()
}

// path is the canonical URI: S3 encodes an object's key once, everybody else
// encodes the path as it was sent once more.
func (g signature) path(u *url.URL) string {
	if g.service == "s3" {
		return encode(u.Path, "/")
	}
	return encode(u.EscapedPath(), "/")
}

// normalise takes empty segments, "." and ".." out of a path, as signers do. What
// is served must be what was signed, so this happens to the request itself.
func normalise(u *url.URL) {
	sent := u.EscapedPath()
	var kept []string
	for segment := range strings.SplitSeq(sent, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	clean := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(sent, "/") {
		clean += "/"
	}
	if path, err := url.PathUnescape(clean); err == nil && clean != sent {
		u.Path, u.RawPath = path, clean
	}
}

// canonicalQuery sorts the parameters, all but the signature itself.
func canonicalQuery(raw string) string {
	type parameter struct{ name, value string }
	var parameters []parameter
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if p := (parameter{recode(name), recode(value)}); pair != "" && p.name != "X-Amz-Signature" {
			parameters = append(parameters, p)
		}
	}
	slices.SortFunc(parameters, func(a, b parameter) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	texts := make([]string, len(parameters))
	for i, p := range parameters {
		texts[i] = p.name + "=" + p.value
	}
	return strings.Join(texts, "&")
}

// recode encodes a part of a query in AWS's way, however it was encoded.
func recode(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	return encode(s, "")
}

// encode escapes all but unreserved characters and those to keep.
func encode(s, keep string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
