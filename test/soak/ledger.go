//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// ledger is an EventBridge bus, as much of one as a destination needs: it keeps which
// events have ended how. Functions tell it, by way of the engine, which records they
// have handled.
type ledger struct {
	tell     func(handling) // of records
	server   *http.Server
	listener net.Listener

	mu       sync.Mutex
	accepted map[string]string // by event: what it asked for
	records  map[string]int    // by event
	wrong    []string
}

func newLedger(tell func(handling)) (*ledger, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &ledger{tell: tell, listener: ln, accepted: map[string]string{}, records: map[string]int{}}
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}
	go func() { _ = l.server.Serve(ln) }()
	return l, nil
}

func (l *ledger) close()      { _ = l.server.Close() }
func (l *ledger) url() string { return "http://" + l.listener.Addr().String() }
func (l *ledger) arn() string { return "arn:aws:events:us-east-1:000000000000:event-bus/ledger" }

// ServeHTTP serves PutEvents of EventBridge.
func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Entries []struct{ Source, Detail string }
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.Unmarshal(body, &in); err != nil || len(in.Entries) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if e := in.Entries[0]; e.Source == "lambda" {
		l.enter(e.Detail)
	} else {
		var h handling
		if err := json.Unmarshal([]byte(e.Detail), &h); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		l.tell(h)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"FailedEntryCount": 0, "Entries": []map[string]string{{"EventId": "1"}}})
}

// enter takes a record of an event's end.
func (l *ledger) enter(body string) {
	var record struct {
		RequestContext struct {
			Condition string `json:"condition"`
		} `json:"requestContext"`
		RequestPayload  struct{ ID, Op string } `json:"requestPayload"`
		ResponsePayload struct{ ID string }     `json:"responsePayload"`
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := json.Unmarshal([]byte(body), &record); err != nil || record.RequestPayload.ID == "" {
		l.wrong = append(l.wrong, body)
		return
	}
	id := record.RequestPayload.ID
	l.records[id]++
	if record.RequestContext.Condition == "Success" && record.ResponsePayload.ID != id {
		l.wrong = append(l.wrong, body)
	}
}

// accept says that an event was answered with 202.
func (l *ledger) accept(id, op string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted[id] = op
}

// settle waits until all accepted events have ended, and returns those that have not, and
// records that are not right.
func (l *ledger) settle(ctx context.Context, patience time.Duration) (violations []string) {
	deadline := time.Now().Add(patience)
	for missing := l.missing(); len(missing) > 0; missing = l.missing() {
		if time.Now().After(deadline) || ctx.Err() != nil {
			for _, m := range missing[:min(len(missing), 20)] {
				violations = append(violations, "event lost: "+m)
			}
			violations = append(violations, fmt.Sprintf("%d events lost", len(missing)))
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, body := range l.wrong {
		violations = append(violations, "record of an event: "+body)
	}
	return violations
}

func (l *ledger) missing() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, op := range l.accepted {
		if l.records[id] == 0 {
			all = append(all, id+" "+op)
		}
	}
	slices.Sort(all)
	return all
}

// counts returns how many records there were beyond the first of an event, and how
// many events have ended.
func (l *ledger) counts() (duplicates, ended int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.records {
		duplicates += n - 1
	}
	return duplicates, len(l.records)
}
