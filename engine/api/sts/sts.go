// Package sts answers who a caller is, which Terraform and the AWS CLI ask before
// they do anything else.
package sts

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"

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

// GetCallerIdentity returns who the caller is taken for.
func (Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	c := wire.CallerFrom(ctx)
	id := userID(c.Account, c.Principal)
	return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.Principal, UserId: &id}, nil
}

// userID makes an id of the form that AWS gives to the kind of principal; it is
// the same whenever the ARN is.
func userID(account, arn string) string {
	kind, name, _ := strings.Cut(arn[strings.LastIndex(arn, ":")+1:], "/")
	switch kind {
	case "user":
		return "AIDA" + unique(arn)
	case "role":
		return "AROA" + unique(arn)
	case "assumed-role":
		role, session, _ := strings.Cut(name, "/")
		return "AROA" + unique("arn:aws:iam::"+account+":role/"+role) + ":" + session
	case "federated-user":
		return account + ":" + name
	}
	return account // the root user
}

func unique(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return base32.StdEncoding.EncodeToString(sum[:])[:17]
}
