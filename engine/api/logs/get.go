package logs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

// Limits of a page of events.
const (
	pageBytes  = 1 << 20
	pageEvents = 10000
)

// GetLogEvents returns events of one stream, the newest unless it is told otherwise.
// A token says in which direction to go on and from which event; at the end the
// same token comes back.
func (s *Service) GetLogEvents(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	g, err := identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if err := s.Logs.HasStream(ctx, g.Stream(*in.LogStreamName)); err != nil {
		return nil, known(err)
	}
	q := observe.Query{
		Group: g, Stream: func(name string) bool { return name == *in.LogStreamName }, Backward: !aws.ToBool(in.StartFromHead),
		Start: fromMillis(in.StartTime), Limit: pageEvents, Bytes: pageBytes,
	}
	if in.EndTime != nil {
		q.End = fromMillis(in.EndTime).Add(-time.Millisecond)
	}
	if in.Limit != nil {
		q.Limit = int(*in.Limit)
	}
	first, last := observe.Position{}.String(), observe.Position{}.String()
	if in.NextToken != nil {
		direction, position, err := readEventToken(*in.NextToken)
		if err != nil {
			return nil, err
		}
		q.Backward, q.After = direction == "b", &position
		first, last = position.String(), position.String()
	}
	page, err := s.Logs.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.Backward {
		slices.Reverse(page.Events)
	}
	out := &cloudwatchlogs.GetLogEventsOutput{Events: make([]types.OutputLogEvent, 0, len(page.Events))}
	for i, e := range page.Events {
		if i == 0 {
			first = e.ID
		}
		last = e.ID
		out.Events = append(out.Events, types.OutputLogEvent{Timestamp: millis(e.Time), Message: &e.Message, IngestionTime: millis(e.Ingested)})
	}
	out.NextForwardToken, out.NextBackwardToken = aws.String("f/"+last+"/s"), aws.String("b/"+first+"/s")
	return out, nil
}

func readEventToken(token string) (direction string, p observe.Position, err error) {
	parts := strings.Split(token, "/")
	if len(parts) != 3 || parts[0] != "f" && parts[0] != "b" || parts[2] != "s" {
		return "", p, errToken
	}
	if p, err = observe.ParsePosition(parts[1]); err != nil {
		return "", p, errToken
	}
	return parts[0], p, nil
}
