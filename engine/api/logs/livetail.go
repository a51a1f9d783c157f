package logs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

const (
	tailInterval = time.Second // a session hears from the engine that often
	tailEvents   = 500         // and of at most so many events each time, as on AWS
	tailSession  = 3 * time.Hour
)

// tailRequest is StartLiveTail's.
type tailRequest struct {
	Groups   []string `json:"logGroupIdentifiers"`
	Streams  []string `json:"logStreamNames,omitempty"`
	Prefixes []string `json:"logStreamNamePrefixes,omitempty"`
	Pattern  string   `json:"logEventFilterPattern,omitempty"`
}

type tailStart struct {
	RequestID string `json:"requestId"`
	SessionID string `json:"sessionId"`
	tailRequest
}

type tailUpdate struct {
	Metadata struct {
		Sampled bool `json:"sampled"`
	} `json:"sessionMetadata"`
	Results []tailEvent `json:"sessionResults"`
}

type tailEvent struct {
	Stream    string `json:"logStreamName"`
	Group     string `json:"logGroupIdentifier"`
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp"`
	Ingested  int64  `json:"ingestionTime"`
}

// startLiveTail implements StartLiveTail: events as they come, every second, for as
// long as the client listens.
func (s *Service) startLiveTail(w http.ResponseWriter, r *http.Request, _ wire.Labels) error {
	body, err := wire.ReadBody(r, 1<<20, "StartLiveTail")
	if err != nil {
		return err
	}
	var in tailRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return &wire.Error{Code: "SerializationException", Status: http.StatusBadRequest, Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(r.Context(), tailSession)
	defer cancel()
	defer context.AfterFunc(s.Stopping, cancel)()
	groups, wanted, err := s.tailed(ctx, in)
	if err != nil {
		return err
	}
	next, err := s.Logs.Next(ctx)
	if err != nil {
		return err
	}
	t := &tail{w: w, events: wire.NewEventStream(w)}
	t.events.Begin()
	start := tailStart{wire.CallerFrom(ctx).RequestID, uuid.NewString(), in}
	if err := errors.Join(t.events.SendJSON("initial-response", struct{}{}), t.events.SendJSON("sessionStart", start)); err != nil {
		return err
	}
	events := make(chan tailEvent)
	followed := make(chan error, 1)
	go func() {
		followed <- s.Logs.Follow(ctx, groups, time.Time{}, next, func(g observe.Group, e observe.Event) error {
			if !wanted(e) {
				return nil
			}
			select {
			case events <- tailEvent{e.Stream, g.ARN(), e.Message, e.Time.UnixMilli(), e.Ingested.UnixMilli()}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err = t.run(ctx, events)
	cancel()
	err = errors.Join(err, <-followed)
	if errors.Is(err, context.DeadlineExceeded) {
		_ = t.events.Fail("SessionTimeoutException", "The session has been open for three hours.")
	}
	return nil // whatever it was, the answer has begun
}

// tailed tells which groups, and which of their events, a session is about.
func (s *Service) tailed(ctx context.Context, in tailRequest) (groups []observe.Group, wanted func(observe.Event) bool, err error) {
	if n := len(in.Groups); n == 0 || n > 10 {
		return nil, nil, invalid("logGroupIdentifiers must name between 1 and 10 log groups.")
	}
	if len(in.Streams) > 0 && len(in.Prefixes) > 0 {
		return nil, nil, invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
	}
	if (len(in.Streams) > 0 || len(in.Prefixes) > 0) && len(in.Groups) > 1 {
		return nil, nil, invalid("Streams can be named for one log group only.")
	}
	s.Logs.Flush()
	for _, arn := range in.Groups {
		g, err := parseARN(ctx, arn)
		if err != nil {
			return nil, nil, err
		}
		if _, err := s.Logs.GetGroup(g); err != nil {
			return nil, nil, known(err)
		}
		groups = append(groups, g)
	}
	match, err := parsePattern(&in.Pattern)
	if err != nil {
		return nil, nil, err
	}
	return groups, func(e observe.Event) bool { return in.tails(e.Stream) && (match == nil || match(e.Message)) }, nil
}

func (in tailRequest) tails(stream string) bool {
	named, _ := streamFilter(in.Streams, nil)
	if len(in.Streams) > 0 {
		return named(stream)
	}
	for _, prefix := range in.Prefixes {
		if begins, _ := streamFilter(nil, &prefix); begins(stream) {
			return true
		}
	}
	return len(in.Prefixes) == 0
}

// tail is a session's stream of events.
type tail struct {
	w      http.ResponseWriter
	events *wire.EventStream
}

// run sends what has come every second, until the client or the session ends.
func (t *tail) run(ctx context.Context, events <-chan tailEvent) error {
	tick := time.NewTicker(tailInterval)
	defer tick.Stop()
	update := tailUpdate{Results: []tailEvent{}}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-events:
			if len(update.Results) < tailEvents {
				update.Results = append(update.Results, e)
			} else {
				update.Metadata.Sampled = true
			}
		case <-tick.C:
			_ = http.NewResponseController(t.w).SetWriteDeadline(time.Now().Add(10 * tailInterval))
			if err := t.events.SendJSON("sessionUpdate", update); err != nil {
				return err
			}
			update = tailUpdate{Results: []tailEvent{}}
		}
	}
}
