package cloudwatch

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// DescribeAlarmHistory tells what has become of alarms, newest first, those included
// that have been deleted.
func (s *Service) DescribeAlarmHistory(ctx context.Context, in *cloudwatch.DescribeAlarmHistoryInput) (*cloudwatch.DescribeAlarmHistoryOutput, error) {
	all := slices.DeleteFunc(s.Alarms.History(scope(ctx), aws.ToString(in.AlarmName)), func(i types.AlarmHistoryItem) bool {
		return in.HistoryItemType != "" && in.HistoryItemType != i.HistoryItemType ||
			in.StartDate != nil && i.Timestamp.Before(*in.StartDate) ||
			in.EndDate != nil && i.Timestamp.After(*in.EndDate) ||
			len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, i.AlarmType)
	})
	if in.ScanBy != types.ScanByTimestampAscending {
		slices.Reverse(all)
	}
	if all == nil {
		all = []types.AlarmHistoryItem{}
	}
	part, next, err := page(all, in.NextToken, min(records(in.MaxRecords), 100))
	return &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: part, NextToken: next}, err
}
