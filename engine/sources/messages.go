package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/clock"
	"github.com/lambdaform/terraform-provider-lambda/engine/sources/filter"
)

// received is a message that is being handled.
type received struct {
	id, receipt string
	trace       string
	at          time.Time // when it was received
	event       json.RawMessage
	passes      func(*filter.Filter) bool
}

type batchOfMessages []received

// messageEvent is a message as functions get it.
type messageEvent struct {
	MessageID     string                      `json:"messageId"`
	ReceiptHandle string                      `json:"receiptHandle"`
	Body          string                      `json:"body"`
	Attributes    map[string]string           `json:"attributes"`
	Custom        map[string]messageAttribute `json:"messageAttributes"`
	MD5OfCustom   *string                     `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody     string                      `json:"md5OfBody"`
	Source        string                      `json:"eventSource"`
	SourceARN     string                      `json:"eventSourceARN"`
	Region        string                      `json:"awsRegion"`
}

type messageAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         *string  `json:"dataType"`
}

func (s Source) message(m types.Message, at time.Time) (received, error) {
	e := messageEvent{
		MessageID: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body), MD5OfBody: aws.ToString(m.MD5OfBody),
		Attributes: m.Attributes, Custom: map[string]messageAttribute{}, MD5OfCustom: m.MD5OfMessageAttributes,
		Source: "aws:sqs", SourceARN: s.ARN, Region: s.Region,
	}
	if e.Attributes == nil {
		e.Attributes = map[string]string{}
	}
	for name, a := range m.MessageAttributes {
		e.Custom[name] = messageAttribute{a.StringValue, a.BinaryValue, []string{}, [][]byte{}, a.DataType}
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return received{}, fmt.Errorf("encode message %s: %w", e.MessageID, err)
	}
	return received{
		id: e.MessageID, receipt: e.ReceiptHandle, trace: m.Attributes["AWSTraceHeader"], at: at, event: raw,
		passes: func(f *filter.Filter) bool { return e.passes(f) },
	}, nil
}

// passes tells whether a message is for the function.
func (e *messageEvent) passes(f *filter.Filter) bool {
	attributes, custom := map[string]any{}, map[string]any{}
	for name, value := range e.Attributes {
		attributes[name] = value
	}
	for name, a := range e.Custom {
		seen := map[string]any{"dataType": aws.ToString(a.DataType)}
		if a.StringValue != nil {
			seen["stringValue"] = *a.StringValue
		}
		custom[name] = seen
	}
	return f.MatchData(map[string]any{
		"messageId": e.MessageID, "receiptHandle": e.ReceiptHandle, "body": e.Body, "attributes": attributes, "messageAttributes": custom,
		"md5OfBody": e.MD5OfBody, "eventSource": e.Source, "eventSourceARN": e.SourceARN, "awsRegion": e.Region,
	}, "body")
}

// handle has the function handle messages. Those that are done are deleted; the rest
// comes again once its visibility timeout is over.
func (p *queuePoller) handle(ctx context.Context, batch batchOfMessages) {
	for part := range p.sift(ctx, batch).fitting() {
		p.handlePart(ctx, part)
	}
}

// fitting are the messages in as many events as they need.
func (b batchOfMessages) fitting() func(func(batchOfMessages) bool) {
	return func(yield func(batchOfMessages) bool) {
		for len(b) > 0 {
			n, bytes := 0, 0
			for n < len(b) && (n == 0 || bytes+len(b[n].event) <= maxBatchBytes) {
				bytes += len(b[n].event) + 1
				n++
			}
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

func (p *queuePoller) handlePart(ctx context.Context, batch batchOfMessages) {
	id := uuid.NewString()
	for refused := 1; ; refused++ {
		v := p.call(ctx, id, batch)
		switch {
		case v.problem == "":
			p.result("OK")
			p.delete(ctx, batch)
			return
		case v.ran:
			p.result(problem("%s", v.problem))
			p.delete(ctx, batch[:v.done])
			return
		}
		// Throttled, or there is no function: the messages are held while they may be.
		p.result(problem("%s", v.problem))
		p.slower()
		wait := min(backoff(refused), maxRefused)
		if time.Since(batch[0].at)+wait > p.held() {
			return
		}
		if !clock.Wait(ctx, p.manager.Clock, wait) {
			p.release(batch)
			return
		}
	}
}

// held is how long messages stay invisible.
func (p *queuePoller) held() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.timeout
}

// sift deletes the messages that are not for the function, and returns the others.
func (p *queuePoller) sift(ctx context.Context, batch batchOfMessages) batchOfMessages {
	if p.filter == nil {
		return batch
	}
	var pass, others batchOfMessages
	for _, m := range batch {
		if m.passes(p.filter) {
			pass = append(pass, m)
		} else {
			others = append(others, m)
		}
	}
	p.meter.filtered(len(others))
	p.delete(ctx, others)
	return pass
}

// call has the function handle messages once. The first v.done of batch are done then:
// call puts those to the front.
func (p *queuePoller) call(ctx context.Context, id string, batch batchOfMessages) verdict {
	size := 16
	for _, m := range batch {
		size += len(m.event) + 1
	}
	payload := append(make([]byte, 0, size), `{"Records":[`...)
	trace := ""
	for i, m := range batch {
		if i > 0 {
			payload = append(payload, ',')
		}
		payload = append(payload, m.event...)
		if trace == "" {
			trace = m.trace
		}
	}
	payload = append(payload, `]}`...)
	v := p.invoke(ctx, id, trace, payload, len(batch))
	if v.problem != "" {
		return v
	}
	v.done = len(batch)
	if p.mapping.ReportsItems() {
		v.done = batch.order(v.response.Payload)
	}
	if v.done < len(batch) {
		v.problem = "Function call failed: it reported batch item failures"
	}
	return v
}

// order puts the messages that are done, by the function's own report, to the front,
// and returns how many those are.
func (b batchOfMessages) order(answer []byte) int {
	items, ok := failures(answer)
	failed := map[string]bool{}
	for _, item := range items {
		failed[item] = true
	}
	found := 0
	for _, m := range b {
		if failed[m.id] {
			found++
		}
	}
	if !ok || found < len(failed) { // or of no message
		return 0
	}
	done := 0
	for i, m := range b {
		if !failed[m.id] {
			b[i], b[done] = b[done], m
			done++
		}
	}
	return done
}

// delete deletes messages that are done, also when the poller is being stopped.
func (p *queuePoller) delete(ctx context.Context, batch batchOfMessages) {
	ctx = context.WithoutCancel(ctx)
	for part := range batch.parts() {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &p.url}
		for i, m := range part {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.receipt})
		}
		for try := 1; ; try++ {
			out, err := p.client.DeleteMessageBatch(ctx, in)
			if err == nil && len(out.Failed) == 0 {
				p.meter.deleted(len(part))
				break
			}
			if err == nil {
				err = fmt.Errorf("%s: %s", aws.ToString(out.Failed[0].Code), aws.ToString(out.Failed[0].Message))
			}
			p.log.Warn("delete messages that are done: they may come again", "queue", p.source.Name, "err", err)
			if try == 3 {
				break
			}
			pause(ctx, backoff(try))
		}
	}
}

// release makes messages visible again that nobody handles.
func (p *queuePoller) release(batch batchOfMessages) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for part := range batch.parts() {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &p.url}
		for i, m := range part {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.receipt})
		}
		if _, err := p.client.ChangeMessageVisibilityBatch(ctx, in); err != nil {
			p.log.Debug("release messages: they come again when their visibility timeout is over", "err", err)
		}
	}
}

// parts are the messages in as many as one request takes.
func (b batchOfMessages) parts() func(func(batchOfMessages) bool) {
	return func(yield func(batchOfMessages) bool) {
		for len(b) > 0 {
			n := min(len(b), receiveMost)
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}
