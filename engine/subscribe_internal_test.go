package engine

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// TestSubscribeToShard gets a record pushed inside the engine, over HTTP/1.1 and over
// HTTP/2, and what waits for more ends with the engine.
func TestSubscribeToShard(t *testing.T) {
	e, err := Start(context.Background(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Driver: "process", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var http2 http.Protocols
	http2.SetUnencryptedHTTP2(true)
	scope := catalog.Scope{Account: "111111111111", Region: "eu-west-1"}
	r, err := e.route(t.Context(), "kinesis", scope)
	if err != nil {
		t.Fatal(err)
	}
	c := kinesis.NewFromConfig(r.Config, func(o *kinesis.Options) { o.BaseEndpoint = r.Endpoint(nil) })
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	consumer, err := c.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{
		StreamARN: aws.String("arn:aws:kinesis:eu-west-1:111111111111:stream/s"), ConsumerName: aws.String("last"),
	})
	if err != nil {
		t.Fatal(err)
	}
	over := &http.Client{Transport: &http.Transport{Protocols: &http2}}
	defer over.CloseIdleConnections()
	for name, client := range map[string]kinesis.HTTPClient{"inside": c.Options().HTTPClient, "HTTP/1.1": http.DefaultClient, "HTTP/2": over} {
		t.Run(name, func(t *testing.T) {
			own, err := c.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{
				StreamARN: aws.String("arn:aws:kinesis:eu-west-1:111111111111:stream/s"), ConsumerName: aws.String(strings.Replace(name, "/", ".", 1)),
			})
			if err != nil {
				t.Fatal(err)
			}
			options := c.Options()
			options.HTTPClient = client
			subscribed, err := kinesis.New(options).SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
				ConsumerARN: own.Consumer.ConsumerARN, ShardId: aws.String("shardId-000000000000"), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
			})
			if err != nil {
				t.Fatal(err)
			}
			events := subscribed.GetStream()
			defer events.Close()
			<-events.Events()
			if _, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: []byte(name)}); err != nil {
				t.Fatal(err)
			}
			event, _ := (<-events.Events()).(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent)
			if event == nil || len(event.Value.Records) != 1 || string(event.Value.Records[0].Data) != name {
				t.Fatalf("got %+v, %v", event, events.Err())
			}
		})
	}
	last, err := c.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
		ConsumerARN: consumer.Consumer.ConsumerARN, ShardId: aws.String("shardId-000000000000"), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer last.GetStream().Close()
	<-last.GetStream().Events()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if event := <-last.GetStream().Events(); event != nil || last.GetStream().Err() != nil {
		t.Errorf("after the engine: %+v, %v", event, last.GetStream().Err())
	}
}
