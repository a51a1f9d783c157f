package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// fetchTimeout bounds one request to the embedded server.
const fetchTimeout = 30 * time.Second

// fetchBytes and fetchCount bound what one request returns.
const (
	fetchBytes = 1 << 20
	fetchCount = 512
)

// stored is a message of the log stream.
type stored struct {
	seq     uint64
	subject string
	at      time.Time // of its ingestion
	raw     []byte
}

// fetchRequest is JetStream's request for several messages at once.
type fetchRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"`
	NextFor   string     `json:"next_by_subj"`
	Batch     int        `json:"batch"`
	MaxBytes  int        `json:"max_bytes"`
}

// fetch returns messages in the order in which they were written, at least one if
// there is any, and whether more follow. It needs no consumer, of which each would
// cost more than most answers.
func (l *Logs) fetch(ctx context.Context, r fetchRequest) (messages []stored, more bool, err error) {
	if r.Batch == 0 {
		r.Batch, r.MaxBytes = fetchCount, fetchBytes
	}
	if r.Seq == 0 && r.StartTime == nil {
		r.Seq = 1
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, false, fmt.Errorf("encode request for log events: %w", err)
	}
	conn := l.js.Conn()
	inbox := conn.NewRespInbox()
	replies, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, false, fmt.Errorf("read log events: %w", err)
	}
	defer func() { _ = replies.Unsubscribe() }()
	if err := conn.PublishRequest("$JS.API.DIRECT.GET."+logStream, inbox, body); err != nil {
		return nil, false, fmt.Errorf("read log events: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	for {
		msg, err := replies.NextMsgWithContext(ctx)
		if err != nil {
			return nil, false, fmt.Errorf("read log events: %w", err)
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
			m, err := parseStored(msg)
			if err != nil {
				return nil, false, err
			}
			messages = append(messages, m)
		case "204": // the end of the batch
			pending, _ := strconv.Atoi(msg.Header.Get("Nats-Num-Pending"))
			return messages, pending > 0, nil
		case "404":
			return messages, false, nil
		default:
			return nil, false, fmt.Errorf("read log events: %s %s", status, msg.Header.Get("Description"))
		}
	}
}

func parseStored(msg *nats.Msg) (stored, error) {
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return stored{}, fmt.Errorf("read log events: sequence: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
	if err != nil {
		return stored{}, fmt.Errorf("read log events: time: %w", err)
	}
	return stored{seq: seq, subject: msg.Header.Get("Nats-Subject"), at: at, raw: msg.Data}, nil
}
