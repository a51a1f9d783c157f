package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

// shared is the engine of all tests that do not need one of their own. They keep
// out of each other's way by using an account each.
var shared *engine.Engine

// served gets the requests that the shared engine has served, and whose account is
// which test's, for the table of test/compatibility.
var served = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) {
	code, err := runShared(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runShared(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "engine-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if records := os.Getenv("COMPATIBILITY_DIR"); records != "" {
		file, err := os.Create(filepath.Join(records, "engine.log"))
		if err != nil {
			return 0, err
		}
		defer file.Close()
		served = slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug}))
		logger = served
	}
	shared, err = engine.Start(context.Background(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: dir, Driver: "process", Version: "test", Logger: logger,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	return m.Run(), nil
}

const region = "us-west-2"

// account is a caller with an account of its own on an engine.
type account struct {
	*lambda.Client
	testing.TB
	id      string
	url     string
	streams *kinesis.Client
	logs    *cloudwatchlogs.Client
}

var accounts atomic.Int64

// newAccount returns an account of the shared engine that nobody else uses.
func newAccount(t testing.TB) account {
	t.Helper()
	id := fmt.Sprintf("%012d", 100000000000+accounts.Add(1))
	served.Info("test", "account", id, "name", t.Name())
	return accountOn(t, shared.URL(), id)
}

func accountOn(t testing.TB, url, id string) account {
	who := credentials.NewStaticCredentialsProvider(id, "secret", "")
	return account{
		TB: t, id: id, url: url,
		Client:  lambda.New(lambda.Options{Region: region, BaseEndpoint: &url, Credentials: who, Retryer: aws.NopRetryer{}}),
		streams: kinesis.New(kinesis.Options{Region: region, BaseEndpoint: &url, Credentials: who, Retryer: aws.NopRetryer{}}),
		logs:    cloudwatchlogs.New(cloudwatchlogs.Options{Region: region, BaseEndpoint: &url, Credentials: who, Retryer: aws.NopRetryer{}}),
	}
}

// arn of a function of the account, which may carry a qualifier.
func (a account) arn(function string) string {
	return "arn:aws:lambda:" + region + ":" + a.id + ":function:" + function
}

// create makes a function whose package is pkg; with edits of the request, if any.
func (a account) create(name string, pkg []byte, edit ...func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionOutput {
	a.Helper()
	in := newFunction(name, pkg)
	for _, e := range edit {
		e(in)
	}
	out, err := a.CreateFunction(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	return out
}

func newFunction(name string, pkg []byte) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: "python3.13", Handler: aws.String("app.handler"), Role: aws.String(role),
		Code: &types.FunctionCode{ZipFile: pkg},
	}
}

// deploy changes the code of a function.
func (a account) deploy(name string, pkg []byte) *lambda.UpdateFunctionCodeOutput {
	a.Helper()
	out, err := a.UpdateFunctionCode(a.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: pkg})
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// publish publishes a function and returns the number of the version.
func (a account) publish(name string) string {
	a.Helper()
	out, err := a.PublishVersion(a.Context(), &lambda.PublishVersionInput{FunctionName: &name})
	if err != nil {
		a.Fatal(err)
	}
	return *out.Version
}

// alias points a new alias at a version.
func (a account) alias(function, name, version string) *lambda.CreateAliasOutput {
	a.Helper()
	out, err := a.CreateAlias(a.Context(), &lambda.CreateAliasInput{FunctionName: &function, Name: &name, FunctionVersion: &version})
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// call invokes a function and returns what it answered.
func (a account) call(function string) string {
	a.Helper()
	return string(a.invoke(&lambda.InvokeInput{FunctionName: &function}).Payload)
}

func (a account) invoke(in *lambda.InvokeInput) *lambda.InvokeOutput {
	a.Helper()
	out, err := a.Invoke(a.Context(), in)
	if err != nil {
		a.Fatal(err)
	}
	return out
}

// versions lists the version numbers of a function.
func (a account) versions(function string) []string {
	a.Helper()
	out, err := a.ListVersionsByFunction(a.Context(), &lambda.ListVersionsByFunctionInput{FunctionName: &function})
	if err != nil {
		a.Fatal(err)
	}
	var numbers []string
	for _, v := range out.Versions {
		numbers = append(numbers, *v.Version)
	}
	return numbers
}

// answer is an HTTP response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// field returns a member of a JSON body as text.
func (r answer) field(name string) string {
	var fields map[string]any
	_ = json.Unmarshal([]byte(r.body), &fields)
	if fields[name] == nil {
		return ""
	}
	return fmt.Sprint(fields[name])
}

// send makes a request as no SDK would: nothing of it is checked or filled in.
// Headers come as pairs of name and value.
func (a account) send(method, path, body string, headers ...string) answer {
	a.Helper()
	request, err := http.NewRequestWithContext(a.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+a.id+"/20261122/"+region+"/lambda/aws4_request, SignedHeaders=host, Signature=0")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		a.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(raw)}
}

// refused checks that err is the API error E with a status and a message. A
// message that ends in … need only begin so.
func refused[E smithy.APIError](t testing.TB, err error, status int, message string) {
	t.Helper()
	var typed E
	if !errors.As(err, &typed) {
		t.Errorf("error is not %T: %v", typed, err)
		return
	}
	checkRefusal(t, err, typed, status, message)
}

// invalid checks that err is the ValidationException of one violated constraint.
func invalid(t testing.TB, err error) {
	t.Helper()
	refusedAs(t, err, "ValidationException", http.StatusBadRequest, "1 validation error detected: …")
}

// refusedAs is refused for errors that the SDK has no type for.
func refusedAs(t testing.TB, err error, code string, status int, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error is not %s: %v", code, err)
		return
	}
	checkRefusal(t, err, api, status, message)
}

func checkRefusal(t testing.TB, err error, api smithy.APIError, status int, message string) {
	t.Helper()
	got := api.ErrorMessage()
	if begin, open := strings.CutSuffix(message, "…"); open && !strings.HasPrefix(got, begin) || !open && got != message {
		t.Errorf("message is %q, want %q", got, message)
	}
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != status {
		t.Errorf("status of %v is not %d", err, status)
	}
}

// must returns v, and fails the test when there is an error.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// operation is a method of a client of the SDK.
type operation[Input, Output, Options any] func(context.Context, *Input, ...func(*Options)) (*Output, error)

// do makes a call that must succeed.
func do[Input, Output, Options any](t testing.TB, op operation[Input, Output, Options], in *Input) *Output {
	t.Helper()
	out, err := op(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// gone makes a call that must fail with the error E, as what it asks for was deleted.
func gone[E smithy.APIError, Input, Output, Options any](t testing.TB, op operation[Input, Output, Options], in *Input) {
	t.Helper()
	_, err := op(t.Context(), in)
	refused[E](t, err, http.StatusNotFound, "…")
}
