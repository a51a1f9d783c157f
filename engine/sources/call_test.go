package sources

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// What AWS makes of the answers of functions that report items.
func TestReports(t *testing.T) {
	batch := []record{{sequence: "1"}, {sequence: "2"}, {sequence: "3"}}
	for answer, want := range map[string]int{
		``:                           3,
		`null`:                       3,
		`{}`:                         3,
		`"done"`:                     3,
		`{"batchItemFailures":null}`: 3,
		`{"batchItemFailures":[]}`:   3,
		`{"BatchItemFailures":[{"itemIdentifier":"1"}]}`:                        3, // another key
		`{"batchItemFailures":[{"itemIdentifier":"2"}]}`:                        1,
		`{"batchItemFailures":[{"itemIdentifier":"3"},{"itemIdentifier":"2"}]}`: 1,
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                         0,
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                       0,
		`{"batchItemFailures":[{"ItemIdentifier":"2"}]}`:                        0,
		`{"batchItemFailures":[{}]}`:                                            0,
		`{"batchItemFailures":[{"itemIdentifier":"4"}]}`:                        0, // of no record
		`{"batchItemFailures":[{"itemIdentifier":2}]}`:                          0,
		`{"batchItemFailures":"2"}`:                                             0,
		`{"batchItemFailures":`:                                                 0,
	} {
		if got := reported([]byte(answer), batch); got != want {
			t.Errorf("%s: %d are done, want %d", answer, got, want)
		}
	}
}

// Messages are handed over in as many events as they need.
func TestMessagesFit(t *testing.T) {
	large := json.RawMessage(strings.Repeat("x", 2<<20))
	var b batchOfMessages
	for i := range 7 {
		b = append(b, received{id: fmt.Sprint(i), event: large})
	}
	var sizes []int
	for part := range b.fitting() {
		sizes = append(sizes, len(part))
	}
	if fmt.Sprint(sizes) != "[2 2 2 1]" {
		t.Errorf("parts of %v", sizes)
	}
	for range (batchOfMessages{}).fitting() {
		t.Error("no messages are a part")
	}
}
