package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// CreateAlias implements spec api §A.2.
func (s *Service) CreateAlias(ctx context.Context, in *lambda.CreateAliasInput) (*lambda.CreateAliasOutput, error) {
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.Catalog.Function(r); err != nil { // AWS names the version it looked for
		return nil, catalog.NotFound("Function not found: %s", r.With(*in.FunctionVersion).ARN())
	}
	alias := catalog.Alias{Name: *in.Name, FunctionVersion: *in.FunctionVersion, Description: value(in.Description)}
	if in.RoutingConfig != nil {
		alias.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) (err error) {
		alias, err = f.CreateAlias(alias)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer[lambda.CreateAliasOutput](aliasConfiguration(r, alias)), nil
}

// UpdateAlias implements spec api §A.21.
func (s *Service) UpdateAlias(ctx context.Context, in *lambda.UpdateAliasInput) (*lambda.UpdateAliasOutput, error) {
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	var alias catalog.Alias
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) (err error) {
		alias, err = f.UpdateAlias(*in.Name, in.RevisionId, func(a *catalog.Alias) {
			if in.Description != nil {
				a.Description = *in.Description
			}
			if in.FunctionVersion != nil {
				a.FunctionVersion = *in.FunctionVersion
			}
			if in.RoutingConfig != nil {
				a.Weights = in.RoutingConfig.AdditionalVersionWeights
			}
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer[lambda.UpdateAliasOutput](aliasConfiguration(r, alias)), nil
}

// GetAlias implements spec api §A.8.
func (s *Service) GetAlias(ctx context.Context, in *lambda.GetAliasInput) (*lambda.GetAliasOutput, error) {
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	alias, err := f.Alias(*in.Name)
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetAliasOutput](aliasConfiguration(r, alias)), nil
}

// DeleteAlias implements spec api §A.5.
func (s *Service) DeleteAlias(ctx context.Context, in *lambda.DeleteAliasInput) (*lambda.DeleteAliasOutput, error) {
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) error {
		f.RemoveAlias(*in.Name)
		return nil
	})
	return &lambda.DeleteAliasOutput{}, err
}

// ListAliases implements spec api §A.15.
func (s *Service) ListAliases(ctx context.Context, in *lambda.ListAliasesInput) (*lambda.ListAliasesOutput, error) {
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	aliases, next, err := page(f.SortedAliases(value(in.FunctionVersion)), func(a catalog.Alias) string { return a.Name }, in.Marker, in.MaxItems, functionsPage)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListAliasesOutput{Aliases: []types.AliasConfiguration{}, NextMarker: next}
	for _, a := range aliases {
		out.Aliases = append(out.Aliases, aliasConfiguration(r, a))
	}
	return out, nil
}

func aliasConfiguration(r catalog.Ref, a catalog.Alias) types.AliasConfiguration {
	return types.AliasConfiguration{
		AliasArn:        ptr(r.With(a.Name).ARN()),
		Name:            &a.Name,
		FunctionVersion: &a.FunctionVersion,
		Description:     &a.Description,
		RoutingConfig:   a.Routing(),
		RevisionId:      &a.RevisionID,
	}
}
