package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Keys of AWS's documentation: of its S3 examples, and of its test suite.
const (
	s3Secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// TestPublishedSignatures verifies what AWS has published: "Signature Calculations
// for the Authorization Header", "Authenticating Requests: Using Query Parameters",
// and the test suite of Signature Version 4.
func TestPublishedSignatures(t *testing.T) {
	const suite = "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature="
	const s3 = "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="
	const none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for name, c := range map[string]struct {
		secret  string
		request []string // lines; the body comes last
	}{
		"s3 get object": {s3Secret, []string{
			"GET /test.txt HTTP/1.1", "Host: examplebucket.s3.amazonaws.com", "Range: bytes=0-9", "x-amz-content-sha256: " + none, "x-amz-date: 20130524T000000Z",
			s3 + "host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "", "",
		}},
		"s3 put object": {s3Secret, []string{
			"PUT /test$file.text HTTP/1.1", "Host: examplebucket.s3.amazonaws.com", "Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-date: 20130524T000000Z", "x-amz-storage-class: REDUCED_REDUNDANCY",
			"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "Content-Length: 21",
			s3 + "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", "", "Welcome to Amazon S3.",
		}},
		"s3 lifecycle": {s3Secret, []string{
			"GET /?lifecycle HTTP/1.1", "Host: examplebucket.s3.amazonaws.com", "x-amz-content-sha256: " + none, "x-amz-date: 20130524T000000Z",
			s3 + "host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", "", "",
		}},
		"s3 list objects": {s3Secret, []string{
			"GET /?max-keys=2&prefix=J HTTP/1.1", "Host: examplebucket.s3.amazonaws.com", "x-amz-content-sha256: " + none, "x-amz-date: 20130524T000000Z",
			s3 + "host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", "", "",
		}},
		"s3 presigned": {s3Secret, []string{
			"GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1",
			"Host: examplebucket.s3.amazonaws.com", "", "",
		}},
		"get-vanilla": {suiteSecret, []string{
			"GET / HTTP/1.1", "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z",
			suite + "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "", "",
		}},
		"get-vanilla-query-order-key-case": {suiteSecret, []string{
			"GET /?Param2=value2&Param1=value1 HTTP/1.1", "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z",
			suite + "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500", "", "",
		}},
		"get-slash-dot-slash": {suiteSecret, []string{
			"GET /./ HTTP/1.1", "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z",
			suite + "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "", "",
		}},
		"get-relative": {suiteSecret, []string{
			"GET /example/.. HTTP/1.1", "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z",
			suite + "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", "", "",
		}},
		"post-vanilla": {suiteSecret, []string{
			"POST / HTTP/1.1", "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z",
			suite + "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", "", "",
		}},
		"iam list users": {suiteSecret, []string{
			"GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1", "Host: iam.amazonaws.com", "Content-Type: application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Date: 20150830T123600Z",
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", "", "",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			verify := func(edit func(string) string) error {
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(edit(strings.Join(c.request, "\r\n")))))
				if err != nil {
					t.Fatal(err)
				}
				g, err := readSignature(r)
				if err != nil {
					t.Fatal(err)
				}
				made, err := g.made()
				if err != nil {
					t.Fatal(err)
				}
				return g.verify(r, c.secret, made.Add(time.Minute))
			}
			if err := verify(func(s string) string { return s }); err != nil {
				t.Error(err)
			}
			if err := verify(func(s string) string { return strings.Replace(s, "Host: ", "Host: not-", 1) }); err == nil {
				t.Error("another host is accepted")
			}
		})
	}
}

const (
	signedKey    = "AKIAIOSFODNN7EXAMPLE"
	signedSecret = "a secret/with+everything"
)

var signedAt = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// sign makes a request as AWS's SDK does, in its headers or presigned.
func sign(t *testing.T, presigned bool) *http.Request {
	t.Helper()
	const path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Af/invocations"
	r := httptest.NewRequest(http.MethodPost, path+"?Qualifier=%24LATEST&b=2&b=1+3&a=%C3%A4&X-Amz-Expires=60", strings.NewReader(`{"a": 1}`))
	r.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", "8")
	key := aws.Credentials{AccessKeyID: signedKey, SecretAccessKey: signedSecret, SessionToken: "token"}
	hash := hexSum([]byte(`{"a": 1}`))
	var err error
	if presigned {
		var signed string
		signed, _, err = v4.NewSigner().PresignHTTP(t.Context(), key, r, hash, "lambda", "us-west-2", signedAt)
		again := httptest.NewRequest(r.Method, signed, r.Body)
		again.Header = r.Header
		again.Header.Del("X-Amz-Invocation-Type") // is in the query now
		r = again
	} else {
		err = v4.NewSigner().SignHTTP(t.Context(), key, r, hash, "lambda", "us-west-2", signedAt)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func verified(t *testing.T, r *http.Request, now time.Time) error {
	t.Helper()
	s := NewServer(ServerConfig{
		Strict: true, Now: func() time.Time { return now },
		Credentials: map[string]Credential{signedKey: {Identity: Root("111122223333"), SecretKey: signedSecret}},
	})
	caller, err := s.Authenticate(r)
	if err == nil && (caller.Account != "111122223333" || caller.Region != "us-west-2" || caller.AccessKeyID != signedKey) {
		t.Errorf("caller %+v", caller)
	}
	return err
}

// TestTampering changes every part of a signed request; none may pass.
func TestTampering(t *testing.T) {
	query := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Set(name, value)
			r.URL.RawQuery = q.Encode()
		}
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	body := func(text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}
	inAuth := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			if !strings.Contains(auth, from) {
				t.Fatalf("%s has no %s", auth, from)
			}
			r.Header.Set("Authorization", strings.Replace(auth, from, to, 1))
		}
	}
	const mismatch, unknown, partial = "InvalidSignatureException", "UnrecognizedClientException", "IncompleteSignatureException"
	both := map[string]struct {
		edit func(*http.Request)
		code string
	}{
		"method":           {func(r *http.Request) { r.Method = http.MethodPut }, mismatch},
		"host":             {func(r *http.Request) { r.Host = "elsewhere" }, mismatch},
		"path":             {func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/2015-03-31/functions/g/invocations", "" }, mismatch},
		"path encoding":    {func(r *http.Request) { r.URL.RawPath = strings.ReplaceAll(r.URL.RawPath, "%3A", ":") }, mismatch},
		"query":            {query("Qualifier", "1"), mismatch},
		"new parameter":    {query("Extra", "1"), mismatch},
		"less parameters":  {func(r *http.Request) { q := r.URL.Query(); q.Del("a"); r.URL.RawQuery = q.Encode() }, mismatch},
		"body":             {body(`{"a": 2}`), mismatch},
		"no body":          {body(""), mismatch},
		"new x-amz header": {header("X-Amz-Log-Type", "Tail"), mismatch},
		"unsigned payload": {header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), mismatch},
	}
	inHeader := map[string]struct {
		edit func(*http.Request)
		code string
	}{
		"x-amz header":     {header("X-Amz-Invocation-Type", "Event"), mismatch},
		"content type":     {header("Content-Type", "text/plain"), mismatch},
		"session token":    {header("X-Amz-Security-Token", "other"), mismatch},
		"date":             {header("X-Amz-Date", "20261122T100001Z"), mismatch},
		"no date":          {func(r *http.Request) { r.Header.Del("X-Amz-Date") }, partial},
		"bad date":         {header("X-Amz-Date", "yesterday"), partial},
		"another day":      {header("X-Amz-Date", "20261123T100000Z"), mismatch},
		"key":              {inAuth(signedKey, "AKIAOTHER"), unknown},
		"region":           {inAuth("us-west-2", "us-east-1"), mismatch},
		"service":          {inAuth("/lambda/", "/sts/"), mismatch},
		"terminator":       {inAuth("aws4_request", "aws5_request"), partial},
		"host not signed":  {inAuth(";host", ""), mismatch},
		"fewer headers":    {inAuth("content-type;", ""), mismatch},
		"fewer x-amz":      {inAuth(";x-amz-invocation-type", ""), mismatch},
		"signature":        {inAuth("Signature=", "Signature=0"), mismatch},
		"upper case":       {func(r *http.Request) { r.Header.Set("Authorization", upperSum(r.Header.Get("Authorization"))) }, mismatch},
		"SigV4a":           {inAuth("AWS4-HMAC-SHA256 Credential="+signedKey+"/20261122/us-west-2", "AWS4-ECDSA-P256-SHA256 Credential="+signedKey+"/20261122"), partial},
		"algorithm":        {inAuth("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"), partial},
		"no authorization": {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException"},
		"another scheme":   {header("Authorization", "Bearer x"), "MissingAuthenticationTokenException"},
	}
	inQuery := map[string]struct {
		edit func(*http.Request)
		code string
	}{
		"moved header":  {query("X-Amz-Invocation-Type", "Event"), mismatch},
		"date":          {query("X-Amz-Date", "20261122T100001Z"), mismatch},
		"longer life":   {query("X-Amz-Expires", "600"), mismatch},
		"no number":     {query("X-Amz-Expires", "soon"), partial},
		"negative":      {query("X-Amz-Expires", "-1"), partial},
		"too long":      {query("X-Amz-Expires", "604801"), partial},
		"signature":     {query("X-Amz-Signature", "00"), mismatch},
		"no signature":  {query("X-Amz-Signature", ""), partial},
		"key":           {query("X-Amz-Credential", "AKIAOTHER/20261122/us-west-2/lambda/aws4_request"), unknown},
		"session token": {query("X-Amz-Security-Token", "other"), mismatch},
	}
	for _, presigned := range []bool{false, true} {
		if err := verified(t, sign(t, presigned), signedAt); err != nil {
			t.Fatalf("presigned %v: %v", presigned, err)
		}
		cases := []map[string]struct {
			edit func(*http.Request)
			code string
		}{both, inHeader}
		if presigned {
			cases[1] = inQuery
		}
		for _, group := range cases {
			for name, c := range group {
				r := sign(t, presigned)
				c.edit(r)
				var refused *Error
				if err := verified(t, r, signedAt); !errors.As(err, &refused) || refused.Code != c.code || refused.Status != http.StatusForbidden {
					t.Errorf("%s, presigned %v: %v, want %s", name, presigned, err, c.code)
				}
			}
		}
	}
}

func upperSum(auth string) string {
	i := strings.LastIndex(auth, "=") + 1
	return auth[:i] + strings.ToUpper(auth[i:])
}

// What is served is what was signed: the body is still there, the path is the normalised one.
func TestWhatWasSignedIsServed(t *testing.T) {
	r := sign(t, false)
	r.URL.Path, r.URL.RawPath = "/2015-03-31"+"/x/.."+strings.TrimPrefix(r.URL.Path, "/2015-03-31"), "/2015-03-31/x/.//.."+strings.TrimPrefix(r.URL.RawPath, "/2015-03-31")
	r.URL.Path = strings.Replace(r.URL.Path, "/x/..", "/x/.//..", 1)
	want := sign(t, false).URL
	if err := verified(t, r, signedAt); err != nil {
		t.Fatal(err)
	}
	if r.URL.Path != want.Path || r.URL.EscapedPath() != want.EscapedPath() {
		t.Errorf("path %s", r.URL.EscapedPath())
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != `{"a": 1}` || r.ContentLength != 8 {
		t.Errorf("body %q of %d, %v", body, r.ContentLength, err)
	}
}

func TestClockSkew(t *testing.T) {
	for _, c := range []struct {
		presigned bool
		off       time.Duration
		want      string
	}{
		{false, 15 * time.Minute, ""},
		{false, 15*time.Minute + time.Second, "Signature expired: 20261122T100000Z is now earlier than 20261122T100001Z (20261122T101501Z - 15 min.)"},
		{false, -5 * time.Minute, ""},
		{false, -5*time.Minute - time.Second, "Signature not yet current: 20261122T100000Z is still later than 20261122T095959Z (20261122T095459Z + 5 min.)"},
		{true, time.Minute, ""},
		{true, time.Minute + time.Second, "Signature expired: 20261122T100000Z is now earlier than 20261122T100001Z (20261122T100101Z - 1 min.)"},
		{true, -6 * time.Minute, "Signature not yet current: 20261122T100000Z is still later than 20261122T095900Z (20261122T095400Z + 5 min.)"},
	} {
		err := verified(t, sign(t, c.presigned), signedAt.Add(c.off))
		var refused *Error
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &refused) || refused.Code != "InvalidSignatureException" || refused.Message != c.want) {
			t.Errorf("%v later, presigned %v: %v", c.off, c.presigned, err)
		}
	}
}

func TestBodyTooLargeToVerify(t *testing.T) {
	r := sign(t, false)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(nil)), maxCodeRequest+1
	var refused *Error
	if err := verified(t, r, signedAt); !errors.As(err, &refused) || refused.Status != http.StatusRequestEntityTooLarge {
		t.Error(err)
	}
}

func TestMalformedAuthorization(t *testing.T) {
	const hashed = " (Hashed with SHA-256 and encoded with Base64) Authorization="
	for header, want := range map[string]string{
		"AWS4-HMAC-SHA256":              "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter." + hashed,
		"AWS4-HMAC-SHA256 Credential=a": "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter." + hashed,
		"AWS4-HMAC-SHA256 Credential":   "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '",
		"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0":                                   "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
		"AWS4-HMAC-SHA256 Credential=a/20260101/r/s/x, SignedHeaders=host, Signature=0":                      "Credential should be scoped with a valid terminator: 'aws4_request', not 'x'.",
		"AWS4-HMAC-SHA256 Credential=a/2026/r/s/aws4_request, SignedHeaders=host, Signature=0":               "Credential must be keyid/date/region/service/term with a date of the form YYYYMMDD",
		"AWS4-HMAC-SHA256 Credential=/20260101/r/s/aws4_request, SignedHeaders=host, Signature=0":            "Credential must be keyid",
		"AWS4-HMAC-MD5 Credential=a/20260101/r/s/aws4_request, SignedHeaders=host, Signature=0":              "Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5'.",
		"AWS4-ECDSA-P256-SHA256 Credential=a/20260101/r/s/x/aws4_request, SignedHeaders=host, Signature=0, ": "",
	} {
		_, err := parseAuthorization(header)
		var refused *Error
		if want == "" {
			if err != nil && !errors.As(err, &refused) {
				t.Errorf("%s: %v", header, err)
			}
			continue
		}
		if !errors.As(err, &refused) || refused.Code != "IncompleteSignatureException" || !strings.HasPrefix(refused.Message, want) {
			t.Errorf("%s: %v", header, err)
		}
	}
}

// FuzzAuthorization: whatever is parsed can be verified without a panic, and is not believed.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-west-2/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "")
	f.Add("AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/lambda/aws4_request,SignedHeaders=host,Signature=", "")
	f.Add("AWS4-", "X-Amz-Credential=%2F%2F&X-Amz-Signature&X-Amz-Expires=1e9&X-Amz-Date=20261122T100000Z")
	f.Add("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261122%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20261122T100000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=1&%zz=;")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := httptest.NewRequest(http.MethodPost, "/a//b/../%2e", strings.NewReader("body"))
		r.URL.RawQuery = query
		r.Header.Set("Authorization", header)
		r.Header.Set("X-Amz-Date", "20261122T100000Z")
		g, err := readSignature(r)
		if err == nil && g.given() && g.accessKeyID == "" {
			t.Errorf("signature %+v of %q", g, header)
		}
		if verified(t, r, signedAt) == nil {
			t.Errorf("%q %q is believed", header, query)
		}
	})
}

// Who a server that is not strict takes a request for.
func TestBelief(t *testing.T) {
	bob := Identity{Account: "111111111111", Principal: "arn:aws:iam::111111111111:user/bob"}
	s := NewServer(ServerConfig{Account: "123456789012", Credentials: map[string]Credential{"AKIABOB": {Identity: bob}, "222222222222": {Identity: bob}}})
	inside := Identity{Account: "333333333333", Principal: "arn:aws:sts::333333333333:assumed-role/r/f"}
	for _, c := range []struct {
		key             string
		outside, within Identity
	}{
		{"", Root("123456789012"), inside},
		{"AKIANOBODY", Root("123456789012"), Root("123456789012")},
		{"AKIABOB", bob, bob},
		{"222222222222", bob, bob},
		{"333333333333", Root("333333333333"), inside},
		{"444444444444", Root("444444444444"), Root("444444444444")},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if c.key != "" {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.key+"/20261122/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0")
		}
		if got, err := s.Authenticate(r); err != nil || got.Identity != c.outside {
			t.Errorf("%q from outside: %+v, %v", c.key, got, err)
		}
		r = r.WithContext(withIdentity(r.Context(), inside))
		if got, err := s.Authenticate(r); err != nil || got.Identity != c.within {
			t.Errorf("%q from inside: %+v, %v", c.key, got, err)
		}
	}
}

// How each protocol words a refusal.
func TestRefusals(t *testing.T) {
	c := newCloudOf(t, ServerConfig{Strict: true, Credentials: map[string]Credential{"AKIA": {Identity: Root("123456789012"), SecretKey: "s"}}})
	auth := func(key, service string) string {
		day := time.Now().UTC().Format("20060102")
		return "AWS4-HMAC-SHA256 Credential=" + key + "/" + day + "/us-west-2/" + service + "/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0"
	}
	now := time.Now().UTC().Format(basicTime)
	for name, tt := range map[string]struct {
		method, path, auth, target, contentType string
		status                                  int
		code, body                              string
	}{
		"missing":           {method: "GET", path: functions, status: 403, code: "MissingAuthenticationTokenException", body: `{"Type":"User","message":"Missing Authentication Token"}`},
		"unknown operation": {method: "GET", path: "/nope", status: 403, code: "MissingAuthenticationTokenException", body: `Missing Authentication Token`},
		"unknown key":       {method: "GET", path: functions, auth: auth("AKIX", "lambda"), status: 403, code: "UnrecognizedClientException", body: `{"Type":"User","message":"The security token included in the request is invalid."}`},
		"account as key":    {method: "GET", path: functions, auth: auth("123456789012", "lambda"), status: 403, code: "UnrecognizedClientException", body: "security token"},
		"mismatch":          {method: "GET", path: functions, auth: auth("AKIA", "lambda"), status: 403, code: "InvalidSignatureException", body: "The request signature we calculated does not match"},
		"malformed":         {method: "GET", path: functions, auth: "AWS4-HMAC-SHA256 x", status: 403, code: "IncompleteSignatureException", body: "missing equal-sign"},
		"json missing":      {method: "POST", path: "/", target: "Kinesis_20131202.PutRecord", status: 400, code: "MissingAuthenticationTokenException", body: `"__type":"MissingAuthenticationTokenException"`},
		"json mismatch":     {method: "POST", path: "/", target: "Kinesis_20131202.PutRecord", auth: auth("AKIA", "kinesis"), status: 400, code: "InvalidSignatureException", body: `"__type":"InvalidSignatureException"`},
		"query unknown key": {method: "POST", path: "/", auth: auth("AKIX", "sts"), contentType: "application/x-www-form-urlencoded", status: 403, code: "InvalidClientTokenId", body: "<Code>InvalidClientTokenId</Code>"},
		"query mismatch":    {method: "POST", path: "/", auth: auth("AKIA", "sts"), contentType: "application/x-www-form-urlencoded", status: 403, code: "SignatureDoesNotMatch", body: "<Code>SignatureDoesNotMatch</Code>"},
	} {
		headers := []string{"X-Amz-Date", now}
		for name, value := range map[string]string{"Authorization": tt.auth, targetHeader: tt.target, "Content-Type": tt.contentType} {
			if value != "" {
				headers = append(headers, name, value)
			}
		}
		got := c.do(t, tt.method, tt.path, "", headers...)
		if got.status != tt.status || got.header.Get(errorTypeHeader) != tt.code || !strings.Contains(got.body, tt.body) || !uuidPattern.MatchString(got.header.Get(requestIDHeader)) {
			t.Errorf("%s: %d %s %s", name, got.status, got.header.Get(errorTypeHeader), got.body)
		}
	}
}

// A signature for one service is no good for another.
func TestScope(t *testing.T) {
	c := newCloudOf(t, ServerConfig{Strict: true, Credentials: map[string]Credential{signedKey: {Identity: Root("123456789012"), SecretKey: signedSecret}}})
	for service, want := range map[string]int{"kinesis": 200, "lambda": 400} {
		body := `{"StreamName":"s"}`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(targetHeader, "Kinesis_20131202.DeleteStream")
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: signedKey, SecretAccessKey: signedSecret}, r, hexSum([]byte(body)), service, "us-west-2", time.Now()); err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want || want == 400 && !strings.Contains(string(text), "Credential should be scoped to correct service: 'kinesis'.") {
			t.Errorf("signed for %s: %s %s", service, strconv.Itoa(response.StatusCode), text)
		}
	}
}
