// Package served tells which APIs the engine speaks, and which of their operations it serves.
package served

import (
	"github.com/lambdaform/terraform-provider-lambda/engine/api"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/cloudwatch"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/kinesis"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/logs"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/sqs"
	"github.com/lambdaform/terraform-provider-lambda/engine/api/sts"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service is an API with its operations.
type Service struct {
	Name       string
	Operations []wire.Operation
}

// Services returns the services as the engine binds them.
func Services() ([]Service, error) {
	lambda, err := (&api.Service{}).Wire(nil)
	if err != nil {
		return nil, err
	}
	streams, err := (&kinesis.Service{}).Wire()
	if err != nil {
		return nil, err
	}
	identity, err := sts.Service{}.Wire()
	if err != nil {
		return nil, err
	}
	events, err := (&logs.Service{}).Wire()
	if err != nil {
		return nil, err
	}
	monitoring, err := (&cloudwatch.Service{}).Wire()
	if err != nil {
		return nil, err
	}
	queues, err := (&sqs.Service{}).Wire()
	if err != nil {
		return nil, err
	}
	return []Service{
		{"lambda", lambda.Operations()},
		{"kinesis", streams.Operations()},
		{"logs", events.Operations()},
		{"sts", identity.Operations()},
		{"cloudwatch", monitoring.Operations()},
		{"sqs", queues.Operations()},
	}, nil
}
