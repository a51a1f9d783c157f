package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxMessage is the largest message, and the largest batch, in bytes.
const maxMessage = 1 << 20

// rules are the attributes of a queue that decide something.
type rules struct {
	visibility, delay, retention, wait int64 // ms
	size                               int   // bytes
	content                            bool  // ContentBasedDeduplication
	perGroup                           bool  // duplicates are looked for in a group only
	deadLetters                        *redrivePolicy
}

// redrivePolicy is the attribute RedrivePolicy.
type redrivePolicy struct {
	target     ref
	maxReceive uint32
}

// number is an attribute whose value is a whole number.
type number struct{ least, most, standard int }

var numbers = map[string]number{
	"DelaySeconds":                  {0, 900, 0},
	"MaximumMessageSize":            {1024, maxMessage, maxMessage},
	"MessageRetentionPeriod":        {60, 1209600, 345600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43200, 30},
	"KmsDataKeyReusePeriodSeconds":  {60, 86400, 300},
}

// choices are attributes that have one of a few values.
var choices = map[string][]string{
	"FifoQueue":                 {"true"},
	"ContentBasedDeduplication": {"true", "false"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
	"SqsManagedSseEnabled":      {"true", "false"},
}

// texts are attributes that are not shown when they are empty.
var texts = []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"}

// derived are attributes that can be read only.
var derived = []string{
	"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp",
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
}

// defaults are the attributes that a queue has in any case.
func defaults(fifo bool) map[string]string {
	all := map[string]string{"SqsManagedSseEnabled": "true"}
	for name, n := range numbers {
		if name != "KmsDataKeyReusePeriodSeconds" {
			all[name] = strconv.Itoa(n.standard)
		}
	}
	if fifo {
		all["FifoQueue"], all["ContentBasedDeduplication"] = "true", "false"
		all["DeduplicationScope"], all["FifoThroughputLimit"] = "queue", "perQueue"
	}
	return all
}

// checkAttributes returns what a queue's attributes are after a change.
func (s *Service) checkAttributes(r ref, old, changes map[string]string, fifo bool) (map[string]string, error) {
	all := maps.Clone(old)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		value := changes[name]
		if err := s.checkAttribute(r, name, value, fifo); err != nil {
			return nil, err
		}
		all[name] = value
		if n, ok := numbers[name]; ok && value == "" {
			all[name] = strconv.Itoa(n.standard)
		}
		if slices.Contains(texts, name) && value == "" {
			delete(all, name)
		}
	}
	switch {
	case changes["KmsMasterKeyId"] != "" && changes["SqsManagedSseEnabled"] == "true":
		return nil, badValue("SqsManagedSseEnabled", "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	case changes["KmsMasterKeyId"] != "":
		all["SqsManagedSseEnabled"] = "false"
	case changes["SqsManagedSseEnabled"] == "true":
		delete(all, "KmsMasterKeyId")
	}
	if all["KmsDataKeyReusePeriodSeconds"] == "300" {
		delete(all, "KmsDataKeyReusePeriodSeconds")
	}
	if all["FifoThroughputLimit"] == "perMessageGroupId" && all["DeduplicationScope"] != "messageGroup" {
		return nil, badValue("FifoThroughputLimit", "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return all, nil
}

func (s *Service) checkAttribute(r ref, name, value string, fifo bool) error {
	n, isNumber := numbers[name]
	values, isChoice := choices[name]
	switch {
	case !fifo && (name == "DeduplicationScope" || name == "FifoThroughputLimit"):
		return badName("You can specify the %s only when FifoQueue is set to true.", name)
	case !isNumber && !isChoice && !slices.Contains(texts, name), !fifo && (name == "FifoQueue" || name == "ContentBasedDeduplication"):
		return badName("Unknown Attribute %s.", name)
	case isNumber && value != "":
		if v, err := strconv.Atoi(value); err != nil || v < n.least || v > n.most {
			return badValue(name, "")
		}
	case isChoice && !slices.Contains(values, value):
		return badValue(name, "")
	case name == "RedrivePolicy" && value != "":
		return s.checkRedrivePolicy(r, value)
	case name == "RedriveAllowPolicy" && value != "":
		return checkAllowPolicy(value)
	case name == "Policy" && value != "":
		if !json.Valid([]byte(value)) {
			return badValue(name, "")
		}
	}
	return nil
}

func badName(format string, args ...any) error {
	return &types.InvalidAttributeName{Message: aws.String(fmt.Sprintf(format, args...))}
}

func badValue(name, reason string) error {
	message := "Invalid value for the parameter " + name + "."
	if reason != "" {
		message += " Reason: " + reason
	}
	return &types.InvalidAttributeValue{Message: &message}
}

// parseRules reads attributes that have been checked.
func parseRules(attributes map[string]string) (r rules, err error) {
	ms := func(name string) int64 {
		n, e := strconv.Atoi(attributes[name])
		if e != nil && err == nil {
			err = fmt.Errorf("attribute %s: %w", name, e)
		}
		return seconds(n)
	}
	r = rules{
		visibility: ms("VisibilityTimeout"), delay: ms("DelaySeconds"), retention: ms("MessageRetentionPeriod"),
		wait: ms("ReceiveMessageWaitTimeSeconds"), size: int(ms("MaximumMessageSize") / 1000),
		content: attributes["ContentBasedDeduplication"] == "true", perGroup: attributes["DeduplicationScope"] == "messageGroup",
	}
	if policy := attributes["RedrivePolicy"]; policy != "" {
		r.deadLetters, err = parseRedrivePolicy(policy)
	}
	return r, err
}

// SetQueueAttributes changes attributes of a queue.
func (s *Service) SetQueueAttributes(ctx context.Context, in *sqs.SetQueueAttributesInput) (*sqs.SetQueueAttributesOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if value, ok := in.Attributes["FifoQueue"]; ok && q.fifo() && value != "true" {
		return nil, badValue("FifoQueue", "Modifying queue type is not supported.")
	}
	before, _ := q.settings()
	err = q.change(ctx, func(d *document) (err error) {
		d.Attributes, err = s.checkAttributes(q.ref, d.Attributes, in.Attributes, q.fifo())
		d.Modified = s.clock.Now().Unix()
		return err
	})
	if err != nil {
		return nil, err
	}
	if after, rules := q.settings(); q.fifo() && before.Attributes["DelaySeconds"] != after.Attributes["DelaySeconds"] {
		q.delayAll(rules.delay)
	}
	return &sqs.SetQueueAttributesOutput{}, nil
}

// delayAll gives messages that are delayed another delay: that of a FIFO queue is the
// queue's and not the messages' own.
func (q *queue) delayAll(delay int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range slices.Clone(q.waiting) {
		if e.stage == delayed {
			e.due = e.sent + delay
			q.move(e, delayed)
			q.note(e)
		}
	}
	q.promote(q.s.millis())
	q.waiters.wake()
}

// GetQueueAttributes returns the attributes asked for.
func (s *Service) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	q, err := s.find(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := q.attributes()
	out := &sqs.GetQueueAttributesOutput{}
	for _, name := range in.AttributeNames {
		switch value, ok := all[string(name)]; {
		case name == types.QueueAttributeNameAll:
			out.Attributes = all
			return out, nil
		case ok && out.Attributes == nil:
			out.Attributes = map[string]string{string(name): value}
		case ok:
			out.Attributes[string(name)] = value
		case !known(string(name)):
			return nil, badName("Unknown Attribute %s.", name)
		}
	}
	return out, nil
}

func known(name string) bool {
	_, isNumber := numbers[name]
	_, isChoice := choices[name]
	return isNumber || isChoice || slices.Contains(texts, name) || slices.Contains(derived, name)
}

// attributes are all attributes of a queue, as they are now.
func (q *queue) attributes() map[string]string {
	now := q.s.millis()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(now)
	q.promote(now)
	all := maps.Clone(q.doc.Attributes)
	all["QueueArn"] = q.arn()
	for name, value := range map[string]int64{
		"CreatedTimestamp": q.doc.Created, "LastModifiedTimestamp": q.doc.Modified,
		"ApproximateNumberOfMessages":           int64(q.counts[visible]),
		"ApproximateNumberOfMessagesNotVisible": int64(q.counts[inFlight]),
		"ApproximateNumberOfMessagesDelayed":    int64(q.counts[delayed]),
	} {
		all[name] = strconv.FormatInt(value, 10)
	}
	return all
}
