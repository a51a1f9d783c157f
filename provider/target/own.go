package target

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// NotLocalError is the error of a resource that only the engine has.
type NotLocalError struct {
	Instead string // the resource of hashicorp/aws that is used on AWS
}

func (e *NotLocalError) Error() string {
	return `the provider's target is "aws", where the engine's own resources do not exist: use ` + e.Instead + ` of hashicorp/aws, or target = "local"`
}

// LocalKinesis returns the client of the engine's Kinesis for a region; "" is the
// connection's own. The error is a NotLocalError on AWS.
func (c *Connection) LocalKinesis(region string) (*kinesis.Client, error) {
	config, err := c.engine(region, "aws_kinesis_stream")
	if err != nil {
		return nil, err
	}
	return kinesis.NewFromConfig(config), nil
}

// LocalSQS does the same for queues.
func (c *Connection) LocalSQS(region string) (*sqs.Client, error) {
	config, err := c.engine(region, "aws_sqs_queue")
	if err != nil {
		return nil, err
	}
	return sqs.NewFromConfig(config), nil
}

// engine is how clients of the engine's own services are configured.
func (c *Connection) engine(region, instead string) (aws.Config, error) {
	switch {
	case c.unknown:
		return aws.Config{}, ErrUnknown
	case !c.local:
		return aws.Config{}, &NotLocalError{instead}
	}
	config := c.config.Copy()
	if region != "" {
		config.Region = region
	} else {
		config.Region = c.Region
	}
	return config, nil
}
