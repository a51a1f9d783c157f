// Command function is what the soak test runs: it does what its event says, and tells
// the ledger which records of streams and queues it has handled.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// Event says who sent it and what to do: ok, slow, error, crash or timeout.
type Event struct {
	ID      string   `json:"id"`
	Op      string   `json:"op"`
	Records []Record // of a stream or a queue, instead
}

// Answer proves that the event was handled, and by which code and configuration.
type Answer struct {
	ID    string `json:"id"`
	Build string `json:"build"` // of the package
	Stamp string `json:"stamp"` // of the configuration
}

// build is set when the program is linked.
var build = "none"

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var e Event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if e.Records != nil {
		return handleRecords(ctx, e.Records)
	}
	switch e.Op {
	case "slow":
		time.Sleep(200 * time.Millisecond)
	case "error":
		return nil, errors.New("as the event says")
	case "crash":
		os.Exit(3)
	case "timeout":
		time.Sleep(time.Hour)
	}
	return &Answer{ID: e.ID, Build: build, Stamp: os.Getenv("STAMP")}, nil
}

func main() { lambda.Start(handle) }
