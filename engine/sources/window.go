package sources

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// maxState is how large the state of a tumbling window may become, in bytes.
const maxState = 1 << 20

// window is a tumbling window: a span of time whose records a function handles batch by
// batch, with a state that it hands on from one to the next.
type window struct {
	start, end   time.Time
	state        json.RawMessage
	final, early bool
}

// windowEvent is what an event has beside its records.
type windowEvent struct {
	Window         windowSpan      `json:"window"`
	State          json.RawMessage `json:"state"`
	ShardID        string          `json:"shardId"`
	EventSourceARN string          `json:"eventSourceARN"`
	Final          bool            `json:"isFinalInvokeForWindow"`
	Early          bool            `json:"isWindowTerminatedEarly"`
}

type windowSpan struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

func (w *window) event(shard, source string) windowEvent {
	e := windowEvent{
		Window: windowSpan{w.start.UTC().Format(time.RFC3339), w.end.UTC().Format(time.RFC3339)}, State: w.state,
		ShardID: shard, EventSourceARN: source, Final: w.final && !w.early, Early: w.early,
	}
	if e.State == nil {
		e.State = json.RawMessage("{}")
	}
	return e
}

// ends tells whether the function is called for the end of a window.
func (w *window) ends() bool { return w != nil && w.final }

// keep takes the state that a function has returned, and is what is stored of the window.
func (w *window) keep(v *verdict) *Window {
	if w == nil || w.ends() {
		return nil
	}
	if v != nil && v.state != nil {
		w.state = v.state
	}
	return &Window{Start: w.start, State: w.state}
}

// stateOf is the state in a function's answer.
func stateOf(answer []byte) (json.RawMessage, bool) {
	var a fields
	if json.Unmarshal(answer, &a) != nil || a["state"] == nil {
		return nil, false
	}
	return a["state"], true
}

// tumble delivers the batches of one window after the other. A window ends when its
// time is over and all its records are done; the function is then called once more.
func (l *lane) tumble(ctx context.Context) error {
	size := time.Duration(aws.ToInt32(l.mapping.Config.TumblingWindowInSeconds)) * time.Second
	var w *window
	if stored := l.progress.window(); stored != nil {
		w = &window{start: stored.Start, end: stored.Start.Add(size), state: stored.State}
		l.reserve(len(w.state))
	}
	for {
		var until time.Time
		if w != nil {
			until = w.end.Add(l.lateness())
		}
		batch, err := l.next(ctx, until, func(first, r *record) bool {
			return r.arrival.Truncate(size).Equal(first.arrival.Truncate(size))
		})
		if err != nil || batch == nil {
			if err == nil && w != nil {
				err = l.end(ctx, w)
			}
			return err
		}
		var start time.Time
		if len(batch) > 0 {
			start = batch[0].arrival.Truncate(size)
		}
		if w != nil && (len(batch) == 0 || start.After(w.start)) {
			if err := l.end(ctx, w); err != nil {
				return err
			}
			w = nil
		}
		if len(batch) == 0 {
			continue
		}
		if w == nil {
			w = &window{start: start, end: start.Add(size)}
		}
		if err := l.deliver(ctx, batch, w); err != nil {
			return err
		}
		l.reserve(len(w.state))
		if len(w.state) > maxState {
			if err := l.endEarly(ctx, w); err != nil {
				return err
			}
		}
	}
}

// reserve keeps room in events for the state of a window.
func (l *lane) reserve(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved = bytes
}

// lateness is how long a record may take from the source to here.
func (l *lane) lateness() time.Duration {
	if l.watch != nil || l.stream.pushes() {
		return 100 * time.Millisecond
	}
	return idleInterval + busyInterval
}

// end calls the function with the result of a window.
func (l *lane) end(ctx context.Context, w *window) error {
	last := *w
	last.final = true
	return l.deliver(ctx, nil, &last)
}

// endEarly calls the function with a state that has become too large. The window goes
// on with an empty one.
func (l *lane) endEarly(ctx context.Context, w *window) error {
	last := *w
	last.final, last.early = true, true
	if err := l.deliver(ctx, nil, &last); err != nil {
		return err
	}
	w.state = nil
	l.reserve(0)
	return nil
}
