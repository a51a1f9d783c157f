package logs

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe"
)

const maxTags = 50

func checkTags(tags map[string]string) error {
	for key := range tags {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("aws: prefixed tag key names are not allowed for external use.")
		}
	}
	return nil
}

// TagResource adds tags to a log group.
func (s *Service) TagResource(ctx context.Context, in *cloudwatchlogs.TagResourceInput) (*cloudwatchlogs.TagResourceOutput, error) {
	g, err := parseARN(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, s.tag(ctx, g, in.Tags)
}

// UntagResource removes them.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatchlogs.UntagResourceInput) (*cloudwatchlogs.UntagResourceOutput, error) {
	g, err := parseARN(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return nil, s.untag(ctx, g, in.TagKeys)
}

// ListTagsForResource lists them.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatchlogs.ListTagsForResourceInput) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	g, err := parseARN(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.tags(g)
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags}, err
}

// TagLogGroup is TagResource as it was before.
func (s *Service) TagLogGroup(ctx context.Context, in *cloudwatchlogs.TagLogGroupInput) (*cloudwatchlogs.TagLogGroupOutput, error) {
	return nil, s.tag(ctx, group(ctx, *in.LogGroupName), in.Tags)
}

// UntagLogGroup is UntagResource as it was before.
func (s *Service) UntagLogGroup(ctx context.Context, in *cloudwatchlogs.UntagLogGroupInput) (*cloudwatchlogs.UntagLogGroupOutput, error) {
	return nil, s.untag(ctx, group(ctx, *in.LogGroupName), in.Tags)
}

// ListTagsLogGroup is ListTagsForResource as it was before.
func (s *Service) ListTagsLogGroup(ctx context.Context, in *cloudwatchlogs.ListTagsLogGroupInput) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
	tags, err := s.tags(group(ctx, *in.LogGroupName))
	return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: tags}, err
}

func (s *Service) tag(ctx context.Context, g observe.Group, tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	return s.updateGroup(ctx, g, func(r *observe.GroupRecord) error {
		if r.Tags == nil {
			r.Tags = map[string]string{}
		}
		maps.Copy(r.Tags, tags)
		if len(r.Tags) > maxTags {
			return &types.TooManyTagsException{Message: aws.String("The number of tags exceeds the limit of 50."), ResourceName: aws.String(g.ARN())}
		}
		return nil
	})
}

func (s *Service) untag(ctx context.Context, g observe.Group, keys []string) error {
	return s.updateGroup(ctx, g, func(r *observe.GroupRecord) error {
		for _, key := range keys {
			delete(r.Tags, key)
		}
		return nil
	})
}

func (s *Service) tags(g observe.Group) (map[string]string, error) {
	s.Logs.Flush()
	r, err := s.Logs.GetGroup(g)
	if err != nil {
		return nil, known(err)
	}
	if r.Tags == nil {
		return map[string]string{}, nil
	}
	return r.Tags, nil
}
