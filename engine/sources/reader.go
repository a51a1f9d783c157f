package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
)

// maxBatchBytes keeps an event below the limit of a synchronous call of 6 MB.
const maxBatchBytes = 6<<20 - 64<<10

// reader delivers the records of one shard, in order, a batch at a time.
type reader struct {
	*poller
	shard    string
	iterator *string
	ready    []types.Record // read and not yet delivered
}

func newReader(p *poller, shard string) *reader { return &reader{poller: p, shard: shard} }

func (r *reader) key() string { return *r.mapping.Config.UUID + "." + r.shard }

// run reads and delivers until ctx ends.
func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := r.next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.iterator, r.ready = nil, nil // read again from the checkpoint
			r.result(problem("cannot read from shard %s: %v", r.shard, err))
			pause(ctx, time.Second)
		case len(batch) == 0:
			pause(ctx, pollInterval)
		default:
			r.deliver(ctx, batch)
		}
	}
}

// next returns the next batch, empty when there is nothing to deliver yet. It waits
// for more records up to the mapping's batching window.
func (r *reader) next(ctx context.Context) ([]types.Record, error) {
	size := int(aws.ToInt32(r.mapping.Config.BatchSize))
	window := time.Duration(aws.ToInt32(r.mapping.Config.MaximumBatchingWindowInSeconds)) * time.Second
	var deadline time.Time
	for {
		if len(r.ready) < size {
			if err := r.fetch(ctx, size); err != nil {
				return nil, err
			}
		}
		if len(r.ready) == 0 {
			return nil, nil
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(window)
		}
		if count := fitting(r.ready, size); count < len(r.ready) || count == size || !time.Now().Before(deadline) {
			batch := r.ready[:count]
			r.ready = r.ready[count:]
			return batch, nil
		}
		if !pause(ctx, pollInterval) {
			return nil, nil
		}
	}
}

// fetch reads records behind those that are ready.
func (r *reader) fetch(ctx context.Context, limit int) error {
	if r.iterator == nil {
		if err := r.locate(ctx); err != nil {
			return err
		}
	}
	out, err := r.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: r.iterator, Limit: aws.Int32(int32(limit))})
	var expired *types.ExpiredIteratorException
	if errors.As(err, &expired) {
		r.iterator = nil
		return nil
	}
	if err != nil {
		return err
	}
	r.iterator = out.NextShardIterator
	r.ready = append(r.ready, out.Records...)
	return nil
}

// locate finds where to go on: behind what is ready, behind the checkpoint, or at
// the mapping's starting position.
func (r *reader) locate(ctx context.Context) error {
	in := &kinesis.GetShardIteratorInput{StreamName: &r.stream, ShardId: &r.shard}
	done, ok := r.manager.checkpoints.Get(r.key())
	if n := len(r.ready); n > 0 {
		done, ok = Checkpoint{*r.ready[n-1].SequenceNumber}, true
	}
	if ok {
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &done.SequenceNumber
	} else {
		r.startOf(in)
	}
	out, err := r.client.GetShardIterator(ctx, in)
	if err != nil {
		return err
	}
	r.iterator = out.ShardIterator
	return nil
}

// fitting is how many records make one batch.
func fitting(records []types.Record, size int) int {
	bytes := 0
	for i, record := range records {
		bytes += len(record.Data)*4/3 + len(*record.PartitionKey) + 512
		if i == size || i > 0 && bytes > maxBatchBytes {
			return i
		}
	}
	return len(records)
}

// deliver invokes the function with one batch until it succeeds, or until the
// mapping says to give up. Only then is the checkpoint moved on.
func (r *reader) deliver(ctx context.Context, batch []types.Record) {
	config := r.mapping.Config
	log := r.manager.Log.With("mapping", *config.UUID, "shard", r.shard)
	requestID := uuid.NewString() // the same for every attempt
	for attempt := 1; ; attempt++ {
		if batch = r.fresh(batch); len(batch) == 0 {
			log.Warn("batch dropped: its records are older than MaximumRecordAgeInSeconds")
			return
		}
		failure := r.invoke(ctx, requestID, batch)
		if failure == "" {
			r.result("OK")
			break
		}
		if ctx.Err() != nil {
			return
		}
		r.result(problem("%s", failure))
		if most := aws.ToInt32(config.MaximumRetryAttempts); most >= 0 && attempt > int(most) {
			log.Warn("batch dropped: every attempt failed", "attempts", attempt, "problem", failure)
			break
		}
		if !pause(ctx, backoff(attempt)) {
			return
		}
	}
	r.checkpoint(ctx, batch)
}

func (r *reader) checkpoint(ctx context.Context, batch []types.Record) {
	last := *batch[len(batch)-1].SequenceNumber
	// Also when the poller is being stopped: the batch is done.
	if err := r.manager.checkpoints.Put(context.WithoutCancel(ctx), r.key(), Checkpoint{SequenceNumber: last}); err != nil {
		r.manager.Log.Error("write checkpoint: the batch will come again after a restart", "key", r.key(), "err", err)
	}
}

// fresh leaves out records that the mapping calls too old.
func (r *reader) fresh(batch []types.Record) []types.Record {
	age := aws.ToInt32(r.mapping.Config.MaximumRecordAgeInSeconds)
	if age < 0 {
		return batch
	}
	oldest := time.Now().Add(-time.Duration(age) * time.Second)
	for len(batch) > 0 && batch[0].ApproximateArrivalTimestamp.Before(oldest) {
		r.checkpoint(context.Background(), batch[:1])
		batch = batch[1:]
	}
	return batch
}

// invoke calls the function with a batch, and tells what went wrong, if anything.
func (r *reader) invoke(ctx context.Context, requestID string, batch []types.Record) (failure string) {
	target, err := r.mapping.Target()
	if err != nil {
		return err.Error()
	}
	payload, err := r.event(target, batch)
	if err != nil {
		return err.Error()
	}
	r.manager.Invoker.IteratorAge(target, time.Since(*batch[len(batch)-1].ApproximateArrivalTimestamp))
	response, err := r.manager.Invoker.Invoke(ctx, invoke.Request{Ref: target, RequestID: requestID, Payload: payload})
	switch {
	case err != nil:
		return err.Error()
	case response.FunctionError != "":
		return "Function call failed"
	}
	return ""
}

type kinesisEvent struct {
	Records []kinesisRecord
}

type kinesisRecord struct {
	Kinesis           kinesisData `json:"kinesis"`
	EventSource       string      `json:"eventSource"`
	EventVersion      string      `json:"eventVersion"`
	EventID           string      `json:"eventID"`
	EventName         string      `json:"eventName"`
	InvokeIdentityARN string      `json:"invokeIdentityArn"`
	AWSRegion         string      `json:"awsRegion"`
	EventSourceARN    string      `json:"eventSourceARN"`
}

type kinesisData struct {
	SchemaVersion  string  `json:"kinesisSchemaVersion"`
	PartitionKey   string  `json:"partitionKey"`
	SequenceNumber string  `json:"sequenceNumber"`
	Data           []byte  `json:"data"`
	Arrival        float64 `json:"approximateArrivalTimestamp"`
}

// event makes what the function receives (spec usecases §4.3).
func (r *reader) event(target catalog.Ref, batch []types.Record) ([]byte, error) {
	role := ""
	if f, err := r.manager.Catalog.Function(target); err == nil {
		role = aws.ToString(f.Latest.Config.Role)
	}
	event := kinesisEvent{Records: make([]kinesisRecord, len(batch))}
	for i, record := range batch {
		event.Records[i] = kinesisRecord{
			Kinesis: kinesisData{
				SchemaVersion: "1.0", PartitionKey: *record.PartitionKey, SequenceNumber: *record.SequenceNumber,
				Data: record.Data, Arrival: float64(record.ApproximateArrivalTimestamp.UnixMilli()) / 1e3,
			},
			EventSource: "aws:kinesis", EventVersion: "1.0", EventName: "aws:kinesis:record",
			EventID:           r.shard + ":" + *record.SequenceNumber,
			InvokeIdentityARN: role, AWSRegion: r.mapping.Region, EventSourceARN: *r.mapping.Config.EventSourceArn,
		}
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return payload, nil
}
