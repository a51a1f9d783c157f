// Package sts answers who a caller is, which Terraform and the AWS CLI ask before
// they do anything else. Nobody is refused: the engine does not check signatures.
package sts

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
)

// Service implements the operations of STS over the SDK's types.
type Service struct{}

// Wire binds the operations to the model, for wire.NewServer.
func (s Service) Wire() (*wire.Service, error) {
	model, err := wire.LoadModel("sts")
	if err != nil {
		return nil, err
	}
	return wire.NewService(model, s)
}

// GetCallerIdentity returns the account of the caller, as its root user.
func (Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	account := wire.CallerFrom(ctx).Account
	return &sts.GetCallerIdentityOutput{
		Account: &account, UserId: &account, Arn: aws.String("arn:aws:iam::" + account + ":root"),
	}, nil
}
