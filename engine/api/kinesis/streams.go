package kinesis

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	retention      = 24 * time.Hour
	maxShards      = 500
	onDemandShards = 4
	defaultRecord  = 1024 // KiB
	subjectRoot    = "kinesis."
)

// stream is a Kinesis stream as its JetStream stream's metadata describes it.
type stream struct {
	streamRef
	created   time.Time
	shards    int
	mode      types.StreamMode
	maxRecord int32 // KiB
	last      uint64
}

// Keys of the metadata.
const (
	metaID        = "kinesis.id" // makes every creation unlike any other
	metaAccount   = "kinesis.account"
	metaRegion    = "kinesis.region"
	metaName      = "kinesis.name"
	metaCreated   = "kinesis.created"
	metaShards    = "kinesis.shards"
	metaMode      = "kinesis.mode"
	metaMaxRecord = "kinesis.max-record"
)

// key is the stream's name in JetStream, which forbids some characters and, on
// some file systems, confuses capitals with small letters.
func (r streamRef) key() string {
	sum := sha256.Sum256([]byte(r.arn()))
	return hex.EncodeToString(sum[:12])
}

func (r streamRef) storeName() string { return "KINESIS_" + r.key() }
func (r streamRef) subject(shard int) string {
	return subjectRoot + r.key() + "." + strconv.Itoa(shard)
}

func (st *stream) metadata() map[string]string {
	return map[string]string{
		metaID: uuid.NewString(), metaAccount: st.account, metaRegion: st.region, metaName: st.name,
		metaCreated: strconv.FormatInt(st.created.UnixMilli(), 10), metaShards: strconv.Itoa(st.shards),
		metaMode: string(st.mode), metaMaxRecord: strconv.Itoa(int(st.maxRecord)),
	}
}

func parseStream(info *jetstream.StreamInfo) (*stream, error) {
	meta := info.Config.Metadata
	created, err1 := strconv.ParseInt(meta[metaCreated], 10, 64)
	shards, err2 := strconv.Atoi(meta[metaShards])
	maxRecord, err3 := strconv.ParseInt(meta[metaMaxRecord], 10, 32)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("read description of stream %s: %w", info.Config.Name, err)
	}
	return &stream{
		streamRef: streamRef{meta[metaAccount], meta[metaRegion], meta[metaName]},
		created:   time.UnixMilli(created).UTC(), shards: shards, mode: types.StreamMode(meta[metaMode]),
		maxRecord: int32(maxRecord), last: info.State.LastSeq,
	}, nil
}

// find returns the stream that a request names.
func (s *Service) find(ctx context.Context, name, arn *string) (*stream, error) {
	r, err := ref(ctx, name, arn)
	if err != nil {
		return nil, err
	}
	return s.load(ctx, r)
}

func (s *Service) load(ctx context.Context, r streamRef) (*stream, error) {
	stored, err := s.js.Stream(ctx, r.storeName())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, r.notFound()
	}
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", r.name, err)
	}
	return parseStream(stored.CachedInfo())
}

// CreateStream makes a stream, which is active at once.
func (s *Service) CreateStream(ctx context.Context, in *kinesis.CreateStreamInput) (*kinesis.CreateStreamOutput, error) {
	r, err := ref(ctx, in.StreamName, nil)
	if err != nil {
		return nil, err
	}
	st := &stream{
		streamRef: r, created: s.now().UTC(), shards: int(aws.ToInt32(in.ShardCount)),
		mode: types.StreamModeProvisioned, maxRecord: defaultRecord,
	}
	if in.MaxRecordSizeInKiB != nil {
		st.maxRecord = *in.MaxRecordSizeInKiB
	}
	if in.StreamModeDetails != nil {
		st.mode = in.StreamModeDetails.StreamMode
	}
	switch {
	case st.mode == types.StreamModeOnDemand && in.ShardCount != nil:
		return nil, &types.ValidationException{Message: aws.String("ShardCount must not be specified when creating a stream in ON_DEMAND mode.")}
	case st.mode == types.StreamModeOnDemand:
		st.shards = onDemandShards
	case in.ShardCount == nil:
		return nil, &types.ValidationException{Message: aws.String("ShardCount must be specified when creating a stream in PROVISIONED mode.")}
	case st.shards > maxShards:
		return nil, &types.LimitExceededException{Message: aws.String(fmt.Sprintf("This request would exceed the shard limit for the account %s in %s. Limit: %d.", r.account, r.region, maxShards))}
	}
	_, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: r.storeName(), Description: "Kinesis stream " + r.arn(), Subjects: []string{subjectRoot + r.key() + ".*"},
		Storage: jetstream.FileStorage, MaxAge: retention, AllowDirect: true, Replicas: s.replicas, Metadata: st.metadata(),
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil, &types.ResourceInUseException{Message: aws.String(fmt.Sprintf("Stream %s under account %s already exists.", r.name, r.account))}
	}
	if err != nil {
		return nil, fmt.Errorf("create stream %s: %w", r.name, err)
	}
	return &kinesis.CreateStreamOutput{}, nil
}

// DeleteStream deletes a stream and its records.
func (s *Service) DeleteStream(ctx context.Context, in *kinesis.DeleteStreamInput) (*kinesis.DeleteStreamOutput, error) {
	r, err := ref(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	err = s.js.DeleteStream(ctx, r.storeName())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, r.notFound()
	}
	if err != nil {
		return nil, fmt.Errorf("delete stream %s: %w", r.name, err)
	}
	return &kinesis.DeleteStreamOutput{}, nil
}

// DescribeStream describes a stream and, page by page, its shards.
func (s *Service) DescribeStream(ctx context.Context, in *kinesis.DescribeStreamInput) (*kinesis.DescribeStreamOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	shards, more := page(shardsAfter(st.describeShards(), in.ExclusiveStartShardId), in.Limit, 100)
	return &kinesis.DescribeStreamOutput{StreamDescription: &types.StreamDescription{
		StreamName: &st.name, StreamARN: aws.String(st.arn()), StreamStatus: types.StreamStatusActive,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: st.mode}, StreamCreationTimestamp: &st.created,
		RetentionPeriodHours: aws.Int32(int32(retention / time.Hour)), EncryptionType: types.EncryptionTypeNone,
		EnhancedMonitoring: noMonitoring(), Shards: shards, HasMoreShards: &more,
	}}, nil
}

// DescribeStreamSummary describes a stream without its shards.
func (s *Service) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput) (*kinesis.DescribeStreamSummaryOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &types.StreamDescriptionSummary{
		StreamName: &st.name, StreamARN: aws.String(st.arn()), StreamStatus: types.StreamStatusActive,
		StreamModeDetails: &types.StreamModeDetails{StreamMode: st.mode}, StreamCreationTimestamp: &st.created,
		RetentionPeriodHours: aws.Int32(int32(retention / time.Hour)), EncryptionType: types.EncryptionTypeNone,
		EnhancedMonitoring: noMonitoring(), OpenShardCount: aws.Int32(int32(st.shards)), ConsumerCount: aws.Int32(0),
		MaxRecordSizeInKiB: &st.maxRecord,
	}}, nil
}

func noMonitoring() []types.EnhancedMetrics {
	return []types.EnhancedMetrics{{ShardLevelMetrics: []types.MetricsName{}}}
}

// ListShards lists the shards of a stream. All are open and have always been, so
// a filter by time leaves none out.
func (s *Service) ListShards(ctx context.Context, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
	name, after := in.StreamName, in.ExclusiveStartShardId
	if in.NextToken != nil {
		for _, other := range []struct {
			name  string
			given bool
		}{
			{"StreamName", name != nil},
			{"StreamARN", in.StreamARN != nil},
			{"ExclusiveStartShardId", after != nil},
			{"ShardFilter", in.ShardFilter != nil},
		} {
			if other.given {
				return nil, invalid("NextToken and %s cannot be provided together.", other.name)
			}
		}
		text, err := base64.StdEncoding.DecodeString(*in.NextToken)
		stream, shard, ok := strings.Cut(string(text), "/")
		if err != nil || !ok {
			return nil, invalid("NextToken is invalid.")
		}
		name, after = &stream, &shard
	}
	st, err := s.find(ctx, name, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if f := in.ShardFilter; f != nil && f.Type == types.ShardFilterTypeAfterShardId {
		if f.ShardId == nil {
			return nil, invalid("ShardId must be specified with the filter type AFTER_SHARD_ID.")
		}
		after = f.ShardId
	}
	shards, more := page(shardsAfter(st.describeShards(), after), in.MaxResults, 1000)
	out := &kinesis.ListShardsOutput{Shards: shards}
	if more {
		out.NextToken = aws.String(base64.StdEncoding.EncodeToString([]byte(st.name + "/" + *shards[len(shards)-1].ShardId)))
	}
	return out, nil
}

func shardsAfter(shards []types.Shard, after *string) []types.Shard {
	return slices.DeleteFunc(shards, func(s types.Shard) bool { return *s.ShardId <= aws.ToString(after) })
}

// page returns the first limit items and whether there are more.
func page[T any](items []T, limit *int32, standard int) ([]T, bool) {
	n := standard
	if limit != nil {
		n = int(*limit)
	}
	if len(items) > n {
		return items[:n], true
	}
	return items, false
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
	var streams []*stream
	list := s.js.ListStreams(ctx, jetstream.WithStreamListSubject(subjectRoot+">"))
	for info := range list.Info() {
		st, err := parseStream(info)
		if err == nil && st.account == here.account && st.region == here.region && st.name > after {
			streams = append(streams, st)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	slices.SortFunc(streams, func(a, b *stream) int { return strings.Compare(a.name, b.name) })
	streams, more := page(streams, in.Limit, 100)
	out := &kinesis.ListStreamsOutput{HasMoreStreams: &more, StreamNames: []string{}, StreamSummaries: []types.StreamSummary{}}
	for _, st := range streams {
		out.StreamNames = append(out.StreamNames, st.name)
		out.StreamSummaries = append(out.StreamSummaries, types.StreamSummary{
			StreamName: &st.name, StreamARN: aws.String(st.arn()), StreamStatus: types.StreamStatusActive,
			StreamModeDetails: &types.StreamModeDetails{StreamMode: st.mode}, StreamCreationTimestamp: &st.created,
		})
	}
	if more {
		out.NextToken = aws.String(base64.StdEncoding.EncodeToString([]byte(out.StreamNames[len(out.StreamNames)-1])))
	}
	return out, nil
}
