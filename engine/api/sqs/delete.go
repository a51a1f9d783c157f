package sqs

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// DeleteMessage deletes a message for good.
func (s *Service) DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput) (*sqs.DeleteMessageOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := q.delete([]*string{in.ReceiptHandle})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return nil, err
	}
	return &sqs.DeleteMessageOutput{}, nil
}

// DeleteMessageBatch deletes up to ten messages. Each may fail on its own.
func (s *Service) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e *types.DeleteMessageBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	handles := make([]*string, len(in.Entries))
	for i, entry := range in.Entries {
		handles[i] = entry.ReceiptHandle
	}
	errs, err := q.delete(handles)
	if err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for i, entry := range in.Entries {
		if errs[i] != nil {
			out.Failed = append(out.Failed, failed(entry.Id, errs[i]))
			continue
		}
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: entry.Id})
	}
	return out, nil
}

// delete deletes messages by their receipt handles, with one record, and tells what is
// wrong with which. To delete what is gone already is no error. Handles of a receive
// before the last will do in a standard queue.
func (q *queue) delete(handles []*string) (errs []error, err error) {
	errs = make([]error, len(handles))
	var going []*entry
	q.mu.Lock()
	if q.gone {
		q.mu.Unlock()
		return nil, errNoQueue
	}
	q.promote(q.s.millis())
	for i, handle := range handles {
		number, count, err := q.openHandle(handle)
		if err != nil {
			errs[i] = err
			continue
		}
		e := q.index[number]
		if e == nil {
			continue
		}
		if q.fifo() && e.stage != leaving && (e.stage != inFlight || e.count != count) {
			errs[i] = errExpired(handle)
			continue
		}
		going = append(going, e)
	}
	if len(going) == 0 {
		q.mu.Unlock()
		return errs, nil
	}
	w := q.remove(going)
	q.mu.Unlock()
	return errs, q.removed(w, going)
}

func errExpired(handle *string) error {
	return invalidValue(aws.ToString(handle), "ReceiptHandle", "The receipt handle has expired.")
}

// remove sends the deletion of messages on its way; removed must follow.
func (q *queue) remove(entries []*entry) *write {
	numbers := make([]uint64, len(entries))
	for i, e := range entries {
		numbers[i] = e.number
		if e.stage != leaving {
			q.move(e, leaving)
		}
	}
	return q.append(deletion(numbers), 0)
}

// removed waits for the deletion. Messages that could not be deleted are back in flight.
func (q *queue) removed(w *write, entries []*entry) error {
	q.wait(w)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.landed(w)
	for _, e := range entries {
		switch {
		case q.index[e.number] != e:
		case w.err == nil:
			q.drop(e)
		case e.stage == leaving:
			q.move(e, inFlight)
		}
	}
	q.waiters.wake() // a group may go on
	if w.err != nil {
		return fmt.Errorf("delete from queue %s: %w", q.name, w.err)
	}
	return nil
}
