package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/invoke"
)

// maxEvent is how large the event of a synchronous call may be, in bytes.
const maxEvent = 6<<20 + 100

// verdict is what has come of an attempt at a batch.
type verdict struct {
	response invoke.Response
	problem  string // empty: all is done
	ran      bool   // the function was run
	done     int    // records at the beginning of the batch that the function says are done
	state    json.RawMessage
}

// call has the function handle a batch once.
func (l *lane) call(ctx context.Context, id string, batch []record, w *window) verdict {
	payload, err := l.event(batch, w)
	if err != nil {
		return verdict{problem: err.Error()}
	}
	if n := len(batch); n > 0 {
		l.manager.Invoker.IteratorAge(l.target, time.Since(batch[n-1].arrival))
	}
	v := l.invoke(ctx, id, "", payload, len(batch))
	if v.problem != "" {
		return v
	}
	v.done = len(batch)
	if l.mapping.ReportsItems() {
		v.done = reported(v.response.Payload, batch)
	}
	if w != nil && !w.final {
		var ok bool
		if v.state, ok = stateOf(v.response.Payload); !ok {
			v.done, v.problem = 0, "Function call failed: a function with a tumbling window returns an object with a state"
			return v
		}
	}
	if v.done < len(batch) {
		v.problem = "Function call failed: it reported batch item failures"
	}
	return v
}

// invoke runs the function with an event.
func (p *poller) invoke(ctx context.Context, id, trace string, payload []byte, records int) verdict {
	p.meter.invoked(records)
	if len(payload) > maxEvent { // as if the function had failed at it: it always would
		p.meter.failed(records)
		return verdict{problem: fmt.Sprintf("the event has %d bytes; functions take %d", len(payload), maxEvent), ran: true}
	}
	response, err := p.manager.Invoker.Invoke(ctx, invoke.Request{Ref: p.target, RequestID: id, TraceID: trace, Payload: payload})
	v := verdict{response: response, ran: err == nil}
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		v.problem = "Function not found"
	case err != nil:
		v.problem = err.Error()
	case response.FunctionError != "":
		v.problem = "Function call failed"
	}
	if v.problem != "" {
		p.meter.failed(records)
	}
	return v
}

// event is what the function gets.
func (l *lane) event(batch []record, w *window) ([]byte, error) {
	var b bytes.Buffer
	size := 64
	for i := range batch {
		size += len(batch[i].event) + 1
	}
	b.Grow(size)
	b.WriteString(`{"Records":[`)
	for i := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(batch[i].event)
	}
	b.WriteByte(']')
	if w != nil {
		more, err := json.Marshal(w.event(l.shard, *l.mapping.Config.EventSourceArn))
		if err != nil {
			return nil, err
		}
		b.WriteByte(',')
		b.Write(more[1 : len(more)-1])
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// fields are those of a JSON object, whose names are as they are written: the decoder
// would take capitals for small letters.
type fields = map[string]json.RawMessage

// failures returns what a function says it has failed at (today's ReportBatchItemFailures,
// spec behaviour §3.4). It is not ok if the answer makes no sense, which AWS takes for a
// failure of all.
func failures(answer []byte) (items []string, ok bool) {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 || bytes.Equal(answer, []byte("null")) {
		return nil, true
	}
	var report fields
	if answer[0] != '{' { // such as a string: there is nothing in it
		return nil, true
	}
	if json.Unmarshal(answer, &report) != nil {
		return nil, false
	}
	var reported []fields
	if list := report["batchItemFailures"]; list != nil && json.Unmarshal(list, &reported) != nil {
		return nil, false
	}
	for _, f := range reported {
		var item string
		if json.Unmarshal(f["itemIdentifier"], &item) != nil || item == "" {
			return nil, false
		}
		items = append(items, item)
	}
	return items, true
}

// reported is how many records at the beginning of a batch are done, by the function's
// own report: those before the first that it names.
func reported(answer []byte, batch []record) int {
	items, ok := failures(answer)
	if !ok {
		return 0
	}
	done := len(batch)
	for _, item := range items {
		at := 0
		for at < len(batch) && batch[at].sequence != item {
			at++
		}
		if at == len(batch) { // of no record
			return 0
		}
		done = min(done, at)
	}
	return done
}
