package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// CreateFunctionUrlConfig implements spec api §E.7.
func (s *Service) CreateFunctionUrlConfig(ctx context.Context, in *lambda.CreateFunctionUrlConfigInput) (*lambda.CreateFunctionUrlConfigOutput, error) {
	r, err := s.urlOwner(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	u := catalog.URL{Qualifier: r.Qualifier, AuthType: in.AuthType, InvokeMode: in.InvokeMode, Cors: in.Cors}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) (err error) {
		u, err = f.CreateURL(u, s.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer[lambda.CreateFunctionUrlConfigOutput](s.urlConfig(r, u)), nil
}

// UpdateFunctionUrlConfig implements spec api §E.7.
func (s *Service) UpdateFunctionUrlConfig(ctx context.Context, in *lambda.UpdateFunctionUrlConfigInput) (*lambda.UpdateFunctionUrlConfigOutput, error) {
	r, err := s.urlOwner(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var u catalog.URL
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) (err error) {
		u, err = f.UpdateURL(r.Qualifier, s.Now(), func(u *catalog.URL) {
			if in.AuthType != "" {
				u.AuthType = in.AuthType
			}
			if in.InvokeMode != "" {
				u.InvokeMode = in.InvokeMode
			}
			if in.Cors != nil {
				u.Cors = in.Cors
			}
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer[lambda.UpdateFunctionUrlConfigOutput](s.urlConfig(r, u)), nil
}

// GetFunctionUrlConfig implements spec api §E.7.
func (s *Service) GetFunctionUrlConfig(ctx context.Context, in *lambda.GetFunctionUrlConfigInput) (*lambda.GetFunctionUrlConfigOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, _ := s.Catalog.Function(r) // a function that is not there has no URL
	u, err := f.URL(r.Qualifier)
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetFunctionUrlConfigOutput](shown(s.urlConfig(r, u))), nil
}

// DeleteFunctionUrlConfig implements spec api §E.7.
func (s *Service) DeleteFunctionUrlConfig(ctx context.Context, in *lambda.DeleteFunctionUrlConfigInput) (*lambda.DeleteFunctionUrlConfigOutput, error) {
	r, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	f, _ := s.Catalog.Function(r)
	if _, err := f.URL(r.Qualifier); err != nil {
		return nil, err
	}
	_, err = s.Catalog.Change(ctx, r.With(""), func(f *catalog.Function) error { return f.RemoveURL(r.Qualifier) })
	return &lambda.DeleteFunctionUrlConfigOutput{}, err
}

// ListFunctionUrlConfigs implements spec api §E.7.
func (s *Service) ListFunctionUrlConfigs(ctx context.Context, in *lambda.ListFunctionUrlConfigsInput) (*lambda.ListFunctionUrlConfigsOutput, error) {
	r, err := s.urlOwner(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	urls, next, err := page(f.SortedURLs(), func(u catalog.URL) string { return u.Qualifier }, in.Marker, in.MaxItems, functionsPage)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: []types.FunctionUrlConfig{}, NextMarker: next}
	for _, u := range urls {
		out.FunctionUrlConfigs = append(out.FunctionUrlConfigs, shown(s.urlConfig(r.With(u.Qualifier), u)))
	}
	return out, nil
}

// urlOwner finds the function of a URL; AWS has words of its own for one that is not there.
func (s *Service) urlOwner(ctx context.Context, name, qualifier *string) (catalog.Ref, error) {
	r, err := ref(ctx, name, qualifier)
	if err != nil {
		return r, err
	}
	if _, err := s.Catalog.Function(r); err != nil {
		return r, catalog.NotFound("Function does not exist")
	}
	return r, nil
}

func (s *Service) urlConfig(r catalog.Ref, u catalog.URL) types.FunctionUrlConfig {
	return types.FunctionUrlConfig{
		FunctionArn:      ptr(r.ARN()),
		FunctionUrl:      ptr(s.URL(u.ID, r.Region)),
		AuthType:         u.AuthType,
		InvokeMode:       u.InvokeMode,
		Cors:             u.Cors,
		CreationTime:     &u.Created,
		LastModifiedTime: &u.Modified,
	}
}

// shown fills in the mode, which AWS does when it reads but not when it writes.
func shown(c types.FunctionUrlConfig) types.FunctionUrlConfig {
	if c.InvokeMode == "" {
		c.InvokeMode = types.InvokeModeBuffered
	}
	return c
}
