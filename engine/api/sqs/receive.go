package sqs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// maxInFlight is how many messages of a queue can be in flight.
const maxInFlight = 120_000

// ReceiveMessage hands out up to ten messages. It waits for the first if it may.
func (s *Service) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	_, rules := q.settings()
	limit, visibility, wait := int32(1), int64(ofQueue), rules.wait
	if wire.Given(ctx, "MaxNumberOfMessages") {
		limit = in.MaxNumberOfMessages
	}
	if wire.Given(ctx, "VisibilityTimeout") {
		visibility = seconds(in.VisibilityTimeout)
	}
	if wire.Given(ctx, "WaitTimeSeconds") {
		wait = seconds(in.WaitTimeSeconds)
	}
	switch {
	case limit < 1 || limit > 10:
		return nil, invalidValue(limit, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	case wait < 0 || wait > 20_000:
		return nil, invalidValue(in.WaitTimeSeconds, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	case visibility != ofQueue && (visibility < 0 || visibility > maxVisibility):
		return nil, invalidValue(in.VisibilityTimeout, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	show := shown{attributes: in.MessageAttributeNames}
	for _, name := range in.MessageSystemAttributeNames {
		show.system = append(show.system, string(name))
	}
	for _, name := range in.AttributeNames { //nolint:staticcheck // older clients use it
		show.system = append(show.system, string(name))
	}
	for _, name := range show.system {
		if !slices.Contains(systemAttributes, name) {
			return nil, badName("Unknown Attribute %s.", name)
		}
	}
	got, err := q.receive(ctx, int(limit), visibility, wait)
	if err != nil {
		return nil, err
	}
	out := &sqs.ReceiveMessageOutput{}
	for _, r := range got {
		out.Messages = append(out.Messages, q.show(r, show))
	}
	return out, nil
}

// ofQueue is the visibility timeout that the queue has when a message is handed out.
const ofQueue = -1

// received is a message as it was handed out.
type received struct {
	entry  *entry
	number uint64
	state  // as of this receive
	*message
}

// receive takes up to limit messages, and waits up to wait ms for the first.
func (q *queue) receive(ctx context.Context, limit int, visibility, wait int64) ([]received, error) {
	deadline := q.s.millis() + wait
	q.mu.Lock()
	for waited := false; ; {
		if q.gone {
			q.mu.Unlock()
			return nil, errNoQueue
		}
		got, dead, err := q.take(limit, visibility)
		if err == nil && len(got) == 0 && len(dead) == 0 && q.await(ctx, deadline) {
			waited = true
			continue
		}
		if waited || len(got) > 0 { // the next looks whether there is more, and how long it has to wait now
			q.waiters.wake()
		}
		q.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if len(dead) > 0 {
			q.bury(ctx, dead)
			if len(got) == 0 {
				q.mu.Lock()
				continue
			}
		}
		return got, q.readBodies(ctx, got)
	}
}

// take hands out what is visible, and what is to go to the dead-letter queue instead.
func (q *queue) take(limit int, visibility int64) (got []received, dead []*entry, err error) {
	if visibility == ofQueue {
		visibility = q.rules.visibility
	}
	now := q.s.millis()
	q.promote(now)
	q.expire(now)
	if q.counts[inFlight] >= maxInFlight {
		if q.fifo() {
			return nil, nil, nil
		}
		return nil, nil, &types.OverLimit{Message: aws.String("OverLimit: The maximum number of in flight messages is reached.")}
	}
	buries := q.rules.deadLetters != nil && q.s.at(q.rules.deadLetters.target) != nil
	q.order.next(limit, func(e *entry) verdict {
		switch {
		case buries && e.count >= q.rules.deadLetters.maxReceive:
			q.move(e, leaving)
			dead = append(dead, e)
			return blocked
		case e.count == 0:
			e.first = now
		}
		e.count++
		e.due = now + visibility
		q.move(e, inFlight)
		q.note(e)
		got = append(got, received{entry: e, number: e.number, state: e.state})
		return taken
	})
	if visibility == 0 {
		q.promote(now)
	}
	return got, dead, nil
}

// readBodies gets what the index does not have. A message that was moved in the journal
// meanwhile is looked for again.
func (q *queue) readBodies(ctx context.Context, got []received) error {
	packs := map[*pack][][]byte{}
	for i := range got {
		var err error
		for range 3 {
			if got[i].message, err = q.body(ctx, got[i].entry, packs); err == nil {
				break
			}
		}
		if err != nil {
			q.giveBack(got)
			return err
		}
	}
	return nil
}

// body reads a message by way of the packs that have been read already.
func (q *queue) body(ctx context.Context, e *entry, packs map[*pack][][]byte) (*message, error) {
	q.mu.Lock()
	p, slot := e.pack, int(e.slot)
	q.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("read message of queue %s: it was deleted", q.name)
	}
	raw, ok := packs[p]
	if !ok {
		var err error
		if raw, err = q.messages(ctx, p); err != nil {
			return nil, err
		}
		packs[p] = raw
	}
	if slot >= len(raw) {
		return nil, errRecord
	}
	in := &reader{b: raw[slot]}
	m := in.message(true)
	return m, in.err
}

// giveBack undoes a receive whose messages could not be read.
func (q *queue) giveBack(got []received) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range got {
		if r.entry.stage == inFlight && r.entry.count == r.count {
			r.entry.count--
			q.move(r.entry, visible)
			q.note(r.entry)
		}
	}
	q.waiters.wake()
}

// shown is what a receiver wants to see of messages.
type shown struct{ system, attributes []string }

var systemAttributes = []string{
	"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
	"MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
}

// wants tells whether a message attribute is to be shown: by its name, its prefix or anyway.
func (s shown) wants(name string) bool {
	return slices.ContainsFunc(s.attributes, func(want string) bool {
		prefix, open := strings.CutSuffix(want, ".*")
		return want == "All" || want == ".*" || want == name || open && strings.HasPrefix(name, prefix)
	})
}

// show is a message as the receiver gets it.
func (q *queue) show(r received, show shown) types.Message {
	m := types.Message{
		MessageId: aws.String(r.id.String()), ReceiptHandle: q.handle(r.number, r.count), Body: &r.body, MD5OfBody: sumOfBody(r.body),
	}
	all := map[string]string{
		"SenderId": r.sender, "SentTimestamp": strconv.FormatInt(r.sent, 10),
		"ApproximateReceiveCount":          strconv.FormatUint(uint64(r.count), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(r.first, 10),
		"MessageGroupId":                   r.group, "MessageDeduplicationId": r.dedup, "AWSTraceHeader": r.trace, "DeadLetterQueueSourceArn": r.source,
	}
	if q.fifo() {
		all["SequenceNumber"] = *sequenceNumber(r.number)
	}
	for name, value := range all {
		if value != "" && (slices.Contains(show.system, name) || slices.Contains(show.system, "All")) {
			if m.Attributes == nil {
				m.Attributes = map[string]string{}
			}
			m.Attributes[name] = value
		}
	}
	var wanted []attribute
	for _, a := range r.attrs {
		if show.wants(a.name) {
			wanted = append(wanted, a)
			if m.MessageAttributes == nil {
				m.MessageAttributes = map[string]types.MessageAttributeValue{}
			}
			m.MessageAttributes[a.name] = a.asValue()
		}
	}
	m.MD5OfMessageAttributes = sumOf(wanted)
	return m
}
