package engine_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Spec api §E.7: tags of functions and of mappings, by their ARNs.
func TestTags(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.create("f", python(t, "return 1"))
	mapping := a.mapping("s", "f")
	revision := *a.config("").RevisionId
	tags := func(arn string) map[string]string {
		t.Helper()
		return must[*lambda.ListTagsOutput](t)(a.ListTags(t.Context(), &lambda.ListTagsInput{Resource: &arn})).Tags
	}
	for _, arn := range []string{a.arn("f"), *mapping.EventSourceMappingArn} {
		if got := tags(arn); got == nil || len(got) != 0 {
			t.Errorf("%s begins with %v", arn, got)
		}
		must[*lambda.TagResourceOutput](t)(a.TagResource(t.Context(), &lambda.TagResourceInput{Resource: &arn, Tags: map[string]string{"a": "1", "b": "2"}}))
		must[*lambda.TagResourceOutput](t)(a.TagResource(t.Context(), &lambda.TagResourceInput{Resource: &arn, Tags: map[string]string{"b": "3"}}))
		must[*lambda.UntagResourceOutput](t)(a.UntagResource(t.Context(), &lambda.UntagResourceInput{Resource: &arn, TagKeys: []string{"a", "absent"}}))
		if got := tags(arn); !maps.Equal(got, map[string]string{"b": "3"}) {
			t.Errorf("%s has %v", arn, got)
		}
	}
	if got := must[*lambda.GetFunctionOutput](t)(a.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")})); got.Tags["b"] != "3" || *got.Configuration.RevisionId == revision {
		t.Errorf("the function has tags %v and revision %s", got.Tags, *got.Configuration.RevisionId)
	}
	a.publish("f")
	_, err := a.ListTags(t.Context(), &lambda.ListTagsInput{Resource: aws.String(a.arn("f:1"))})
	refused[*types.InvalidParameterValueException](t, err, 400, "Tags on function aliases and versions are not supported. Please specify a function ARN.")
	_, err = a.TagResource(t.Context(), &lambda.TagResourceInput{Resource: aws.String(a.arn("nope")), Tags: map[string]string{"a": "1"}})
	refused[*types.ResourceNotFoundException](t, err, 404, "Function not found: "+a.arn("nope"))
}

// The operations of the local Kinesis that users need beside those that the
// mappings' tests call, and who a caller is.
func TestStreamsAndIdentity(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.stream("s")
	name := aws.String("s")
	if list := must[*kinesis.ListStreamsOutput](t)(a.streams.ListStreams(t.Context(), &kinesis.ListStreamsInput{})); len(list.StreamNames) != 1 || list.StreamNames[0] != "s" {
		t.Errorf("streams %v", list.StreamNames)
	}
	described := must[*kinesis.DescribeStreamOutput](t)(a.streams.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: name})).StreamDescription
	if described.StreamStatus != kinesistypes.StreamStatusActive || len(described.Shards) != 1 {
		t.Errorf("stream %+v", described)
	}
	put := must[*kinesis.PutRecordsOutput](t)(a.streams.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: name, Records: []kinesistypes.PutRecordsRequestEntry{
		{Data: []byte("one"), PartitionKey: aws.String("k")}, {Data: []byte("two"), PartitionKey: aws.String("k")},
	}}))
	iterator := must[*kinesis.GetShardIteratorOutput](t)(a.streams.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamName: name, ShardId: put.Records[0].ShardId, ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon,
	}))
	got := must[*kinesis.GetRecordsOutput](t)(a.streams.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator.ShardIterator}))
	if len(got.Records) != 2 || string(got.Records[1].Data) != "two" || *got.Records[0].SequenceNumber != *put.Records[0].SequenceNumber {
		t.Errorf("records %+v", got.Records)
	}
	must[*kinesis.DeleteStreamOutput](t)(a.streams.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: name}))
	if list := must[*kinesis.ListStreamsOutput](t)(a.streams.ListStreams(t.Context(), &kinesis.ListStreamsInput{})); len(list.StreamNames) != 0 {
		t.Errorf("streams %v after the deletion", list.StreamNames)
	}

	who := must[*sts.GetCallerIdentityOutput](t)(sts.New(sts.Options{Region: region, BaseEndpoint: &a.url, Credentials: credentials.NewStaticCredentialsProvider(a.id, "secret", "")}).
		GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *who.Account != a.id {
		t.Errorf("the caller is of account %s", *who.Account)
	}
}
