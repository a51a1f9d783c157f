package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// AddPermission implements spec api §A.1.
func (s *Service) AddPermission(ctx context.Context, in *lambda.AddPermissionInput) (*lambda.AddPermissionOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var statement catalog.Statement
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) (err error) {
		statement, err = f.AddPermission(s.Catalog.Limits, r.Qualifier, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("encode policy statement: %w", err)
	}
	return &lambda.AddPermissionOutput{Statement: ptr(string(text))}, nil
}

// GetPolicy implements spec api §A.12.
func (s *Service) GetPolicy(ctx context.Context, in *lambda.GetPolicyInput) (*lambda.GetPolicyOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	policy, ok := f.Policies[r.Qualifier]
	if err != nil || !ok { // whatever is missing, AWS answers the same
		return nil, catalog.NotFound("The resource you requested does not exist.")
	}
	return &lambda.GetPolicyOutput{Policy: ptr(policy.Document()), RevisionId: &policy.RevisionID}, nil
}

// RemovePermission implements spec api §A.20.
func (s *Service) RemovePermission(ctx context.Context, in *lambda.RemovePermissionInput) (*lambda.RemovePermissionOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if _, err := s.Catalog.Function(r); err != nil {
		return nil, catalog.NotFound("No policy found for: %s", r.With("").ARN())
	}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) error {
		return f.RemovePermission(r.Qualifier, *in.StatementId, in.RevisionId)
	})
	return &lambda.RemovePermissionOutput{}, err
}
