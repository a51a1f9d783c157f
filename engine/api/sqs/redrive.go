package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// parseRedrivePolicy reads the attribute RedrivePolicy.
func parseRedrivePolicy(text string) (*redrivePolicy, error) {
	var policy struct {
		Target     string          `json:"deadLetterTargetArn"`
		MaxReceive json.RawMessage `json:"maxReceiveCount"` // a number, or one in quotes
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil, invalidValue(text, "RedrivePolicy", "Redrive policy is not a valid JSON map.")
	}
	if policy.Target == "" {
		return nil, invalidValue(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if policy.MaxReceive == nil {
		return nil, invalidValue(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	count := strings.Trim(string(policy.MaxReceive), `"`)
	n, err := strconv.ParseUint(count, 10, 32)
	if err != nil || n < 1 || n > 1000 {
		return nil, invalidValue(text, "RedrivePolicy", "Invalid value for maxReceiveCount: %s, valid values are from 1 to 1000 both inclusive.", count)
	}
	target, ok := parseARN(policy.Target)
	if !ok {
		return nil, invalidValue(text, "RedrivePolicy", "Invalid value for deadLetterTargetArn.")
	}
	return &redrivePolicy{target: target, maxReceive: uint32(n)}, nil
}

// checkRedrivePolicy tells whether a queue may have a redrive policy.
func (s *Service) checkRedrivePolicy(r ref, text string) error {
	policy, err := parseRedrivePolicy(text)
	if err != nil {
		return err
	}
	target := s.at(policy.target)
	switch {
	case policy.target == r, target == nil:
		return invalidValue(text, "RedrivePolicy", "Dead letter target does not exist.")
	case policy.target.fifo() != r.fifo():
		return invalidValue(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
	case policy.target.scope() != r.scope():
		return invalidValue(text, "RedrivePolicy", "Dead-letter queue must be in the same account and region as the source.")
	}
	d, _ := target.settings()
	if allow := d.Attributes["RedriveAllowPolicy"]; allow != "" && !allows(allow, r.arn()) {
		return invalidValue(text, "RedrivePolicy", "Queue %s is not allowed to use queue %s as a dead letter queue.", r.arn(), policy.target.arn())
	}
	return nil
}

// allowPolicy is the attribute RedriveAllowPolicy.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func checkAllowPolicy(text string) error {
	var policy allowPolicy
	reason := ""
	switch err := json.Unmarshal([]byte(text), &policy); {
	case err != nil:
		reason = "Amazon SQS can't create the redrive allow policy, as it is not a valid JSON map."
	case !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, policy.Permission):
		reason = "Amazon SQS can't create the redrive allow policy. Redrive permission must be one of allowAll, denyAll and byQueue."
	case policy.Permission == "byQueue" && (len(policy.Sources) == 0 || len(policy.Sources) > 10):
		reason = "Amazon SQS can't create the redrive allow policy. Specify 1 to 10 sourceQueueArns with byQueue."
	case policy.Permission != "byQueue" && len(policy.Sources) > 0:
		reason = "Amazon SQS can't create the redrive allow policy. Specify sourceQueueArns only with byQueue."
	}
	if reason != "" {
		return invalidValue(text, "RedriveAllowPolicy", "%s", reason)
	}
	return nil
}

// allows tells whether a queue with that policy takes dead letters of a source.
func allows(text, source string) bool {
	var policy allowPolicy
	_ = json.Unmarshal([]byte(text), &policy) // it was checked when it was set
	return policy.Permission == "allowAll" || policy.Permission == "byQueue" && slices.Contains(policy.Sources, source)
}

// ListDeadLetterSourceQueues lists the queues whose dead letters go to a queue.
func (s *Service) ListDeadLetterSourceQueues(ctx context.Context, in *sqs.ListDeadLetterSourceQueuesInput) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	urls, next, err := pageOf(s.sources(q.ref), wire.CallerFrom(ctx), in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	if urls == nil {
		urls = []string{}
	}
	return &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: urls, NextToken: next}, nil
}

// sources are the queues whose dead letters go to a queue.
func (s *Service) sources(target ref) (found []ref) {
	s.mu.RLock()
	all := make([]*queue, 0, len(s.queues))
	for _, q := range s.queues {
		all = append(all, q)
	}
	s.mu.RUnlock()
	for _, q := range all {
		if _, rules := q.settings(); rules.deadLetters != nil && rules.deadLetters.target == target {
			found = append(found, q.ref)
		}
	}
	return found
}

// bury moves messages, which are leaving, to the dead-letter queue. What cannot be moved
// is visible again.
func (q *queue) bury(ctx context.Context, dead []*entry) {
	ctx = context.WithoutCancel(ctx)
	_, rules := q.settings()
	var err error = errNoQueue
	if rules.deadLetters != nil {
		if target := q.s.at(rules.deadLetters.target); target != nil {
			err = q.transfer(ctx, target, dead, func(m *message) {
				m.source = q.arn()
				m.due = 0
				if q.fifo() { // its time begins anew
					m.sent = q.s.millis()
				}
			})
		}
	}
	if err != nil {
		q.s.log.Warn("move messages to the dead-letter queue", "queue", q.arn(), "err", err)
	}
}

// transfer moves messages, which are leaving, to another queue: first they are there,
// then not here any more. A message that came there before a crash is not moved twice.
func (q *queue) transfer(ctx context.Context, target *queue, entries []*entry, edit func(*message)) (err error) {
	defer func() {
		if err != nil {
			q.stay(entries)
		}
	}()
	if err := target.load(ctx); err != nil {
		return err
	}
	if err := target.openStream(ctx); err != nil {
		return err
	}
	packs := map[*pack][][]byte{}
	var messages []*message
	for _, e := range entries {
		m, err := q.body(ctx, e, packs)
		if err != nil {
			return err
		}
		q.mu.Lock()
		m.state = e.state
		q.mu.Unlock()
		m.number = 0
		edit(m)
		if m.source == "" || !target.holds(m) {
			messages = append(messages, m)
		}
	}
	for len(messages) > 0 {
		if messages, err = target.write(messages, false); err != nil {
			return err
		}
	}
	q.mu.Lock()
	w := q.remove(entries)
	q.mu.Unlock()
	if err := q.removed(w, entries); err != nil {
		return fmt.Errorf("move to queue %s: %w", target.name, err)
	}
	return nil
}

// holds tells whether a dead letter is here already.
func (q *queue) holds(m *message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.letters[m.id]
}

// stay makes messages visible again that could not leave.
func (q *queue) stay(entries []*entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range entries {
		if e.stage == leaving {
			q.move(e, visible)
		}
	}
}
