"""The local Kinesis."""

import base64
import json

from support import connect, pages, raises

kinesis = connect("kinesis")
errors = kinesis.exceptions
ARN = "arn:aws:kinesis:us-east-1:111111111111:stream/wide"


def iterator(**arguments):
    where = {"StreamName": "wide", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    return kinesis.get_shard_iterator(**(where | arguments))["ShardIterator"]


def test_streams():
    for name, shards in (("narrow", 1), ("wide", 3)):
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
    assert pages("list_streams", "StreamNames[]", kinesis) == ["narrow", "wide"]
    summary = kinesis.describe_stream_summary(StreamARN=ARN)["StreamDescriptionSummary"]
    assert summary["StreamStatus"] == "ACTIVE" and summary["OpenShardCount"] == 3, summary
    shards = [f"shardId-{i:012}" for i in range(3)]
    first = kinesis.list_shards(StreamName="wide", MaxResults=2)
    rest = kinesis.list_shards(NextToken=first["NextToken"])
    assert [s["ShardId"] for s in first["Shards"] + rest["Shards"]] == shards and "NextToken" not in rest
    with raises(errors.InvalidArgumentException, 400, "NextToken and StreamName cannot be provided together."):
        pages("list_shards", "Shards[]", kinesis, StreamName="wide")  # as on AWS, where this paginator fails too
    assert pages("describe_stream", "StreamDescription.Shards[].ShardId", kinesis, StreamName="wide") == shards


def test_records():
    first = kinesis.put_record(StreamName="wide", PartitionKey="k", ExplicitHashKey="0", Data=b"one")
    assert first["ShardId"] == "shardId-000000000000", first
    rest = [{"PartitionKey": "k", "ExplicitHashKey": "0", "Data": data} for data in (b"two", b"three")]
    put = kinesis.put_records(StreamName="wide", Records=rest)
    assert put["FailedRecordCount"] == 0 and len(put["Records"]) == 2, put
    got = kinesis.get_records(ShardIterator=iterator(), Limit=2)
    assert [r["Data"] for r in got["Records"]] == [b"one", b"two"] and got["MillisBehindLatest"] > 0, got
    assert got["Records"][0]["SequenceNumber"] == first["SequenceNumber"]
    got = kinesis.get_records(ShardIterator=got["NextShardIterator"])
    assert [r["Data"] for r in got["Records"]] == [b"three"] and got["MillisBehindLatest"] == 0, got
    after = iterator(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first["SequenceNumber"])
    assert [r["Data"] for r in kinesis.get_records(ShardIterator=after)["Records"]] == [b"two", b"three"]


def test_refused():
    with raises(errors.ResourceInUseException, 400, "Stream wide under account 111111111111 already exists."):
        kinesis.create_stream(StreamName="wide", ShardCount=1)
    with raises(errors.LimitExceededException, 400):
        kinesis.create_stream(StreamName="huge", ShardCount=10000)
    with raises(errors.ValidationException, 400):
        kinesis.create_stream(StreamName="none", ShardCount=0)
    with raises(errors.ResourceNotFoundException, 400, "Stream nope under account 111111111111 not found."):
        kinesis.describe_stream(StreamName="nope")
    with raises(errors.InvalidArgumentException, 400):
        kinesis.get_records(ShardIterator="AAAA")
    with raises(errors.ExpiredIteratorException, 400, "Iterator expired."):
        old = json.loads(base64.b64decode(iterator())) | {"t": 0}  # as it would be after five minutes
        kinesis.get_records(ShardIterator=base64.b64encode(json.dumps(old).encode()).decode())
    bob = connect("kinesis", aws_access_key_id="AKIABOB", aws_secret_access_key="bob's")
    with raises(errors.AccessDeniedException, 400, "User: arn:aws:iam::222222222222:user/bob is not authorized"):
        bob.put_record(StreamARN=ARN, PartitionKey="k", Data=b"x")


def test_delete():
    for name in ("narrow", "wide"):
        kinesis.delete_stream(StreamName=name)
        kinesis.get_waiter("stream_not_exists").wait(StreamName=name)
    with raises(errors.ResourceNotFoundException, 400):
        kinesis.delete_stream(StreamName="wide")
