package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// PutFunctionRecursionConfig says whether a function may take part in a loop of invocations.
func (s *Service) PutFunctionRecursionConfig(ctx context.Context, in *lambda.PutFunctionRecursionConfigInput) (*lambda.PutFunctionRecursionConfigOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) error {
		f.RecursiveLoop = in.RecursiveLoop
		return nil
	})
	return &lambda.PutFunctionRecursionConfigOutput{RecursiveLoop: in.RecursiveLoop}, err
}

// GetFunctionRecursionConfig reads it; Terminate is the default.
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, in *lambda.GetFunctionRecursionConfigInput) (*lambda.GetFunctionRecursionConfigOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	out := &lambda.GetFunctionRecursionConfigOutput{RecursiveLoop: f.RecursiveLoop}
	if out.RecursiveLoop == "" {
		out.RecursiveLoop = types.RecursiveLoopTerminate
	}
	return out, err
}
