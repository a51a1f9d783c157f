package api

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// PublishVersion implements spec api §A.19.
func (s *Service) PublishVersion(ctx context.Context, in *lambda.PublishVersionInput) (*lambda.PublishVersionOutput, error) {
	r, err := latestRef(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := unsupported(map[string]bool{"PublishTo": in.PublishTo != ""}); err != nil {
		return nil, err
	}
	var version catalog.Version
	var published bool
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) (err error) {
		if err := f.CheckChangeable(in.RevisionId); err != nil {
			return err
		}
		if actual := *f.Latest.Config.CodeSha256; value(in.CodeSha256) != "" && *in.CodeSha256 != actual {
			return catalog.Invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", *in.CodeSha256, actual)
		}
		version, published, err = s.Catalog.Publish(ctx, f, in.Description)
		return err
	})
	if err != nil {
		return nil, err
	}
	config := version.Config
	if published {
		config = catalog.Pending(config)
	}
	config.FunctionArn = ptr(r.With(*config.Version).ARN())
	return answer[lambda.PublishVersionOutput](config), nil
}

// ListVersionsByFunction implements spec api §A.18.
func (s *Service) ListVersionsByFunction(ctx context.Context, in *lambda.ListVersionsByFunctionInput) (*lambda.ListVersionsByFunctionOutput, error) {
	r, err := ref(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	if err != nil {
		return nil, err
	}
	versions, err := s.versions(f)
	if err != nil {
		return nil, err
	}
	versions, next, err := page(versions, sortKey, in.Marker, in.MaxItems, functionsPage)
	if err != nil {
		return nil, err
	}
	return &lambda.ListVersionsByFunctionOutput{Versions: list(versions), NextMarker: next}, nil
}
