package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// moves are the message move tasks of this engine's life: like AWS's, they do not survive
// all accidents. What they have moved stays moved.
type moves struct {
	mu    sync.Mutex
	tasks map[string]*moveTask // by id
}

// moveTask moves what is in a dead-letter queue back, or somewhere else.
type moveTask struct {
	id          string
	source      ref
	destination *ref // nil: the queue that each message came from
	perSecond   int32
	started     time.Time
	total       int64
	cancel      context.CancelFunc

	// The lock of moves guards these.
	status string
	moved  int64
	reason string
}

// What a task can be.
const (
	moveRunning    = "RUNNING"
	moveCompleted  = "COMPLETED"
	moveCancelling = "CANCELLING"
	moveCancelled  = "CANCELLED"
	moveFailed     = "FAILED"
)

func (t *moveTask) handle() *string {
	raw, _ := json.Marshal(map[string]string{"taskId": t.id, "sourceArn": t.source.arn()}) // texts can be encoded
	return aws.String(base64.StdEncoding.EncodeToString(raw))
}

func (t *moveTask) active() bool { return t.status == moveRunning || t.status == moveCancelling }

func noResource(message string) error {
	return &types.ResourceNotFoundException{Message: aws.String(message)}
}

// movable returns the queue of an ARN that tasks are about.
func (s *Service) movable(ctx context.Context, arn, parameter string) (*queue, error) {
	r, ok := parseARN(arn)
	if !ok {
		return nil, invalid("You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	if s.at(r) == nil {
		return nil, noResource("The resource that you specified for the " + parameter + " parameter doesn't exist.")
	}
	return s.open(ctx, r)
}

// StartMessageMoveTask begins to move the messages of a dead-letter queue.
func (s *Service) StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput) (*sqs.StartMessageMoveTaskOutput, error) {
	source, err := s.movable(ctx, *in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	if len(s.sources(source.ref)) == 0 {
		return nil, invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	t := &moveTask{id: uuid.NewString(), source: source.ref, perSecond: aws.ToInt32(in.MaxNumberOfMessagesPerSecond), status: moveRunning, started: s.clock.Now()}
	if in.DestinationArn != nil {
		destination, err := s.movable(ctx, *in.DestinationArn, "DestinationArn")
		if err != nil {
			return nil, err
		}
		if destination.fifo() != source.fifo() {
			return nil, invalid("Source and destination queues must be of the same type.")
		}
		t.destination = &destination.ref
	}
	if in.MaxNumberOfMessagesPerSecond != nil && (t.perSecond < 1 || t.perSecond > 500) {
		return nil, invalidValue(t.perSecond, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	source.mu.Lock()
	t.total = int64(len(source.index))
	source.mu.Unlock()

	s.moves.mu.Lock()
	defer s.moves.mu.Unlock()
	for _, other := range s.moves.tasks {
		if other.source == t.source && other.active() {
			return nil, invalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	var running context.Context
	running, t.cancel = context.WithCancel(s.ctx)
	s.moves.tasks[t.id] = t
	s.tasks.Go(func() {
		defer t.cancel()
		err := s.carry(running, source, t)
		s.moves.mu.Lock()
		defer s.moves.mu.Unlock()
		switch {
		case running.Err() != nil:
			t.status = moveCancelled
		case err != nil:
			t.status, t.reason = moveFailed, messageOf(err)
			if errors.Is(err, errNoQueue) {
				t.reason = "AWS.SimpleQueueService.NonExistentQueue"
			}
		default:
			t.status = moveCompleted
		}
	})
	return &sqs.StartMessageMoveTaskOutput{TaskHandle: t.handle()}, nil
}

// carry moves messages until there is none that is visible. They are new messages where
// they come to.
func (s *Service) carry(ctx context.Context, source *queue, t *moveTask) error {
	limit := maxBatch
	if t.perSecond > 0 {
		limit = min(limit, int(t.perSecond))
	}
	for ctx.Err() == nil {
		targets := source.depart(ctx, limit, t.destination)
		if len(targets) == 0 {
			return nil
		}
		n := 0
		var failure error
		for to, entries := range targets {
			target := s.at(to)
			if target == nil {
				source.stay(entries)
				failure = errNoQueue
				continue
			}
			err := source.transfer(ctx, target, entries, func(m *message) {
				_, rules := target.settings()
				now := s.millis()
				m.id, m.sent, m.source, m.state = uuid.New(), now, "", state{due: now + rules.delay}
			})
			if err != nil {
				failure = err
				continue
			}
			n += len(entries)
		}
		s.moves.mu.Lock()
		t.moved += int64(n)
		s.moves.mu.Unlock()
		if failure != nil {
			return failure
		}
		if t.perSecond > 0 {
			timer := s.clock.NewTimer(time.Duration(n) * time.Second / time.Duration(t.perSecond))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
	}
	return nil
}

// depart takes visible messages that are to leave, by the queue that they go to. Those
// that are not known to have come from anywhere stay.
func (q *queue) depart(ctx context.Context, limit int, to *ref) map[ref][]*entry {
	q.mu.Lock()
	now := q.s.millis()
	q.promote(now)
	q.expire(now)
	var entries, kept []*entry
	q.order.next(limit, func(e *entry) verdict {
		q.move(e, leaving)
		if to == nil && e.letter == nil {
			kept = append(kept, e)
			return aside
		}
		entries = append(entries, e)
		return taken
	})
	for _, e := range kept {
		q.move(e, visible)
	}
	q.mu.Unlock()
	targets := map[ref][]*entry{}
	packs := map[*pack][][]byte{}
	for _, e := range entries {
		target := ref{}
		if to != nil {
			target = *to
		} else if m, err := q.body(ctx, e, packs); err == nil {
			target, _ = parseARN(m.source)
		}
		targets[target] = append(targets[target], e)
	}
	return targets
}

// ListMessageMoveTasks lists the tasks of a dead-letter queue, the newest first.
func (s *Service) ListMessageMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput) (*sqs.ListMessageMoveTasksOutput, error) {
	source, err := s.movable(ctx, *in.SourceArn, "SourceArn")
	if err != nil {
		return nil, err
	}
	limit := 1
	if wire.Given(ctx, "MaxResults") {
		limit = int(aws.ToInt32(in.MaxResults))
	}
	if limit < 1 || limit > 10 {
		return nil, invalidValue(limit, "MaxResults", "Value must be between 1 and 10.")
	}
	s.moves.mu.Lock()
	defer s.moves.mu.Unlock()
	var tasks []*moveTask
	for _, t := range s.moves.tasks {
		if t.source == source.ref {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(a, b *moveTask) int { return b.started.Compare(a.started) })
	out := &sqs.ListMessageMoveTasksOutput{}
	for _, t := range tasks[:min(limit, len(tasks))] {
		r := types.ListMessageMoveTasksResultEntry{
			Status: aws.String(t.status), SourceArn: aws.String(t.source.arn()), StartedTimestamp: t.started.UnixMilli(),
			ApproximateNumberOfMessagesMoved: t.moved, ApproximateNumberOfMessagesToMove: aws.Int64(t.total),
		}
		if t.destination != nil {
			r.DestinationArn = aws.String(t.destination.arn())
		}
		if t.perSecond > 0 {
			r.MaxNumberOfMessagesPerSecond = &t.perSecond
		}
		if t.status == moveRunning {
			r.TaskHandle = t.handle()
		}
		if t.reason != "" {
			r.FailureReason = &t.reason
		}
		out.Results = append(out.Results, r)
	}
	return out, nil
}

// CancelMessageMoveTask ends a task. What it has moved stays moved.
func (s *Service) CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput) (*sqs.CancelMessageMoveTaskOutput, error) {
	var handle struct{ TaskID, SourceArn string }
	raw, err := base64.StdEncoding.DecodeString(*in.TaskHandle)
	if err != nil || json.Unmarshal(raw, &handle) != nil || handle.TaskID == "" {
		return nil, invalid("Value for parameter TaskHandle is invalid.")
	}
	if _, err := s.movable(ctx, handle.SourceArn, "SourceArn"); err != nil {
		return nil, err
	}
	s.moves.mu.Lock()
	defer s.moves.mu.Unlock()
	t := s.moves.tasks[handle.TaskID]
	if t == nil || !t.active() {
		return nil, noResource("Task does not exist.")
	}
	t.status = moveCancelling
	t.cancel()
	return &sqs.CancelMessageMoveTaskOutput{ApproximateNumberOfMessagesMoved: t.moved}, nil
}
