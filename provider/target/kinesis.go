package target

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// ErrNotLocal is the error of a resource that only the engine has.
var ErrNotLocal = errors.New(`the provider's target is "aws", where the engine's own resources do not exist: use aws_kinesis_stream of hashicorp/aws, or target = "local"`)

// LocalKinesis returns the client of the engine's Kinesis for a region; "" is the
// connection's own. The error is ErrNotLocal on AWS.
func (c *Connection) LocalKinesis(region string) (*kinesis.Client, error) {
	switch {
	case c.unknown:
		return nil, ErrUnknown
	case !c.local:
		return nil, ErrNotLocal
	}
	if region == "" {
		region = c.Region
	}
	return kinesis.NewFromConfig(c.config, func(o *kinesis.Options) { o.Region = region }), nil
}
