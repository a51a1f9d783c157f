package api

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// resolveImage finds the image that a function of package type Image is to run
// from now on, whatever becomes of its tag.
func (s *Service) resolveImage(ctx context.Context, uri string, architectures []types.Architecture) (catalog.Code, error) {
	if uri == "" {
		return catalog.Code{}, catalog.Invalid("Please provide ImageUri when updating a function with packageType Image.")
	}
	driver, ok := s.Invoker.Driver.(sandbox.ImageDriver)
	if !ok {
		return catalog.Code{}, catalog.Invalid("Functions of package type Image need the docker driver, and this engine has the %s driver. Start it with --driver docker.", s.Invoker.Driver.Name())
	}
	wanted := string(architectures[0])
	image, err := driver.ResolveImage(ctx, uri, wanted)
	switch {
	case errors.Is(err, sandbox.ErrInvalidImage):
		return catalog.Code{}, catalog.Invalid("Source image %s is not valid. Provide a valid source image.", uri)
	case errors.Is(err, sandbox.ErrNoImage):
		s.Log.Warn("image cannot be had", "image", uri, "err", err)
		return catalog.Code{}, catalog.Invalid("Source image %s does not exist. Provide a valid source image.", uri)
	case err != nil:
		return catalog.Code{}, err
	case image.Architecture != wanted:
		return catalog.Code{}, catalog.Invalid("Source image %s is built for %s, and the function's architecture is %s. Set Architectures to [%s], or build the image for %s.", uri, image.Architecture, wanted, image.Architecture, wanted)
	}
	return catalog.Code{ImageURI: uri, Resolved: image.Name}, nil
}
