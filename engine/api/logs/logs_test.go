package logs

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/store"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// open opens a service of its own, and a context of a caller.
func open(t testing.TB) (*Service, context.Context) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	st, err := store.Open(t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	events, err := observe.OpenLogs(t.Context(), st, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(events.Close)
	caller := wire.Caller{Identity: wire.Root("000000000000"), Region: "us-east-1"}
	return &Service{Logs: events, Now: time.Now, Stopping: context.Background()}, wire.WithCaller(t.Context(), caller)
}

// Pages of streams leave none out, also when streams get events in between.
func TestPageOfStreams(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	for _, c := range []struct {
		byTime, descending bool
		want               string
	}{
		{false, false, "[a b c d e]"},
		{false, true, "[e d c b a]"},
		{true, false, "[e a c b d]"}, // e has no events
		{true, true, "[d b c a e]"},
	} {
		var token *string
		var got []string
		for page := 0; page == 0 || token != nil; page++ {
			streams := []observe.StreamInfo{{Name: "a", Last: at(1)}, {Name: "b", Last: at(3)}, {Name: "c", Last: at(2)}, {Name: "d", Last: at(4)}, {Name: "e"}}
			if page > 0 && c.byTime && c.descending {
				streams[3].Last = at(9) // the first one has got another
			}
			shown, next, err := pageOfStreams(streams, c.byTime, c.descending, token, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range shown {
				got = append(got, s.Name)
			}
			token = next
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for _, token := range []string{"x", "!", "eHggYQ"} {
		if _, _, err := pageOfStreams(nil, true, true, &token, 1); err == nil {
			t.Errorf("%s is a token", token)
		}
	}
}

// Which events PutLogEvents takes; the limits themselves are tested with boto3.
func TestSift(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	s := &Service{Now: func() time.Time { return now }}
	event := func(ago time.Duration) types.InputLogEvent {
		return types.InputLogEvent{Timestamp: millis(now.Add(-ago)), Message: aws.String("m")}
	}
	const day = 24 * time.Hour
	events := []types.InputLogEvent{event(15 * day), event(14*day + 1e6), event(14 * day), event(2 * day), event(0), event(-2 * time.Hour), event(-2*time.Hour - 1e6), event(-3 * time.Hour)}
	taken, rejected := s.sift(events, 0)
	if len(taken) != 4 || *rejected.TooOldLogEventEndIndex != 2 || *rejected.TooNewLogEventStartIndex != 6 || rejected.ExpiredLogEventEndIndex != nil {
		t.Errorf("%d taken, %+v", len(taken), rejected)
	}
	taken, rejected = s.sift(events, 3*day)
	if len(taken) != 3 || *rejected.TooOldLogEventEndIndex != 2 || *rejected.ExpiredLogEventEndIndex != 3 {
		t.Errorf("%d taken, %+v", len(taken), rejected)
	}
	if taken, rejected = s.sift(events[3:6], 0); len(taken) != 3 || rejected != nil {
		t.Errorf("%d taken, %+v", len(taken), rejected)
	}
}

// A hundred thousand events, of 10,000 calls, all of which are looked at.
func BenchmarkFilterLogEvents(b *testing.B) {
	s, ctx := open(b)
	source := group(ctx, "f").Stream("s")
	for i := range 10000 {
		for n := range 10 {
			s.Logs.Append(source, time.Now(), fmt.Sprintf(`{"level":"INFO","call":%d,"line":%d,"requestId":"6f747a00-0000-4000-8000-000000000000"}`, i, n))
		}
		if i%10 == 0 {
			s.Logs.Flush() // batches as they are under load
		}
	}
	for name, pattern := range map[string]string{"term": `"\"call\":777,"`, "json": "{ $.call = 777 && $.line >= 0 }"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				found := 0
				in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("f"), FilterPattern: &pattern}
				for more := true; more; more = in.NextToken != nil {
					out, err := s.FilterLogEvents(ctx, in)
					if err != nil {
						b.Fatal(err)
					}
					found += len(out.Events)
					in.NextToken = out.NextToken
				}
				if found != 10 {
					b.Fatal(found)
				}
			}
		})
	}
}
