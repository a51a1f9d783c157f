package sqs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ChangeMessageVisibility changes when a message that is in flight becomes visible again.
func (s *Service) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := q.hide(in.ReceiptHandle, in.VisibilityTimeout); err != nil {
		return nil, err
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

// ChangeMessageVisibilityBatch does so for up to ten messages. Each may fail on its own.
func (s *Service) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e *types.ChangeMessageVisibilityBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, entry := range in.Entries {
		if err := q.hide(entry.ReceiptHandle, entry.VisibilityTimeout); err != nil {
			out.Failed = append(out.Failed, failed(entry.Id, err))
			continue
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: entry.Id})
	}
	return out, nil
}

// hide makes a message invisible for some seconds from now. As on AWS, one of a standard
// queue whose time is over may be hidden again until somebody else has received it.
func (q *queue) hide(handle *string, timeout int32) error {
	if timeout < 0 || seconds(timeout) > maxVisibility {
		return invalidValue(timeout, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	number, count, err := q.openHandle(handle)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.s.millis()
	q.promote(now)
	e := q.index[number]
	switch {
	case e == nil || e.stage == leaving || e.count != count:
		return invalidValue(aws.ToString(handle), "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case e.stage != inFlight && q.fifo():
		return &types.MessageNotInflight{Message: aws.String("The specified message is not in flight.")}
	}
	e.due = now + seconds(timeout)
	to := inFlight
	if timeout == 0 {
		to = visible
	}
	q.move(e, to)
	q.note(e)
	q.waiters.wake()
	return nil
}
