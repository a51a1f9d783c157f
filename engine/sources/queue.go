package sources

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Numbers of AWS's pollers of queues.
const (
	firstCalls   = 5    // at a time, at first
	moreCalls    = 5    // a second, as long as all are in use: 300 a minute
	mostCalls    = 1000 // at a time
	pollerCalls  = 10   // at a time that each provisioned poller makes
	minPollers   = 2    // unless told
	maxPollers   = 200  // unless told
	receiveMost  = 10   // messages at once
	receiveWait  = 20   // seconds
	visibleEvery = time.Minute
)

// queue is an SQS queue.
type queue struct {
	client *sqs.Client
	url    string
	source Source
}

// visibility is how long messages that were received stay invisible.
func (q *queue) visibility(ctx context.Context) (time.Duration, error) {
	n, err := q.number(ctx, types.QueueAttributeNameVisibilityTimeout)
	return time.Duration(n) * time.Second, err
}

func (q *queue) number(ctx context.Context, name types.QueueAttributeName) (int, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{name}})
	if err != nil {
		return 0, fmt.Errorf("read attribute %s of queue %s: %w", name, q.source.Name, err)
	}
	n, err := strconv.Atoi(out.Attributes[string(name)])
	if err != nil {
		return 0, fmt.Errorf("read attribute %s of queue %s: %w", name, q.source.Name, err)
	}
	return n, nil
}

// queuePoller feeds a function from a queue. One receive is under way at a time; calls
// of the function run beside each other, as many as AWS would run. Messages of one
// group of a FIFO queue are in order because the queue holds back what follows those
// that are being handled.
type queuePoller struct {
	*poller
	*queue
	least, most int // calls at a time: at first, and at most

	mu        sync.Mutex
	calls     int
	limit     int       // of calls at a time, for now
	raised    time.Time // when the limit was raised last
	freed     chan struct{}
	timeout   time.Duration // visibility of messages
	timeoutAt time.Time     // when that was read
}

func newQueuePoller(p *poller, q *queue) *queuePoller {
	least, most := firstCalls, mostCalls
	if c := p.mapping.Config.ScalingConfig; c != nil && c.MaximumConcurrency != nil {
		most = int(*c.MaximumConcurrency)
	}
	if c := p.mapping.Config.ProvisionedPollerConfig; c != nil {
		least = pollerCalls * max(minPollers, int(aws.ToInt32(c.MinimumPollers)))
		most = max(least, pollerCalls*int(aws.ToInt32(c.MaximumPollers)))
		if aws.ToInt32(c.MaximumPollers) == 0 {
			most = max(least, pollerCalls*maxPollers)
		}
	}
	least = min(least, most)
	return &queuePoller{poller: p, queue: q, least: least, most: most, limit: least, freed: make(chan struct{}, 1)}
}

// run receives until ctx ends, and then waits for the calls that are running.
func (p *queuePoller) run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for ctx.Err() == nil {
		if err := p.hold(ctx); err != nil {
			p.started()
			pause(ctx, p.manager.leases.interval())
			continue
		}
		p.started()
		if !p.enter(ctx) {
			return
		}
		batch, err := p.gather(ctx)
		if err != nil || len(batch) == 0 {
			p.leave()
			if err != nil {
				pause(ctx, p.failed(ctx, err))
			}
			continue
		}
		calls.Go(func() {
			defer p.leave()
			p.handle(ctx, batch)
		})
	}
}

// hold makes sure that no other engine polls for the mapping: the limit of its calls is
// one for all engines.
func (p *queuePoller) hold(ctx context.Context) error {
	_, err := p.manager.leases.claim(ctx, p.manager.checkpoints, *p.mapping.Config.UUID+".queue", "")
	if err != nil {
		return err
	}
	p.mu.Lock()
	due := time.Since(p.timeoutAt) > visibleEvery
	p.mu.Unlock()
	if !due {
		return nil
	}
	timeout, err := p.visibility(ctx)
	if err != nil {
		p.failed(ctx, err)
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timeout, p.timeoutAt = timeout, time.Now()
	return nil
}

// enter waits until one more call may run. As long as all that may run do, the limit
// is raised little by little.
func (p *queuePoller) enter(ctx context.Context) bool {
	for {
		p.mu.Lock()
		if p.calls >= p.limit && p.limit < p.most && time.Since(p.raised) >= time.Second/moreCalls {
			p.limit++
			p.raised = time.Now()
		}
		if p.calls < p.limit {
			p.calls++
			p.mu.Unlock()
			return true
		}
		p.mu.Unlock()
		timer := time.NewTimer(time.Second / moreCalls)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-p.freed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (p *queuePoller) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls--
	notify(p.freed)
}

// slower lowers the limit of calls, for a function that is throttled.
func (p *queuePoller) slower() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit, p.raised = max(1, min(p.limit, p.calls)-1), time.Now()
}

// idle sets the limit back where it began.
func (p *queuePoller) idle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == 1 { // the one that is receiving
		p.limit = p.least
	}
}

// gather receives the messages of a batch: what there is, or what comes within the
// batching window.
func (p *queuePoller) gather(ctx context.Context) (b batchOfMessages, err error) {
	size := int(aws.ToInt32(p.mapping.Config.BatchSize))
	window := time.Duration(aws.ToInt32(p.mapping.Config.MaximumBatchingWindowInSeconds)) * time.Second
	var deadline time.Time
	bytes := 0
	for {
		wait := time.Duration(receiveWait) * time.Second
		if len(b) > 0 {
			wait = min(wait, deadline.Sub(p.manager.Clock.Now()))
		}
		if wait < time.Second { // SQS knows whole seconds only
			pause(ctx, wait)
			wait = 0
		}
		found, err := p.receive(ctx, min(receiveMost, size-len(b)), wait)
		if err != nil {
			p.release(b)
			return nil, err
		}
		if len(found) == 0 && len(b) == 0 {
			p.idle()
			return nil, nil
		}
		if len(b) == 0 {
			deadline = p.manager.Clock.Now().Add(window)
		}
		b = append(b, found...)
		for _, m := range found {
			bytes += len(m.event)
		}
		// Ten more messages may be as large as a message may be.
		if len(b) >= size || bytes+receiveMost*maxMessage > maxBatchBytes || !p.manager.Clock.Now().Before(deadline) {
			return b, nil
		}
	}
}

// maxMessage is how large a message usually is at most, in bytes.
const maxMessage = 256 << 10

func (p *queuePoller) receive(ctx context.Context, most int, wait time.Duration) (batchOfMessages, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &p.url, MaxNumberOfMessages: int32(most), WaitTimeSeconds: int32(max(0, wait.Round(time.Second).Seconds())),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}, //nolint:staticcheck // for servers that know nothing newer
	}
	at := time.Now()
	out, err := p.client.ReceiveMessage(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("receive from queue %s: %w", p.source.Name, err)
	}
	p.recovered()
	p.meter.polled(len(out.Messages))
	if in.WaitTimeSeconds > 0 {
		at = time.Now()
	}
	b := make(batchOfMessages, len(out.Messages))
	for i, m := range out.Messages {
		if b[i], err = p.source.message(m, at); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// lag tells how many messages wait, and how many are being handled.
func (p *queuePoller) lag(ctx context.Context) []Lag {
	waiting, err1 := p.number(ctx, types.QueueAttributeNameApproximateNumberOfMessages)
	handled, err2 := p.number(ctx, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
	if err1 != nil || err2 != nil {
		return nil
	}
	return []Lag{{Records: waiting, InFlight: handled}}
}
