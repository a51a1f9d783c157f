package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// PutRuntimeManagementConfig keeps what it is told. The engine's runtimes are the
// images and interpreters that it is configured with: they change with those.
func (s *Service) PutRuntimeManagementConfig(ctx context.Context, in *lambda.PutRuntimeManagementConfigInput) (*lambda.PutRuntimeManagementConfigOutput, error) {
	r, number, err := s.managed(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	m := catalog.RuntimeManagement{UpdateOn: in.UpdateRuntimeOn, RuntimeVersionARN: value(in.RuntimeVersionArn)}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) error { return f.ManageRuntime(number, m) })
	return &lambda.PutRuntimeManagementConfigOutput{FunctionArn: ptr(r.With(number).ARN()), UpdateRuntimeOn: m.UpdateOn, RuntimeVersionArn: in.RuntimeVersionArn}, err
}

// GetRuntimeManagementConfig reads it; Auto is the default.
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, in *lambda.GetRuntimeManagementConfigInput) (*lambda.GetRuntimeManagementConfigOutput, error) {
	r, number, err := s.managed(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	m := f.RuntimeManagementOf(number)
	out := &lambda.GetRuntimeManagementConfigOutput{FunctionArn: ptr(r.With(number).ARN()), UpdateRuntimeOn: m.UpdateOn}
	if m.RuntimeVersionARN != "" {
		out.RuntimeVersionArn = &m.RuntimeVersionARN
	}
	return out, err
}

// managed finds the version that a runtime management request is about.
func (s *Service) managed(ctx context.Context, name, qualifier *string) (catalog.Ref, string, error) {
	f, v, _, err := s.configuration(ctx, name, qualifier)
	if err != nil {
		return catalog.Ref{}, "", err
	}
	if v.Config.PackageType == types.PackageTypeImage {
		return catalog.Ref{}, "", catalog.Invalid("Runtime management is not supported for functions of package type Image.")
	}
	return f.Ref(), *v.Config.Version, nil
}
