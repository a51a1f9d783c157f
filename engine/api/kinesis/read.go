package kinesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// getRequest asks JetStream for stored messages, without a consumer.
type getRequest struct {
	Subject string     `json:"next_by_subj"`
	From    uint64     `json:"seq,omitempty"`
	Since   *time.Time `json:"start_time,omitempty"`
	Batch   int        `json:"batch"`
	Bytes   int        `json:"max_bytes,omitempty"` // one message more is sent
}

type message struct {
	position uint64
	stored   time.Time
	data     []byte
}

// readTimeout bounds a read when the context does not.
const readTimeout = 10 * time.Second

// get gets messages, and tells whether more follow. JetStream answers with one message
// each and an empty one at the end.
func (s *Service) get(ctx context.Context, st *stream, request getRequest) (messages []message, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	fail := func(err error) ([]message, bool, error) {
		return nil, false, fmt.Errorf("read records of %s: %w", st.name, err)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fail(err)
	}
	nc := s.js.Conn()
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return fail(err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // it fails only with the connection
	if err := nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+st.storeName(), inbox, body); err != nil {
		return fail(err)
	}
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if errors.Is(err, nats.ErrNoResponders) {
			return nil, false, st.notFound()
		}
		if err != nil {
			return fail(err)
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
		case "404":
			return messages, false, nil
		case "503":
			return nil, false, st.notFound()
		case "204": // the end of the batch
			return messages, msg.Header.Get("Nats-Num-Pending") != "0", nil
		default:
			return fail(errors.New(status + " " + msg.Header.Get("Description")))
		}
		m := message{data: msg.Data}
		var err1, err2 error
		m.position, err1 = strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
		m.stored, err2 = time.Parse(time.RFC3339Nano, msg.Header.Get(jetstream.TimeStampHeaer))
		if err := errors.Join(err1, err2); err != nil {
			return fail(err)
		}
		messages = append(messages, m)
	}
}
