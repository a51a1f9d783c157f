package logs

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// CreateLogGroup makes a log group.
func (s *Service) CreateLogGroup(ctx context.Context, in *cloudwatchlogs.CreateLogGroupInput) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	g := group(ctx, *in.LogGroupName)
	if strings.HasPrefix(g.Name, "aws/") {
		return nil, invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return nil, known(s.Logs.CreateGroup(ctx, observe.GroupRecord{
		Account: g.Account, Region: g.Region, Name: g.Name, Class: string(in.LogGroupClass),
		Protected: aws.ToBool(in.DeletionProtectionEnabled), KMSKey: aws.ToString(in.KmsKeyId), Tags: in.Tags,
	}))
}

// DeleteLogGroup deletes a log group with its events.
func (s *Service) DeleteLogGroup(ctx context.Context, in *cloudwatchlogs.DeleteLogGroupInput) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	g := group(ctx, *in.LogGroupName)
	return nil, known(s.Logs.DeleteGroup(ctx, g, func(r observe.GroupRecord) error {
		if r.Protected {
			return wire.Validation("The log group %s cannot be deleted because deletion protection is enabled for it.", r.Name)
		}
		return nil
	}))
}

// DescribeLogGroups lists log groups by name.
func (s *Service) DescribeLogGroups(ctx context.Context, in *cloudwatchlogs.DescribeLogGroupsInput) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	var names []string
	for _, identifier := range in.LogGroupIdentifiers {
		g, err := identified(ctx, nil, &identifier)
		if err != nil {
			return nil, err
		}
		names = append(names, g.Name)
	}
	if names != nil && (in.LogGroupNamePrefix != nil || in.LogGroupNamePattern != nil) {
		return nil, invalid("LogGroup identifiers and LogGroup name prefix or pattern are mutually exclusive parameters.")
	}
	groups, next, err := page(s.groups(ctx, func(r observe.GroupRecord) bool {
		return strings.HasPrefix(r.Name, aws.ToString(in.LogGroupNamePrefix)) && strings.Contains(r.Name, aws.ToString(in.LogGroupNamePattern)) &&
			(in.LogGroupClass == "" || in.LogGroupClass == classOf(r)) && (names == nil || slices.Contains(names, r.Name))
	}), nameOf, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: make([]types.LogGroup, 0, len(groups)), NextToken: next}
	for _, r := range groups {
		size, err := s.Logs.GroupBytes(ctx, r.Group())
		if err != nil {
			return nil, err
		}
		arn := r.Group().ARN()
		described := types.LogGroup{
			LogGroupName: &r.Name, Arn: aws.String(arn + ":*"), LogGroupArn: &arn, CreationTime: millis(r.Created), LogGroupClass: classOf(r),
			MetricFilterCount: aws.Int32(0), StoredBytes: &size, DeletionProtectionEnabled: &r.Protected, BearerTokenAuthenticationEnabled: aws.Bool(false),
		}
		if r.Retention > 0 {
			described.RetentionInDays = aws.Int32(int32(r.Retention))
		}
		if r.KMSKey != "" {
			described.KmsKeyId = &r.KMSKey
		}
		out.LogGroups = append(out.LogGroups, described)
	}
	return out, nil
}

// ListLogGroups lists log groups by name, with little of each.
func (s *Service) ListLogGroups(ctx context.Context, in *cloudwatchlogs.ListLogGroupsInput) (*cloudwatchlogs.ListLogGroupsOutput, error) {
	for name, given := range map[string]bool{
		"dataSources": in.DataSources != nil, "fieldIndexNames": in.FieldIndexNames != nil, "logGroupTags": in.LogGroupTags != nil,
	} {
		if given {
			return nil, invalid("The engine does not list log groups by %s.", name)
		}
	}
	var pattern *regexp.Regexp // the model allows little of what regular expressions can
	if in.LogGroupNamePattern != nil {
		var err error
		if pattern, err = regexp.Compile(*in.LogGroupNamePattern); err != nil {
			return nil, invalid("Invalid logGroupNamePattern: %v", err)
		}
	}
	groups, next, err := page(s.groups(ctx, func(r observe.GroupRecord) bool {
		return (pattern == nil || pattern.MatchString(r.Name)) && (in.LogGroupClass == "" || in.LogGroupClass == classOf(r))
	}), nameOf, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.ListLogGroupsOutput{LogGroups: make([]types.LogGroupSummary, 0, len(groups)), NextToken: next}
	for _, r := range groups {
		out.LogGroups = append(out.LogGroups, types.LogGroupSummary{LogGroupName: &r.Name, LogGroupArn: aws.String(r.Group().ARN()), LogGroupClass: classOf(r)})
	}
	return out, nil
}

func (s *Service) groups(ctx context.Context, wanted func(observe.GroupRecord) bool) []observe.GroupRecord {
	s.Logs.Flush() // a group comes to be with its first event
	caller := wire.CallerFrom(ctx)
	return slices.DeleteFunc(s.Logs.Groups(caller.Account, caller.Region), func(r observe.GroupRecord) bool { return !wanted(r) })
}

func nameOf(r observe.GroupRecord) string { return r.Name }

func classOf(r observe.GroupRecord) types.LogGroupClass {
	if r.Class == "" {
		return types.LogGroupClassStandard
	}
	return types.LogGroupClass(r.Class)
}

// retentions are the numbers of days that AWS allows.
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy sets how long a group's events are kept.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *cloudwatchlogs.PutRetentionPolicyInput) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	if !slices.Contains(retentions, *in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
			*in.RetentionInDays, strings.Trim(strings.ReplaceAll(fmt.Sprint(retentions), " ", ", "), "[]"))
	}
	return nil, s.update(ctx, *in.LogGroupName, func(r *observe.GroupRecord) { r.Retention = int(*in.RetentionInDays) })
}

// DeleteRetentionPolicy has a group's events kept as long as there is room.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *cloudwatchlogs.DeleteRetentionPolicyInput) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
	return nil, s.update(ctx, *in.LogGroupName, func(r *observe.GroupRecord) { r.Retention = 0 })
}

// PutLogGroupDeletionProtection protects a group from deletion, or no longer.
func (s *Service) PutLogGroupDeletionProtection(ctx context.Context, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput) (*cloudwatchlogs.PutLogGroupDeletionProtectionOutput, error) {
	g, err := identified(ctx, nil, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	return nil, s.updateGroup(ctx, g, func(r *observe.GroupRecord) error { r.Protected = *in.DeletionProtectionEnabled; return nil })
}

func (s *Service) update(ctx context.Context, name string, change func(*observe.GroupRecord)) error {
	return s.updateGroup(ctx, group(ctx, name), func(r *observe.GroupRecord) error { change(r); return nil })
}

func (s *Service) updateGroup(ctx context.Context, g observe.Group, change func(*observe.GroupRecord) error) error {
	s.Logs.Flush()
	return known(s.Logs.UpdateGroup(ctx, g, change))
}
