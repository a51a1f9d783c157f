package invoke

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Backlog is the events of one function that have not been handled, those included that
// are being handled or wait for another attempt.
type Backlog struct {
	Events uint64
	Oldest time.Time // when the first of them was accepted
}

// maxBacklogs bounds how many functions Backlogs tells of.
const maxBacklogs = 1000

// Backlogs returns what waits, by function.
func (q *Queue) Backlogs(ctx context.Context) (map[catalog.Ref]Backlog, error) {
	info, err := q.stream.Info(ctx, jetstream.WithSubjectFilter("async.>"))
	if err != nil {
		return nil, fmt.Errorf("inspect event queue: %w", err)
	}
	all := map[catalog.Ref]Backlog{}
	for subject, n := range info.State.Subjects {
		parts := strings.Split(subject, ".")
		if len(parts) != 4 || len(all) == maxBacklogs {
			continue
		}
		first, err := q.stream.GetMsg(ctx, info.State.FirstSeq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) { // handled meanwhile
			continue
		}
		if err != nil {
			return all, fmt.Errorf("inspect event queue: %w", err)
		}
		all[catalog.Ref{Scope: catalog.Scope{Account: parts[1], Region: parts[2]}, Name: parts[3]}] = Backlog{n, first.Time}
	}
	return all, q.addLater(ctx, all)
}

// addLater adds the events that wait for another attempt, or for someone to be told of
// them. Their age is that of the last attempt.
func (q *Queue) addLater(ctx context.Context, all map[catalog.Ref]Backlog) error {
	info, err := q.later.stream.Info(ctx, jetstream.WithSubjectFilter("later.>"))
	if err != nil {
		return fmt.Errorf("inspect the queue of retries: %w", err)
	}
	for subject := range info.State.Subjects {
		parts := strings.Split(subject, ".")
		if len(parts) < 5 {
			continue
		}
		ref := catalog.Ref{Scope: catalog.Scope{Account: parts[1], Region: parts[2]}, Name: parts[3]}
		b, known := all[ref]
		if !known && len(all) == maxBacklogs {
			continue
		}
		if !known {
			first, err := q.later.stream.GetMsg(ctx, info.State.FirstSeq, jetstream.WithGetMsgSubject(strings.Join(parts[:4], ".")+".>"))
			if errors.Is(err, jetstream.ErrMsgNotFound) { // handled meanwhile
				continue
			}
			if err != nil {
				return fmt.Errorf("inspect the queue of retries: %w", err)
			}
			b.Oldest = first.Time
		}
		b.Events++
		all[ref] = b
	}
	return nil
}
