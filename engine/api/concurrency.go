package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// PutFunctionConcurrency reserves concurrency for a function; 0 stops it from running.
func (s *Service) PutFunctionConcurrency(ctx context.Context, in *lambda.PutFunctionConcurrencyInput) (*lambda.PutFunctionConcurrencyOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	others := s.Catalog.Usage(r.Scope).Reserved - int(value(f.Reserved))
	if others+int(*in.ReservedConcurrentExecutions) > s.Catalog.Limits.Concurrency-catalog.Unreservable {
		return nil, catalog.Invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", catalog.Unreservable)
	}
	err = s.reserve(ctx, in.FunctionName, in.ReservedConcurrentExecutions)
	return &lambda.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: in.ReservedConcurrentExecutions}, err
}

// DeleteFunctionConcurrency lifts the reservation.
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, in *lambda.DeleteFunctionConcurrencyInput) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	err := s.reserve(ctx, in.FunctionName, nil)
	return &lambda.DeleteFunctionConcurrencyOutput{}, err
}

// GetFunctionConcurrency reads the reservation; without one the answer is empty.
func (s *Service) GetFunctionConcurrency(ctx context.Context, in *lambda.GetFunctionConcurrencyInput) (*lambda.GetFunctionConcurrencyOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: f.Reserved}, err
}

func (s *Service) reserve(ctx context.Context, name *string, reserved *int32) error {
	r, err := functionRef(ctx, name)
	if err != nil {
		return err
	}
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) error { return f.Reserve(reserved) })
	return err
}

// functionRef reads the name of a whole function, without a qualifier.
func functionRef(ctx context.Context, name *string) (catalog.Ref, error) {
	r, err := ref(ctx, name, nil)
	if err == nil && r.Qualifier != "" {
		err = catalog.Invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return r, err
}
