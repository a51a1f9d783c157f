package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke/destination"
)

// message is what a destination is told of records that are given up: where they are,
// in AWS's shape, and for a bucket the whole event too.
type message struct {
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	Kinesis         *batchInfo       `json:"KinesisBatchInfo,omitempty"`
	DynamoDB        *batchInfo       `json:"DDBStreamBatchInfo,omitempty"`
	Payload         string           `json:"payload,omitempty"`
}

type responseContext struct {
	StatusCode      int     `json:"statusCode"`
	ExecutedVersion string  `json:"executedVersion"`
	FunctionError   *string `json:"functionError"`
}

type batchInfo struct {
	ShardID   string `json:"shardId"`
	Start     string `json:"startSequenceNumber"`
	End       string `json:"endSequenceNumber"`
	First     string `json:"approximateArrivalOfFirstRecord"`
	Last      string `json:"approximateArrivalOfLastRecord"`
	BatchSize int    `json:"batchSize"`
	StreamARN string `json:"streamArn"`
}

const timeFormat = "2006-01-02T15:04:05.000Z"

// failure makes the message on a batch that is given up under a condition.
func (b *batchRun) failure(batch []record, condition string) (message, error) {
	m := message{Version: "1.0", Timestamp: b.manager.Clock.Now().UTC().Format(timeFormat)}
	m.RequestContext.RequestID, m.RequestContext.FunctionARN = b.id, b.target.ARN()
	m.RequestContext.Condition, m.RequestContext.ApproximateInvokeCount = condition, b.failed
	if b.last.response.Version != "" {
		m.ResponseContext = &responseContext{StatusCode: http.StatusOK, ExecutedVersion: b.last.response.Version}
		if kind := b.last.response.FunctionError; kind != "" {
			m.ResponseContext.FunctionError = &kind
		}
	}
	first, last := batch[0], batch[len(batch)-1]
	info := &batchInfo{
		ShardID: b.shard, Start: first.sequence, End: last.sequence, BatchSize: len(batch), StreamARN: *b.mapping.Config.EventSourceArn,
		First: first.arrival.UTC().Format(timeFormat), Last: last.arrival.UTC().Format(timeFormat),
	}
	if service(info.StreamARN) == "dynamodb" {
		m.DynamoDB = info
	} else {
		m.Kinesis = info
	}
	if service(b.mapping.Destination()) != "s3" {
		return m, nil
	}
	payload, err := b.event(batch, b.window)
	m.Payload = string(payload)
	return m, err
}

// tell tells a destination until it has heard, or refuses for good. A shard waits for
// that: what is given up must not be lost on the way.
func (b *batchRun) tell(ctx context.Context, to string, batch []record, condition string) error {
	m, err := b.failure(batch, condition)
	if err != nil {
		return err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the message to %s: %w", to, err)
	}
	at := b.manager.Clock.Now()
	msg := destination.Message{ARN: to, Body: body, Function: b.target, FunctionARN: b.target.ARN(), RequestID: b.id, At: at}
	if service(to) == "s3" {
		day, second := at.UTC().Format("2006/01/02"), at.UTC().Format("2006-01-02T15.04.05")
		msg.Key = strings.Join([]string{"aws/lambda", *b.mapping.Config.UUID, b.shard, day, second + "-" + uuid.NewString()}, "/")
	}
	for try := 1; ; try++ {
		err := b.manager.Send(ctx, msg)
		if err == nil {
			b.meter.delivered(len(batch))
			if b.last.problem != "" {
				b.result(problem("%s", b.last.problem))
			}
			return nil
		}
		b.manager.Invoker.Observe(b.target, invoke.MetricDestinationFailures, 1)
		b.result(problem("%v", err))
		b.log.Warn("tell a destination of records that are given up", "destination", to, "err", err)
		var rejected *destination.RejectedError
		if errors.As(err, &rejected) {
			b.meter.dropped(len(batch))
			return nil
		}
		if !b.wait(ctx, backoff(try)) {
			return ctx.Err()
		}
	}
}

// service is the service in an ARN, such as "kinesis", or "".
func service(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}
