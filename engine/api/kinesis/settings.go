package kinesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Hours that records can be kept.
const (
	shortest = standardRetention
	longest  = 8760
)

// IncreaseStreamRetentionPeriod keeps records longer, but for those that have expired.
func (s *Service) IncreaseStreamRetentionPeriod(ctx context.Context, in *kinesis.IncreaseStreamRetentionPeriodInput) (*kinesis.IncreaseStreamRetentionPeriodOutput, error) {
	return &kinesis.IncreaseStreamRetentionPeriodOutput{}, s.retain(ctx, in.StreamName, in.StreamARN, *in.RetentionPeriodHours, func(d *document, hours int32) error {
		if hours < d.Retention {
			return invalid("Requested retention period (%d hours) for stream %s can not be shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.", hours, d.Name, d.Retention)
		}
		return nil
	})
}

// DecreaseStreamRetentionPeriod keeps records shorter. Those that are older go at once.
func (s *Service) DecreaseStreamRetentionPeriod(ctx context.Context, in *kinesis.DecreaseStreamRetentionPeriodInput) (*kinesis.DecreaseStreamRetentionPeriodOutput, error) {
	return &kinesis.DecreaseStreamRetentionPeriodOutput{}, s.retain(ctx, in.StreamName, in.StreamARN, *in.RetentionPeriodHours, func(d *document, hours int32) error {
		if hours > d.Retention {
			return invalid("Requested retention period (%d hours) for stream %s can not be longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.", hours, d.Name, d.Retention)
		}
		return nil
	})
}

func (s *Service) retain(ctx context.Context, name, arn *string, hours int32, check func(*document, int32) error) error {
	st, err := s.find(ctx, name, arn)
	if err != nil {
		return err
	}
	switch {
	case hours < shortest:
		return invalid("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.", shortest, hours)
	case hours > longest:
		return invalid("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.", longest, hours)
	}
	longer := false
	err = s.change(ctx, st, func(d *document) error {
		if err := check(d, hours); err != nil {
			return err
		}
		longer = hours > d.Retention
		d.Floor, d.Retention = d.horizon(s.clock.Now()), hours
		if longer { // before it is promised; what is shorter is made so afterwards
			return s.expire(ctx, d)
		}
		return nil
	})
	if err != nil || longer {
		return err
	}
	return s.expire(ctx, st.current.Load().document)
}

// expire has JetStream delete messages when they are as old as a document says.
func (s *Service) expire(ctx context.Context, d *document) error {
	if _, err := s.js.UpdateStream(context.WithoutCancel(ctx), d.messages()); err != nil {
		return fmt.Errorf("change the retention of stream %s: %w", d.Name, err)
	}
	return nil
}

// UpdateStreamMode makes a stream provisioned or on demand. Its shards stay.
func (s *Service) UpdateStreamMode(ctx context.Context, in *kinesis.UpdateStreamModeInput) (*kinesis.UpdateStreamModeOutput, error) {
	st, err := s.find(ctx, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateStreamModeOutput{}, s.change(ctx, st, func(d *document) error {
		if d.Mode == in.StreamModeDetails.StreamMode {
			return nil
		}
		if _, onDemand := s.count(d.Account, d.Region); in.StreamModeDetails.StreamMode == types.StreamModeOnDemand && onDemand >= maxOnDemand {
			return tooManyOnDemand(d.ref())
		}
		d.Mode = in.StreamModeDetails.StreamMode
		d.Warm = in.WarmThroughputMiBps
		return nil
	})
}

// UpdateMaxRecordSize changes how large a record may be.
func (s *Service) UpdateMaxRecordSize(ctx context.Context, in *kinesis.UpdateMaxRecordSizeInput) (*kinesis.UpdateMaxRecordSizeOutput, error) {
	st, err := s.find(ctx, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateMaxRecordSizeOutput{}, s.change(ctx, st, func(d *document) error {
		d.MaxRecord = *in.MaxRecordSizeInKiB
		return nil
	})
}

// UpdateStreamWarmThroughput is stored and shown.
func (s *Service) UpdateStreamWarmThroughput(ctx context.Context, in *kinesis.UpdateStreamWarmThroughputInput) (*kinesis.UpdateStreamWarmThroughputOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, st, func(d *document) error {
		if d.Mode != types.StreamModeOnDemand {
			return malformed("WarmThroughputMiBps can only be set for streams in ON_DEMAND mode.")
		}
		d.Warm = in.WarmThroughputMiBps
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateStreamWarmThroughputOutput{StreamName: &st.name, StreamARN: aws.String(st.arn()), WarmThroughput: st.current.Load().warm()}, nil
}

func (d *document) warm() *types.WarmThroughputObject {
	if d.Warm == nil {
		return nil
	}
	return &types.WarmThroughputObject{CurrentMiBps: d.Warm, TargetMiBps: d.Warm}
}

// StartStreamEncryption names a key, which is shown and not used.
func (s *Service) StartStreamEncryption(ctx context.Context, in *kinesis.StartStreamEncryptionInput) (*kinesis.StartStreamEncryptionOutput, error) {
	if in.EncryptionType != types.EncryptionTypeKms {
		return nil, invalid("EncryptionType must be KMS.")
	}
	return &kinesis.StartStreamEncryptionOutput{}, s.encrypt(ctx, in.StreamName, in.StreamARN, *in.KeyId)
}

// StopStreamEncryption forgets the key.
func (s *Service) StopStreamEncryption(ctx context.Context, in *kinesis.StopStreamEncryptionInput) (*kinesis.StopStreamEncryptionOutput, error) {
	if in.EncryptionType != types.EncryptionTypeKms {
		return nil, invalid("EncryptionType must be KMS.")
	}
	return &kinesis.StopStreamEncryptionOutput{}, s.encrypt(ctx, in.StreamName, in.StreamARN, "")
}

func (s *Service) encrypt(ctx context.Context, name, arn *string, key string) error {
	st, err := s.find(ctx, name, arn)
	if err != nil {
		return err
	}
	return s.change(ctx, st, func(d *document) error {
		d.Key = key
		return nil
	})
}

// encryption is what clients are told about a stream's.
func (d *document) encryption() (kind types.EncryptionType, key *string) {
	if d.Key == "" {
		return types.EncryptionTypeNone, nil
	}
	return types.EncryptionTypeKms, &d.Key
}

// EnableEnhancedMonitoring adds metrics to those that are shown. None are made.
func (s *Service) EnableEnhancedMonitoring(ctx context.Context, in *kinesis.EnableEnhancedMonitoringInput) (*kinesis.EnableEnhancedMonitoringOutput, error) {
	st, before, after, err := s.monitor(ctx, in.StreamName, in.StreamARN, func(m types.MetricsName, on bool) bool {
		return on || names(in.ShardLevelMetrics, m)
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.EnableEnhancedMonitoringOutput{StreamName: &st.name, StreamARN: aws.String(st.arn()), CurrentShardLevelMetrics: before, DesiredShardLevelMetrics: after}, nil
}

// DisableEnhancedMonitoring takes metrics away again.
func (s *Service) DisableEnhancedMonitoring(ctx context.Context, in *kinesis.DisableEnhancedMonitoringInput) (*kinesis.DisableEnhancedMonitoringOutput, error) {
	st, before, after, err := s.monitor(ctx, in.StreamName, in.StreamARN, func(m types.MetricsName, on bool) bool {
		return on && !names(in.ShardLevelMetrics, m)
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.DisableEnhancedMonitoringOutput{StreamName: &st.name, StreamARN: aws.String(st.arn()), CurrentShardLevelMetrics: before, DesiredShardLevelMetrics: after}, nil
}

func names(metrics []types.MetricsName, m types.MetricsName) bool {
	return slices.Contains(metrics, m) || slices.Contains(metrics, types.MetricsNameAll)
}

func (s *Service) monitor(ctx context.Context, name, arn *string, wanted func(m types.MetricsName, on bool) bool) (st *stream, before, after []types.MetricsName, err error) {
	if st, err = s.find(ctx, name, arn); err != nil {
		return nil, nil, nil, err
	}
	err = s.change(ctx, st, func(d *document) error {
		before, after = d.Metrics, []types.MetricsName{}
		for _, m := range types.MetricsNameAll.Values() {
			if m != types.MetricsNameAll && wanted(m, slices.Contains(before, m)) {
				after = append(after, m)
			}
		}
		d.Metrics = after
		return nil
	})
	if before == nil {
		before = []types.MetricsName{}
	}
	return st, before, after, err
}

func (d *document) monitoring() []types.EnhancedMetrics {
	return []types.EnhancedMetrics{{ShardLevelMetrics: append([]types.MetricsName{}, d.Metrics...)}}
}

// DescribeLimits tells the limits of the account in the region, and how much is in use.
func (s *Service) DescribeLimits(ctx context.Context, _ *kinesis.DescribeLimitsInput) (*kinesis.DescribeLimitsOutput, error) {
	here, _ := ref(ctx, aws.String("-"), nil)
	shards, onDemand := s.count(here.account, here.region)
	return &kinesis.DescribeLimitsOutput{
		ShardLimit: aws.Int32(maxShards), OpenShardCount: aws.Int32(int32(shards)),
		OnDemandStreamCountLimit: aws.Int32(maxOnDemand), OnDemandStreamCount: aws.Int32(int32(onDemand)),
	}, nil
}

// DescribeAccountSettings says that there is no commitment to pay for throughput.
func (s *Service) DescribeAccountSettings(context.Context, *kinesis.DescribeAccountSettingsInput) (*kinesis.DescribeAccountSettingsOutput, error) {
	return &kinesis.DescribeAccountSettingsOutput{MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentOutput{
		Status: types.MinimumThroughputBillingCommitmentOutputStatusDisabled,
	}}, nil
}

// horizon is the time before which records cannot be read any more.
func (d *document) horizon(now time.Time) time.Time {
	if t := now.Add(-d.retention()); t.After(d.Floor) {
		return t
	}
	return d.Floor
}
