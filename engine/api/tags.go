package api

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// TagResource adds tags to a function, an event source mapping or a code signing configuration.
func (s *Service) TagResource(ctx context.Context, in *lambda.TagResourceInput) (*lambda.TagResourceOutput, error) {
	return &lambda.TagResourceOutput{}, s.changeTags(ctx, *in.Resource, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
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
