package engine_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine"
)

type mappingInput = lambda.CreateEventSourceMappingInput

// KIN-4, KIN-5, DDB-2: what was there before comes with TRIM_HORIZON and not with
// LATEST; batches keep to their size and the order of their shard.
func TestStreamStart(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		all, late := p.recorder("all", "pass"), p.recorder("late", "pass")
		old := numbered("old-", 25)
		for _, text := range old {
			s.put("k", text)
		}
		p.mapStream(s.arn, "late", func(in *mappingInput) { in.StartingPosition = types.EventSourcePositionLatest })
		if !strings.Contains(s.arn, "/consumer/") { // which has one subscriber
			p.mapStream(s.arn, "all", func(in *mappingInput) { in.BatchSize = aws.Int32(10) })
		}
		for _, text := range numbered("new-", 5) {
			s.put("k", text)
		}
		if got := p.handled(late, 5); !slices.Equal(got, numbered("new-", 5)) {
			t.Errorf("from the tip on: %v", got)
		}
		if strings.Contains(s.arn, "/consumer/") {
			return
		}
		if got := p.handled(all, 30); !slices.Equal(got, append(old, numbered("new-", 5)...)) {
			t.Errorf("from the beginning: %v", got)
		}
		for _, call := range all() {
			if len(call.Texts) > 10 {
				t.Errorf("a batch of %d", len(call.Texts))
			}
		}
	})
}

// A batch that fails is split until the record is alone that it fails of. That is given
// up after its retries; everything else is handled, in order.
func TestStreamBisect(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		calls := p.recorder("f", "if 'poison' in texts: raise Exception('no')")
		want := numbered("r", 11)
		for i, text := range want {
			if i == 6 {
				s.put("k", "poison")
			}
			s.put("k", text)
		}
		p.mapStream(s.arn, "f", func(in *mappingInput) {
			in.BisectBatchOnFunctionError, in.MaximumRetryAttempts = aws.Bool(true), aws.Int32(1)
		})
		good := func() []string { return texts(succeeded(calls())) }
		p.eventually("all but one are handled", func() bool { return len(good()) >= len(want) })
		if got := good(); !slices.Equal(got, want) {
			t.Errorf("handled %v", got)
		}
		alone := 0
		for _, c := range calls() {
			if c.Failed && slices.Equal(c.Texts, []string{"poison"}) {
				alone++
			}
		}
		if alone != 2 {
			t.Errorf("the poisonous record was tried %d times by itself, want 2", alone)
		}
	})
}

// A function that reports the item it failed at gets the rest again, from that on.
func TestStreamReportsItems(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		ready := filepath.Join(t.TempDir(), "ready")
		calls := p.recorder("f", fmt.Sprintf(`
if not os.path.exists(%q) and 'r4' in texts:
    open(%q, 'w')
    return {'batchItemFailures': [{'itemIdentifier': ids[texts.index('r4')]}, {'itemIdentifier': ids[-1]}]}
return {'batchItemFailures': []}`, ready, ready))
		for _, text := range numbered("r", 8) {
			s.put("k", text)
		}
		p.mapStream(s.arn, "f", func(in *mappingInput) {
			in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		})
		// What the first call with r4 has from that record on comes again.
		handled := func() (all []string) {
			reported := false
			for _, c := range calls() {
				at := slices.Index(c.Texts, "r4")
				if at < 0 || reported {
					at = len(c.Texts)
				} else {
					reported = true
				}
				all = append(all, c.Texts[:at]...)
			}
			return all
		}
		p.eventually("all are handled", func() bool { return len(handled()) >= 8 })
		if got := handled(); !slices.Equal(got, numbered("r", 8)) {
			t.Errorf("handled %v in %v", got, calls())
		}
	})
}

// Only what passes the filter comes to the function; the rest is done without it.
func TestStreamFilter(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		calls := p.recorder("f", "pass")
		for i := range 12 {
			s.put("k", []string{"yes", "no", "perhaps"}[i%3])
		}
		p.mapStream(s.arn, "f", func(in *mappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: &s.filter}}}
		})
		s.put("k", "no")
		s.put("k", "yes")
		if got := p.handled(calls, 5); !slices.Equal(got, slices.Repeat([]string{"yes"}, 5)) {
			t.Errorf("handled %v", got)
		}
	})
}

// With a ParallelizationFactor a key that fails holds up its own lane only; each key
// stays in order.
func TestStreamParallel(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		ready := filepath.Join(t.TempDir(), "ready")
		calls := p.recorder("f", fmt.Sprintf("if any(t.startswith('bad-') for t in texts) and not os.path.exists(%q): raise Exception('not yet')", ready))
		// The lanes of these keys are not those of "bad".
		good := []string{"good-a", "good-d", "good-f"}
		for i := range 6 {
			s.put("bad", fmt.Sprintf("bad-%d", i))
			for _, key := range good {
				s.put(key, fmt.Sprintf("%s-%d", key, i))
			}
		}
		id := p.mapStream(s.arn, "f", func(in *mappingInput) { in.ParallelizationFactor = aws.Int32(10) })
		p.eventually("the good keys are handled", func() bool { return len(withPrefix(texts(calls()), "good-")) >= 18 })
		// Changing the factor keeps each record to its order, and does none again that is done.
		do(t, p.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, ParallelizationFactor: aws.Int32(3)})
		p.settled(id, "Enabled")
		if err := os.WriteFile(ready, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		handled := func(prefix string) []string { return withPrefix(texts(succeeded(calls())), prefix) }
		p.eventually("the bad key is handled", func() bool { return len(handled("bad-")) >= 6 })
		for _, key := range append(good, "bad") {
			if got := handled(key); !slices.Equal(got, numbered(key+"-", 6)) {
				t.Errorf("%s: %v", key, got)
			}
		}
	})
}

// A function with a tumbling window hands its state on; the last call of a window has
// the sum of all.
func TestStreamWindow(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		calls := p.recorder("f", "return {'state': {'n': event['state'].get('n', 0) + len(texts)}}")
		p.mapStream(s.arn, "f", func(in *mappingInput) { in.TumblingWindowInSeconds, in.BatchSize = aws.Int32(2), aws.Int32(2) })
		for _, text := range numbered("r", 7) {
			s.put("k", text)
		}
		sum := func() (n int) {
			for _, c := range calls() {
				if c.Final {
					n += c.State["n"]
				}
			}
			return n
		}
		p.eventually("the windows have ended", func() bool { return sum() >= 7 })
		if got := texts(calls()); sum() != 7 || !slices.Equal(got, numbered("r", 7)) {
			t.Errorf("handled %v, the windows have %d", got, sum())
		}
		for _, c := range calls() {
			start, err1 := time.Parse(time.RFC3339, c.Window.Start)
			end, err2 := time.Parse(time.RFC3339, c.Window.End)
			if err1 != nil || err2 != nil || end.Sub(start) != 2*time.Second || c.Shard == "" || c.Final != (len(c.Texts) == 0) {
				t.Errorf("call %+v", c)
			}
		}
	})
}

// What is given up is at its destination before the shard goes on.
func TestStreamDestination(t *testing.T) {
	t.Parallel()
	onStreams(t, func(t *testing.T, p polled) {
		s := p.new("stream", 1)
		calls := p.recorder("f", "if 'poison' in texts: raise Exception('no')")
		url, arn := p.queue("dead")
		s.put("k", "poison")
		s.put("k", "also")
		p.mapStream(s.arn, "f", func(in *mappingInput) {
			in.MaximumRetryAttempts = aws.Int32(0)
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: &arn}}
		})
		var m struct {
			RequestContext, ResponseContext map[string]any
			Version                         string
			KinesisBatchInfo                map[string]any
			DDBStreamBatchInfo              map[string]any
		}
		p.eventually("the destination is told", func() bool {
			body := p.receive(url)
			return body != "" && json.Unmarshal([]byte(body), &m) == nil
		})
		info := m.KinesisBatchInfo
		if info == nil {
			info = m.DDBStreamBatchInfo
		}
		if m.RequestContext["condition"] != "RetryAttemptsExhausted" || m.RequestContext["approximateInvokeCount"] != 1.0 || m.ResponseContext["functionError"] != "Unhandled" || info["batchSize"] != 2.0 || info["streamArn"] != s.arn || info["shardId"] == "" || m.RequestContext["requestId"] != calls()[0].ID {
			t.Errorf("message %+v", m)
		}
		s.put("k", "next")
		if got := p.handled(calls, 3); got[2] != "next" {
			t.Errorf("handled %v", got)
		}
	})
}

// The engine tells how far a mapping is behind; the mapping tells what is wrong, also
// when its function is gone (DDB-6, DDB-9).
func TestStreamLag(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	s := a.kinesisStream(a.streams, "s", 2)
	a.recorder("f", "raise Exception('no')")
	id := a.mapStream(s.arn, "f")
	if got := a.settled(id, "Enabled"); *got.LastProcessingResult != "No records processed" {
		t.Errorf("at first: %s", *got.LastProcessingResult)
	}
	for _, text := range numbered("r", 3) {
		s.put("k", text)
	}
	a.eventually("the mapping tells of its problem", func() bool { return *a.settled(id, "Enabled").LastProcessingResult == "PROBLEM: Function call failed" })
	lag := func() (n int, behind time.Duration) {
		var status engine.Status
		answer := a.send("GET", engine.StatusPath, "")
		if err := json.Unmarshal([]byte(answer.body), &status); err != nil {
			t.Fatal(err)
		}
		for _, m := range status.Mappings {
			if m.UUID != *id {
				continue
			}
			if len(m.Lag) != 2 || m.State != "Enabled" || m.Source != s.arn {
				t.Errorf("status %+v", m)
			}
			for _, l := range m.Lag {
				n, behind = n+l.Records, max(behind, l.Behind)
			}
		}
		return n, behind
	}
	a.eventually("all three wait", func() bool {
		n, behind := lag()
		return n == 3 && behind > 0
	})
	do(t, a.DeleteFunction, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	a.eventually("the mapping misses its function", func() bool { return *a.settled(id, "Enabled").LastProcessingResult == "PROBLEM: Function not found" })
	a.recorder("f", "pass")
	a.eventually("nothing waits", func() bool {
		n, _ := lag()
		return n == 0
	})
	do(t, a.UpdateEventSourceMapping, &lambda.UpdateEventSourceMappingInput{UUID: id, Enabled: aws.Bool(false)})
	a.settled(id, "Disabled")
}
