//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// patience is how long a call may take: the function's own timeout of two seconds, and
// what it takes to boot an environment while others boot.
const patience = 30 * time.Second

// Pauses of a caller between two calls.
const (
	synchronousPause  = 2 * time.Millisecond
	asynchronousPause = 10 * time.Millisecond
)

// callers call the function.
type callers struct {
	site   *site
	ledger *ledger
	report *report
	client *http.Client
	number atomic.Int64
}

func newCallers(s *site, l *ledger, r *report) *callers {
	return &callers{site: s, ledger: l, report: r, client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// op draws what an event asks for.
func op() string {
	switch n := rand.IntN(1000); {
	case n < 900:
		return "ok"
	case n < 940:
		return "slow"
	case n < 985:
		return "error"
	case n < 995:
		return "crash"
	}
	return "timeout"
}

// errorTypes is what the answer to each event says.
var errorTypes = map[string]string{"error": "errorString", "crash": "Runtime.ExitError", "timeout": "Sandbox.Timedout"}

func (c *callers) synchronous(ctx context.Context) {
	for ctx.Err() == nil {
		id, op := fmt.Sprintf("s%d", c.number.Add(1)), op()
		begin := time.Now()
		status, header, body, err := c.call(id, op, "RequestResponse")
		took := time.Since(begin)
		var out struct{ ID, ErrorType string }
		_ = json.Unmarshal(body, &out)
		kind := header.Get("X-Amz-Function-Error")
		asked := status == http.StatusOK && (kind == "") == (errorTypes[op] == "") && out.ErrorType == errorTypes[op] && (kind != "" || out.ID == id)
		switch {
		case asked:
			c.report.answered("synchronous "+op, took)
		case took >= patience:
			c.report.violated("call %s %s: no answer in %v", id, op, took)
		case status == http.StatusOK && kind == "":
			c.report.violated("call %s %s: answer %s", id, op, body)
		case !c.site.disturbedSince(begin):
			c.report.violated("call %s %s at %s: %d %s %.200s %v", id, op, begin.Format("15:04:05.000"), status, kind, body, err)
		default:
			c.report.answered("synchronous, an error when disturbed", took)
		}
		time.Sleep(synchronousPause)
	}
}

func (c *callers) asynchronous(ctx context.Context) {
	for ctx.Err() == nil {
		id, op := fmt.Sprintf("a%d", c.number.Add(1)), op()
		begin := time.Now()
		status, _, body, err := c.call(id, op, "Event")
		took := time.Since(begin)
		switch {
		case status == http.StatusAccepted:
			c.ledger.accept(id, op)
			c.report.answered("asynchronous, accepted", took)
		case took >= patience:
			c.report.violated("event %s %s: no answer in %v", id, op, took)
		case !c.site.disturbedSince(begin):
			c.report.violated("event %s %s at %s: %d %.200s %v", id, op, begin.Format("15:04:05.000"), status, body, err)
		default:
			c.report.answered("asynchronous, refused when disturbed", took)
		}
		time.Sleep(asynchronousPause)
	}
}

// call makes one call. The status is 0 when there is no answer.
func (c *callers) call(id, op, kind string) (status int, header http.Header, body []byte, err error) {
	event, _ := json.Marshal(map[string]string{"id": id, "op": op})
	request, err := http.NewRequest(http.MethodPost, c.site.url+"/2015-03-31/functions/"+target+"/invocations", bytes.NewReader(event))
	if err != nil {
		return 0, http.Header{}, nil, err
	}
	request.Header.Set("X-Amz-Invocation-Type", kind)
	response, err := c.client.Do(request)
	if err != nil {
		return 0, http.Header{}, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, response.Header, body, err
	}
	return response.StatusCode, response.Header, body, nil
}
