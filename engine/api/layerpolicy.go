package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// AddLayerVersionPermission lets others use a version of a layer.
func (s *Service) AddLayerVersionPermission(ctx context.Context, in *lambda.AddLayerVersionPermissionInput) (*lambda.AddLayerVersionPermissionOutput, error) {
	r, err := ownLayerVersion(ctx, in.LayerName, in.VersionNumber, "lambda:AddLayerVersionPermission")
	if err != nil {
		return nil, err
	}
	var statement catalog.Statement
	policy, err := s.Catalog.ChangeLayerPolicy(ctx, r, func(p *catalog.Policy) (err error) {
		statement, err = p.AddLayerPermission(r, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("encode policy statement: %w", err)
	}
	return &lambda.AddLayerVersionPermissionOutput{Statement: ptr(string(text)), RevisionId: &policy.RevisionID}, nil
}

// GetLayerVersionPolicy returns who may use a version of a layer.
func (s *Service) GetLayerVersionPolicy(ctx context.Context, in *lambda.GetLayerVersionPolicyInput) (*lambda.GetLayerVersionPolicyOutput, error) {
	r, err := ownLayerVersion(ctx, in.LayerName, in.VersionNumber, "lambda:GetLayerVersionPolicy")
	if err != nil {
		return nil, err
	}
	v, ok := s.Catalog.LayerVersion(r)
	if !ok {
		return nil, catalog.ErrNoLayerVersion(r)
	}
	if len(v.Policy.Statements) == 0 {
		return nil, catalog.ErrNoPolicy()
	}
	return &lambda.GetLayerVersionPolicyOutput{Policy: ptr(v.Policy.Document()), RevisionId: &v.Policy.RevisionID}, nil
}

// RemoveLayerVersionPermission takes a permission back.
func (s *Service) RemoveLayerVersionPermission(ctx context.Context, in *lambda.RemoveLayerVersionPermissionInput) (*lambda.RemoveLayerVersionPermissionOutput, error) {
	r, err := ownLayerVersion(ctx, in.LayerName, in.VersionNumber, "lambda:RemoveLayerVersionPermission")
	if err != nil {
		return nil, err
	}
	_, err = s.Catalog.ChangeLayerPolicy(ctx, r, func(p *catalog.Policy) error {
		return p.RemoveLayerPermission(*in.StatementId, in.RevisionId)
	})
	return &lambda.RemoveLayerVersionPermissionOutput{}, err
}
