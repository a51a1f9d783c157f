package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Of event sources: what waits in a stream or queue when its mapping is enabled, and how
// many records are put one by one for the time that each takes.
const (
	backlogRecords  = 200_000
	backlogMessages = 30_000
	singleRecords   = 200
	idleMappings    = 200
	idleSeconds     = 20
)

// sourceBench is a server whose mappings are measured.
type sourceBench struct {
	ctx       context.Context
	name      string
	pkg       pkg    // a function that counts
	counts    string // the directory where it does
	client    *lambda.Client
	streams   *kinesis.Client
	queues    *sqs.Client
	waiting   int // records that wait in a stream when its mapping is enabled
	messages  int // and messages in a queue
	patiently time.Duration
}

func newSourceBench(ctx context.Context, o options, name, url string, p pkg) (*sourceBench, error) {
	counts := filepath.Join(o.work, "counts", strings.ReplaceAll(name, " ", "-"))
	if err := os.MkdirAll(counts, 0o755); err != nil { //nolint:gosec // functions are other users
		return nil, err
	}
	who := credentials.NewStaticCredentialsProvider("test", "test", "")
	return &sourceBench{
		ctx: ctx, name: name, pkg: p, counts: counts, client: newClientOf(url), waiting: backlogRecords, messages: backlogMessages, patiently: time.Minute,
		streams: kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: who}),
		queues:  sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: who}),
	}, nil
}

// measureSources tells how fast mappings are, and what idle ones cost; and the same of
// ministack, with a function of Node.js for both.
func measureSources(ctx context.Context, o options, packages []pkg) error {
	compiled, script, err := counters(ctx, o, packages)
	if err != nil {
		return err
	}
	e, err := startEngine(ctx, launch{binary: o.binary, driver: "process", dir: filepath.Join(o.work, "sources"), port: "4586"})
	if err != nil {
		return err
	}
	defer e.stop()
	for name, p := range map[string]pkg{"this engine, Go": compiled, "this engine, Node.js": script} {
		b, err := newSourceBench(ctx, o, name, e.url, p)
		if err != nil {
			return err
		}
		if err := b.measure(); err != nil {
			return err
		}
		if p.language == "Go" {
			if err := b.idle(e); err != nil {
				return err
			}
		}
	}
	if why := noMinistack(o); why != "" {
		fmt.Println("ministack:", why)
		return nil
	}
	s, err := startMinistack(ctx, o, script)
	if err != nil {
		return err
	}
	defer s.stop()
	b, err := newSourceBench(ctx, o, "ministack, Node.js", strings.TrimSuffix(s.url, "/2015-03-31/functions/echo/invocations"), script)
	if err != nil {
		return err
	}
	b.waiting, b.messages, b.patiently = 4000, 400, 3*time.Minute
	return b.measure()
}

// counters are functions that do nothing but count.
func counters(ctx context.Context, o options, packages []pkg) (compiled, script pkg, err error) {
	program, err := goProgram(ctx, o.work, "./test/bench/counter")
	if err != nil {
		return compiled, script, err
	}
	compiled, script = packages[0], packages[2]
	if compiled.zip, err = archive("bootstrap", program); err != nil {
		return compiled, script, err
	}
	script.zip, err = archive("index.mjs", []byte(`import { appendFileSync } from "node:fs";
export const handler = async (event) => {
  const now = Date.now(), last = event.Records?.at(-1);
  const sent = last?.kinesis ? last.kinesis.approximateArrivalTimestamp * 1000 : Number(last?.attributes?.SentTimestamp ?? now);
  if (last) appendFileSync(process.env.COUNTS, `+"`${now}000000 ${event.Records.length} ${Math.round((now - sent) * 1e6)}\\n`"+`);
};
`))
	return compiled, script, err
}

func (b *sourceBench) measure() error {
	if err := b.kinesis(); err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	if err := b.sqs(); err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	return nil
}

// named makes a name that no other bench has.
func (b *sourceBench) named(what string) string { return what + "-" + b.pkg.name }

func (b *sourceBench) function(name string) (counts string, err error) {
	counts = filepath.Join(b.counts, name)
	name = b.named(name)
	if err := create(b.ctx, b.client, name, role, b.pkg); err != nil {
		return "", err
	}
	if err := waitActive(b.ctx, b.client, name); err != nil {
		return "", err
	}
	_, err = b.client.UpdateFunctionConfiguration(b.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name, Environment: &types.Environment{Variables: map[string]string{"COUNTS": counts}},
	})
	return counts, err
}

// kinesis measures 4 shards at batches of 500.
func (b *sourceBench) kinesis() error {
	counts, err := b.function("records")
	if err != nil {
		return err
	}
	name := b.named("bench")
	if _, err := b.streams.CreateStream(b.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(4)}); err != nil {
		return err
	}
	began := time.Now()
	if err := parallel(4, func(worker int) error { return b.fill(name, worker, b.waiting/4) }); err != nil {
		return err
	}
	filled := time.Since(began)
	id, err := b.enable("arn:aws:kinesis:us-east-1:000000000000:stream/"+name, "records", 500, true)
	if err != nil {
		return err
	}
	rate, err := b.catchUp(counts, b.waiting)
	if err != nil {
		return err
	}
	fmt.Printf("%s: Kinesis, 4 shards: %.0f records a second are put by 4 producers; %.0f a second are handled in batches of up to 500\n", b.name, float64(b.waiting)/filled.Seconds(), rate)
	err = b.singles(counts, func(i int) error {
		_, err := b.streams.PutRecord(b.ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String(strconv.Itoa(i)), Data: []byte("x")})
		return err
	})
	if err != nil {
		return err
	}
	return b.disable(id)
}

func (b *sourceBench) fill(stream string, worker, n int) error {
	data := []byte(strings.Repeat("x", 100))
	for i := 0; i < n; i += 500 {
		in := &kinesis.PutRecordsInput{StreamName: &stream}
		for j := range 500 {
			in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(fmt.Sprintf("%d-%d", worker, i+j))})
		}
		if _, err := b.streams.PutRecords(b.ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// sqs measures a standard queue at batches of 10.
func (b *sourceBench) sqs() error {
	counts, err := b.function("messages")
	if err != nil {
		return err
	}
	queue, err := b.queues.CreateQueue(b.ctx, &sqs.CreateQueueInput{QueueName: aws.String(b.named("bench")), Attributes: map[string]string{"VisibilityTimeout": "120"}})
	if err != nil {
		return err
	}
	began := time.Now()
	err = parallel(8, func(int) error {
		for range b.messages / 8 / 10 {
			in := &sqs.SendMessageBatchInput{QueueUrl: queue.QueueUrl}
			for j := range 10 {
				in.Entries = append(in.Entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(j)), MessageBody: aws.String(strings.Repeat("x", 100))})
			}
			if _, err := b.queues.SendMessageBatch(b.ctx, in); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	filled := time.Since(began)
	id, err := b.enable("arn:aws:sqs:us-east-1:000000000000:"+b.named("bench"), "messages", 10, false)
	if err != nil {
		return err
	}
	rate, err := b.catchUp(counts, b.messages)
	if err != nil {
		return err
	}
	fmt.Printf("%s: SQS: %.0f messages a second are sent by 8 producers; %.0f a second are handled in batches of up to 10\n", b.name, float64(b.messages)/filled.Seconds(), rate)
	err = b.singles(counts, func(int) error {
		_, err := b.queues.SendMessage(b.ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("x")})
		return err
	})
	if err != nil {
		return err
	}
	return b.disable(id)
}

func parallel(n int, work func(worker int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = work(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *sourceBench) enable(arn, function string, batch int32, stream bool) (id *string, err error) {
	function = b.named(function)
	in := &lambda.CreateEventSourceMappingInput{EventSourceArn: &arn, FunctionName: &function, BatchSize: &batch}
	if stream {
		in.StartingPosition = types.EventSourcePositionTrimHorizon
	}
	out, err := b.client.CreateEventSourceMapping(b.ctx, in)
	if err != nil {
		return nil, err
	}
	return out.UUID, nil
}

func (b *sourceBench) disable(id *string) error {
	_, err := b.client.UpdateEventSourceMapping(b.ctx, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(false)})
	return err
}

// idle tells what mappings cost that have nothing to do: half read streams, half queues.
func (b *sourceBench) idle(e *running) error {
	for i := range idleMappings / 2 {
		name := fmt.Sprintf("idle-%d", i)
		if _, err := b.streams.CreateStream(b.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}); err != nil {
			return err
		}
		if _, err := b.queues.CreateQueue(b.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "120"}}); err != nil {
			return err
		}
		if _, err := b.enable("arn:aws:kinesis:us-east-1:000000000000:stream/"+name, "records", 100, true); err != nil {
			return err
		}
		if _, err := b.enable("arn:aws:sqs:us-east-1:000000000000:"+name, "messages", 10, false); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Second)
	parts, err := e.takePart(b.ctx)
	if err != nil {
		return err
	}
	before := parts.spent()
	time.Sleep(idleSeconds * time.Second)
	used := parts.spent().minus(before)
	fmt.Printf("%d idle mappings: %.1f %% of a core, the engine has %d MB\n", idleMappings, 100*used.engine.Seconds()/idleSeconds, e.residentMB())
	return nil
}
