package api

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// CreateCodeSigningConfig makes a code signing configuration.
func (s *Service) CreateCodeSigningConfig(ctx context.Context, in *lambda.CreateCodeSigningConfigInput) (*lambda.CreateCodeSigningConfigOutput, error) {
	config := types.CodeSigningConfig{
		AllowedPublishers:   in.AllowedPublishers,
		CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyWarn},
		Description:         ptr(value(in.Description)),
		LastModified:        ptr(catalog.Timestamp(s.Now())),
	}
	set(&config.CodeSigningPolicies, in.CodeSigningPolicies)
	made, err := s.Catalog.CreateCodeSigning(ctx, scope(ctx), config, in.Tags)
	return &lambda.CreateCodeSigningConfigOutput{CodeSigningConfig: &made.Config}, err
}

// UpdateCodeSigningConfig changes what is given and leaves the rest.
func (s *Service) UpdateCodeSigningConfig(ctx context.Context, in *lambda.UpdateCodeSigningConfigInput) (*lambda.UpdateCodeSigningConfigOutput, error) {
	changed, err := s.Catalog.ChangeCodeSigning(ctx, scope(ctx), *in.CodeSigningConfigArn, func(c *catalog.CodeSigning) {
		set(&c.Config.Description, in.Description)
		set(&c.Config.AllowedPublishers, in.AllowedPublishers)
		set(&c.Config.CodeSigningPolicies, in.CodeSigningPolicies)
		c.Config.LastModified = ptr(catalog.Timestamp(s.Now()))
	})
	return &lambda.UpdateCodeSigningConfigOutput{CodeSigningConfig: &changed.Config}, err
}

// GetCodeSigningConfig reads one.
func (s *Service) GetCodeSigningConfig(ctx context.Context, in *lambda.GetCodeSigningConfigInput) (*lambda.GetCodeSigningConfigOutput, error) {
	c, err := s.Catalog.CodeSigning(scope(ctx), *in.CodeSigningConfigArn)
	return &lambda.GetCodeSigningConfigOutput{CodeSigningConfig: &c.Config}, err
}

// DeleteCodeSigningConfig removes one that no function refers to.
func (s *Service) DeleteCodeSigningConfig(ctx context.Context, in *lambda.DeleteCodeSigningConfigInput) (*lambda.DeleteCodeSigningConfigOutput, error) {
	return &lambda.DeleteCodeSigningConfigOutput{}, s.Catalog.DeleteCodeSigning(ctx, scope(ctx), *in.CodeSigningConfigArn)
}

// ListCodeSigningConfigs lists those of the caller's account and region.
func (s *Service) ListCodeSigningConfigs(ctx context.Context, in *lambda.ListCodeSigningConfigsInput) (*lambda.ListCodeSigningConfigsOutput, error) {
	configs := []types.CodeSigningConfig{}
	for _, c := range s.Catalog.CodeSignings(scope(ctx)) {
		configs = append(configs, c.Config)
	}
	configs, next, err := page(configs, func(c types.CodeSigningConfig) string { return *c.CodeSigningConfigId }, in.Marker, in.MaxItems, functionsPage)
	return &lambda.ListCodeSigningConfigsOutput{CodeSigningConfigs: configs, NextMarker: next}, err
}

// ListFunctionsByCodeSigningConfig lists the ARNs of the functions that refer to one.
func (s *Service) ListFunctionsByCodeSigningConfig(ctx context.Context, in *lambda.ListFunctionsByCodeSigningConfigInput) (*lambda.ListFunctionsByCodeSigningConfigOutput, error) {
	if _, err := s.Catalog.CodeSigning(scope(ctx), *in.CodeSigningConfigArn); err != nil {
		return nil, err
	}
	arns := []string{}
	for f := range s.Catalog.Functions(scope(ctx), "") {
		if f.CodeSigningConfig == *in.CodeSigningConfigArn {
			arns = append(arns, f.Ref().ARN())
		}
	}
	arns, next, err := page(arns, itself, in.Marker, in.MaxItems, functionsPage)
	return &lambda.ListFunctionsByCodeSigningConfigOutput{FunctionArns: arns, NextMarker: next}, err
}

// PutFunctionCodeSigningConfig has a function refer to a configuration.
func (s *Service) PutFunctionCodeSigningConfig(ctx context.Context, in *lambda.PutFunctionCodeSigningConfigInput) (*lambda.PutFunctionCodeSigningConfigOutput, error) {
	if _, err := s.Catalog.CodeSigning(scope(ctx), *in.CodeSigningConfigArn); err != nil {
		return nil, s.Catalog.CheckSignature(scope(ctx), *in.CodeSigningConfigArn)
	}
	f, err := s.refer(ctx, in.FunctionName, *in.CodeSigningConfigArn)
	return &lambda.PutFunctionCodeSigningConfigOutput{CodeSigningConfigArn: in.CodeSigningConfigArn, FunctionName: &f.Name}, err
}

// DeleteFunctionCodeSigningConfig ends that.
func (s *Service) DeleteFunctionCodeSigningConfig(ctx context.Context, in *lambda.DeleteFunctionCodeSigningConfigInput) (*lambda.DeleteFunctionCodeSigningConfigOutput, error) {
	_, err := s.refer(ctx, in.FunctionName, "")
	return &lambda.DeleteFunctionCodeSigningConfigOutput{}, err
}

// GetFunctionCodeSigningConfig tells which one a function refers to; the answer is empty if none.
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *lambda.GetFunctionCodeSigningConfigInput) (*lambda.GetFunctionCodeSigningConfigOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil || f.CodeSigningConfig == "" {
		return &lambda.GetFunctionCodeSigningConfigOutput{}, err
	}
	return &lambda.GetFunctionCodeSigningConfigOutput{CodeSigningConfigArn: &f.CodeSigningConfig, FunctionName: &f.Name}, nil
}

func (s *Service) refer(ctx context.Context, name *string, arn string) (catalog.Function, error) {
	r, err := functionRef(ctx, name)
	if err != nil {
		return catalog.Function{}, err
	}
	return s.Catalog.Change(ctx, r, func(f *catalog.Function) error {
		f.CodeSigningConfig = arn
		return nil
	})
}

func isCodeSigning(arn string) bool { return strings.Contains(arn, ":code-signing-config:") }
