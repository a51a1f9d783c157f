package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
	"github.com/lambdaform/terraform-provider-lambda/test/emulators"
)

// started is an engine of its own with processes, unless the edit says otherwise.
func started(t testing.TB, edit func(*engine.Config)) *engine.Engine {
	t.Helper()
	c := engine.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Logger: slog.New(slog.DiscardHandler)}
	edit(&c)
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

// signed makes a request of the JSON protocols as a client with that key does.
func signed(t testing.TB, url, key, secret, service, target, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256([]byte(body))
	who := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), who, r, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(raw)}
}

const usersTable = `{"TableName": "users", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
	"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}`

// listTables is the body of a function that asks the engine for DynamoDB's tables, with
// the credentials and the endpoint of its environment.
const listTables = `
    import urllib.request
    r = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], data=b'{}', headers={
        'X-Amz-Target': 'DynamoDB_20120810.ListTables', 'Content-Type': 'application/x-amz-json-1.0',
        'Authorization': 'AWS4-HMAC-SHA256 Credential=' + os.environ['AWS_ACCESS_KEY_ID'] + '/20260101/us-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=0'})
    return urllib.request.urlopen(r).read().decode()`

// Clients and functions find the DynamoDB of services in the engine, each account its own.
func TestForwardDynamoDB(t *testing.T) {
	t.Parallel()
	url := emulators.DynamoDB(t)
	e := started(t, func(c *engine.Config) { c.Services = map[string]string{"dynamodb": url} })
	const owner, other = "300000000001", "300000000002"
	if got := signed(t, e.URL(), owner, "x", "dynamodb", "DynamoDB_20120810.CreateTable", usersTable); got.status != 200 || !strings.Contains(got.body, ":"+region+":"+owner+":table/users") {
		t.Fatalf("create a table: %d %s", got.status, got.body)
	}
	if got := signed(t, e.URL(), owner, "x", "dynamodb", "DynamoDB_20120810.PutItem", `{"TableName": "users", "Item": {"id": {"S": "1"}}}`); got.status != 200 {
		t.Fatalf("put an item: %d %s", got.status, got.body)
	}
	if got := signed(t, e.URL(), owner, "x", "dynamodb", "DynamoDBStreams_20120810.ListStreams", `{}`); !strings.Contains(got.body, "table/users/stream/") {
		t.Errorf("streams: %d %s", got.status, got.body)
	}
	if got := signed(t, e.URL(), other, "x", "dynamodb", "DynamoDB_20120810.ListTables", `{}`); got.status != 200 || strings.Contains(got.body, "users") {
		t.Errorf("tables of another account: %d %s", got.status, got.body)
	}
	if got := signed(t, e.URL(), owner, "x", "dynamodb", "DynamoDB_20120810.DescribeTable", `{"TableName": "none"}`); got.status != 400 || !strings.Contains(got.body, "ResourceNotFoundException") {
		t.Errorf("an error of DynamoDB's own: %d %s", got.status, got.body)
	}
	if got := signed(t, url, owner, "x", "dynamodb", "DynamoDB_20120810.ListTables", `{}`); !strings.Contains(got.body, "users") {
		t.Errorf("without the engine: %d %s", got.status, got.body)
	}

	t.Run("function", func(t *testing.T) {
		a := accountOn(t, e.URL(), owner)
		a.create("f", python(t, listTables))
		if got := a.call("f"); !strings.Contains(got, "users") {
			t.Errorf("a function finds %s", got)
		}
	})
	t.Run("function without a network", func(t *testing.T) {
		needDocker(t)
		contained := started(t, func(c *engine.Config) {
			c.Services, c.Driver, c.Network = map[string]string{"dynamodb": url}, "docker", "none"
			c.Images = map[string]string{"python3.13": "lambdaform/python:3.13"}
		})
		a := accountOn(t, contained.URL(), owner)
		a.create("f", python(t, listTables))
		if got := a.call("f"); !strings.Contains(got, "users") {
			t.Errorf("a function finds %s", got)
		}
	})
}

// A service that the engine has itself is forwarded too when an endpoint is configured,
// and signed with the credentials of the engine's environment, as its own calls are. A
// strict engine looks at the caller's own signature first.
func TestForwardSigned(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "its secret")
	const id = "300000000003"
	far := started(t, func(c *engine.Config) {
		c.Authentication = "strict"
		c.Credentials = map[string]wire.Credential{"farkey": {SecretKey: "farsecret", Identity: wire.Identity{Account: id}}, "ENVIRONMENT": {SecretKey: "its secret", Identity: wire.Root(id)}}
	})
	near := started(t, func(c *engine.Config) {
		c.Authentication = "strict"
		c.Credentials = map[string]wire.Credential{"AKIANEAR": {SecretKey: "nearsecret", Identity: wire.Identity{Account: id}}}
		c.Services = map[string]string{"kinesis": far.URL(), "dynamodb": "http://127.0.0.1:1"}
	})
	client := func(url, key, secret string) *kinesis.Client {
		return kinesis.New(kinesis.Options{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), Retryer: aws.NopRetryer{}})
	}
	name := aws.String("s")
	must[*kinesis.CreateStreamOutput](t)(client(near.URL(), "AKIANEAR", "nearsecret").CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(1)}))
	out := must[*kinesis.ListStreamsOutput](t)(client(far.URL(), "farkey", "farsecret").ListStreams(t.Context(), &kinesis.ListStreamsInput{}))
	if len(out.StreamNames) != 1 {
		t.Errorf("the other end has %v", out.StreamNames)
	}

	_, err := client(near.URL(), "AKIANEAR", "wrong").ListStreams(t.Context(), &kinesis.ListStreamsInput{})
	refusedAs(t, err, "InvalidSignatureException", http.StatusBadRequest, "The request signature we calculated…")
	for what, c := range map[string]struct {
		got    answer
		status int
		says   string
	}{
		"signed for another service": {signed(t, near.URL(), "AKIANEAR", "nearsecret", "kinesis", "DynamoDB_20120810.ListTables", `{}`), 400, "InvalidSignatureException"},
		"no answer":                  {signed(t, near.URL(), "AKIANEAR", "nearsecret", "dynamodb", "DynamoDB_20120810.ListTables", `{}`), 503, "forwards requests for dynamodb to http://127.0.0.1:1, which does not answer"},
		"neither served nor set":     {signed(t, near.URL(), "AKIANEAR", "nearsecret", "secretsmanager", "secretsmanager.ListSecrets", `{}`), 404, "The engine serves no operation"},
		"not set":                    {signed(t, shared.URL(), "key", "secret", "dynamodb", "DynamoDB_20120810.ListTables", `{}`), 404, "The engine serves no operation"},
	} {
		if c.got.status != c.status || !strings.Contains(c.got.body+c.got.header.Get("x-amzn-ErrorType"), c.says) {
			t.Errorf("%s: %d %s, want %d and %s", what, c.got.status, c.got.body, c.status, c.says)
		}
	}
}

// An endpoint that is the engine's own sends nothing round in circles.
func TestForwardToItself(t *testing.T) {
	t.Parallel()
	free := freeAddress(t)
	e := started(t, func(c *engine.Config) { c.Listen, c.Services = free, map[string]string{"kinesis": "http://" + free} })
	if got := signed(t, e.URL(), "300000000004", "x", "kinesis", "Kinesis_20131202.ListStreams", `{}`); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// S3 has bodies that nobody wants to read in full, and links that are signed in the query.
func TestForwardS3(t *testing.T) {
	t.Parallel()
	url := emulators.Moto(t)
	e := started(t, func(c *engine.Config) { c.Services = map[string]string{"s3": url} })
	store := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(e.URL()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	bucket, key := aws.String("forwarded"), aws.String("a folder/ü.txt")
	must[*s3.CreateBucketOutput](t)(store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}))
	content := bytes.Repeat([]byte("0123456789"), 1<<20)
	must[*s3.PutObjectOutput](t)(store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(content)}))
	object := must[*s3.GetObjectOutput](t)(store.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key}))
	defer object.Body.Close()
	if got, err := io.ReadAll(object.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes of %d: %v", len(got), len(content), err)
	}
	link, err := s3.NewPresignClient(store).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("by a link %s, %d bytes: %v", response.Status, len(got), err)
	}
}

// Nothing of the caller's own signature goes on, wherever it was, and all else does.
func TestForwardUnsigns(t *testing.T) {
	t.Parallel()
	received := make(chan *http.Request, 1)
	far := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r }))
	defer far.Close()
	e := started(t, func(c *engine.Config) { c.Services = map[string]string{"s3": far.URL + "/below"} })
	store := s3.New(s3.Options{Region: region, BaseEndpoint: aws.String(e.URL()), UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("MINE", "x", "session")})
	link, err := s3.NewPresignClient(store).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("a b"), VersionId: aws.String("v 1")})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	got := <-received
	if got.URL.Path != "/below/b/a b" || got.URL.Query().Get("versionId") != "v 1" || strings.Contains(got.URL.RawQuery, "X-Amz-") ||
		strings.Contains(got.Header.Get("Authorization"), "MINE") || !strings.Contains(got.Header.Get("Authorization"), "/"+region+"/s3/aws4_request") {
		t.Errorf("a link arrives as %s, signed %s", got.URL, got.Header.Get("Authorization"))
	}
	must[*s3.ListBucketsOutput](t)(store.ListBuckets(t.Context(), &s3.ListBucketsInput{}))
	if got = <-received; got.Header.Get("X-Amz-Security-Token") != "" || got.Host != strings.TrimPrefix(far.URL, "http://") {
		t.Errorf("a call arrives for %s with the token %q", got.Host, got.Header.Get("X-Amz-Security-Token"))
	}
}

// freeAddress is one that nothing listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
