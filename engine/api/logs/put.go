package logs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

// Limits of PutLogEvents.
const (
	maxBatch      = 1 << 20 // bytes of messages, and eventOverhead for each
	eventOverhead = 26
	maxSpan       = 24 * time.Hour
	maxFuture     = 2 * time.Hour
	maxPast       = 14 * 24 * time.Hour
)

// sequenceToken is the one that AWS still sends, and takes no notice of.
const sequenceToken = "49000000000000000000000000000000000000000000000000000000"

// PutLogEvents adds events to a stream. Those that are too old or too new are left out.
func (s *Service) PutLogEvents(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput) (*cloudwatchlogs.PutLogEventsOutput, error) {
	size := 0
	for i, e := range in.LogEvents {
		if size += len(*e.Message) + eventOverhead; i > 0 && *e.Timestamp < *in.LogEvents[i-1].Timestamp {
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	first, last := fromMillis(in.LogEvents[0].Timestamp), fromMillis(in.LogEvents[len(in.LogEvents)-1].Timestamp)
	switch {
	case size > maxBatch:
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatch)
	case last.Sub(first) > maxSpan:
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	source := group(ctx, *in.LogGroupName).Stream(*in.LogStreamName)
	if err := s.Logs.HasStream(ctx, source); err != nil {
		return nil, known(err)
	}
	r, err := s.Logs.GetGroup(group(ctx, *in.LogGroupName))
	if err != nil {
		return nil, known(err)
	}
	events, rejected := s.sift(in.LogEvents, time.Duration(r.Retention)*24*time.Hour)
	out := &cloudwatchlogs.PutLogEventsOutput{NextSequenceToken: aws.String(sequenceToken), RejectedLogEventsInfo: rejected}
	if len(events) == 0 {
		return out, nil
	}
	return out, known(s.Logs.Put(ctx, source, events))
}

// sift tells the events that are taken, and which are not: they are in order, so old
// ones are at the beginning and new ones at the end.
func (s *Service) sift(all []types.InputLogEvent, retention time.Duration) (events []observe.Event, rejected *types.RejectedLogEventsInfo) {
	now := s.Now()
	var old, expired int32
	tooNew := int32(-1)
	for i, e := range all {
		at := fromMillis(e.Timestamp)
		switch {
		case at.Sub(now) > maxFuture:
			if tooNew < 0 {
				tooNew = int32(i)
			}
		case now.Sub(at) > maxPast:
			old = int32(i) + 1
		case retention > 0 && now.Sub(at) > retention:
			expired = int32(i) + 1
		default:
			events = append(events, observe.Event{Time: at, Message: *e.Message})
		}
	}
	if old == 0 && expired == 0 && tooNew < 0 {
		return events, nil
	}
	rejected = &types.RejectedLogEventsInfo{}
	if old > 0 {
		rejected.TooOldLogEventEndIndex = &old
	}
	if expired > 0 {
		rejected.ExpiredLogEventEndIndex = &expired
	}
	if tooNew >= 0 {
		rejected.TooNewLogEventStartIndex = &tooNew
	}
	return events, rejected
}
