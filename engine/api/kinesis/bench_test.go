package kinesis_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kinesis"
)

func BenchmarkPutRecord(b *testing.B) {
	e := start(b, b.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(b, c, "s", 1)
	for b.Loop() {
		put(b, c, "k", "data")
	}
}

func BenchmarkGetRecords(b *testing.B) {
	e := start(b, b.TempDir())
	c := e.client("eu-west-1", "AKID")
	create(b, c, "s", 1)
	for range 1000 {
		put(b, c, "k", "data")
	}
	from := iterator(b, c, sdk.GetShardIteratorInput{StreamName: aws.String("s"), ShardIteratorType: "TRIM_HORIZON"})
	for b.Loop() {
		if n := len(get(b, c, from, 1000).Records); n != 1000 {
			b.Fatal(n)
		}
	}
}
