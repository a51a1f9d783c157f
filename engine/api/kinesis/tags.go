package kinesis

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// maxTags is how many tags a stream or a consumer may have.
const maxTags = 50

func checkTags(tags map[string]string, resource string) error {
	if len(tags) > maxTags {
		return invalid("Failed to add tags to %s because a resource cannot have more than %d tags associated with it.", resource, maxTags)
	}
	return nil
}

// AddTagsToStream adds tags to a stream, or changes them.
func (s *Service) AddTagsToStream(ctx context.Context, in *kinesis.AddTagsToStreamInput) (*kinesis.AddTagsToStreamOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.AddTagsToStreamOutput{}, s.tag(ctx, st, "", in.Tags, nil)
}

// RemoveTagsFromStream removes tags from a stream.
func (s *Service) RemoveTagsFromStream(ctx context.Context, in *kinesis.RemoveTagsFromStreamInput) (*kinesis.RemoveTagsFromStreamOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.RemoveTagsFromStreamOutput{}, s.tag(ctx, st, "", nil, in.TagKeys)
}

// ListTagsForStream lists the tags of a stream by key.
func (s *Service) ListTagsForStream(ctx context.Context, in *kinesis.ListTagsForStreamInput) (*kinesis.ListTagsForStreamOutput, error) {
	st, err := s.find(ctx, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	tags := slices.DeleteFunc(sortedTags(st.current.Load().Tags), func(t types.Tag) bool { return *t.Key <= aws.ToString(in.ExclusiveStartTagKey) })
	tags, more := page(tags, in.Limit, maxTags, maxTags)
	return &kinesis.ListTagsForStreamOutput{Tags: tags, HasMoreTags: &more}, nil
}

// TagResource adds tags to a stream or consumer.
func (s *Service) TagResource(ctx context.Context, in *kinesis.TagResourceInput) (*kinesis.TagResourceOutput, error) {
	st, key, err := s.findResource(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.TagResourceOutput{}, s.tag(ctx, st, key, in.Tags, nil)
}

// UntagResource removes tags from a stream or consumer.
func (s *Service) UntagResource(ctx context.Context, in *kinesis.UntagResourceInput) (*kinesis.UntagResourceOutput, error) {
	st, key, err := s.findResource(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.UntagResourceOutput{}, s.tag(ctx, st, key, nil, in.TagKeys)
}

// ListTagsForResource lists the tags of a stream or consumer.
func (s *Service) ListTagsForResource(ctx context.Context, in *kinesis.ListTagsForResourceInput) (*kinesis.ListTagsForResourceOutput, error) {
	st, key, err := s.findResource(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	d := st.current.Load()
	tags := d.Tags
	if key != "" {
		c := d.consumer(key)
		if c == nil {
			return nil, noConsumer(key, st.account)
		}
		tags = c.Tags
	}
	return &kinesis.ListTagsForResourceOutput{Tags: sortedTags(tags)}, nil
}

func sortedTags(tags map[string]string) []types.Tag {
	list := []types.Tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: &key, Value: aws.String(tags[key])})
	}
	return list
}

// tag changes the tags of a stream or, by its key, of a consumer.
func (s *Service) tag(ctx context.Context, st *stream, key string, add map[string]string, remove []string) error {
	return s.changeResource(ctx, st, key, func(tags *map[string]string, _ *string) error {
		next := maps.Clone(*tags)
		if next == nil {
			next = map[string]string{}
		}
		maps.Copy(next, add)
		for _, k := range remove {
			delete(next, k)
		}
		*tags = next
		return checkTags(next, st.arn())
	})
}

// findResource returns the stream that an ARN names, and which of its consumers, if any.
func (s *Service) findResource(ctx context.Context, arn string) (*stream, string, error) {
	r, key, err := parseResource(ctx, arn)
	if err != nil {
		return nil, "", err
	}
	st, err := s.find(ctx, nil, aws.String(r.arn()))
	return st, key, err
}

// changeResource changes what streams and consumers have in common.
func (s *Service) changeResource(ctx context.Context, st *stream, key string, edit func(tags *map[string]string, policy *string) error) error {
	return s.change(ctx, st, func(d *document) error {
		if key == "" {
			return edit(&d.Tags, &d.Policy)
		}
		d.Consumers = slices.Clone(d.Consumers)
		c := d.consumer(key)
		if c == nil {
			return noConsumer(key, st.account)
		}
		return edit(&c.Tags, &c.Policy)
	})
}
