package kinesis_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

func BenchmarkPutRecord(b *testing.B) {
	e := start(b, b.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(b, c, "s", 1)
	for b.Loop() {
		put(b, c, "k", "data")
	}
}

// entries are records of 100 bytes for all shards.
func entries(n int) []types.PutRecordsRequestEntry {
	all := make([]types.PutRecordsRequestEntry, n)
	for i := range all {
		all[i] = types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint(i)), Data: bytes.Repeat([]byte{'x'}, 100)}
	}
	return all
}

// BenchmarkPutRecords has four producers put calls of 500 records, over HTTP and past it.
func BenchmarkPutRecords(b *testing.B) {
	for _, shards := range []int32{1, 4} {
		e := start(b, b.TempDir())
		c := e.client("eu-west-1", "AKID")
		create(b, c, "s", shards)
		in := &sdk.PutRecordsInput{StreamName: aws.String("s"), Records: entries(500)}
		inside := wire.WithCaller(b.Context(), wire.Caller{Identity: wire.Root(account), Region: "eu-west-1"})
		for name, put := range map[string]func() error{
			"HTTP":    func() error { _, err := c.PutRecords(b.Context(), in); return err },
			"Service": func() error { _, err := e.service.PutRecords(inside, in); return err },
		} {
			b.Run(fmt.Sprintf("%s/shards=%d", name, shards), func(b *testing.B) {
				b.SetParallelism(2) // four on two cores
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := put(); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

// BenchmarkGetRecords reads records by 500, put by 500 or one by one.
func BenchmarkGetRecords(b *testing.B) {
	for name, size := range map[string]int{"calls=500": 500, "calls=1": 1} {
		e := start(b, b.TempDir())
		c := e.client("eu-west-1", "AKID")
		create(b, c, "s", 1)
		for range 2000 / size {
			if _, err := c.PutRecords(b.Context(), &sdk.PutRecordsInput{StreamName: aws.String("s"), Records: entries(size)}); err != nil {
				b.Fatal(err)
			}
		}
		inside := wire.WithCaller(b.Context(), wire.Caller{Identity: wire.Root(account), Region: "eu-west-1"})
		first := iterator(b, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "TRIM_HORIZON"})
		for way, get := range map[string]func(*sdk.GetRecordsInput) (*sdk.GetRecordsOutput, error){
			"HTTP": func(in *sdk.GetRecordsInput) (*sdk.GetRecordsOutput, error) {
				// A long answer that comes before the SDK's transport has looked behind the
				// end of the request fails: it has to be asked for again.
				return c.GetRecords(b.Context(), in, func(o *sdk.Options) { o.Retryer = retry.NewStandard(); o.RetryMaxAttempts = 10 })
			},
			"Service": func(in *sdk.GetRecordsInput) (*sdk.GetRecordsOutput, error) { return e.service.GetRecords(inside, in) },
		} {
			b.Run(way+"/"+name, func(b *testing.B) {
				next, n := first, 0
				for b.Loop() {
					out, err := get(&sdk.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(500)})
					if err != nil {
						b.Fatal(err)
					}
					if next = out.NextShardIterator; *out.MillisBehindLatest == 0 {
						next = first
					}
					n += len(out.Records)
				}
				b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

// BenchmarkGetNothing reads a shard that has nothing new, in a stream that has.
func BenchmarkGetNothing(b *testing.B) {
	e := start(b, b.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(b, c, "s", 1)
	put(b, c, "k", "data")
	ctx := wire.WithCaller(b.Context(), wire.Caller{Identity: wire.Root(account), Region: "eu-west-1"})
	in := &sdk.GetRecordsInput{ShardIterator: iterator(b, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "LATEST"})}
	read := 0
	b.ReportAllocs()
	for b.Loop() {
		out, err := e.service.GetRecords(ctx, in)
		if err != nil {
			b.Fatal(err)
		}
		read += len(out.Records)
		in.ShardIterator = out.NextShardIterator
	}
	if read > 0 {
		b.Error("read something")
	}
}
