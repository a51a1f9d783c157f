package cloudwatch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/observe/alarms"
)

// maxTags is how many an alarm may have.
const maxTags = 50

func tooManyTags() error {
	return invalid("The collection Tags must not have a size greater than %d.", maxTags)
}

// alarmOf finds the alarm of the caller's that an ARN names.
func (s *Service) alarmOf(ctx context.Context, arn string) (alarms.Alarm, error) {
	here := scope(ctx)
	name, ok := strings.CutPrefix(arn, "arn:aws:cloudwatch:"+here.Region+":"+here.Account+":alarm:")
	if !ok {
		return alarms.Alarm{}, invalidValue("%s is not the ARN of an alarm of account %s in %s.", arn, here.Account, here.Region)
	}
	a, ok := s.Alarms.Get(here, name)
	if !ok {
		return a, unknownResource(arn)
	}
	return a, nil
}

func unknownResource(arn string) error {
	return &types.ResourceNotFoundException{ResourceType: aws.String("Alarm"), ResourceId: &arn, Message: aws.String("Unknown")}
}

func (s *Service) editTags(ctx context.Context, arn string, change func(tags map[string]string)) error {
	a, err := s.alarmOf(ctx, arn)
	if err != nil {
		return err
	}
	changed := maps.Clone(a.Tags)
	if changed == nil {
		changed = map[string]string{}
	}
	if change(changed); len(changed) > maxTags {
		return tooManyTags()
	}
	err = s.Alarms.Edit(ctx, a.Scope, aws.ToString(a.Alarm.AlarmName), func(a *alarms.Alarm) {
		if a.Tags == nil {
			a.Tags = map[string]string{}
		}
		change(a.Tags)
	})
	if errors.Is(err, alarms.ErrMissing) {
		return unknownResource(arn)
	}
	return err
}

// TagResource sets tags of an alarm.
func (s *Service) TagResource(ctx context.Context, in *cloudwatch.TagResourceInput) (*cloudwatch.TagResourceOutput, error) {
	return nil, s.editTags(ctx, *in.ResourceARN, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	})
}

// UntagResource removes tags of an alarm.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatch.UntagResourceInput) (*cloudwatch.UntagResourceOutput, error) {
	return nil, s.editTags(ctx, *in.ResourceARN, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

// ListTagsForResource lists the tags of an alarm.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatch.ListTagsForResourceInput) (*cloudwatch.ListTagsForResourceOutput, error) {
	a, err := s.alarmOf(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(a.Tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(key), Value: aws.String(a.Tags[key])})
	}
	return out, nil
}
