package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
	"github.com/lambdaform/terraform-provider-lambda/engine/wire"
	"github.com/lambdaform/terraform-provider-lambda/packaging"
)

// TagResource adds tags to a function, an event source mapping or a code signing configuration.
func (s *Service) TagResource(ctx context.Context, in *lambda.TagResourceInput) (*lambda.TagResourceOutput, error) {
	if err := s.checkReload(ctx, in.Tags); err != nil {
		return nil, err
	}
	return &lambda.TagResourceOutput{}, s.changeTags(ctx, *in.Resource, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

// checkReload refuses the tag that makes the engine read a directory of this machine,
// which it may do as root, to all but the engine's owner.
func (s *Service) checkReload(ctx context.Context, tags map[string]string) error {
	if _, ok := tags[packaging.HotReloadTag]; !ok || s.MayReload(wire.CallerFrom(ctx)) {
		return nil
	}
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: fmt.Sprintf(
		"User: %s may not set the tag %s: only the owner of an engine on a loopback address may, who is not in a function, and with strict authentication has the engine's own key.",
		wire.CallerFrom(ctx).Name(), packaging.HotReloadTag)}
}

// UntagResource removes them.
func (s *Service) UntagResource(ctx context.Context, in *lambda.UntagResourceInput) (*lambda.UntagResourceOutput, error) {
	return &lambda.UntagResourceOutput{}, s.changeTags(ctx, *in.Resource, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

// ListTags lists them.
func (s *Service) ListTags(ctx context.Context, in *lambda.ListTagsInput) (*lambda.ListTagsOutput, error) {
	if id, ok := mappingID(*in.Resource); ok {
		m, err := s.Catalog.Mapping(scope(ctx), id)
		return &lambda.ListTagsOutput{Tags: tagged(m.Tags)}, err
	}
	if isCodeSigning(*in.Resource) {
		c, err := s.Catalog.CodeSigning(scope(ctx), *in.Resource)
		return &lambda.ListTagsOutput{Tags: tagged(c.Tags)}, err
	}
	r, err := tagRef(ctx, *in.Resource)
	if err != nil {
		return nil, err
	}
	f, err := s.Catalog.Function(r)
	return &lambda.ListTagsOutput{Tags: tagged(f.Tags)}, err
}

func (s *Service) changeTags(ctx context.Context, resource string, change func(map[string]string)) error {
	if id, ok := mappingID(resource); ok {
		_, err := s.Catalog.ChangeMapping(ctx, scope(ctx), id, func(m *catalog.Mapping) error {
			m.Tags = tagged(m.Tags)
			change(m.Tags)
			return nil
		})
		return err
	}
	if isCodeSigning(resource) {
		_, err := s.Catalog.ChangeCodeSigning(ctx, scope(ctx), resource, func(c *catalog.CodeSigning) {
			c.Tags = tagged(c.Tags)
			change(c.Tags)
		})
		return err
	}
	r, err := tagRef(ctx, resource)
	if err != nil {
		return err
	}
	_, err = s.Catalog.Change(ctx, r, func(f *catalog.Function) error {
		f.Tags = tagged(f.Tags)
		change(f.Tags)
		f.Touch()
		return nil
	})
	return err
}

func tagRef(ctx context.Context, resource string) (catalog.Ref, error) {
	r, err := ref(ctx, &resource, nil)
	if err == nil && r.Qualifier != "" {
		err = catalog.Invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return r, err
}

// mappingID reads the ARN of a mapping, in today's spelling or the guide's (D7).
func mappingID(arn string) (string, bool) {
	_, id, ok := strings.Cut(arn, ":event-source-mapping:")
	if !ok {
		_, id, ok = strings.Cut(arn, ":event-source-mappings:")
	}
	return id, ok
}

func tagged(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}
