package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	ktypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// api is a small Lambda that remembers what it was asked.
type api struct {
	mu     sync.Mutex
	last   any
	caller Caller
	err    error
}

// record keeps what was asked and returns what to fail with.
func (a *api) record(ctx context.Context, in any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.caller = in, CallerFrom(ctx)
	return a.err
}

func (a *api) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *api) GetFunction(ctx context.Context, in *lambda.GetFunctionInput) (*lambda.GetFunctionOutput, error) {
	if err := a.record(ctx, in); err != nil {
		return nil, err
	}
	return &lambda.GetFunctionOutput{Configuration: &types.FunctionConfiguration{
		FunctionName: in.FunctionName, LastModified: aws.String("2015-07-16T00:34:31.322+0000"),
		Layers: []types.Layer{}, Environment: &types.EnvironmentResponse{Variables: map[string]string{}},
	}}, nil
}

func (a *api) CreateFunction(ctx context.Context, in *lambda.CreateFunctionInput) (*lambda.CreateFunctionOutput, error) {
	err := a.record(ctx, in)
	return &lambda.CreateFunctionOutput{FunctionName: in.FunctionName, CodeSize: int64(len(in.Code.ZipFile))}, err
}

func (a *api) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput) (*lambda.CreateAliasOutput, error) {
	err := a.record(ctx, in)
	return &lambda.CreateAliasOutput{Name: in.Name}, err
}

func (a *api) UpdateFunctionConfiguration(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput) (*lambda.UpdateFunctionConfigurationOutput, error) {
	err := a.record(ctx, in)
	return &lambda.UpdateFunctionConfigurationOutput{}, err
}

func (a *api) ListFunctions(ctx context.Context, in *lambda.ListFunctionsInput) (*lambda.ListFunctionsOutput, error) {
	err := a.record(ctx, in)
	return &lambda.ListFunctionsOutput{Functions: []types.FunctionConfiguration{}}, err
}

func (a *api) DeleteFunction(ctx context.Context, in *lambda.DeleteFunctionInput) (*lambda.DeleteFunctionOutput, error) {
	err := a.record(ctx, in)
	return &lambda.DeleteFunctionOutput{}, err
}

func (a *api) UntagResource(ctx context.Context, in *lambda.UntagResourceInput) (*lambda.UntagResourceOutput, error) {
	err := a.record(ctx, in)
	return nil, err
}

func (a *api) GetAlias(ctx context.Context, in *lambda.GetAliasInput) (*lambda.GetAliasOutput, error) {
	return nil, a.record(ctx, in)
}

func (a *api) ListTags(context.Context, *lambda.ListTagsInput) (*lambda.ListTagsOutput, error) {
	panic("tags are scary")
}

func (a *api) PutFunctionEventInvokeConfig(ctx context.Context, in *lambda.PutFunctionEventInvokeConfigInput) (*lambda.PutFunctionEventInvokeConfigOutput, error) {
	err := a.record(ctx, in)
	return &lambda.PutFunctionEventInvokeConfigOutput{LastModified: aws.Time(testTime)}, err
}

// invoke echoes its payload and its labels.
func (a *api) invoke(w http.ResponseWriter, r *http.Request, labels Labels) error {
	if err := a.record(r.Context(), labels); err != nil {
		return err
	}
	body, err := ReadBody(r, 64, "InvokeFunction")
	if err != nil {
		return err
	}
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	_, err = w.Write(body)
	return err
}

type streams struct{ err error }

func (s *streams) PutRecord(_ context.Context, in *kinesis.PutRecordInput) (*kinesis.PutRecordOutput, error) {
	return &kinesis.PutRecordOutput{ShardId: in.PartitionKey, SequenceNumber: aws.String(string(in.Data))}, s.err
}

func (s *streams) DeleteStream(context.Context, *kinesis.DeleteStreamInput) (*kinesis.DeleteStreamOutput, error) {
	return &kinesis.DeleteStreamOutput{}, s.err
}

type identity struct{}

func (identity) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: aws.String(CallerFrom(ctx).Account), Arn: aws.String("a<b")}, nil
}

// cloud is a server of three small services, for tests.
type cloud struct {
	*httptest.Server
	api     *api
	streams *streams
	log     *bytes.Buffer
}

func newCloud(t testing.TB) *cloud { return newCloudOf(t, ServerConfig{}) }

func newCloudOf(t testing.TB, config ServerConfig) *cloud {
	t.Helper()
	c := &cloud{api: &api{}, streams: &streams{}, log: &bytes.Buffer{}}
	config.Account, config.Region, config.Logger = "123456789012", "us-west-2", slog.New(slog.NewTextHandler(c.log, nil))
	service := func(model string, impl any, opts ...Option) *Service {
		m, err := LoadModel(model)
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewService(m, impl, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c.Server = httptest.NewServer(NewServer(config,
		service("lambda", c.api, WithRaw("Invoke", c.api.invoke),
			WithUnchecked("CreateFunctionInput.Runtime", "CreateFunctionInput.FileSystemConfigs.LocalMountPath")),
		service("kinesis", c.streams), service("sts", identity{}),
	))
	t.Cleanup(c.Close)
	return c
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c *cloud) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func (c *cloud) lambda() *lambda.Client   { return sdkClients(c.URL)["lambda"].(*lambda.Client) }
func (c *cloud) kinesis() *kinesis.Client { return sdkClients(c.URL)["kinesis"].(*kinesis.Client) }
func (c *cloud) sts() *sts.Client         { return sdkClients(c.URL)["sts"].(*sts.Client) }

const functions = "/2015-03-31/functions"

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestAnswers(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		want                     string // the whole body
		errorType                string
	}{
		{
			name: "lists that are empty are written, nils are not", method: "GET", path: functions + "/f",
			status: 200, want: `{"Configuration":{"FunctionName":"f","CodeSize":0,"LastModified":"2015-07-16T00:34:31.322+0000","Environment":{"Variables":{}},"Layers":[]}}`,
		},
		{name: "trailing slash", method: "GET", path: functions + "/", status: 200, want: `{"Functions":[]}`},
		{name: "no trailing slash", method: "GET", path: functions, status: 200, want: `{"Functions":[]}`},
		{name: "no content", method: "DELETE", path: functions + "/f", status: 204},
		{name: "times are numbers", method: "PUT", path: "/2019-09-25/functions/f/event-invoke-config", body: `{}`, status: 200, want: `{"LastModified":1784259271.322}`},
		{name: "nil output", method: "DELETE", path: "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Af?tagKeys=a&tagKeys=b%20c", status: 204},
		{
			name: "unknown path", method: "GET", path: "/nope/%2F", status: 404, errorType: "UnknownOperationException",
			want: `{"Type":"User","message":"The engine serves no operation \"GET /nope/%2F\"."}`,
		},
		{
			name: "unknown method", method: "PATCH", path: functions, status: 404, errorType: "UnknownOperationException",
			want: `{"Type":"User","message":"The engine serves no operation \"PATCH /2015-03-31/functions\"."}`,
		},
		{
			name: "not implemented", method: "GET", path: "/2016-08-19/account-settings", status: 501, errorType: "NotImplementedException",
			want: `{"Type":"Service","message":"The engine does not implement the GetAccountSettings operation of Lambda."}`,
		},
		{
			name: "literal query decides", method: "GET", path: "/2018-10-31/layers?find=LayerVersion&Arn=x", status: 501, errorType: "NotImplementedException",
			want: `{"Type":"Service","message":"The engine does not implement the GetLayerVersionByArn operation of Lambda."}`,
		},
		{
			name: "panic", method: "GET", path: "/2017-03-31/tags/arn:aws:lambda:us-west-2:123456789012:function:f", status: 500, errorType: "ServiceException",
			want: `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`,
		},
		{
			name: "malformed body", method: "POST", path: functions + "/f/aliases", body: `{bad`, status: 400, errorType: "InvalidRequestContentException",
			want: `{"Type":"User","message":"Could not parse request body into json: invalid character 'b' looking for beginning of object key string"}`,
		},
		{
			name: "wrong type", method: "PUT", path: functions + "/f/configuration", body: `{"Timeout":"3"}`, status: 400, errorType: "SerializationException",
			want: `{"Type":"User","message":"STRING_VALUE can not be converted to an Integer"}`,
		},
		{
			name: "wrong type in query", method: "GET", path: functions + "?MaxItems=x", status: 400, errorType: "SerializationException",
			want: `{"Type":"User","message":"STRING_VALUE can not be converted to an Integer"}`,
		},
		{
			name: "list for structure", method: "PUT", path: functions + "/f/configuration", body: `{"VpcConfig":[]}`, status: 400, errorType: "SerializationException",
			want: `{"Type":"User","message":"Start of list found where not expected"}`,
		},
		{
			name: "body is no object", method: "PUT", path: functions + "/f/configuration", body: `"x"`, status: 400, errorType: "SerializationException",
			want: `{"Type":"User","message":"Unexpected field type"}`,
		},
		{
			name: "raw", method: "POST", path: functions + "/123456789012%3Af%3A%24LATEST/invocations?Qualifier=%24LATEST", body: `[1]`,
			status: 200, want: `[1]`,
		},
		{
			name: "raw checks labels", method: "POST", path: functions + "/f!/invocations", header: []string{"X-Amz-Invocation-Type", "Sync"}, status: 400, errorType: "ValidationException",
			want: `{"message":"2 validation errors detected: Value 'f!' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?; Value 'Sync' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"}`,
		},
		{
			name: "raw body too large", method: "POST", path: functions + "/f/invocations", body: strings.Repeat(" ", 65), status: 413, errorType: "RequestEntityTooLargeException",
			want: `{"Type":"User","message":"Request must be smaller than 64 bytes for the InvokeFunction operation"}`,
		},
		{
			name: "json", method: "POST", path: "/", header: []string{"X-Amz-Target", "Kinesis_20131202.PutRecord"}, body: `{"StreamName":"s","PartitionKey":"k","Data":"YQ==","Unknown":{}}`,
			status: 200, want: `{"ShardId":"k","SequenceNumber":"a"}`,
		},
		{
			name: "json without output", method: "POST", path: "/", header: []string{"X-Amz-Target", "Kinesis_20131202.DeleteStream"}, body: `{"StreamName":"s"}`,
			status: 200, want: ``,
		},
		{
			name: "json malformed", method: "POST", path: "/", header: []string{"X-Amz-Target", "Kinesis_20131202.PutRecord"}, body: `{} {}`, status: 400, errorType: "SerializationException",
			want: `{"__type":"SerializationException","message":"more after the top-level value"}`,
		},
		{
			name: "json base64", method: "POST", path: "/", header: []string{"X-Amz-Target", "Kinesis_20131202.PutRecord"}, body: `{"Data":"?"}`, status: 400, errorType: "SerializationException",
			want: `{"__type":"SerializationException","message":"The value is not valid base64."}`,
		},
		{
			name: "json unknown operation", method: "POST", path: "/", header: []string{"X-Amz-Target", "Kinesis_20131202.Nope"}, status: 404, errorType: "UnknownOperationException",
			want: `{"__type":"UnknownOperationException","message":"The engine serves no operation \"Kinesis_20131202.Nope\"."}`,
		},
		{
			name: "json unknown service", method: "POST", path: "/", header: []string{"X-Amz-Target", "Nope.Nope"}, status: 404, errorType: "UnknownOperationException",
			want: `{"__type":"UnknownOperationException","message":"The engine serves no operation \"Nope.Nope\"."}`,
		},
		{
			name: "json not implemented", method: "POST", path: "/", header: []string{"X-Amz-Target", "Kinesis_20131202.ListStreams"}, status: 501, errorType: "NotImplementedException",
			want: `{"__type":"NotImplementedException","message":"The engine does not implement the ListStreams operation of Kinesis."}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			resp := c.do(t, tt.method, tt.path, tt.body, tt.header...)
			if resp.status != tt.status || resp.body != tt.want {
				t.Errorf("got %d %s\nwant %d %s", resp.status, resp.body, tt.status, tt.want)
			}
			if got := resp.header.Get("x-amzn-ErrorType"); got != tt.errorType {
				t.Errorf("got error type %q, want %q", got, tt.errorType)
			}
			if id := resp.header.Get("x-amzn-RequestId"); !uuidPattern.MatchString(id) {
				t.Errorf("request id %q is no UUIDv4", id)
			}
		})
	}
}

func TestValidation(t *testing.T) {
	long := strings.Repeat("a", 141)
	tests := []struct {
		name, method, path, body string
		want                     []string // the violations, nil when valid
	}{
		{name: "alias of digits", method: "POST", path: functions + "/f/aliases", body: `{"Name":"2024","FunctionVersion":"1"}`, want: []string{
			`Value '2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`,
		}},
		{name: "missing", method: "POST", path: functions + "/f/aliases", body: `{"FunctionVersion":null}`, want: []string{
			`Value null at 'name' failed to satisfy constraint: Member must not be null`,
			`Value null at 'functionVersion' failed to satisfy constraint: Member must not be null`,
		}},
		{name: "too long", method: "POST", path: functions + "/" + long + "/aliases", body: `{"Name":"a","FunctionVersion":"1"}`, want: []string{
			`Value '` + long + `' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140`,
		}},
		{name: "much too long", method: "POST", path: functions + "/f/aliases", body: `{"Name":"` + strings.Repeat("é", 5000) + `","FunctionVersion":"1"}`, want: []string{
			`Value '` + strings.Repeat("é", 512) + `…' at 'name' failed to satisfy constraint: Member must have length less than or equal to 128`,
			`Value '` + strings.Repeat("é", 512) + `…' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`,
		}},
		{name: "map values", method: "POST", path: functions + "/f/aliases", body: `{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"1":2.0}}}`, want: []string{
			`Value '{1=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]`,
		}},
		{name: "numbers", method: "PUT", path: functions + "/f/configuration", body: `{"Timeout":0,"MemorySize":127}`, want: []string{
			`Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1`,
			`Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128`,
		}},
		{name: "secrets are not shown", method: "PUT", path: functions + "/f/configuration", body: `{"Environment":{"Variables":{"1X":"secret"}}}`, want: []string{
			`Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]`,
		}},
		{name: "list of strings", method: "POST", path: functions, body: `{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{},"Architectures":["foo"]}`, want: []string{
			`Value '[foo]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]`,
		}},
		{name: "list of structures", method: "POST", path: functions, body: `{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{},"FileSystemConfigs":[{"Arn":"x","LocalMountPath":"unchecked"}]}`, want: []string{
			`Value 'x' at 'fileSystemConfigs.1.member.arn' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}:access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}`,
		}},
		{name: "too many", method: "PUT", path: functions + "/f/configuration", body: `{"VpcConfig":{"SecurityGroupIds":["1","2","3","4","5","6"]}}`, want: []string{
			`Value '[1, 2, 3, 4, 5, 6]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: Member must have length less than or equal to 5`,
		}},
		{name: "look-behind", method: "POST", path: functions, body: `{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"abc."}}`, want: []string{
			`Value 'abc.' at 'code.s3Bucket' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9A-Za-z\.\-_]*(?<!\.)`,
		}},
		{name: "unchecked", method: "POST", path: functions, body: `{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"abc"},"Runtime":"nodejs5"}`},
		{name: "name", method: "GET", path: functions + "/helloworld"},
		{name: "account and name", method: "GET", path: functions + "/123456789012:helloworld"},
		{name: "account, function and name", method: "GET", path: functions + "/123456789012:function:helloworld:1"},
		{name: "function and name", method: "GET", path: functions + "/function:helloworld:PROD"},
		{name: "ARN", method: "GET", path: functions + "/arn%3Aaws%3Alambda%3Aus-west-2%3A123456789012%3Afunction%3Ahelloworld%3A%24LATEST"},
		{name: "incomplete ARN", method: "GET", path: functions + "/arn:aws:lambda:us-west-2:123456789012:function"},
		{name: "empty body", method: "PUT", path: functions + "/f/configuration"},
		{name: "no name", method: "PUT", path: functions + "//configuration", want: []string{
			`Value '' at 'functionName' failed to satisfy constraint: Member must have length greater than or equal to 1`,
			`Value '' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			resp := c.do(t, tt.method, tt.path, tt.body)
			if tt.want == nil {
				if resp.status >= 300 {
					t.Fatalf("got %d %s", resp.status, resp.body)
				}
				return
			}
			var got struct {
				Message string `json:"message"`
				Type    *string
			}
			if err := json.Unmarshal([]byte(resp.body), &got); err != nil {
				t.Fatal(err)
			}
			noun := "error"
			if len(tt.want) > 1 {
				noun = "errors"
			}
			want := fmt.Sprintf("%d validation %s detected: %s", len(tt.want), noun, strings.Join(tt.want, "; "))
			if resp.status != 400 || resp.header.Get("x-amzn-ErrorType") != "ValidationException" || got.Message != want || got.Type != nil {
				t.Errorf("got %d %s\nwant %s", resp.status, resp.body, want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		body   string
		header string // Retry-After
		as     func(error) bool
	}{
		{
			name:   "message in capitals",
			err:    fmt.Errorf("get function: %w", &types.ResourceNotFoundException{Message: aws.String("Function not found: x")}),
			status: 404, body: `{"Type":"User","Message":"Function not found: x"}`,
			as: func(err error) bool { var e *types.ResourceNotFoundException; return errors.As(err, &e) },
		},
		{
			name:   "message in small letters",
			err:    &types.ResourceConflictException{Message: aws.String(`"quoted" <ü>`), Type: aws.String("User")},
			status: 409, body: `{"Type":"User","message":"\"quoted\" <ü>"}`,
			as: func(err error) bool { var e *types.ResourceConflictException; return errors.As(err, &e) },
		},
		{
			name:   "more members",
			err:    &types.TooManyRequestsException{Message: aws.String("Rate Exceeded."), Reason: types.ThrottleReasonCallerRateLimitExceeded, RetryAfterSeconds: aws.String("7")},
			status: 429, body: `{"Type":"User","message":"Rate Exceeded.","Reason":"CallerRateLimitExceeded"}`, header: "7",
			as: func(err error) bool {
				var e *types.TooManyRequestsException
				return errors.As(err, &e) && e.Reason == types.ThrottleReasonCallerRateLimitExceeded && aws.ToString(e.RetryAfterSeconds) == "7"
			},
		},
		{
			name: "the service's fault", err: &types.EC2UnexpectedException{Message: aws.String("no"), EC2ErrorCode: aws.String("e")},
			status: 502, body: `{"Type":"Service","Message":"no","EC2ErrorCode":"e"}`,
			as: func(err error) bool { var e *types.EC2UnexpectedException; return errors.As(err, &e) },
		},
		{
			name: "not modelled", err: &Error{Code: "AccessDeniedException", Status: 403, Message: "no"},
			status: 403, body: `{"Type":"User","message":"no"}`,
			as: func(err error) bool {
				var e smithy.APIError
				return errors.As(err, &e) && e.ErrorCode() == "AccessDeniedException" && e.ErrorMessage() == "no"
			},
		},
		{
			name: "generic", err: &smithy.GenericAPIError{Code: "InvalidParameterValueException", Message: "bad"},
			status: 400, body: `{"Type":"User","message":"bad"}`,
			as: func(err error) bool { var e *types.InvalidParameterValueException; return errors.As(err, &e) },
		},
		{
			name: "internal", err: errors.New("disk on fire"),
			status: 500, body: `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`,
			as: func(err error) bool { var e *types.ServiceException; return errors.As(err, &e) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.api.fail(tt.err)
			for _, request := range [][2]string{{"GET", functions + "/f"}, {"POST", functions + "/f/invocations"}} {
				resp := c.do(t, request[0], request[1], "")
				if resp.status != tt.status || resp.body != tt.body || resp.header.Get("Retry-After") != tt.header {
					t.Errorf("%s: got %d %s %q\nwant %d %s", request[1], resp.status, resp.body, resp.header.Get("Retry-After"), tt.status, tt.body)
				}
			}
			if _, err := c.lambda().GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")}); !tt.as(err) {
				t.Errorf("client got %#v", err)
			}
			if logged := strings.Contains(c.log.String(), "disk on fire"); logged != (tt.name == "internal") {
				t.Errorf("log: %s", c.log)
			}
		})
	}
}

func TestJSONErrors(t *testing.T) {
	c := newCloud(t)
	c.streams.err = &ktypes.ResourceNotFoundException{Message: aws.String("Stream x under account y not found.")}
	_, err := c.kinesis().PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("x"), PartitionKey: aws.String("k"), Data: []byte("d")})
	var notFound *ktypes.ResourceNotFoundException
	if !errors.As(err, &notFound) || notFound.ErrorMessage() != "Stream x under account y not found." {
		t.Errorf("got %v", err)
	}
	_, err = c.kinesis().PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("x!"), PartitionKey: aws.String("k"), Data: []byte("d")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ValidationException" || !strings.Contains(api.ErrorMessage(), "'streamName'") {
		t.Errorf("got %v", err)
	}
}

func TestCaller(t *testing.T) {
	const sig = "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host, Signature=00"
	tests := []struct {
		name, auth, query    string
		account, region, key string
	}{
		{name: "unsigned", account: "123456789012", region: "us-west-2"},
		{name: "signed", auth: fmt.Sprintf(sig, "AKID/20260101/eu-west-1/lambda/aws4_request"), account: "123456789012", region: "eu-west-1", key: "AKID"},
		{name: "account as key", auth: fmt.Sprintf(sig, "111122223333/20260101/eu-west-1/lambda/aws4_request"), account: "111122223333", region: "eu-west-1", key: "111122223333"},
		{name: "no region", auth: "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260101/lambda/aws4_request,SignedHeaders=host,Signature=0", account: "123456789012", region: "us-west-2", key: "AKID"},
		{
			name: "presigned", account: "123456789012", region: "ap-south-1", key: "AKID",
			query: "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Fap-south-1%2Flambda%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
		},
		{name: "another scheme", auth: "Bearer x", account: "123456789012", region: "us-west-2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			resp := c.do(t, "GET", functions+"/f"+tt.query, "", "Authorization", tt.auth)
			if resp.status != 200 {
				t.Fatalf("got %d %s", resp.status, resp.body)
			}
			if host := c.api.caller.Host; !strings.HasPrefix(host, "127.0.0.1:") {
				t.Errorf("host %q", host)
			}
			want := Caller{
				Identity: Root(tt.account), Action: "lambda:GetFunction", Host: c.api.caller.Host,
				Region: tt.region, AccessKeyID: tt.key, RequestID: resp.header.Get("x-amzn-RequestId"),
			}
			if c.api.caller != want {
				t.Errorf("got %+v, want %+v", c.api.caller, want)
			}
		})
	}
	for _, bad := range []answer{
		newCloud(t).do(t, "GET", functions+"/f", "", "Authorization", "AWS4-HMAC-SHA256 Credential=//"),
		newCloud(t).do(t, "GET", functions+"/f?X-Amz-Credential=AKID", ""),
	} {
		if bad.status != 403 || bad.header.Get(errorTypeHeader) != "IncompleteSignatureException" {
			t.Errorf("malformed: %d %s", bad.status, bad.body)
		}
	}
}

func TestLambdaClient(t *testing.T) {
	c := newCloud(t)
	client := c.lambda()
	arn := aws.String("arn:aws:lambda:us-west-2:123456789012:function:f")
	if _, err := client.UntagResource(t.Context(), &lambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a", "b c"}}); err != nil {
		t.Fatal(err)
	}
	if in := c.api.last.(*lambda.UntagResourceInput); *in.Resource != *arn || len(in.TagKeys) != 2 || in.TagKeys[1] != "b c" {
		t.Errorf("got %+v", in)
	}
	out, err := client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: arn, Qualifier: aws.String("1")})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("got %+v %v", out, err)
	}
	invoked, err := client.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: arn, Qualifier: aws.String("$LATEST"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{}`),
	})
	if err != nil || string(invoked.Payload) != "{}" || aws.ToString(invoked.ExecutedVersion) != "$LATEST" {
		t.Errorf("got %+v %v", invoked, err)
	}
	want := Labels{"FunctionName": *arn, "Qualifier": "$LATEST", "InvocationType": "Event"}
	if got := c.api.last.(Labels); fmt.Sprint(got) != fmt.Sprint(want) || got.Get("LogType") != "" {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestLargeCode sends a package as large as AWS takes, and one byte more.
func TestLargeCode(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 140 MB")
	}
	c := newCloud(t)
	frame := `{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":"%s"}}`
	zip := strings.Repeat("AAAA", (maxCodeRequest-len(frame)+2)/4)
	body := fmt.Sprintf(frame, zip)
	body += strings.Repeat(" ", maxCodeRequest-len(body))
	if resp := c.do(t, "POST", functions, body); resp.status != 201 {
		t.Errorf("at the limit: %d %s", resp.status, resp.body)
	}
	if n := len(c.api.last.(*lambda.CreateFunctionInput).Code.ZipFile); n != len(zip)/4*3 {
		t.Errorf("got %d bytes of code", n)
	}
	resp := c.do(t, "POST", functions, body+" ")
	if resp.status != 413 || !strings.Contains(resp.body, "Request must be smaller than 70167211 bytes for the CreateFunction operation") {
		t.Errorf("above the limit: %d %s", resp.status, resp.body)
	}
}

func TestQuery(t *testing.T) {
	c := newCloud(t)
	out, err := c.sts().GetCallerIdentity(t.Context(), nil)
	if err != nil || aws.ToString(out.Account) != "123456789012" || aws.ToString(out.Arn) != "a<b" {
		t.Errorf("got %+v, %v", out, err)
	}
	_, err = c.sts().GetSessionToken(t.Context(), nil)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "NotImplementedException" {
		t.Errorf("got %v", err)
	}
	resp := c.do(t, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if resp.status != 200 || !strings.HasPrefix(resp.body, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`) {
		t.Errorf("unsigned: %d %s", resp.status, resp.body)
	}
}
