package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine"
	"github.com/lambdaform/terraform-provider-lambda/test/emulators"
)

// polled is an engine whose mappings read a stream of some kind.
type polled struct {
	account
	new func(name string, shards int32) polledStream
}

// polledStream is a stream that a test writes to.
type polledStream struct {
	arn    string
	put    func(key, text string)
	filter string // a pattern that passes records with the text "yes"
}

// streamKinds are the implementations of streams that mappings must behave alike on.
var streamKinds = map[string]func(t *testing.T) polled{
	"kinesis": func(t *testing.T) polled {
		a := newAccount(t)
		return polled{a, func(name string, shards int32) polledStream { return a.kinesisStream(a.streams, name, shards) }}
	},
	"fan-out": func(t *testing.T) polled {
		a := newAccount(t)
		return polled{a, func(name string, shards int32) polledStream {
			s := a.kinesisStream(a.streams, name, shards)
			out := do(t, a.streams.RegisterStreamConsumer, &kinesis.RegisterStreamConsumerInput{StreamARN: &s.arn, ConsumerName: aws.String("c")})
			s.arn = *out.Consumer.ConsumerARN
			return s
		}}
	},
	"kinesalite": func(t *testing.T) polled {
		endpoint := emulators.Kinesalite(t)
		a := accountOn(t, pollingEngine(t, map[string]string{"kinesis": endpoint}).URL(), "000000000000")
		client := kinesis.New(kinesis.Options{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(a.id, "secret", "")})
		return polled{a, func(name string, shards int32) polledStream {
			return a.kinesisStream(client, name+"-"+uuid.NewString()[:8], shards)
		}}
	},
	"dynamodb": func(t *testing.T) polled {
		endpoint := emulators.DynamoDB(t)
		a := accountOn(t, pollingEngine(t, map[string]string{"dynamodb": endpoint}).URL(), fmt.Sprintf("%012d", 200000000000+accounts.Add(1)))
		client := dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider(a.id, "secret", "")})
		return polled{a, func(name string, _ int32) polledStream { return a.table(client, name) }}
	},
}

// onStreams runs a test with each kind of stream.
func onStreams(t *testing.T, test func(t *testing.T, p polled)) {
	for kind, open := range streamKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func pollingEngine(t *testing.T, services map[string]string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Services: services,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
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

func (a account) kinesisStream(client *kinesis.Client, name string, shards int32) polledStream {
	a.Helper()
	do(a, client.CreateStream, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
	var arn string
	a.eventually("the stream is active", func() bool {
		out, err := client.DescribeStreamSummary(a.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &name})
		if err == nil {
			arn = *out.StreamDescriptionSummary.StreamARN
		}
		return err == nil && out.StreamDescriptionSummary.StreamStatus == "ACTIVE"
	})
	return polledStream{arn: arn, filter: `{"data":{"v":["yes"]}}`, put: func(key, text string) {
		a.Helper()
		data, _ := json.Marshal(map[string]string{"v": text})
		do(a, client.PutRecord, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &key, Data: data})
	}}
}

func (a account) table(client *dynamodb.Client, name string) polledStream {
	a.Helper()
	out := do(a, client.CreateTable, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest,
		KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: dynamotypes.KeyTypeHash}},
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: dynamotypes.ScalarAttributeTypeS}},
		StreamSpecification:  &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewTypeNewAndOldImages},
	})
	return polledStream{arn: *out.TableDescription.LatestStreamArn, filter: `{"dynamodb":{"NewImage":{"v":{"S":["yes"]}}}}`, put: func(key, text string) {
		a.Helper()
		do(a, client.PutItem, &dynamodb.PutItemInput{TableName: &name, Item: map[string]dynamotypes.AttributeValue{
			"k": &dynamotypes.AttributeValueMemberS{Value: key}, "v": &dynamotypes.AttributeValueMemberS{Value: text},
		}})
	}}
}

// seen is what a function has been called with.
type seen struct {
	Texts  []string
	ID     string
	Window struct{ Start, End string }
	State  map[string]int
	Final  bool
	Shard  string
	Failed bool
}

// recorder makes a function that writes down what it gets, and then does what body says
// with texts, the texts of its records, and ids, their sequence numbers or message ids.
func (a account) recorder(name, body string) (calls func() []seen) {
	a.Helper()
	file := filepath.Join(a.TempDir(), "seen")
	code := `import base64, json, os, time
def text(r):
    if 'kinesis' in r: return json.loads(base64.b64decode(r['kinesis']['data']))['v']
    if 'dynamodb' in r: return r['dynamodb']['NewImage']['v']['S']
    return r['body']
def number(r):
    if 'kinesis' in r: return r['kinesis']['sequenceNumber']
    if 'dynamodb' in r: return r['dynamodb']['SequenceNumber']
    return r['messageId']
def handler(event, context):
    texts, ids, failed = [text(r) for r in event['Records']], [number(r) for r in event['Records']], True
    try:
        answer = work(event, context, texts, ids)
        failed = False
        return answer
    finally:
        with open(` + fmt.Sprintf("%q", file) + `, 'a') as f:
            f.write(json.dumps({'Texts': texts, 'ID': context.aws_request_id, 'Window': event.get('window'), 'State': event.get('state'),
                'Final': event.get('isFinalInvokeForWindow', False), 'Shard': event.get('shardId', ''), 'Failed': failed}) + '\n')
def work(event, context, texts, ids):
` + indent(body) + "\n"
	a.create(name, zipOf(a, map[string]string{"app.py": code}))
	return func() (all []seen) {
		raw, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			a.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(string(raw)))
		for {
			var s seen
			if err := d.Decode(&s); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) { // while a line is written
					a.Fatal(err)
				}
				return all
			}
			all = append(all, s)
		}
	}
}

func indent(body string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    ")
}

// succeeded are the calls that have not failed.
func succeeded(calls []seen) []seen {
	return slices.DeleteFunc(calls, func(c seen) bool { return c.Failed })
}

// texts are those of all calls, one after the other.
func texts(calls []seen) (all []string) {
	for _, c := range calls {
		all = append(all, c.Texts...)
	}
	return all
}

// mapStream maps a stream to a function, and waits until it is read.
func (a account) mapStream(arn, function string, edit ...func(*lambda.CreateEventSourceMappingInput)) (id *string) {
	a.Helper()
	in := &lambda.CreateEventSourceMappingInput{EventSourceArn: &arn, FunctionName: &function, StartingPosition: types.EventSourcePositionTrimHorizon}
	for _, e := range edit {
		e(in)
	}
	out := do(a, a.CreateEventSourceMapping, in)
	a.settled(out.UUID, "Enabled")
	return out.UUID
}

// handled waits until the calls of a function have seen so many texts.
func (a account) handled(calls func() []seen, n int) []string {
	a.Helper()
	a.eventually(fmt.Sprintf("%d records are handled", n), func() bool { return len(texts(calls())) >= n })
	return texts(calls())
}

func numbered(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s%d", prefix, i))
	}
	return all
}

// withPrefix are the texts that begin with a prefix, in their order.
func withPrefix(all []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !strings.HasPrefix(s, prefix) })
}

// sqs is a client of the engine's own queues.
func (a account) sqs() *sqs.Client {
	return sqs.New(sqs.Options{Region: region, BaseEndpoint: &a.url, Credentials: credentials.NewStaticCredentialsProvider(a.id, "secret", "")})
}

// queue makes a queue of the engine's own.
func (a account) queue(name string) (url, arn string) {
	a.Helper()
	out := do(a, a.sqs().CreateQueue, &sqs.CreateQueueInput{QueueName: &name})
	return *out.QueueUrl, "arn:aws:sqs:" + region + ":" + a.id + ":" + name
}

// receive takes a message out of a queue, and returns its body; empty if there is none.
func (a account) receive(url string) string {
	a.Helper()
	out := do(a, a.sqs().ReceiveMessage, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 1})
	if len(out.Messages) == 0 {
		return ""
	}
	do(a, a.sqs().DeleteMessage, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle})
	return *out.Messages[0].Body
}
