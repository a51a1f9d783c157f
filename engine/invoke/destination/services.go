package destination

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
)

// toQueue sends a message to an SQS queue.
func (s *Sender) toQueue(ctx context.Context, to arn.ARN, m *Message) error {
	r, err := s.route(ctx, to, m)
	if err != nil {
		return err
	}
	client := sqs.NewFromConfig(r.Config, func(o *sqs.Options) { o.BaseEndpoint = r.Endpoint(o.BaseEndpoint) })
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &to.Resource, QueueOwnerAWSAccountId: &to.AccountID})
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String(string(m.Body))}
	if m.TraceID != "" { // so that a loop by way of the queue is a chain
		in.MessageSystemAttributes = map[string]sqstypes.MessageSystemAttributeValue{
			string(sqstypes.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &m.TraceID},
		}
	}
	for _, a := range m.attributes() {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{}
		}
		in.MessageAttributes[a[0]] = sqstypes.MessageAttributeValue{DataType: &a[1], StringValue: &a[2]}
	}
	_, err = client.SendMessage(ctx, in)
	return err
}

// toTopic publishes a message on an SNS topic.
func (s *Sender) toTopic(ctx context.Context, to arn.ARN, m *Message) error {
	r, err := s.route(ctx, to, m)
	if err != nil {
		return err
	}
	client := sns.NewFromConfig(r.Config, func(o *sns.Options) { o.BaseEndpoint = r.Endpoint(o.BaseEndpoint) })
	in := &sns.PublishInput{TopicArn: &m.ARN, Message: aws.String(string(m.Body))}
	for _, a := range m.attributes() {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]snstypes.MessageAttributeValue{}
		}
		in.MessageAttributes[a[0]] = snstypes.MessageAttributeValue{DataType: &a[1], StringValue: &a[2]}
	}
	_, err = client.Publish(ctx, in)
	return err
}

// toBus puts an event on an EventBridge bus.
func (s *Sender) toBus(ctx context.Context, to arn.ARN, m *Message) error {
	r, err := s.route(ctx, to, m)
	if err != nil {
		return err
	}
	result := "Failure"
	if m.Success {
		result = "Success"
	}
	client := eventbridge.NewFromConfig(r.Config, func(o *eventbridge.Options) { o.BaseEndpoint = r.Endpoint(o.BaseEndpoint) })
	out, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
		EventBusName: aws.String(strings.TrimPrefix(to.Resource, "event-bus/")),
		Source:       aws.String("lambda"),
		DetailType:   aws.String("Lambda Function Invocation Result - " + result),
		Resources:    []string{m.ARN, m.FunctionARN},
		Detail:       aws.String(string(m.Body)),
		Time:         &m.At,
	}}})
	if err == nil && out.FailedEntryCount > 0 {
		failed := out.Entries[0]
		err = fmt.Errorf("the event was not taken: %s: %s", aws.ToString(failed.ErrorCode), aws.ToString(failed.ErrorMessage))
	}
	return err
}

// toBucket writes an object into an S3 bucket, under AWS's key.
func (s *Sender) toBucket(ctx context.Context, to arn.ARN, m *Message) error {
	r, err := s.route(ctx, to, m)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(r.Config, func(o *s3.Options) {
		o.BaseEndpoint = r.Endpoint(o.BaseEndpoint)
		o.UsePathStyle = o.BaseEndpoint != nil
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	})
	key := m.Key
	if key == "" {
		at := m.At.UTC()
		// The same record has the same key, should it be sent twice.
		id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(m.RequestID))
		key = fmt.Sprintf("aws/lambda/async/%s/%s/%s-%s", m.Function.Name, at.Format("2006/01/02"), at.Format("2006-01-02T15.04.05"), id)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &to.Resource, Key: &key, Body: bytes.NewReader(m.Body), ContentType: aws.String("application/json")})
	return err
}
