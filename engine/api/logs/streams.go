package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

// CreateLogStream makes a log stream.
func (s *Service) CreateLogStream(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput) (*cloudwatchlogs.CreateLogStreamOutput, error) {
	s.Logs.Flush()
	return nil, known(s.Logs.CreateStream(ctx, group(ctx, *in.LogGroupName).Stream(*in.LogStreamName)))
}

// DeleteLogStream deletes a log stream with its events.
func (s *Service) DeleteLogStream(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput) (*cloudwatchlogs.DeleteLogStreamOutput, error) {
	return nil, known(s.Logs.DeleteStream(ctx, group(ctx, *in.LogGroupName).Stream(*in.LogStreamName)))
}

// DescribeLogStreams lists the streams of a group, by name or by the time of their last event.
func (s *Service) DescribeLogStreams(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	g, err := identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	streams, err := s.Logs.Streams(ctx, g)
	if err != nil {
		return nil, known(err)
	}
	streams = slices.DeleteFunc(streams, func(i observe.StreamInfo) bool {
		return !strings.HasPrefix(i.Name, aws.ToString(in.LogStreamNamePrefix))
	})
	streams, next, err := pageOfStreams(streams, byTime, aws.ToBool(in.Descending), in.NextToken, int(cmp.Or(aws.ToInt32(in.Limit), 50)))
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: make([]types.LogStream, 0, len(streams)), NextToken: next}
	for _, i := range streams {
		out.LogStreams = append(out.LogStreams, types.LogStream{
			LogStreamName: &i.Name, Arn: aws.String(g.ARN() + ":log-stream:" + i.Name), CreationTime: millis(i.Created),
			FirstEventTimestamp: millis(i.First), LastEventTimestamp: millis(i.Last), LastIngestionTime: millis(i.Ingested),
			UploadSequenceToken: aws.String(sequenceToken),
		})
	}
	return out, nil
}

// pageOfStreams puts streams in order and cuts one page out of them. A token says
// what the last stream was like when it was shown, so that those which get events
// between two pages do not shift the rest.
func pageOfStreams(streams []observe.StreamInfo, byTime, descending bool, next *string, limit int) ([]observe.StreamInfo, *string, error) {
	order := func(a, b observe.StreamInfo) int {
		o := strings.Compare(a.Name, b.Name)
		if byTime {
			o = cmp.Or(cmp.Compare(aws.ToInt64(millis(a.Last)), aws.ToInt64(millis(b.Last))), o)
		}
		if descending {
			return -o
		}
		return o
	}
	slices.SortFunc(streams, order)
	if next != nil {
		key, err := readToken(next)
		if err != nil {
			return nil, nil, err
		}
		at, name, ok := strings.Cut(key, " ")
		last, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil {
			return nil, nil, errToken
		}
		shown := observe.StreamInfo{Name: name}
		if last > 0 {
			shown.Last = fromMillis(&last)
		}
		streams = slices.DeleteFunc(streams, func(i observe.StreamInfo) bool { return order(i, shown) <= 0 })
	}
	if len(streams) <= limit {
		return streams, nil, nil
	}
	streams = streams[:limit]
	last := streams[limit-1]
	return streams, token(fmt.Sprintf("%d %s", aws.ToInt64(millis(last.Last)), last.Name)), nil
}
