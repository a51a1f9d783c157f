package engine_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

// withS3 starts an engine that takes code from the S3 at url.
func withS3(t *testing.T, url string) account {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Services: map[string]string{"s3": url}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return accountOn(t, e.URL(), "123456789012")
}

// moto runs an S3 that is not ours. In CI there must be one.
func moto(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		const missing = "moto_server is missing: run the tests with make test, or put $(scripts/clients.sh) on the PATH"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	server := exec.Command(program, "-p", "0")
	out, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text()); url != "" {
			go func() { _, _ = io.Copy(io.Discard, out) }() // until the server ends
			return url
		}
	}
	t.Fatal("moto_server does not say where it is")
	return ""
}

func TestCodeFromS3(t *testing.T) {
	t.Parallel()
	url := moto(t)
	a := withS3(t, url)
	store := s3.New(s3.Options{Region: region, BaseEndpoint: &url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	bucket := aws.String("deployments")
	must[*s3.CreateBucketOutput](t)(store.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region},
	}))
	must[*s3.PutBucketVersioningOutput](t)(store.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	}))
	put := func(key string, pkg []byte) *string {
		t.Helper()
		return must[*s3.PutObjectOutput](t)(store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(pkg)})).VersionId
	}
	first, second := python(t, "return 'first'"), python(t, "return 'second'")
	old := put("a folder/f.zip", first)
	key := aws.String("a folder/f.zip")

	created := a.create("f", nil, func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{S3Bucket: bucket, S3Key: key} })
	if *created.CodeSha256 != sumOf(first) || created.CodeSize != int64(len(first)) {
		t.Errorf("created with %s of %d bytes", *created.CodeSha256, created.CodeSize)
	}
	if got := a.call("f"); got != `"first"` {
		t.Errorf("the object is now %s", got)
	}
	put("a folder/f.zip", second)
	update := func(in lambda.UpdateFunctionCodeInput) error {
		in.FunctionName = aws.String("f")
		_, err := a.UpdateFunctionCode(t.Context(), &in)
		return err
	}
	if err := update(lambda.UpdateFunctionCodeInput{S3Bucket: bucket, S3Key: key}); err != nil || a.call("f") != `"second"` {
		t.Errorf("the newest object: %v", err)
	}
	if err := update(lambda.UpdateFunctionCodeInput{S3Bucket: bucket, S3Key: key, S3ObjectVersion: old}); err != nil || a.call("f") != `"first"` {
		t.Errorf("the version of an object: %v", err)
	}

	put("layer.zip", module(t, "m", "one"))
	layer := a.layer("tools", nil, func(in *lambda.PublishLayerVersionInput) {
		in.Content = &types.LayerVersionContentInput{S3Bucket: bucket, S3Key: aws.String("layer.zip")}
	})
	if *layer.Content.CodeSha256 != sumOf(module(t, "m", "one")) {
		t.Errorf("layer %+v", layer.Content)
	}

	put("no.zip", []byte("garbage"))
	for name, c := range map[string]struct {
		in      lambda.UpdateFunctionCodeInput
		message string
	}{
		"no bucket":  {lambda.UpdateFunctionCodeInput{S3Bucket: aws.String("absent"), S3Key: key}, "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		"no key":     {lambda.UpdateFunctionCodeInput{S3Bucket: bucket, S3Key: aws.String("absent")}, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."},
		"no version": {lambda.UpdateFunctionCodeInput{S3Bucket: bucket, S3Key: key, S3ObjectVersion: aws.String("5d1fe1f1-7a3c-4c39-9f8b-6d2c2f4f4c11")}, "Error occurred while GetObject. S3 Error Code: …"},
		"no zip":     {lambda.UpdateFunctionCodeInput{S3Bucket: bucket, S3Key: aws.String("no.zip")}, "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"half":       {lambda.UpdateFunctionCodeInput{S3Bucket: bucket}, "S3Bucket and S3Key must be given together."},
		"reference":  {lambda.UpdateFunctionCodeInput{S3Bucket: bucket, S3Key: key, S3ObjectStorageMode: types.S3ObjectStorageModeReference}, "S3ObjectStorageMode is not supported by the local engine. …"},
	} {
		t.Run(name, func(t *testing.T) { refused[*types.InvalidParameterValueException](t, update(c.in), 400, c.message) })
	}
	if got := a.call("f"); got != `"first"` {
		t.Errorf("after all refusals the function answers %s", got)
	}
}

// What S3 answers is passed on as AWS does, and its absence explained.
func TestS3Answers(t *testing.T) {
	t.Parallel()
	var respond http.HandlerFunc
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { respond(w, r) }))
	defer stub.Close()
	fails := func(status int, code, message string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
		}
	}
	a := withS3(t, stub.URL)
	for name, c := range map[string]struct {
		respond http.HandlerFunc
		message string
	}{
		"denied": {fails(403, "AccessDenied", "Access Denied"), "Error occurred while GetObject. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"},
		"region": {
			fails(301, "PermanentRedirect", "elsewhere", "X-Amz-Bucket-Region", "eu-west-1"),
			"Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in this region: eu-west-1. Please use this region to retry the request",
		},
		"signed for another region": {
			fails(400, "AuthorizationHeaderMalformed", "expecting eu-west-1", "X-Amz-Bucket-Region", "eu-west-1"),
			"Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in this region: eu-west-1. Please use this region to retry the request",
		},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "262144001")
			_, _ = w.Write(make([]byte, 1024))
		}, "Unzipped size must be smaller than 262144000 bytes"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for block := make([]byte, 1<<20); r.Context().Err() == nil; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "Unzipped size must be smaller than 262144000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			respond = c.respond
			refused[*types.InvalidParameterValueException](t, fromS3(a), 400, c.message)
		})
	}
	stub.Close()
	err := fromS3(a)
	refused[*types.InvalidParameterValueException](t, err, 400, "The engine cannot read the S3 object s3://deployments/f.zip: …")
	if !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "services { s3 =") {
		t.Error(err)
	}
}

func fromS3(a account) error {
	in := newFunction("f", nil)
	in.Code = &types.FunctionCode{S3Bucket: aws.String("deployments"), S3Key: aws.String("f.zip")}
	_, err := a.CreateFunction(a.Context(), in)
	return err
}
