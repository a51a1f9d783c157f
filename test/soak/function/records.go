package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"
)

// Record is one of a Kinesis stream or an SQS queue.
type Record struct {
	EventSourceARN string
	Kinesis        struct {
		Data           []byte
		SequenceNumber string
	}
	Body, MessageID string
}

// Item is what a record carries: the number of its key.
type Item struct {
	Key    string
	N      int
	Poison bool
}

func (r Record) item() (i Item, err error) {
	text := r.Kinesis.Data
	if text == nil {
		text = []byte(r.Body)
	}
	return i, json.Unmarshal(text, &i)
}

// id names a record in a report of failures.
func (r Record) id() string {
	if r.MessageID != "" {
		return r.MessageID
	}
	return r.Kinesis.SequenceNumber
}

// source is the name of the stream or queue.
func (r Record) source() string {
	return r.EventSourceARN[strings.LastIndexAny(r.EventSourceARN, ":/")+1:]
}

// Failures is what a function reports that has done a part.
type Failures struct {
	Items []Failure `json:"batchItemFailures"`
}

// Failure names a record.
type Failure struct {
	ID string `json:"itemIdentifier"`
}

// handleRecords handles records, tells the ledger, and fails of those that are poison and
// of what they hold up: in a stream everything behind them, in a FIFO queue what is of
// their group. Some calls fail whatever they get, before or behind the telling.
func handleRecords(ctx context.Context, records []Record) (any, error) {
	fate := rand.IntN(200) //nolint:gosec // a test's dice
	switch {
	case fate < 4:
		return nil, errors.New("before anything is handled")
	case fate < 6:
		os.Exit(3)
	case fate < 7:
		time.Sleep(time.Hour)
	case fate < 17:
		time.Sleep(100 * time.Millisecond)
	}
	stream, fifo := records[0].MessageID == "", strings.HasSuffix(records[0].source(), ".fifo")
	held := map[string]bool{}
	var handled []Item
	failures := Failures{Items: []Failure{}}
	for _, r := range records {
		item, err := r.item()
		if err != nil {
			return nil, fmt.Errorf("read record %s: %w", r.id(), err)
		}
		if item.Poison || stream && len(held) > 0 || fifo && held[item.Key] {
			held[item.Key] = true
			failures.Items = append(failures.Items, Failure{r.id()})
			continue
		}
		handled = append(handled, item)
	}
	if len(handled) > 0 {
		if err := tell(ctx, records[0].source(), handled); err != nil {
			return nil, err
		}
	}
	switch {
	case fate >= 198:
		os.Exit(3)
	case fate >= 194:
		return nil, errors.New("behind what was handled")
	case len(failures.Items) > 0 && os.Getenv("REPORT") == "":
		return nil, errors.New("poison")
	}
	return failures, nil
}

// tell tells the ledger, which is EventBridge to the engine.
func tell(ctx context.Context, source string, handled []Item) error {
	detail, err := json.Marshal(map[string]any{"Function": os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "Source": source, "Items": handled})
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"Entries": []map[string]string{{"Source": "soak", "DetailType": "handled", "Detail": string(detail)}}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AWS_ENDPOINT_URL"), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+os.Getenv("AWS_ACCESS_KEY_ID")+"/20260101/us-east-1/events/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("tell the ledger: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		return fmt.Errorf("tell the ledger: %s: %s", response.Status, answer)
	}
	return nil
}
