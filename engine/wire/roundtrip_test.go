package wire

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// sdkClients are the real clients, by model.
func sdkClients(url string) map[string]any {
	creds := credentials.NewStaticCredentialsProvider("AKID", "secret", "")
	return map[string]any{
		"lambda":     lambda.New(lambda.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: &url, RetryMaxAttempts: 1}),
		"cloudwatch": cloudwatch.New(cloudwatch.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: &url, RetryMaxAttempts: 1}),
		"kinesis":    kinesis.New(kinesis.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: &url, RetryMaxAttempts: 1}),
		"sts":        sts.New(sts.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: &url, RetryMaxAttempts: 1}),
	}
}

var testTime = time.UnixMilli(1784259271322)

// eventStreams answer with a stream of events: they need code of their own.
var eventStreams = map[string]bool{"InvokeWithResponseStream": true, "SubscribeToShard": true}

// TestEveryOperation sends every operation of every model through the SDK's
// client, with every member set, and expects the handler to get what was sent
// and the client to get what the handler answered.
func TestEveryOperation(t *testing.T) {
	for model := range sdkClients("") {
		m, err := LoadModel(model)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.shapes { // values are made up, so they may be any
			s.pattern, s.min, s.max = nil, nil, nil
		}
		svc, err := NewService(m, nil)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(NewServer(ServerConfig{}, svc))
		defer server.Close()
		client := reflect.ValueOf(sdkClients(server.URL)[model])
		for _, name := range m.Operations() {
			if eventStreams[name] || hasPayloadReader(client.MethodByName(name)) {
				continue
			}
			t.Run(model+"/"+name, func(t *testing.T) { roundTrip(t, svc.operations[name], client.MethodByName(name)) })
		}
	}
}

func hasPayloadReader(call reflect.Value) bool {
	if !call.IsValid() {
		return true
	}
	in := call.Type().In(1).Elem()
	for i := range in.NumField() {
		if in.Field(i).Type.Kind() == reflect.Interface {
			return true // InvokeAsync, which is served raw
		}
	}
	return false
}

func roundTrip(t *testing.T, op *operation, call reflect.Value) {
	in, out := call.Type().In(1), call.Type().Out(0)
	if err := op.compile(in, out); err != nil {
		t.Fatal(err)
	}
	var got any
	answer := reflect.New(out.Elem())
	fill(op.output, answer, 0)
	handler := reflect.FuncOf([]reflect.Type{contextType, in}, []reflect.Type{out, errorType}, false)
	op.handler = reflect.MakeFunc(handler, func(args []reflect.Value) []reflect.Value {
		got = args[1].Interface()
		return []reflect.Value{answer, reflect.Zero(errorType)}
	})
	sent := reflect.New(in.Elem())
	fill(op.input, sent, 0)
	results := call.Call([]reflect.Value{reflect.ValueOf(t.Context()), sent})
	if err, _ := results[1].Interface().(error); err != nil {
		t.Fatal(err)
	}
	if !same(got, sent.Interface()) {
		t.Errorf("handler got\n%s\nclient sent\n%s", dump(got), dump(sent.Interface()))
	}
	received := results[0]
	received.Elem().FieldByName("ResultMetadata").SetZero()
	if !same(received.Interface(), answer.Interface()) {
		t.Errorf("client got\n%s\nhandler answered\n%s", dump(received.Interface()), dump(answer.Interface()))
	}
}

// same compares structs, whatever the location that their times are told in.
func same(a, b any) bool { return reflect.DeepEqual(a, b) || dump(a) == dump(b) }

// dump prints a struct with what its pointers point to.
func dump(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// fill sets every member to a value that can be told from nothing.
func fill(c *codec, v reflect.Value, depth int) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(c.typ))
		}
		v = v.Elem()
	}
	switch c.shape.kind {
	case "structure":
		for i := range c.fields {
			f := &c.fields[i]
			switch {
			case f.location == inStatusCode:
				v.Field(f.index).SetInt(202)
			case depth < 9:
				fill(f.codec, v.Field(f.index), depth+1)
			}
		}
	case "list":
		v.Set(reflect.MakeSlice(c.typ, 2, 2))
		fill(c.item, v.Index(0), depth+1)
		fill(c.item, v.Index(1), depth+1)
	case "map":
		v.Set(reflect.MakeMap(c.typ))
		key, item := reflect.New(c.typ.Key()).Elem(), reflect.New(c.typ.Elem()).Elem()
		fill(c.key, key, depth+1)
		fill(c.item, item, depth+1)
		v.SetMapIndex(key, item)
	case "string":
		v.SetString("a b/ü:" + c.shape.name)
		if c.shape.enum != nil {
			v.SetString(c.shape.enum[0])
		}
		if strings.HasSuffix(strings.ToLower(c.shape.name), "arn") {
			v.SetString("arn:aws:kinesis:eu-west-1:123456789012:stream/s")
		}
	case "integer", "long":
		v.SetInt(42)
	case "boolean":
		v.SetBool(true)
	case "double", "float":
		v.SetFloat(0.25)
	case "timestamp":
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	case "blob":
		v.SetBytes([]byte{0, 1, 0xff})
	}
}

func TestSignatures(t *testing.T) {
	m, err := LoadModel("lambda")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		impl any
		opts []Option
		want string
	}{
		"wrong result":     {impl: wrongResult{}, want: "operation GetAlias: method has type"},
		"wrong raw":        {opts: []Option{WithRaw("Nope", nil)}, want: "raw operation Nope"},
		"unchecked member": {opts: []Option{WithUnchecked("CreateFunctionInput.Code.Nope")}, want: "not in the model"},
		"unchecked input":  {opts: []Option{WithUnchecked("NopeInput.Code")}, want: "no such input"},
		"all good":         {opts: []Option{WithUnchecked("CreateFunctionInput.Runtime", "CreateFunctionInput.Code.S3Bucket")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewService(m, tt.impl, tt.opts...)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := LoadModel("nope"); err == nil {
		t.Error("a model that is not there loads")
	}
}

type wrongResult struct{}

func (wrongResult) GetAlias(context.Context, *lambda.GetAliasInput) (*lambda.GetFunctionOutput, error) {
	return nil, errors.New("never called")
}
