package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// sourceBench is an engine whose mappings are measured.
type sourceBench struct {
	*running
	ctx     context.Context
	work    string
	pkg     pkg
	streams *kinesis.Client
	queues  *sqs.Client
}

// measureSources tells how fast mappings are, and what idle ones cost.
func measureSources(ctx context.Context, o options, p pkg) error {
	counter, err := goProgram(ctx, o.work, "./test/bench/counter")
	if err != nil {
		return err
	}
	if p.zip, err = archive("bootstrap", counter); err != nil {
		return err
	}
	e, err := startEngine(ctx, launch{binary: o.binary, driver: "process", dir: filepath.Join(o.work, "sources"), port: "4586"})
	if err != nil {
		return err
	}
	defer e.stop()
	who := credentials.NewStaticCredentialsProvider("test", "test", "")
	b := &sourceBench{
		running: e, ctx: ctx, work: o.work, pkg: p,
		streams: kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &e.url, Credentials: who}),
		queues:  sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &e.url, Credentials: who}),
	}
	for _, measure := range []func() error{b.kinesis, b.sqs, b.idle} {
		if err := measure(); err != nil {
			return err
		}
	}
	return nil
}

func (b *sourceBench) function(name string) (counts string, err error) {
	counts = filepath.Join(b.work, name+".counts")
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
	name := "bench"
	if _, err := b.streams.CreateStream(b.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(4)}); err != nil {
		return err
	}
	began := time.Now()
	if err := parallel(4, func(worker int) error { return b.fill(name, worker, backlogRecords/4) }); err != nil {
		return err
	}
	filled := time.Since(began)
	id, err := b.enable("arn:aws:kinesis:us-east-1:000000000000:stream/"+name, "records", 500, true)
	if err != nil {
		return err
	}
	rate, err := b.catchUp(counts, backlogRecords)
	if err != nil {
		return err
	}
	fmt.Printf("Kinesis, 4 shards: %.0f records a second are put by 4 producers; %.0f a second are handled in batches of up to 500\n", backlogRecords/filled.Seconds(), rate)
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
	queue, err := b.queues.CreateQueue(b.ctx, &sqs.CreateQueueInput{QueueName: aws.String("bench"), Attributes: map[string]string{"VisibilityTimeout": "120"}})
	if err != nil {
		return err
	}
	began := time.Now()
	err = parallel(8, func(int) error {
		for range backlogMessages / 8 / 10 {
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
	id, err := b.enable("arn:aws:sqs:us-east-1:000000000000:bench", "messages", 10, false)
	if err != nil {
		return err
	}
	rate, err := b.catchUp(counts, backlogMessages)
	if err != nil {
		return err
	}
	fmt.Printf("SQS: %.0f messages a second are sent by 8 producers; %.0f a second are handled in batches of up to 10\n", backlogMessages/filled.Seconds(), rate)
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

// call is what the function has written down of one call.
type counted struct {
	at      time.Time
	records int
	took    time.Duration
}

func readCounts(file string) (all []counted, err error) {
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c counted
		var at, took int64
		if _, err := fmt.Sscan(lines.Text(), &at, &c.records, &took); err != nil {
			return nil, err
		}
		c.at, c.took = time.Unix(0, at), time.Duration(took)
		all = append(all, c)
	}
	return all, nil
}

// catchUp waits until everything is handled, and returns how many records a second were:
// between the first call's end and the last's.
func (b *sourceBench) catchUp(file string, want int) (perSecond float64, err error) {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		calls, err := readCounts(file)
		if err != nil {
			return 0, err
		}
		n := 0
		for _, c := range calls {
			n += c.records
		}
		if n < want {
			continue
		}
		slices.SortFunc(calls, func(a, b counted) int { return a.at.Compare(b.at) })
		return float64(n-calls[0].records) / calls[len(calls)-1].at.Sub(calls[0].at).Seconds(), nil
	}
	return 0, fmt.Errorf("%s: not everything was handled in time", file)
}

// singles tells how long a record takes from its put to the function, when it comes alone.
func (b *sourceBench) singles(file string, put func(i int) error) error {
	before, err := readCounts(file)
	if err != nil {
		return err
	}
	for i := range singleRecords {
		if err := put(i); err != nil {
			return err
		}
		time.Sleep(37 * time.Millisecond)
	}
	time.Sleep(time.Second)
	calls, err := readCounts(file)
	if err != nil {
		return err
	}
	var took []time.Duration
	for _, c := range calls[len(before):] {
		took = append(took, c.took)
	}
	slices.Sort(took)
	if len(took) == 0 {
		return fmt.Errorf("%s: nothing was handled", file)
	}
	fmt.Printf("  alone, from the put to the function: p50 %s, p99 %s of %d calls\n", ms(took[len(took)/2]), ms(took[len(took)*99/100]), len(took))
	return nil
}

// idle tells what mappings cost that have nothing to do: half read streams, half queues.
func (b *sourceBench) idle() error {
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
	parts, err := b.takePart(b.ctx)
	if err != nil {
		return err
	}
	before := parts.spent()
	time.Sleep(idleSeconds * time.Second)
	used := parts.spent().minus(before)
	fmt.Printf("%d idle mappings: %.1f %% of a core, the engine has %d MB\n", idleMappings, 100*used.engine.Seconds()/idleSeconds, b.residentMB())
	return nil
}
