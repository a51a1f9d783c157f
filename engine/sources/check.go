package sources

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// Source is what an ARN names that a mapping reads.
type Source struct {
	catalog.Scope
	ARN      string
	Service  string // "kinesis", "dynamodb" or "sqs"
	Name     string // of the stream or queue
	Consumer bool   // the ARN is that of a consumer of the stream
}

// ParseSource reads the ARN of a source, or says that the engine does not poll it.
func ParseSource(arn string) (Source, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return Source{}, catalog.Invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source: %s", arn)
	}
	s := Source{Scope: catalog.Scope{Region: parts[3], Account: parts[4]}, ARN: arn, Service: parts[2], Name: parts[5]}
	var ok bool
	switch s.Service {
	case "kinesis":
		if s.Name, ok = strings.CutPrefix(s.Name, "stream/"); ok {
			s.Name, _, s.Consumer = strings.Cut(s.Name, "/consumer/")
		}
	case "dynamodb":
		ok = strings.HasPrefix(s.Name, "table/") && strings.Contains(s.Name, "/stream/")
	case "sqs":
		ok = !strings.ContainsAny(s.Name, ":/")
	case "kafka", "mq", "rds", "docdb":
		return s, catalog.Invalid("Event sources of the kind %s are not supported by the local engine: it polls Kinesis, DynamoDB streams and SQS. Source: %s", s.Service, arn)
	default:
		ok = false
	}
	if !ok {
		return s, catalog.Invalid("Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source: %s", arn)
	}
	return s, nil
}

// FIFO tells whether the source is a queue that keeps the order of messages.
func (s Source) FIFO() bool { return s.Service == "sqs" && strings.HasSuffix(s.Name, ".fifo") }

// CheckOwner refuses a source of another account or region than the function's.
func (s Source) CheckOwner(function catalog.Scope) error {
	switch {
	case s.Scope == function:
		return nil
	case s.Region != function.Region:
		return catalog.Invalid("The event source must be in the same region as the function: %s is not in %s.", s.ARN, function.Region)
	}
	return s.denied("ReceiveMessage")
}

// denied is the error that AWS gives for a source that the role may not read.
func (s Source) denied(action string) error {
	if s.Service == "sqs" {
		return catalog.Invalid("The function execution role does not have permissions to call %s on SQS", action)
	}
	return catalog.Invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in IAM.", s.ARN)
}

// actions are what the function's role must be allowed to do with a source.
func (s Source) actions() []string {
	switch {
	case s.Consumer:
		return []string{"kinesis:SubscribeToShard", "kinesis:DescribeStreamConsumer"}
	case s.Service == "sqs":
		return []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
	}
	return []string{s.Service + ":GetRecords", s.Service + ":GetShardIterator", s.Service + ":DescribeStream"}
}

// permitted returns the error that AWS gives for a source that the function's role may
// not read, as far as the role is known.
func (m *Manager) permitted(function catalog.Ref, arn string) error {
	source, err := ParseSource(arn)
	if err != nil {
		return err
	}
	f, err := m.Catalog.Function(function)
	if m.Role == nil || err != nil {
		return nil //nolint:nilerr // without a function it is the call that fails
	}
	policy := m.Role(aws.ToString(f.Latest.Config.Role))
	for _, action := range source.actions() {
		if !policy.Allows(action, arn) {
			return source.denied(strings.TrimPrefix(action, "sqs:"))
		}
	}
	return nil
}

// Check returns the error that AWS gives for a source which does not exist, or which
// the function's role may not read; timeout is the function's.
func (m *Manager) Check(ctx context.Context, arn string, function catalog.Ref, timeout time.Duration) error {
	if err := m.permitted(function, arn); err != nil {
		return err
	}
	source, err := ParseSource(arn)
	if err != nil {
		return err
	}
	switch source.Service {
	case "sqs":
		return m.checkQueue(ctx, source, function.Scope, timeout)
	case "dynamodb":
		client, err := m.dynamoClient(ctx, function.Scope)
		if err != nil {
			return err
		}
		out, err := client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn, Limit: aws.Int32(1)})
		if err != nil || out.StreamDescription.StreamStatus == dynamotypes.StreamStatusDisabled {
			return catalog.Invalid("Stream not found: %s", arn)
		}
		return nil
	}
	client, err := m.kinesisClient(ctx, function.Scope)
	if err != nil {
		return err
	}
	if source.Consumer {
		if _, err := client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: &arn}); err != nil {
			return catalog.Invalid("Stream consumer not found: %s", arn)
		}
		return nil
	}
	if _, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &source.Name}); err != nil {
		return catalog.Invalid("Stream not found: %s", arn)
	}
	return nil
}

func (m *Manager) checkQueue(ctx context.Context, source Source, scope catalog.Scope, timeout time.Duration) error {
	q, err := m.openQueue(ctx, source, scope)
	if err != nil {
		return catalog.Invalid("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
	}
	visibility, err := q.visibility(ctx)
	if err != nil {
		return fmt.Errorf("read the visibility timeout of queue %s: %w", source.Name, err)
	}
	if visibility < timeout {
		return catalog.Invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", int(visibility.Seconds()), int(timeout.Seconds()))
	}
	return nil
}

// open makes what reads the source of a poller's mapping.
func (m *Manager) open(ctx context.Context, p *poller) (work, error) {
	source, err := ParseSource(*p.mapping.Config.EventSourceArn)
	if err != nil {
		return nil, err
	}
	if source.Service == "sqs" {
		q, err := m.openQueue(ctx, source, p.mapping.Scope)
		if err != nil {
			return nil, err
		}
		return newQueuePoller(p, q), nil
	}
	sp := &streamPoller{poller: p, look: make(chan struct{}, 1), reading: map[string]*reader{}}
	records := recordSource{arn: source.ARN, region: p.mapping.Region, role: p.role}
	if source.Service == "dynamodb" {
		client, err := m.dynamoClient(ctx, p.mapping.Scope)
		sp.stream = &dynamoStream{client: client, source: records}
		return sp, err
	}
	client, err := m.kinesisClient(ctx, p.mapping.Scope)
	if err != nil {
		return nil, err
	}
	stream := &kinesisStream{client: client, name: source.Name, source: records}
	sp.stream = stream
	if source.Consumer {
		sp.stream = &fanoutStream{kinesisStream: stream, consumer: source.ARN}
	} else {
		sp.watch = m.Watch
	}
	return sp, nil
}

func (m *Manager) kinesisClient(ctx context.Context, scope catalog.Scope) (*kinesis.Client, error) {
	r, err := m.Route(ctx, "kinesis", scope)
	if err != nil {
		return nil, err
	}
	return kinesis.NewFromConfig(r.Config, func(o *kinesis.Options) { o.BaseEndpoint = r.Endpoint(o.BaseEndpoint) }), nil
}

func (m *Manager) dynamoClient(ctx context.Context, scope catalog.Scope) (*dynamodbstreams.Client, error) {
	r, err := m.Route(ctx, "dynamodb", scope)
	if err != nil {
		return nil, err
	}
	return dynamodbstreams.NewFromConfig(r.Config, func(o *dynamodbstreams.Options) { o.BaseEndpoint = r.Endpoint(o.BaseEndpoint) }), nil
}

// openQueue finds a queue.
func (m *Manager) openQueue(ctx context.Context, source Source, scope catalog.Scope) (*queue, error) {
	r, err := m.Route(ctx, "sqs", scope)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(r.Config, func(o *sqs.Options) {
		o.BaseEndpoint = r.Endpoint(o.BaseEndpoint)
		o.RetryMaxAttempts = 1
	})
	in := &sqs.GetQueueUrlInput{QueueName: &source.Name}
	if !m.Elsewhere("sqs") { // others may name accounts as they like
		in.QueueOwnerAWSAccountId = &source.Account
	}
	out, err := client.GetQueueUrl(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("find queue %s: %w", source.Name, err)
	}
	source.Region = scope.Region
	return &queue{client: client, url: *out.QueueUrl, source: source}, nil
}
