package kinesis

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/nats-io/nats.go/jetstream"
)

// Limits of an account in a region, and what a stream has unless told.
const (
	maxShards         = 500
	maxOnDemand       = 50
	onDemandShards    = 4
	standardRetention = 24   // hours
	standardRecord    = 1024 // KiB
)

// CreateStream makes a stream, which is active at once.
func (s *Service) CreateStream(ctx context.Context, in *kinesis.CreateStreamInput) (*kinesis.CreateStreamOutput, error) {
	r, err := ref(ctx, in.StreamName, nil)
	if err != nil {
		return nil, err
	}
	d := document{
		ID: strings.ToLower(rand.Text()), Account: r.account, Region: r.region, Name: r.name, Created: time.Now().UTC().Truncate(time.Millisecond),
		Mode: types.StreamModeProvisioned, Retention: standardRetention, MaxRecord: standardRecord, Tags: in.Tags, Warm: in.WarmThroughputMiBps,
	}
	if err := checkTags(in.Tags, r.arn()); err != nil {
		return nil, err
	}
	if in.MaxRecordSizeInKiB != nil {
		d.MaxRecord = *in.MaxRecordSizeInKiB
	}
	if in.StreamModeDetails != nil {
		d.Mode = in.StreamModeDetails.StreamMode
	}
	shards := int(aws.ToInt32(in.ShardCount))
	switch {
	case d.Mode == types.StreamModeOnDemand && in.ShardCount != nil:
		return nil, malformed("ShardCount must not be specified when creating a stream in ON_DEMAND mode.")
	case d.Mode == types.StreamModeOnDemand:
		shards = onDemandShards
	case in.ShardCount == nil:
		return nil, malformed("ShardCount must be specified when creating a stream in PROVISIONED mode.")
	}
	d.Shards, d.Next = firstShards(shards, d.Created), shards
	s.creating.Lock()
	defer s.creating.Unlock()
	if err := s.roomFor(&d); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.js.CreateStream(ctx, d.messages()); err != nil {
		return nil, fmt.Errorf("create stream %s: %w", r.name, err)
	}
	if err := s.docs.Put(ctx, d.ID, d); err != nil {
		return nil, errors.Join(fmt.Errorf("create stream %s: %w", r.name, err), s.js.DeleteStream(ctx, storePrefix+d.ID))
	}
	s.add(newStream(&d, 0))
	return &kinesis.CreateStreamOutput{}, nil
}

func firstShards(n int, now time.Time) []shard {
	shards := make([]shard, n)
	for i, low := range uniform(n) {
		shards[i] = shard{Number: i, Low: low, Opened: now}
		shards[i].High = hashKey{}.plus(-1)
		if i > 0 {
			shards[i-1].High = low.plus(-1)
		}
	}
	return shards
}

// roomFor refuses a stream whose name is taken, or that goes beyond a limit.
func (s *Service) roomFor(d *document) error {
	onDemand := 0
	for _, other := range s.all(d.Account, d.Region) {
		if other.name == d.Name {
			return inUse("Stream %s under account %s already exists.", d.Name, d.Account)
		}
		if other.current.Load().Mode == types.StreamModeOnDemand {
			onDemand++
		}
	}
	if d.Mode != types.StreamModeOnDemand {
		return s.roomForShards(d.ref(), len(d.Shards))
	}
	if onDemand >= maxOnDemand {
		return tooManyOnDemand(d.ref())
	}
	return nil
}

func tooManyOnDemand(r streamRef) error {
	return tooMany("This request would exceed the limit of on-demand streams for the account %s in %s. Limit: %d.", r.account, r.region, maxOnDemand)
}

// roomForShards refuses so many more open shards if they go beyond the account's limit.
func (s *Service) roomForShards(r streamRef, more int) error {
	open, _ := s.count(r.account, r.region)
	if open+more > maxShards {
		return tooMany("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d.",
			r.account, r.region, open, maxShards, more)
	}
	return nil
}

// count returns how many open shards the provisioned streams of an account have in a
// region, and how many streams are on demand.
func (s *Service) count(account, region string) (shards, onDemand int) {
	for _, st := range s.all(account, region) {
		if current := st.current.Load(); current.Mode == types.StreamModeOnDemand {
			onDemand++
		} else {
			shards += len(current.open)
		}
	}
	return shards, onDemand
}

// DeleteStream deletes a stream and its records.
func (s *Service) DeleteStream(ctx context.Context, in *kinesis.DeleteStreamInput) (*kinesis.DeleteStreamOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := s.drop(ctx, st, aws.ToBool(in.EnforceConsumerDeletion)); err != nil {
		return nil, err
	}
	s.watchers.announce(st.streamRef)
	if err := s.js.DeleteStream(ctx, st.storeName()); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("delete the records of stream %s: %w", st.name, err)
	}
	return &kinesis.DeleteStreamOutput{}, nil
}

// drop deletes a stream, but not yet its messages.
func (s *Service) drop(ctx context.Context, st *stream, withConsumers bool) error {
	st.changing.Lock()
	defer st.changing.Unlock()
	if st.gone {
		return st.notFound()
	}
	if n := len(st.current.Load().Consumers); n > 0 && !withConsumers {
		return inUse("Stream %s under account %s has %d registered consumers, so it cannot be deleted. Deregister them, or set EnforceConsumerDeletion.", st.name, st.account, n)
	}
	if err := s.docs.Delete(ctx, st.id); err != nil {
		return fmt.Errorf("delete stream %s: %w", st.name, err)
	}
	st.gone = true
	s.remove(st)
	return nil
}

// DescribeStream describes a stream and, page by page, its shards.
func (s *Service) DescribeStream(ctx context.Context, in *kinesis.DescribeStreamInput) (*kinesis.DescribeStreamOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	d := st.current.Load()
	shards := slices.DeleteFunc(d.visible(s.clock.Now()), func(sh *liveShard) bool { return sh.id() <= aws.ToString(in.ExclusiveStartShardId) })
	shards, more := page(shards, in.Limit, 100, 100)
	described := make([]types.Shard, len(shards))
	for i, sh := range shards {
		described[i] = st.describe(sh.shard)
	}
	encryption, key := d.encryption()
	return &kinesis.DescribeStreamOutput{StreamDescription: &types.StreamDescription{
		StreamName: &st.name, StreamARN: aws.String(st.arn()), StreamStatus: types.StreamStatusActive,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: d.Mode}, StreamCreationTimestamp: &st.created,
		RetentionPeriodHours: &d.Retention, EncryptionType: encryption, KeyId: key,
		EnhancedMonitoring: d.monitoring(), Shards: described, HasMoreShards: &more,
	}}, nil
}

// DescribeStreamSummary describes a stream without its shards.
func (s *Service) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput) (*kinesis.DescribeStreamSummaryOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	d := st.current.Load()
	encryption, key := d.encryption()
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &types.StreamDescriptionSummary{
		StreamName: &st.name, StreamARN: aws.String(st.arn()), StreamStatus: types.StreamStatusActive,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: d.Mode}, StreamCreationTimestamp: &st.created,
		RetentionPeriodHours: &d.Retention, EncryptionType: encryption, KeyId: key,
		EnhancedMonitoring: d.monitoring(), OpenShardCount: aws.Int32(int32(len(d.open))), ConsumerCount: aws.Int32(int32(len(d.Consumers))),
		MaxRecordSizeInKiB: &d.MaxRecord, WarmThroughput: d.warm(),
	}}, nil
}

// ListStreams lists the streams of the caller's account and region by name.
func (s *Service) ListStreams(ctx context.Context, in *kinesis.ListStreamsInput) (*kinesis.ListStreamsOutput, error) {
	here, _ := ref(ctx, aws.String("-"), nil)
	after := aws.ToString(in.ExclusiveStartStreamName)
	if in.NextToken != nil {
		text, err := base64.StdEncoding.DecodeString(*in.NextToken)
		if err != nil {
			return nil, invalid("NextToken is invalid.")
		}
		after = string(text)
	}
	streams := slices.DeleteFunc(s.all(here.account, here.region), func(st *stream) bool { return st.name <= after })
	streams, more := page(streams, in.Limit, 100, 100)
	out := &kinesis.ListStreamsOutput{HasMoreStreams: &more, StreamNames: []string{}, StreamSummaries: []types.StreamSummary{}}
	for _, st := range streams {
		out.StreamNames = append(out.StreamNames, st.name)
		out.StreamSummaries = append(out.StreamSummaries, types.StreamSummary{
			StreamName: &st.name, StreamARN: aws.String(st.arn()), StreamStatus: types.StreamStatusActive,
			StreamModeDetails: &types.StreamModeDetails{StreamMode: st.current.Load().Mode}, StreamCreationTimestamp: &st.created,
		})
	}
	if more {
		out.NextToken = aws.String(base64.StdEncoding.EncodeToString([]byte(out.StreamNames[len(out.StreamNames)-1])))
	}
	return out, nil
}
