package kinesis_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/api/kinesis"
	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const (
	account   = "123456789012"
	streamARN = "arn:aws:kinesis:eu-west-1:" + account + ":stream/s"
)

// engine is a Kinesis in a store of its own, behind the wire.
type engine struct {
	*httptest.Server
	service  *kinesis.Service
	clock    shifted
	stopping context.CancelFunc
	stop     func()
}

// shifted is the machine's clock, ahead by so many nanoseconds.
type shifted struct{ *atomic.Int64 }

func (c shifted) Now() time.Time { return time.Now().Add(time.Duration(c.Load())) }

func (c shifted) NewTimer(d time.Duration) *clock.Timer { return clock.System().NewTimer(d) }

// start runs an engine on a directory until its stop is called or the test ends.
func start(t testing.TB, dir string) *engine {
	t.Helper()
	ahead := shifted{&atomic.Int64{}}
	e := startWith(t, dir, ahead)
	e.clock = ahead
	return e
}

func startWith(t testing.TB, dir string, c clock.Clock) *engine {
	t.Helper()
	st, err := store.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	var ctx context.Context
	ctx, e.stopping = context.WithCancel(context.Background())
	if e.service, err = kinesis.Open(ctx, st, kinesis.WithClock(c), kinesis.WithStopping(ctx)); err != nil {
		t.Fatal(err)
	}
	bound, err := e.service.Wire()
	if err != nil {
		t.Fatal(err)
	}
	e.Server = httptest.NewServer(wire.NewServer(wire.ServerConfig{Account: account}, bound))
	e.stop = sync.OnceFunc(func() {
		e.stopping()
		e.Close()
		e.service.Close()
		st.Close()
	})
	t.Cleanup(e.stop)
	return e
}

func (e *engine) client(region, key string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &e.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
	})
}

func create(t testing.TB, c *sdk.Client, name string, shards int32) {
	t.Helper()
	if _, err := c.CreateStream(t.Context(), &sdk.CreateStreamInput{StreamName: &name, ShardCount: &shards}); err != nil {
		t.Fatal(err)
	}
}

// put puts a record on stream s.
func put(t testing.TB, c *sdk.Client, key, data string) *sdk.PutRecordOutput {
	t.Helper()
	out, err := c.PutRecord(t.Context(), &sdk.PutRecordInput{StreamName: aws.String("s"), PartitionKey: &key, Data: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func iterator(t testing.TB, c *sdk.Client, in sdk.GetShardIteratorInput) *string {
	t.Helper()
	if in.ShardId == nil {
		in.ShardId = aws.String("shardId-000000000000")
	}
	out, err := c.GetShardIterator(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return out.ShardIterator
}

func get(t testing.TB, c *sdk.Client, iterator *string, limit int32) *sdk.GetRecordsOutput {
	t.Helper()
	in := &sdk.GetRecordsInput{ShardIterator: iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := c.GetRecords(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func texts(records []types.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Data))
	}
	return strings.Join(all, " ")
}

func isNotFound(err error) bool {
	var e *types.ResourceNotFoundException
	return errors.As(err, &e)
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
