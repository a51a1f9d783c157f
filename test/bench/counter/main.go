// Command counter is a Lambda function that does nothing with the records that it gets
// but to write down how many there are and, of the newest, how long it took.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	file, err := os.OpenFile(os.Getenv("COUNTS"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	lambda.Start(func(_ context.Context, event json.RawMessage) error {
		now := time.Now()
		records := bytes.Count(event, []byte(`"eventSourceARN":`))
		_, err := fmt.Fprintf(file, "%d %d %d\n", now.UnixNano(), records, now.Sub(sent(event)))
		return err
	})
}

// sent is when the last record of an event was put, if there are few.
func sent(event json.RawMessage) time.Time {
	if len(event) > 10000 {
		return time.Now()
	}
	var e struct {
		Records []struct {
			Kinesis struct {
				At float64 `json:"approximateArrivalTimestamp"`
			}
			Attributes struct{ SentTimestamp string }
		}
	}
	if json.Unmarshal(event, &e) != nil || len(e.Records) == 0 {
		return time.Now()
	}
	last := e.Records[len(e.Records)-1]
	if ms, err := strconv.ParseInt(last.Attributes.SentTimestamp, 10, 64); err == nil {
		return time.UnixMilli(ms)
	}
	return time.UnixMilli(int64(last.Kinesis.At * 1000))
}
