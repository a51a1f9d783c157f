package sqs

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// SendMessage puts a message on a queue.
func (s *Service) SendMessage(ctx context.Context, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	entry := types.SendMessageBatchRequestEntry{
		MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds, MessageAttributes: in.MessageAttributes,
		MessageSystemAttributes: in.MessageSystemAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	}
	_, rules := q.settings()
	if q.fifo() && in.MessageGroupId == nil {
		return nil, missing("MessageGroupId")
	}
	if err := q.recognizable(rules, &entry); err != nil {
		return nil, err
	}
	d, err := newDraft(&entry)
	if err == nil {
		err = d.address(q.ref, rules, &entry, wire.Given(ctx, "DelaySeconds"))
	}
	if err != nil {
		return nil, err
	}
	if d.size > rules.size {
		return nil, invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", rules.size)
	}
	if err := q.send(ctx, []*draft{d}); err != nil {
		return nil, err
	}
	out := &sqs.SendMessageOutput{
		MessageId: aws.String(d.id.String()), MD5OfMessageBody: d.bodySum, MD5OfMessageAttributes: d.attributeSum, MD5OfMessageSystemAttributes: d.systemSum,
	}
	if q.fifo() {
		out.SequenceNumber = sequenceNumber(d.number)
	}
	return out, nil
}

// recognizable tells whether a message has what a FIFO queue knows duplicates by.
func (q *queue) recognizable(r rules, in *types.SendMessageBatchRequestEntry) error {
	if q.fifo() && !r.content && in.MessageDeduplicationId == nil {
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// maxBatch is how many entries a batch has at most.
const maxBatch = 10

var entryID = regexp.MustCompile(`^[\w-]{1,80}$`)

// checkBatch checks the ids of a batch's entries.
func checkBatch[E any](entries []E, id func(*E) *string) error {
	if len(entries) == 0 {
		return &types.EmptyBatchRequest{Message: aws.String("There should be at least one entry in the request.")}
	}
	if len(entries) > maxBatch {
		return &types.TooManyEntriesInBatchRequest{Message: aws.String(fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries)))}
	}
	seen := map[string]bool{}
	for i := range entries {
		name := *id(&entries[i])
		if !entryID.MatchString(name) {
			return &types.InvalidBatchEntryId{Message: aws.String("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")}
		}
		if seen[name] {
			return &types.BatchEntryIdsNotDistinct{Message: aws.String("Id " + name + " repeated.")}
		}
		seen[name] = true
	}
	return nil
}

// failed is the entry of a batch that failed on its own.
func failed(id *string, err error) types.BatchResultErrorEntry {
	f := types.BatchResultErrorEntry{Id: id, Code: aws.String("InternalError"), Message: aws.String("An error occurred and the request cannot be processed.")}
	var api interface {
		ErrorCode() string
		error
	}
	if errors.As(err, &api) {
		f.SenderFault = true
		f.Code = aws.String(queryCode(api.ErrorCode()))
		f.Message = aws.String(messageOf(err))
	}
	return f
}

// queryCode is the code of an error as the older protocol has it. Entries of batches have
// those in both.
func queryCode(code string) string {
	switch code {
	case "InvalidParameterValueException":
		return "InvalidParameterValue"
	case "MissingRequiredParameterException":
		return "MissingParameter"
	case "UnsupportedOperation", "MessageNotInflight":
		return "AWS.SimpleQueueService." + code
	}
	return code
}

// messageOf is what an API error says.
func messageOf(err error) string {
	var api interface{ ErrorMessage() string }
	var own *wire.Error
	switch {
	case errors.As(err, &own):
		return own.Message
	case errors.As(err, &api):
		return api.ErrorMessage()
	}
	return err.Error()
}

// SendMessageBatch puts up to ten messages on a queue. Each may fail on its own.
func (s *Service) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e *types.SendMessageBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	_, rules := q.settings()
	out := &sqs.SendMessageBatchOutput{}
	var drafts []*draft
	var ids []*string
	size := 0
	for i := range in.Entries {
		entry := &in.Entries[i]
		if q.fifo() && entry.MessageGroupId == nil {
			return nil, invalid("The request must contain the parameter MessageGroupId.")
		}
		if err := q.recognizable(rules, entry); err != nil {
			return nil, err
		}
		d, err := newDraft(entry)
		if err == nil {
			size += d.size
			err = d.address(q.ref, rules, entry, wire.Given(ctx, "Entries", i, "DelaySeconds"))
		}
		if err == nil && d.size > rules.size && d.size <= maxMessage {
			err = invalid("One or more parameters cannot be validated. Reason: Message must be shorter than %d bytes.", rules.size)
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(entry.Id, err))
			continue
		}
		drafts, ids = append(drafts, d), append(ids, entry.Id)
	}
	if size > maxMessage {
		return nil, &types.BatchRequestTooLong{Message: aws.String(fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size))}
	}
	if len(drafts) > 0 {
		if err := q.send(ctx, drafts); err != nil {
			return nil, err
		}
	}
	for i, d := range drafts {
		r := types.SendMessageBatchResultEntry{
			Id: ids[i], MessageId: aws.String(d.id.String()), MD5OfMessageBody: d.bodySum, MD5OfMessageAttributes: d.attributeSum, MD5OfMessageSystemAttributes: d.systemSum,
		}
		if q.fifo() {
			r.SequenceNumber = sequenceNumber(d.number)
		}
		out.Successful = append(out.Successful, r)
	}
	return out, nil
}

// send writes messages, in one record, and tells their ids and numbers. What a FIFO queue
// has had before gets those of then.
func (q *queue) send(ctx context.Context, drafts []*draft) error {
	if err := q.openStream(ctx); err != nil {
		return err
	}
	now, sender := q.s.millis(), wire.CallerFrom(ctx).Account
	fresh := make([]*message, len(drafts))
	for i, d := range drafts {
		d.id, d.sent, d.sender = uuid.New(), now, sender
		d.due += now
		fresh[i] = &d.message
	}
	for len(fresh) > 0 {
		again, err := q.write(fresh, q.fifo())
		if err != nil {
			return err
		}
		fresh = again
	}
	return nil
}

// write puts messages at the end of the journal, and returns those that were duplicates
// of messages which could not be written in the end. Duplicates are looked for in what
// senders send, and not in what comes from another queue.
func (q *queue) write(messages []*message, dedups bool) (again []*message, err error) {
	raw := make([][]byte, len(messages))
	for i, m := range messages {
		raw[i] = m.append(make([]byte, 0, len(m.body)+256))
	}
	type copied struct {
		*message
		entry *entry // which gets the number
		first duplicate
	}
	var copies []copied
	var entries []*entry
	var written []*message
	now := q.s.millis()

	q.mu.Lock()
	if q.gone {
		q.mu.Unlock()
		return nil, errNoQueue
	}
	// The table of duplicates has the write before it is on its way.
	pack := raw[:0]
	for i, m := range messages {
		if dedups {
			if first, ok := q.dedup.find(q.rules.key(m.group, m.dedup), now); ok {
				copies = append(copies, copied{m, first.entry, first})
				continue
			}
		}
		e := q.newEntry(m)
		q.counts[writing]++
		q.order.sent(e)
		if dedups {
			q.dedup.add(q.rules.key(m.group, m.dedup), duplicate{id: m.id, until: m.sent + dedupInterval, entry: e}, now)
		}
		pack, entries, written = append(pack, raw[i]), append(entries, e), append(written, m)
	}
	if len(written) > 0 {
		record := appendPack(pack)
		w := q.append(record, len(written))
		for _, e := range entries {
			e.write = w
		}
		q.mu.Unlock()
		q.wait(w)
		q.mu.Lock()
		q.arrive(w, record, entries, written, dedups)
		err = w.err
	}
	firsts := make([]*write, len(copies))
	for i, c := range copies {
		if c.entry != nil {
			firsts[i] = c.entry.write
		}
	}
	q.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("send to queue %s: %w", q.name, err)
	}
	for i, c := range copies {
		if first := firsts[i]; first != nil {
			<-first.done
			if first.err != nil {
				again = append(again, c.message)
				continue
			}
		}
		if c.entry != nil {
			c.first.number = c.entry.number
		}
		c.id, c.number = c.first.id, c.first.number
	}
	return again, nil
}

// arrive takes the messages of a pack into the index, when it is on disk.
func (q *queue) arrive(w *write, record []byte, entries []*entry, messages []*message, dedups bool) {
	defer q.landed(w)
	now := q.s.millis()
	if w.err != nil {
		for i, e := range entries {
			q.move(e, over)
			if k := q.rules.key(messages[i].group, messages[i].dedup); dedups && q.dedup.known[k].entry == e {
				delete(q.dedup.known, k)
			}
		}
		return
	}
	p := q.newPack(w.seq, w.part, len(entries), record)
	for i, e := range entries {
		e.number, e.write = numberOf(w.seq, w.slot+i), nil
		messages[i].number = e.number
		q.enter(e, p, i)
		q.add(e, now)
		if dedups {
			k := q.rules.key(messages[i].group, messages[i].dedup)
			if first, ok := q.dedup.known[k]; ok && first.entry == e {
				first.entry, first.number = nil, e.number
				q.dedup.known[k] = first
			}
			p.until = messages[i].sent + dedupInterval
		}
	}
	q.s.recent.keep(p, record)
	q.waiters.wake()
}
