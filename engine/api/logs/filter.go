package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/observe/pattern"
)

// scanBytes is how much one page looks at before it is handed out, with a token for
// the rest, although it is not full: AWS does so too.
const scanBytes = 32 << 20

// FilterLogEvents returns events of a group in the order of time, by stream, time and pattern.
func (s *Service) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	g, err := identified(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	filter, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	s.Logs.Flush()
	if _, err := s.Logs.GetGroup(g); err != nil {
		return nil, known(err)
	}
	for _, name := range in.LogStreamNames {
		if err := s.Logs.HasStream(ctx, g.Stream(name)); err != nil {
			return nil, known(err)
		}
	}
	q := observe.Query{
		Group: g, Start: fromMillis(in.StartTime), End: fromMillis(in.EndTime), Match: filter, Limit: pageEvents, Bytes: pageBytes, Scan: scanBytes,
	}
	if q.Stream, err = streamFilter(in.LogStreamNames, in.LogStreamNamePrefix); err != nil {
		return nil, err
	}
	if in.Limit != nil {
		q.Limit = int(*in.Limit)
	}
	if in.NextToken != nil {
		key, err := readToken(in.NextToken)
		if err != nil {
			return nil, err
		}
		position, err := observe.ParsePosition(key)
		if err != nil {
			return nil, errToken
		}
		q.After = &position
	}
	page, err := s.Logs.Query(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: make([]types.FilteredLogEvent, 0, len(page.Events)), SearchedLogStreams: []types.SearchedLogStream{}}
	for _, e := range page.Events {
		out.Events = append(out.Events, types.FilteredLogEvent{
			EventId: &e.ID, LogStreamName: &e.Stream, Timestamp: millis(e.Time), Message: &e.Message, IngestionTime: millis(e.Ingested),
		})
	}
	if page.More {
		out.NextToken = token(page.Last.String())
	}
	return out, nil
}

// parsePattern returns what a filter pattern lets through; nil for everything.
func parsePattern(text *string) (func(string) bool, error) {
	p, err := pattern.Parse(aws.ToString(text))
	if err != nil {
		return nil, invalid("Invalid filter pattern: %v", err)
	}
	if p.All() {
		return nil, nil
	}
	return p.Match, nil
}

// streamFilter returns which streams are meant; nil for all of them.
func streamFilter(names []string, prefix *string) (func(string) bool, error) {
	switch {
	case names != nil && prefix != nil:
		return nil, invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	case names != nil:
		return func(name string) bool { return slices.Contains(names, name) }, nil
	case prefix != nil:
		return func(name string) bool { return strings.HasPrefix(name, *prefix) }, nil
	}
	return nil, nil
}
