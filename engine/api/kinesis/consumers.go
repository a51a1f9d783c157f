package kinesis

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// maxConsumers is how many consumers a stream may have.
const maxConsumers = 20

// consumer reads a stream by enhanced fan-out: it subscribes to shards.
type consumer struct {
	Name    string
	Created time.Time // whole seconds
	Tags    map[string]string
	Policy  string
}

// key names a consumer and tells it from those that had its name before.
func (c *consumer) key() string { return c.Name + ":" + strconv.FormatInt(c.Created.Unix(), 10) }

func (c *consumer) arn(r streamRef) *string { return aws.String(r.arn() + "/consumer/" + c.key()) }

func (c *consumer) describe(r streamRef) types.Consumer {
	return types.Consumer{ConsumerName: &c.Name, ConsumerARN: c.arn(r), ConsumerStatus: types.ConsumerStatusActive, ConsumerCreationTimestamp: &c.Created}
}

// consumer returns the consumer of that key, or nil.
func (d *document) consumer(key string) *consumer {
	i := slices.IndexFunc(d.Consumers, func(c consumer) bool { return c.key() == key })
	if i < 0 {
		return nil
	}
	return &d.Consumers[i]
}

// RegisterStreamConsumer makes a consumer, which is active at once.
func (s *Service) RegisterStreamConsumer(ctx context.Context, in *kinesis.RegisterStreamConsumerInput) (*kinesis.RegisterStreamConsumerOutput, error) {
	st, err := s.find(ctx, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	c := consumer{Name: *in.ConsumerName, Created: time.Now().UTC().Truncate(time.Second), Tags: in.Tags}
	if err := checkTags(in.Tags, st.arn()); err != nil {
		return nil, err
	}
	err = s.change(ctx, st, func(d *document) error {
		if slices.ContainsFunc(d.Consumers, func(other consumer) bool { return other.Name == c.Name }) {
			return inUse("Consumer %s under stream %s already exists for account %s.", c.Name, st.arn(), st.account)
		}
		if len(d.Consumers) >= maxConsumers {
			return tooMany("Stream %s under account %s has already the maximum number of consumers, %d.", d.Name, d.Account, maxConsumers)
		}
		d.Consumers = append(slices.Clone(d.Consumers), c)
		slices.SortFunc(d.Consumers, func(a, b consumer) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	described := c.describe(st.streamRef)
	return &kinesis.RegisterStreamConsumerOutput{Consumer: &described}, nil
}

// DeregisterStreamConsumer deletes a consumer and ends its subscriptions.
func (s *Service) DeregisterStreamConsumer(ctx context.Context, in *kinesis.DeregisterStreamConsumerInput) (*kinesis.DeregisterStreamConsumerOutput, error) {
	st, key, err := s.findConsumer(ctx, in.StreamARN, in.ConsumerName, in.ConsumerARN)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, st, func(d *document) error {
		if d.consumer(key) == nil {
			return noConsumer(key, st.account)
		}
		d.Consumers = slices.DeleteFunc(slices.Clone(d.Consumers), func(c consumer) bool { return c.key() == key })
		return nil
	})
	s.watchers.announce(st.streamRef)
	return &kinesis.DeregisterStreamConsumerOutput{}, err
}

// DescribeStreamConsumer describes a consumer.
func (s *Service) DescribeStreamConsumer(ctx context.Context, in *kinesis.DescribeStreamConsumerInput) (*kinesis.DescribeStreamConsumerOutput, error) {
	st, key, err := s.findConsumer(ctx, in.StreamARN, in.ConsumerName, in.ConsumerARN)
	if err != nil {
		return nil, err
	}
	c := st.current.Load().consumer(key)
	if c == nil {
		return nil, noConsumer(key, st.account)
	}
	return &kinesis.DescribeStreamConsumerOutput{ConsumerDescription: &types.ConsumerDescription{
		ConsumerName: &c.Name, ConsumerARN: c.arn(st.streamRef), ConsumerStatus: types.ConsumerStatusActive,
		ConsumerCreationTimestamp: &c.Created, StreamARN: aws.String(st.arn()),
	}}, nil
}

// consumerPage is where a list of consumers goes on. Clients see it in base64.
type consumerPage struct {
	Stream string `json:"s"` // id
	After  string `json:"a"` // name of the last consumer that was listed
	Issued int64  `json:"t"` // Unix milliseconds
}

// ListStreamConsumers lists the consumers of a stream by name.
func (s *Service) ListStreamConsumers(ctx context.Context, in *kinesis.ListStreamConsumersInput) (*kinesis.ListStreamConsumersOutput, error) {
	st, err := s.find(ctx, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if t := in.StreamCreationTimestamp; t != nil && t.Unix() != st.created.Unix() {
		return nil, st.notFound()
	}
	now := s.clock.Now()
	from := consumerPage{Stream: st.id}
	if in.NextToken != nil {
		if err := decodeToken(*in.NextToken, &from); err != nil {
			return nil, err
		}
		if from.Stream != st.id {
			return nil, invalid("NextToken is of another stream.")
		}
		if err := fresh(from.Issued, now); err != nil {
			return nil, err
		}
	}
	consumers := slices.DeleteFunc(slices.Clone(st.current.Load().Consumers), func(c consumer) bool { return c.Name <= from.After })
	consumers, more := page(consumers, in.MaxResults, 100, 10000)
	out := &kinesis.ListStreamConsumersOutput{Consumers: []types.Consumer{}}
	for _, c := range consumers {
		out.Consumers = append(out.Consumers, c.describe(st.streamRef))
	}
	if more {
		from.After, from.Issued = consumers[len(consumers)-1].Name, now.UnixMilli()
		out.NextToken, err = encodeToken(from)
	}
	return out, err
}

// findConsumer resolves the two ways in which a request names a consumer.
func (s *Service) findConsumer(ctx context.Context, streamARN, name, arn *string) (st *stream, key string, err error) {
	if arn != nil {
		r, key, err := parseResource(ctx, *arn)
		if err == nil && key == "" {
			err = invalid("%s is not the ARN of a consumer.", *arn)
		}
		if err != nil {
			return nil, "", err
		}
		st, err := s.find(ctx, nil, aws.String(r.arn()))
		return st, key, err
	}
	if streamARN == nil || name == nil {
		return nil, "", invalid("Either ConsumerARN or both StreamARN and ConsumerName must be given.")
	}
	if st, err = s.find(ctx, nil, streamARN); err != nil {
		return nil, "", err
	}
	for _, c := range st.current.Load().Consumers {
		if c.Name == *name {
			return st, c.key(), nil
		}
	}
	return nil, "", noConsumer(*name, st.account)
}

func noConsumer(key, account string) error {
	name, _, _ := strings.Cut(key, ":")
	return notFound("Consumer %s, account %s not found.", name, account)
}

// parseResource takes apart the ARN of a stream, or of a consumer, of which key is the
// last part.
func parseResource(ctx context.Context, arn string) (r streamRef, key string, err error) {
	if r, err = parseARN(arn); err != nil {
		return r, "", err
	}
	r.name, key, _ = strings.Cut(r.name, "/consumer/")
	return r, key, permit(wire.CallerFrom(ctx), r, arn)
}
