package api

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// PutProvisionedConcurrencyConfig has environments of a version kept ready.
func (s *Service) PutProvisionedConcurrencyConfig(ctx context.Context, in *lambda.PutProvisionedConcurrencyConfigInput) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	p := catalog.Provisioned{Requested: *in.ProvisionedConcurrentExecutions, LastModified: s.Now().UTC()}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) error {
		return f.Provision(s.Catalog.Limits, r.Qualifier, p)
	})
	if err != nil {
		return nil, err
	}
	return &lambda.PutProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &p.Requested,
		AvailableProvisionedConcurrentExecutions: ptr(int32(0)),
		AllocatedProvisionedConcurrentExecutions: ptr(int32(0)),
		Status:                                   types.ProvisionedConcurrencyStatusEnumInProgress,
		LastModified:                             ptr(catalog.Timestamp(p.LastModified)),
	}, nil
}

// GetProvisionedConcurrencyConfig tells how many environments are ready.
func (s *Service) GetProvisionedConcurrencyConfig(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput) (*lambda.GetProvisionedConcurrencyConfigOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r.With(""))
	if err != nil {
		return nil, err
	}
	if err := f.CheckQualifier(r.Qualifier); err != nil {
		return nil, err
	}
	if _, ok := f.Provisioned[r.Qualifier]; !ok {
		return nil, &types.ProvisionedConcurrencyConfigNotFoundException{Message: ptr("No Provisioned Concurrency Config found for this function"), Type: ptr("User")}
	}
	return answer[lambda.GetProvisionedConcurrencyConfigOutput](s.provisioned(f, r.Qualifier)), nil
}

// DeleteProvisionedConcurrencyConfig lets the environments go; without any it does nothing.
func (s *Service) DeleteProvisionedConcurrencyConfig(ctx context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) error {
		delete(f.Provisioned, r.Qualifier)
		return nil
	})
	return &lambda.DeleteProvisionedConcurrencyConfigOutput{}, err
}

// ListProvisionedConcurrencyConfigs lists those of a function.
func (s *Service) ListProvisionedConcurrencyConfigs(ctx context.Context, in *lambda.ListProvisionedConcurrencyConfigsInput) (*lambda.ListProvisionedConcurrencyConfigsOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	qualifiers, next, err := page(slices.Sorted(maps.Keys(f.Provisioned)), itself, in.Marker, in.MaxItems, functionsPage)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: []types.ProvisionedConcurrencyConfigListItem{}, NextMarker: next}
	for _, qualifier := range qualifiers {
		out.ProvisionedConcurrencyConfigs = append(out.ProvisionedConcurrencyConfigs, s.provisioned(f, qualifier))
	}
	return out, nil
}

// provisioned describes what is set for a qualifier and how far it has come.
func (s *Service) provisioned(f catalog.Function, qualifier string) types.ProvisionedConcurrencyConfigListItem {
	p := f.Provisioned[qualifier]
	number, _ := f.VersionOf(qualifier)
	available, failed := s.Invoker.Provisioned(f, number)
	item := types.ProvisionedConcurrencyConfigListItem{
		FunctionArn:                              ptr(f.Ref().With(qualifier).ARN()),
		RequestedProvisionedConcurrentExecutions: &p.Requested,
		AllocatedProvisionedConcurrentExecutions: ptr(int32(available)),
		AvailableProvisionedConcurrentExecutions: ptr(int32(available)),
		LastModified:                             ptr(catalog.Timestamp(p.LastModified)),
		Status:                                   types.ProvisionedConcurrencyStatusEnumInProgress,
	}
	switch {
	case available >= int(p.Requested):
		item.Status = types.ProvisionedConcurrencyStatusEnumReady
	case failed:
		item.Status, item.StatusReason = types.ProvisionedConcurrencyStatusEnumFailed, ptr("FUNCTION_ERROR_INIT_FAILURE")
	}
	return item
}
