package kinesis

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// PutResourcePolicy stores the policy of a stream or consumer, which is shown and not
// evaluated: only the account of a stream may use it.
func (s *Service) PutResourcePolicy(ctx context.Context, in *kinesis.PutResourcePolicyInput) (*kinesis.PutResourcePolicyOutput, error) {
	st, key, err := s.findResource(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(*in.Policy)) {
		return nil, invalid("The policy is not valid JSON.")
	}
	return &kinesis.PutResourcePolicyOutput{}, s.changeResource(ctx, st, key, func(_ *map[string]string, policy *string) error {
		*policy = *in.Policy
		return nil
	})
}

// GetResourcePolicy returns the policy of a stream or consumer; an empty document when
// it has none.
func (s *Service) GetResourcePolicy(ctx context.Context, in *kinesis.GetResourcePolicyInput) (*kinesis.GetResourcePolicyOutput, error) {
	st, key, err := s.findResource(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	d := st.current.Load()
	policy := d.Policy
	if key != "" {
		c := d.consumer(key)
		if c == nil {
			return nil, noConsumer(key, st.account)
		}
		policy = c.Policy
	}
	if policy == "" {
		policy = "{}"
	}
	return &kinesis.GetResourcePolicyOutput{Policy: &policy}, nil
}

// DeleteResourcePolicy deletes the policy of a stream or consumer.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *kinesis.DeleteResourcePolicyInput) (*kinesis.DeleteResourcePolicyOutput, error) {
	st, key, err := s.findResource(ctx, *in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &kinesis.DeleteResourcePolicyOutput{}, s.changeResource(ctx, st, key, func(_ *map[string]string, policy *string) error {
		if *policy == "" {
			return notFound("No resource policy found for resource ARN %s.", *in.ResourceARN)
		}
		*policy = ""
		return nil
	})
}
