package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const (
	ownerID = "111111111111"
	bobARN  = "arn:aws:iam::222222222222:user/bob"
)

// known are the credentials of an engine that has two accounts and a service.
func known() map[string]wire.Credential {
	return map[string]wire.Credential{
		"AKIAOWNER":  {SecretKey: "owner's", Identity: wire.Identity{Account: ownerID}},
		"AKIABOB":    {SecretKey: "bob's", Identity: wire.Identity{Principal: bobARN, Organization: "o-abcdefghij"}},
		"AKIABUCKET": {SecretKey: "bucket's", Identity: wire.Identity{Account: ownerID, Service: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::examplebucket", SourceAccount: ownerID}},
	}
}

// identifying runs an engine that tells callers apart in that way.
func identifying(t *testing.T, authentication string, edit func(*engine.Config)) *engine.Engine {
	t.Helper()
	c := engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Version: "test", Authentication: authentication,
		Credentials: known(), Logger: slog.New(slog.DiscardHandler),
	}
	if edit != nil {
		edit(&c)
	}
	e, err := engine.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// as is a client that signs with a key.
func as(t *testing.T, e *engine.Engine, id, key, secret string) account {
	url, who := e.URL(), credentials.NewStaticCredentialsProvider(key, secret, "")
	return account{
		TB: t, id: id, url: url,
		Client:  lambda.New(lambda.Options{Region: region, BaseEndpoint: &url, Credentials: who, Retryer: aws.NopRetryer{}}),
		streams: kinesis.New(kinesis.Options{Region: region, BaseEndpoint: &url, Credentials: who, Retryer: aws.NopRetryer{}}),
	}
}

func whoami(t *testing.T, e *engine.Engine, key, secret string) (string, error) {
	t.Helper()
	url := e.URL()
	client := sts.New(sts.Options{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), Retryer: aws.NopRetryer{}})
	out, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		return "", err
	}
	return *out.Account + " " + *out.Arn, nil
}

// Spec behaviour §4, api §C.3–C.6, F.20.6: two accounts and a service at one function.
func TestPolicyOfCallers(t *testing.T) {
	t.Parallel()
	var log lockedLog
	e := identifying(t, "any", func(c *engine.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	owner, bob, bucket := as(t, e, ownerID, "AKIAOWNER", "x"), as(t, e, "222222222222", "AKIABOB", "x"), as(t, e, ownerID, "AKIABUCKET", "x")
	for key, want := range map[string]string{
		"AKIAOWNER": ownerID + " arn:aws:iam::111111111111:root", "AKIABOB": "222222222222 " + bobARN,
		"333333333333": "333333333333 arn:aws:iam::333333333333:root", "unknown": "000000000000 arn:aws:iam::000000000000:root",
	} {
		if got, err := whoami(t, e, key, "x"); err != nil || got != want {
			t.Errorf("%s is %s, %v", key, got, err)
		}
	}
	owner.create("f", python(t, "return 1"))
	arn := owner.arn("f")
	refusal := func(user string) string {
		return "User: " + user + " is not authorized to perform: lambda:InvokeFunction on resource: " + arn + " because no resource-based policy allows the lambda:InvokeFunction action"
	}
	call := func(a account) error {
		_, err := a.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &arn})
		return err
	}
	add := func(sid string, in lambda.AddPermissionInput) {
		t.Helper()
		in.FunctionName, in.StatementId, in.Action = aws.String("f"), &sid, aws.String("lambda:InvokeFunction")
		must[*lambda.AddPermissionOutput](t)(owner.AddPermission(t.Context(), &in))
	}
	remove := func(sid string) {
		t.Helper()
		must[*lambda.RemovePermissionOutput](t)(owner.RemovePermission(t.Context(), &lambda.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: &sid}))
	}

	if err := call(owner); err != nil {
		t.Errorf("the owner: %v", err)
	}
	refusedAs(t, call(bob), "AccessDeniedException", 403, refusal(bobARN))
	refusedAs(t, call(bucket), "AccessDeniedException", 403, refusal("s3.amazonaws.com")) // though of the owner's account

	add("bucket", lambda.AddPermissionInput{Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::example*"), SourceAccount: aws.String(ownerID)})
	if err := call(bucket); err != nil {
		t.Errorf("the bucket: %v", err)
	}
	refusedAs(t, call(bob), "AccessDeniedException", 403, refusal(bobARN))
	remove("bucket")
	refusedAs(t, call(bucket), "AccessDeniedException", 403, refusal("s3.amazonaws.com"))
	add("other", lambda.AddPermissionInput{Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::other")})
	refusedAs(t, call(bucket), "AccessDeniedException", 403, refusal("s3.amazonaws.com"))
	for _, why := range []string{"no policy is associated with the resource", `statement other: condition ArnLike AWS:SourceArn: wanted \"arn:aws:s3:::other\", got \"arn:aws:s3:::examplebucket\"`} {
		if text := log.String(); !strings.Contains(strings.ReplaceAll(text, `\\\"`, `\"`), why) {
			t.Errorf("the log does not say %s:\n%s", why, text)
		}
	}

	for sid, principal := range map[string]string{"account": "222222222222", "user": bobARN} {
		add(sid, lambda.AddPermissionInput{Principal: &principal})
		if err := call(bob); err != nil {
			t.Errorf("bob by his %s: %v", sid, err)
		}
		remove(sid)
	}
	for sid, organization := range map[string]string{"theirs": "o-0000000000", "ours": "o-abcdefghij"} {
		add(sid, lambda.AddPermissionInput{Principal: aws.String("*"), PrincipalOrgID: &organization})
		if err := call(bob); (err == nil) != (sid == "ours") {
			t.Errorf("bob, when the organisation is %s: %v", sid, err)
		}
		remove(sid)
	}
	add("bob", lambda.AddPermissionInput{Principal: aws.String("222222222222")})
	if got := bob.send("POST", "/2014-11-13/functions/"+arn+"/invoke-async/", "{}"); got.status != 202 {
		t.Errorf("bob's account, asynchronously: %d %s", got.status, got.body)
	}
	// The right to invoke is no other, and services have no other.
	_, err := bob.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &arn})
	refusedAs(t, err, "AccessDeniedException", 403, "User: "+bobARN+" is not authorized to perform: lambda:GetFunction on resource: "+arn+" because no resource-based policy allows the lambda:GetFunction action")
	layer := strings.Replace(arn, ":function:f", ":layer:l", 1)
	_, err = bob.ListLayerVersions(t.Context(), &lambda.ListLayerVersionsInput{LayerName: &layer})
	refusedAs(t, err, "AccessDeniedException", 403, "User: "+bobARN+" is not authorized to perform: lambda:ListLayerVersions on resource: "+layer+"…")
	_, err = bucket.ListFunctions(t.Context(), nil)
	refusedAs(t, err, "AccessDeniedException", 403, "User: s3.amazonaws.com is not authorized to perform: lambda:ListFunctions")
	const serviceKey = "AWS4-HMAC-SHA256 Credential=AKIABUCKET/20261122/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0"
	if got := bucket.send("GET", "/_engine/logs?function=f", "", "Authorization", serviceKey); got.status != 403 {
		t.Errorf("a service reads logs: %d %s", got.status, got.body)
	}
	missing := owner.arn("missing")
	_, err = bob.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &missing})
	refusedAs(t, err, "AccessDeniedException", 403, "User: "+bobARN+"…") // whether it exists is not his business
}

// lockedLog takes a log while a test reads it.
type lockedLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// A strict engine serves what is signed with a key that it knows, and only that.
func TestStrict(t *testing.T) {
	t.Parallel()
	e := identifying(t, "strict", nil)
	owner := as(t, e, ownerID, "AKIAOWNER", "owner's")
	owner.create("f", python(t, "return event"))
	if got := string(owner.invoke(&lambda.InvokeInput{FunctionName: aws.String(owner.arn("f")), Payload: []byte(`{"a": [1, "ä/ +"]}`)}).Payload); got != `{"a": [1, "ä/ +"]}` {
		t.Errorf("payload %s", got)
	}
	if got, err := whoami(t, e, "AKIABOB", "bob's"); err != nil || got != "222222222222 "+bobARN {
		t.Errorf("bob is %s, %v", got, err)
	}
	_, err := whoami(t, e, "AKIABOB", "wrong")
	refusedAs(t, err, "SignatureDoesNotMatch", 403, "The request signature we calculated does not match…")

	list := func(key, secret string) error {
		_, err := as(t, e, "", key, secret).ListFunctions(t.Context(), nil)
		return err
	}
	refusedAs(t, list("AKIAOWNER", "wrong"), "InvalidSignatureException", 403, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	refusedAs(t, list("AKIANOBODY", "x"), "UnrecognizedClientException", 403, "The security token included in the request is invalid.")
	refusedAs(t, list(ownerID, "x"), "UnrecognizedClientException", 403, "The security token included in the request is invalid.") // an account is no key here

	get := func(path string, sign bool) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if sign {
			const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIAOWNER", SecretAccessKey: "owner's"}, r, nothing, "lambda", region, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	link := *must[*lambda.GetFunctionOutput](t)(owner.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})).Code.Location
	for _, c := range []struct {
		path   string
		signed bool
		status int
		body   string
	}{
		{e.URL() + "/2015-03-31/functions", false, 403, `{"Type":"User","message":"Missing Authentication Token"}`},
		{e.URL() + "/2015-03-31/functions", true, 200, `"FunctionName":"f"`},
		{e.URL() + "/_engine/health", false, 200, `"authentication":"strict"`},
		{e.URL() + "/_engine/logs?function=f", false, 403, "Missing Authentication Token"},
		{e.URL() + "/_engine/logs?function=f", true, 200, "REPORT RequestId"},
		{e.URL() + "/_engine/logs?function=f&account=222222222222", true, 403, "may not read the logs of account 222222222222"},
		{e.URL() + "/_engine/nothing", false, 403, "Missing Authentication Token"},
		{e.URL() + "/_engine/nothing", true, 404, "nothing at"},
		{link, false, 200, "PK"},
	} {
		if status, body := get(c.path, c.signed); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s, signed %v: %d %s", c.path, c.signed, status, body)
		}
	}
	if status, body := get(e.URL()+"/_engine/health", false); status != 200 || strings.Contains(body, "issued_key") {
		t.Errorf("health: %s", body) // it was given credentials, so it has made none
	}
}

// What comes from inside needs no signature in a strict engine: the calls of
// functions, and the engine's own to its streams.
func TestStrictInside(t *testing.T) {
	t.Parallel()
	e := identifying(t, "strict", nil)
	owner := as(t, e, ownerID, "AKIAOWNER", "owner's")
	file := filepath.Join(t.TempDir(), "records")
	owner.create("writer", python(t, fmt.Sprintf(`open(%q, "a").write(str(len(event["Records"])))`, file)))
	owner.create("caller", zipOf(t, map[string]string{"app.py": `
import os, urllib.error, urllib.request

def handler(event, context):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if event.get("key"):
        headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=" + event["key"] + "/20261122/us-west-2/sts/aws4_request, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], b"Action=GetCallerIdentity&Version=2011-06-15", headers)
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as e:
        return str(e.code) + e.read().decode()
`}))
	for key, want := range map[string]string{
		"":             "arn:aws:sts::111111111111:assumed-role/r/caller",
		ownerID:        "arn:aws:sts::111111111111:assumed-role/r/caller", // what the function's SDK signs with
		"222222222222": "InvalidClientTokenId",
		"AKIABOB":      "IncompleteSignature",
	} {
		got := string(owner.invoke(&lambda.InvokeInput{FunctionName: aws.String("caller"), Payload: fmt.Appendf(nil, `{"key": %q}`, key)}).Payload)
		if !strings.Contains(got, want) {
			t.Errorf("with the key %q: %s, want %s", key, got, want)
		}
	}
	// The link to code that a function is given works where the function is.
	owner.create("reader", zipOf(t, map[string]string{"app.py": `
import hashlib, json, os, urllib.request

def handler(event, context):
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=111111111111/20261122/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0"}
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/2015-03-31/functions/reader", headers=signed)
    function = json.load(urllib.request.urlopen(request))
    code = urllib.request.urlopen(function["Code"]["Location"]).read()
    return len(code) == function["Configuration"]["CodeSize"]
`}))
	if got := owner.call("reader"); got != "true" {
		t.Errorf("a function downloads its code: %s", got)
	}
	owner.mapping("mine", "writer")
	owner.put("mine", "a", "b")
	owner.eventually("the records have arrived", func() bool {
		got, _ := os.ReadFile(file)
		return string(got) == "2" || string(got) == "11"
	})
	// The streams of one account are not another's.
	bob := as(t, e, "222222222222", "AKIABOB", "bob's")
	stream := aws.String("arn:aws:kinesis:" + region + ":" + ownerID + ":stream/mine")
	_, err := bob.streams.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamARN: stream, PartitionKey: aws.String("k"), Data: []byte("x")})
	refusedAs(t, err, "AccessDeniedException", 400, "User: "+bobARN+" is not authorized…")
	bob.create("thief", python(t, "return 1"))
	_, err = bob.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{EventSourceArn: stream, FunctionName: aws.String("thief"), StartingPosition: types.EventSourcePositionLatest})
	refused[*types.InvalidParameterValueException](t, err, 400, "Cannot access stream "+*stream+"…")
}

// Beyond loopback an engine is strict unless told otherwise, and issues a key when it was given none.
func TestIssuedKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := engine.Config{Listen: "0.0.0.0:0", DataDir: dir, Driver: "process", Version: "test"}
	read := func() (key struct {
		ID     string `json:"access_key_id"`
		Secret string `json:"secret_access_key"`
	},
	) {
		t.Helper()
		path := filepath.Join(dir, "engine.key.json")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := json.Unmarshal(raw, &key); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(key.ID) || len(key.Secret) != 40 {
			t.Errorf("key %+v", key)
		}
		return key
	}
	var first string
	for range 2 {
		e, err := engine.Start(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if e.Authentication() != "strict" {
			t.Errorf("authentication %s", e.Authentication())
		}
		key := read()
		if first != "" && key.ID != first {
			t.Error("the next engine has another key")
		}
		first = key.ID
		if got, err := whoami(t, e, key.ID, key.Secret); err != nil || got != "000000000000 arn:aws:iam::000000000000:root" {
			t.Errorf("%s, %v", got, err)
		}
		if _, err := whoami(t, e, "test", "test"); err == nil {
			t.Error("any key will do")
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	open := identifying(t, "any", func(c *engine.Config) { c.Listen = "0.0.0.0:0" })
	if _, err := whoami(t, open, "test", "test"); err != nil {
		t.Errorf("told to take any: %v", err)
	}
	// What listens on every address leads back to the one that was asked.
	_, port, err := net.SplitHostPort(strings.TrimPrefix(open.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	a := accountOn(t, "http://127.0.0.1:"+port, ownerID)
	a.create("f", python(t, "return 1"))
	got := must[*lambda.GetFunctionOutput](t)(a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")}))
	if link := *got.Code.Location; !strings.HasPrefix(link, a.url+"/_engine/code/") {
		t.Errorf("the code is at %s", link)
	}
}

func TestCredentialsThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]wire.Identity{
		`principal "bob" is not the ARN`:                                                          {Principal: "bob"},
		"account_id is 111111111111, but the principal is one of account ":                        {Account: ownerID, Principal: bobARN},
		`account_id "1" must have 12 digits`:                                                      {Account: "1"},
		`organization "x" must have the form`:                                                     {Organization: "x"},
		"source_arn, source_account and event_source_token are told by services: set service too": {SourceARN: "arn:aws:s3:::b"},
		"a service has no principal":                                                              {Service: "s3.amazonaws.com", Principal: bobARN},
		`source_account "1" must have`:                                                            {Service: "s3.amazonaws.com", SourceAccount: "1"},
		`source_arn "b" is no ARN`:                                                                {Service: "s3.amazonaws.com", SourceARN: "b"},
	} {
		failsToStart(t, `credentials "AKIA": `+want, engine.Config{Credentials: map[string]wire.Credential{"AKIA": {Identity: c}}})
	}
	failsToStart(t, `credentials "a/b": the access key must be`, engine.Config{Credentials: map[string]wire.Credential{"a/b": {}}})
	failsToStart(t, `credentials "AKIA": strict authentication needs its secret_key`, engine.Config{Authentication: "strict", Credentials: map[string]wire.Credential{"AKIA": {}}})
	failsToStart(t, `unknown authentication "some": use any or strict`, engine.Config{Authentication: "some"})
}

func failsToStart(t *testing.T, want string, c engine.Config) {
	t.Helper()
	c.Listen, c.DataDir, c.Driver = "127.0.0.1:0", t.TempDir(), "process"
	e, err := engine.Start(t.Context(), c)
	if err == nil {
		err = e.Close()
		t.Errorf("it starts, %v", err)
	} else if !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
