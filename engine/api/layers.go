package api

import (
	"context"
	"fmt"
	"math"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

const (
	maxLayers    = 5 // of one function
	maxLayerPage = 50
)

// PublishLayerVersion implements spec api §E.7.
func (s *Service) PublishLayerVersion(ctx context.Context, in *lambda.PublishLayerVersionInput) (*lambda.PublishLayerVersionOutput, error) {
	r, err := ownLayer(ctx, in.LayerName, "lambda:PublishLayerVersion")
	if err != nil {
		return nil, err
	}
	content := in.Content
	code, err := s.storePackage(ctx, codeInput{
		zip: content.ZipFile, bucket: content.S3Bucket, key: content.S3Key, version: content.S3ObjectVersion, mode: content.S3ObjectStorageMode,
	})
	if err != nil {
		return nil, err
	}
	v, err := s.Catalog.PublishLayer(ctx, r, catalog.LayerVersion{Code: code, Config: types.LayerVersionsListItem{
		CompatibleArchitectures: in.CompatibleArchitectures,
		CompatibleRuntimes:      in.CompatibleRuntimes,
		CreatedDate:             ptr(catalog.Timestamp(s.Now())),
		Description:             ptr(value(in.Description)),
		LicenseInfo:             in.LicenseInfo,
	}})
	if err != nil {
		return nil, err
	}
	out := answer[lambda.PublishLayerVersionOutput](v.Config)
	out.LayerArn, out.Content = ptr(r.ARN()), s.layerContent(ctx, v)
	return out, nil
}

// GetLayerVersion implements spec api §E.7.
func (s *Service) GetLayerVersion(ctx context.Context, in *lambda.GetLayerVersionInput) (*lambda.GetLayerVersionOutput, error) {
	r, err := parseLayer(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	if r, err = withVersion(r, in.VersionNumber); err != nil {
		return nil, err
	}
	v, err := s.readLayer(ctx, r)
	if err != nil {
		return nil, err
	}
	out := answer[lambda.GetLayerVersionOutput](v.Config)
	out.LayerArn, out.Content = ptr(r.With(0).ARN()), s.layerContent(ctx, v)
	return out, nil
}

// GetLayerVersionByArn implements spec api §E.7.
func (s *Service) GetLayerVersionByArn(ctx context.Context, in *lambda.GetLayerVersionByArnInput) (*lambda.GetLayerVersionByArnOutput, error) {
	r := catalog.ParseLayer(scope(ctx), *in.Arn)
	out, err := s.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: ptr(r.With(0).ARN()), VersionNumber: &r.Version})
	if err != nil {
		return nil, err
	}
	return answer[lambda.GetLayerVersionByArnOutput](*out), nil
}

// ListLayerVersions lists the versions of a layer, the newest first.
func (s *Service) ListLayerVersions(ctx context.Context, in *lambda.ListLayerVersionsInput) (*lambda.ListLayerVersionsOutput, error) {
	r, err := ownLayer(ctx, in.LayerName, "lambda:ListLayerVersions")
	if err != nil {
		return nil, err
	}
	var versions []types.LayerVersionsListItem
	for _, v := range s.Catalog.Layer(r).Matching(in.CompatibleRuntime, in.CompatibleArchitecture) {
		versions = append(versions, v.Config)
	}
	newestFirst := func(v types.LayerVersionsListItem) string { return fmt.Sprintf("%019d", math.MaxInt64-v.Version) }
	versions, next, err := page(versions, newestFirst, in.Marker, in.MaxItems, maxLayerPage)
	if err != nil {
		return nil, err
	}
	return &lambda.ListLayerVersionsOutput{LayerVersions: list(versions), NextMarker: next}, nil
}

// ListLayers lists the newest matching version of each layer.
func (s *Service) ListLayers(ctx context.Context, in *lambda.ListLayersInput) (*lambda.ListLayersOutput, error) {
	var layers []types.LayersListItem
	for _, l := range s.Catalog.Layers(scope(ctx)) {
		if found := l.Matching(in.CompatibleRuntime, in.CompatibleArchitecture); len(found) > 0 {
			layers = append(layers, types.LayersListItem{LayerName: &l.Name, LayerArn: ptr(l.Ref().ARN()), LatestMatchingVersion: &found[0].Config})
		}
	}
	layers, next, err := page(layers, func(l types.LayersListItem) string { return *l.LayerName }, in.Marker, in.MaxItems, maxLayerPage)
	if err != nil {
		return nil, err
	}
	return &lambda.ListLayersOutput{Layers: list(layers), NextMarker: next}, nil
}

// DeleteLayerVersion removes a version; functions that use it go on working.
func (s *Service) DeleteLayerVersion(ctx context.Context, in *lambda.DeleteLayerVersionInput) (*lambda.DeleteLayerVersionOutput, error) {
	r, err := ownLayerVersion(ctx, in.LayerName, in.VersionNumber, "lambda:DeleteLayerVersion")
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteLayerVersionOutput{}, s.Catalog.DeleteLayerVersion(ctx, r)
}

// setLayers gives a function's $LATEST the layer versions with these ARNs.
func (s *Service) setLayers(ctx context.Context, v *catalog.Version, arns []string) error {
	if len(arns) > maxLayers {
		return catalog.Invalid("Cannot reference more than %d layers.", maxLayers)
	}
	v.Config.Layers, v.Layers = nil, nil
	home := scope(ctx)
	seen := map[catalog.LayerRef]string{}
	for _, arn := range arns {
		r := catalog.ParseLayer(home, arn)
		layer, exists := s.Catalog.LayerVersion(r)
		other, twice := seen[r.With(0)]
		switch {
		case r.Account != home.Account && !layer.Allows(caller(ctx)):
			return denied(ctx, "lambda:GetLayerVersion", r.ARN())
		case r.Region != home.Region:
			return catalog.Invalid("Layers are not in the same region as the function. Layers are expected to be in region %s.", home.Region)
		case !exists:
			return catalog.Invalid("Layer version %s does not exist.", arn)
		case twice:
			return catalog.Invalid("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.", other, arn)
		}
		seen[r.With(0)] = arn
		v.Config.Layers = append(v.Config.Layers, types.Layer{Arn: layer.Config.LayerVersionArn, CodeSize: layer.Code.Size})
		v.Layers = append(v.Layers, layer.Code)
	}
	return nil
}

// readLayer returns a version of a layer that the caller may read.
func (s *Service) readLayer(ctx context.Context, r catalog.LayerRef) (catalog.LayerVersion, error) {
	v, ok := s.Catalog.LayerVersion(r)
	if account := scope(ctx).Account; r.Account != account && !v.Allows(caller(ctx)) {
		return v, denied(ctx, "lambda:GetLayerVersion", r.ARN())
	}
	if !ok {
		return v, catalog.NotFound("The resource you requested does not exist.")
	}
	return v, nil
}

func (s *Service) layerContent(ctx context.Context, v catalog.LayerVersion) *types.LayerVersionContentOutput {
	return &types.LayerVersionContentOutput{Location: ptr(s.link(ctx, v.Code)), CodeSha256: &v.Code.Sum, CodeSize: v.Code.Size}
}

// ownLayer reads the name of a layer for an action that only its own account may do.
func ownLayer(ctx context.Context, name *string, action string) (catalog.LayerRef, error) {
	r, err := parseLayer(ctx, name)
	if err == nil && r.Account != scope(ctx).Account {
		err = denied(ctx, action, r.ARN())
	}
	return r, err
}

// ownLayerVersion is ownLayer for one version of a layer.
func ownLayerVersion(ctx context.Context, name *string, version *int64, action string) (catalog.LayerRef, error) {
	r, err := ownLayer(ctx, name, action)
	if err != nil {
		return r, err
	}
	return withVersion(r, version)
}

func withVersion(r catalog.LayerRef, version *int64) (catalog.LayerRef, error) {
	if value(version) < 1 {
		return r, catalog.Invalid("Layer Version Cannot be less than 1")
	}
	return r.With(*version), nil
}

func parseLayer(ctx context.Context, name *string) (catalog.LayerRef, error) {
	r := catalog.ParseLayer(scope(ctx), value(name))
	if home := scope(ctx).Region; r.Region != home {
		return r, catalog.NotFound("Layers from '%s' are not reachable in this region ('%s')", r.Region, home)
	}
	return r, nil
}
