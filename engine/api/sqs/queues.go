package sqs

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// document is what is kept of a queue beside its messages.
type document struct {
	Incarnation string            `json:"incarnation"`
	Account     string            `json:"account"`
	Region      string            `json:"region"`
	Name        string            `json:"name"`
	Created     int64             `json:"created"`  // s since 1970
	Modified    int64             `json:"modified"` // s since 1970
	Attributes  map[string]string `json:"attributes"`
	Tags        map[string]string `json:"tags,omitempty"`
}

func (d document) ref() ref { return ref{d.Account, d.Region, d.Name} }

// newQueue makes a queue of its document. Nothing is read yet.
func (s *Service) newQueue(d document) (*queue, error) {
	q := &queue{
		ref: d.ref(), s: s, incarnation: d.Incarnation, index: map[uint64]*entry{}, letters: map[uuid.UUID]bool{},
		changed: map[*entry]bool{}, order: &standard{},
	}
	if q.fifo() {
		q.order = newFIFO()
	}
	return q, q.adopt(d)
}

// adopt takes new settings.
func (q *queue) adopt(d document) error {
	rules, err := parseRules(d.Attributes)
	if err != nil {
		return fmt.Errorf("read settings of queue %s: %w", d.Name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.doc, q.rules = d, rules
	return nil
}

// change changes the settings of a queue, on disk and then in use.
func (q *queue) change(ctx context.Context, change func(*document) error) error {
	q.settling.Lock()
	defer q.settling.Unlock()
	d, err := q.s.docs.Update(ctx, q.key(), func(d *document, exists bool) error {
		if !exists || d.Incarnation != q.incarnation {
			return errNoQueue
		}
		return change(d)
	})
	if err != nil {
		return err
	}
	return q.adopt(d)
}

// settings of a queue, which nobody may change.
func (q *queue) settings() (document, rules) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.doc, q.rules
}

var queueName = regexp.MustCompile(`^[\w-]{1,80}$`)

func checkName(name string, fifo bool) error {
	switch short, dotted := strings.CutSuffix(name, ".fifo"); {
	case fifo && (!dotted || len(name) > 80 || !queueName.MatchString(short)):
		return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	case !fifo && !queueName.MatchString(name):
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// CreateQueue makes a queue, or returns the one that there is if it has the attributes asked for.
func (s *Service) CreateQueue(ctx context.Context, in *sqs.CreateQueueInput) (*sqs.CreateQueueOutput, error) {
	caller := wire.CallerFrom(ctx)
	r := ref{account: caller.Account, region: caller.Region, name: *in.QueueName}
	fifo := in.Attributes["FifoQueue"] == "true"
	if err := checkName(r.name, fifo); err != nil {
		return nil, err
	}
	attributes, err := s.checkAttributes(r, defaults(fifo), in.Attributes, fifo)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if q := s.at(r); q != nil {
		d, _ := q.settings()
		for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
			if d.Attributes[name] != attributes[name] {
				return nil, &types.QueueNameExists{Message: aws.String("A queue already exists with the same name and a different value for attribute " + name)}
			}
		}
		return &sqs.CreateQueueOutput{QueueUrl: r.url(caller)}, nil
	}
	now := s.clock.Now().Unix()
	d := document{
		Incarnation: strings.ReplaceAll(uuid.NewString(), "-", "")[:24], Account: r.account, Region: r.region, Name: r.name,
		Created: now, Modified: now, Attributes: attributes, Tags: in.Tags,
	}
	q, err := s.newQueue(d)
	if err != nil {
		return nil, err
	}
	if err := s.docs.Put(ctx, r.key(), d); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.queues[r] = q
	s.mu.Unlock()
	return &sqs.CreateQueueOutput{QueueUrl: r.url(caller)}, nil
}

// GetQueueUrl finds a queue by its name.
func (s *Service) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // AWS's name
	caller := wire.CallerFrom(ctx)
	r := ref{account: caller.Account, region: caller.Region, name: *in.QueueName}
	if in.QueueOwnerAWSAccountId != nil {
		r.account = *in.QueueOwnerAWSAccountId
	}
	q := s.at(r)
	if q == nil {
		return nil, errNoQueue
	}
	if err := q.permits(caller); err != nil {
		return nil, err
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: r.url(caller)}, nil
}

// ListQueues lists the queues of the caller's account and region by name.
func (s *Service) ListQueues(ctx context.Context, in *sqs.ListQueuesInput) (*sqs.ListQueuesOutput, error) {
	caller := wire.CallerFrom(ctx)
	var found []ref
	s.mu.RLock()
	for r := range s.queues {
		if r.scope() == [2]string{caller.Account, caller.Region} && strings.HasPrefix(r.name, aws.ToString(in.QueueNamePrefix)) {
			found = append(found, r)
		}
	}
	s.mu.RUnlock()
	urls, next, err := pageOf(found, caller, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &sqs.ListQueuesOutput{QueueUrls: urls, NextToken: next}, nil
}

// maxPage is how many queues one answer lists at most.
const maxPage = 1000

// pageOf returns the URLs of one page of queues. Only who says how many he wants is told
// how to go on, as on AWS.
func pageOf(found []ref, caller wire.Caller, token *string, limit *int32) (urls []string, next *string, err error) {
	size := maxPage
	if limit != nil {
		if *limit < 1 || *limit > maxPage {
			return nil, nil, invalidValue(*limit, "MaxResults", "Value must be between 1 and 1000.")
		}
		size = int(*limit)
	}
	after, err := base64.StdEncoding.DecodeString(aws.ToString(token))
	if err != nil {
		return nil, nil, invalid("Invalid or expired next token.")
	}
	slices.SortFunc(found, func(a, b ref) int { return strings.Compare(a.name, b.name) })
	found = slices.DeleteFunc(found, func(r ref) bool { return r.name <= string(after) })
	if len(found) > size {
		found = found[:size]
		if limit != nil {
			next = aws.String(base64.StdEncoding.EncodeToString([]byte(found[size-1].name)))
		}
	}
	for _, r := range found {
		urls = append(urls, *r.url(caller))
	}
	return urls, next, nil
}

// DeleteQueue deletes a queue and its messages.
func (s *Service) DeleteQueue(ctx context.Context, in *sqs.DeleteQueueInput) (*sqs.DeleteQueueOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.at(q.ref) != q {
		return nil, errNoQueue
	}
	q.settling.Lock()
	defer q.settling.Unlock()
	if err := s.docs.Delete(ctx, q.key()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.queues, q.ref)
	s.mu.Unlock()
	q.close()
	// A journal that is left is swept at the next start.
	if err := s.js.DeleteStream(context.WithoutCancel(ctx), q.streamName()); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		s.log.Warn("delete journal of queue", "queue", q.arn(), "err", err)
	}
	return &sqs.DeleteQueueOutput{}, nil
}

// close ends all receives that wait.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gone = true
	q.waiters.wakeAll()
}

// sweep deletes journals whose queues are not there any more.
func (s *Service) sweep(ctx context.Context) error {
	known := map[string]bool{}
	for _, d := range s.docs.All() {
		known["SQS_"+d.Incarnation] = true
	}
	names := s.js.StreamNames(ctx, jetstream.WithStreamListSubject("sqs.>"))
	for name := range names.Name() {
		if !known[name] {
			if err := s.js.DeleteStream(ctx, name); err != nil {
				return fmt.Errorf("delete journal %s: %w", name, err)
			}
		}
	}
	if err := names.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return fmt.Errorf("list journals of queues: %w", err)
	}
	return nil
}

// PurgeQueue deletes all messages of a queue.
func (s *Service) PurgeQueue(ctx context.Context, in *sqs.PurgeQueueInput) (*sqs.PurgeQueueOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	var all []*entry
	last := uint64(0)
	for number, e := range q.index {
		last = max(last, number)
		all = append(all, e)
	}
	if len(all) == 0 {
		q.mu.Unlock()
		return &sqs.PurgeQueueOutput{}, nil
	}
	w := q.append(binary.AppendUvarint([]byte{recordPurged}, last), 0)
	q.mu.Unlock()
	q.wait(w)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.landed(w)
	if w.err != nil {
		return nil, fmt.Errorf("purge queue %s: %w", q.name, w.err)
	}
	for _, e := range all {
		if q.index[e.number] == e {
			q.drop(e)
		}
	}
	return &sqs.PurgeQueueOutput{}, nil
}

// maxTags is how many tags a queue can have.
const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("Too many tags added for queue. Maximum number of tags allowed is %d.", maxTags)
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 {
			return invalid("Tag keys must be between 1 and 128 characters in length.")
		}
		if len(value) > 256 {
			return invalid("Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}

// TagQueue adds tags to a queue.
func (s *Service) TagQueue(ctx context.Context, in *sqs.TagQueueInput) (*sqs.TagQueueOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.TagQueueOutput{}, q.change(ctx, func(d *document) error {
		if d.Tags == nil {
			d.Tags = map[string]string{}
		}
		maps.Copy(d.Tags, in.Tags)
		return checkTags(d.Tags)
	})
}

// UntagQueue removes tags of a queue.
func (s *Service) UntagQueue(ctx context.Context, in *sqs.UntagQueueInput) (*sqs.UntagQueueOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqs.UntagQueueOutput{}, q.change(ctx, func(d *document) error {
		for _, key := range in.TagKeys {
			delete(d.Tags, key)
		}
		return nil
	})
}

// ListQueueTags lists the tags of a queue.
func (s *Service) ListQueueTags(ctx context.Context, in *sqs.ListQueueTagsInput) (*sqs.ListQueueTagsOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	d, _ := q.settings()
	out := &sqs.ListQueueTagsOutput{}
	if len(d.Tags) > 0 {
		out.Tags = d.Tags
	}
	return out, nil
}
