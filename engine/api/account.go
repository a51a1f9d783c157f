package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// GetAccountSettings tells the limits of the caller's account and what it uses of them.
func (s *Service) GetAccountSettings(ctx context.Context, _ *lambda.GetAccountSettingsInput) (*lambda.GetAccountSettingsOutput, error) {
	limits, usage := s.Catalog.Limits, s.Catalog.Usage(scope(ctx))
	return &lambda.GetAccountSettingsOutput{
		AccountLimit: &types.AccountLimit{
			CodeSizeUnzipped:               catalog.MaxUnzipped,
			CodeSizeZipped:                 maxZipped,
			TotalCodeSize:                  limits.CodeBytes,
			ConcurrentExecutions:           int32(limits.Concurrency),
			UnreservedConcurrentExecutions: ptr(int32(limits.Concurrency - usage.Reserved)),
		},
		AccountUsage: &types.AccountUsage{FunctionCount: int64(usage.Functions), TotalCodeSize: usage.CodeBytes},
	}, nil
}
