package api

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// PutFunctionEventInvokeConfig sets how asynchronous invocations are handled; what
// is not given goes back to its default.
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, in *lambda.PutFunctionEventInvokeConfigInput) (*lambda.PutFunctionEventInvokeConfigOutput, error) {
	if in.MaximumEventAgeInSeconds == nil && in.MaximumRetryAttempts == nil && in.DestinationConfig == nil {
		return nil, catalog.Invalid("You must specify at least one of error handling or destination setting.")
	}
	config, err := s.setEventInvoke(ctx, in.FunctionName, in.Qualifier, func(catalog.Function, string) (catalog.EventInvoke, error) {
		return withEventInvoke(catalog.EventInvoke{}, in), nil
	})
	return answer[lambda.PutFunctionEventInvokeConfigOutput](config), err
}

// UpdateFunctionEventInvokeConfig changes what is given and leaves the rest.
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, in *lambda.UpdateFunctionEventInvokeConfigInput) (*lambda.UpdateFunctionEventInvokeConfigOutput, error) {
	config, err := s.setEventInvoke(ctx, in.FunctionName, in.Qualifier, func(f catalog.Function, qualifier string) (catalog.EventInvoke, error) {
		was, err := f.EventInvokeOf(qualifier)
		return withEventInvoke(was, answer[lambda.PutFunctionEventInvokeConfigInput](*in)), err
	})
	return answer[lambda.UpdateFunctionEventInvokeConfigOutput](config), err
}

func withEventInvoke(c catalog.EventInvoke, in *lambda.PutFunctionEventInvokeConfigInput) catalog.EventInvoke {
	set(&c.MaximumEventAgeInSeconds, in.MaximumEventAgeInSeconds)
	set(&c.MaximumRetryAttempts, in.MaximumRetryAttempts)
	if to := in.DestinationConfig; to != nil {
		c.OnSuccess, c.OnFailure = "", ""
		if to.OnSuccess != nil {
			c.OnSuccess = value(to.OnSuccess.Destination)
		}
		if to.OnFailure != nil {
			c.OnFailure = value(to.OnFailure.Destination)
		}
	}
	return c
}

func (s *Service) setEventInvoke(ctx context.Context, name, qualifier *string, config func(f catalog.Function, qualifier string) (catalog.EventInvoke, error)) (types.FunctionEventInvokeConfig, error) {
	r, err := eventInvokeRef(ctx, name, qualifier)
	if err != nil {
		return types.FunctionEventInvokeConfig{}, err
	}
	if _, err := s.Catalog.Function(r); err != nil {
		return types.FunctionEventInvokeConfig{}, catalog.NotFound("The function doesn't exist.")
	}
	var c catalog.EventInvoke
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) (err error) {
		if c, err = config(*f, r.Qualifier); err != nil {
			return err
		}
		c.LastModified = s.Now().UTC()
		return f.SetEventInvoke(r.Qualifier, c)
	})
	return c.Answer(r), err
}

// GetFunctionEventInvokeConfig reads it.
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, in *lambda.GetFunctionEventInvokeConfigInput) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	r, err := eventInvokeRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, _ := s.Catalog.Function(r) // AWS answers the same for a function that is missing
	f.Scope, f.Name = r.Scope, r.Name
	config, err := f.EventInvokeOf(r.Qualifier)
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetFunctionEventInvokeConfigOutput](config.Answer(r)), nil
}

// DeleteFunctionEventInvokeConfig goes back to the defaults.
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, in *lambda.DeleteFunctionEventInvokeConfigInput) (*lambda.DeleteFunctionEventInvokeConfigOutput, error) {
	r, err := eventInvokeRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if _, err := s.Catalog.Function(r); err != nil {
		return nil, catalog.NotFound("The function %s doesn't have an EventInvokeConfig", r.ARN())
	}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) error {
		_, err := f.EventInvokeOf(r.Qualifier)
		delete(f.EventInvoke, r.Qualifier)
		return err
	})
	return &lambda.DeleteFunctionEventInvokeConfigOutput{}, err
}

// ListFunctionEventInvokeConfigs lists those of all qualifiers of a function.
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, in *lambda.ListFunctionEventInvokeConfigsInput) (*lambda.ListFunctionEventInvokeConfigsOutput, error) {
	r, err := functionRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, catalog.NotFound("The function doesn't exist.")
	}
	qualifiers, next, err := page(slices.Sorted(maps.Keys(f.EventInvoke)), itself, in.Marker, in.MaxItems, functionsPage)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListFunctionEventInvokeConfigsOutput{FunctionEventInvokeConfigs: []types.FunctionEventInvokeConfig{}, NextMarker: next}
	for _, qualifier := range qualifiers {
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, f.EventInvoke[qualifier].Answer(r.With(qualifier)))
	}
	return out, nil
}

// eventInvokeRef is ref with AWS's default qualifier for these operations.
func eventInvokeRef(ctx context.Context, name, qualifier *string) (catalog.Ref, error) {
	r, err := ref(ctx, name, qualifier)
	if r.Qualifier == "" {
		r.Qualifier = catalog.LatestVersion
	}
	return r, err
}
