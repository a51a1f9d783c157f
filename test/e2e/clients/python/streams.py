"""The local Kinesis."""

import base64
import contextlib
import json
import time

from support import connect, pages, raises

kinesis = connect("kinesis")
errors = kinesis.exceptions
ARN = "arn:aws:kinesis:us-east-1:111111111111:stream/wide"
MIDDLE = str(2**127)  # of the hash keys


def iterator(**arguments):
    where = {"StreamName": "wide", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    return kinesis.get_shard_iterator(**(where | arguments))["ShardIterator"]


def summary(name="wide"):
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def test_streams():
    for name, shards in (("narrow", 1), ("wide", 3)):
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
    assert pages("list_streams", "StreamNames[]", kinesis) == ["narrow", "wide"]
    wide = kinesis.describe_stream_summary(StreamARN=ARN)["StreamDescriptionSummary"]
    assert wide["StreamStatus"] == "ACTIVE" and wide["OpenShardCount"] == 3, wide
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


def test_split_and_merge():
    put = kinesis.put_record(StreamName="narrow", PartitionKey="k", ExplicitHashKey="0", Data=b"before")
    kinesis.split_shard(StreamName="narrow", ShardToSplit="shardId-000000000000", NewStartingHashKey=MIDDLE)
    parent, low, high = kinesis.list_shards(StreamName="narrow")["Shards"]
    assert parent["SequenceNumberRange"]["EndingSequenceNumber"] > put["SequenceNumber"], parent
    assert low["ParentShardId"] == high["ParentShardId"] == parent["ShardId"] and "AdjacentParentShardId" not in low, (low, high)
    assert low["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(int(MIDDLE) - 1)}, low
    assert high["HashKeyRange"] == {"StartingHashKey": MIDDLE, "EndingHashKey": str(2**128 - 1)}, high
    assert kinesis.put_record(StreamName="narrow", PartitionKey="k", ExplicitHashKey="0", Data=b"after")["ShardId"] == low["ShardId"]

    got = kinesis.get_records(ShardIterator=iterator(StreamName="narrow"))
    assert [r["Data"] for r in got["Records"]] == [b"before"], got
    if "NextShardIterator" in got:
        got = kinesis.get_records(ShardIterator=got["NextShardIterator"])
    assert "NextShardIterator" not in got and [c["ShardId"] for c in got["ChildShards"]] == [low["ShardId"], high["ShardId"]], got

    kinesis.merge_shards(StreamName="narrow", ShardToMerge=low["ShardId"], AdjacentShardToMerge=high["ShardId"])
    opened = kinesis.list_shards(StreamName="narrow", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert [s["ShardId"] for s in opened] == ["shardId-000000000003"], opened
    assert (opened[0]["ParentShardId"], opened[0]["AdjacentParentShardId"]) == (low["ShardId"], high["ShardId"]), opened
    with raises(errors.InvalidArgumentException, 400, "Shard shardId-000000000000 in stream narrow under account 111111111111 has already been merged"):
        kinesis.split_shard(StreamName="narrow", ShardToSplit=parent["ShardId"], NewStartingHashKey="5")
    with raises(errors.ResourceNotFoundException, 400, "Could not find shard shardId-000000000009 in stream narrow"):
        kinesis.merge_shards(StreamName="narrow", ShardToMerge=low["ShardId"].replace("1", "9"), AdjacentShardToMerge=high["ShardId"])


def test_scale():
    scaled = kinesis.update_shard_count(StreamName="narrow", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    assert (scaled["StreamName"], scaled["CurrentShardCount"], scaled["TargetShardCount"]) == ("narrow", 1, 2), scaled
    assert scaled["StreamARN"] == ARN.replace("wide", "narrow"), scaled
    assert summary("narrow")["OpenShardCount"] == 2
    opened = kinesis.list_shards(StreamName="narrow", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert [s["HashKeyRange"]["StartingHashKey"] for s in opened] == ["0", MIDDLE], opened
    with raises(errors.InvalidArgumentException, 400, "UpdateShardCount cannot scale up over double your current open shard count."):
        kinesis.update_shard_count(StreamName="narrow", TargetShardCount=5, ScalingType="UNIFORM_SCALING")
    limits = kinesis.describe_limits()
    assert limits["OpenShardCount"] == 5 and limits["ShardLimit"] == 500, limits
    assert limits["OnDemandStreamCount"] == 0 and limits["OnDemandStreamCountLimit"] == 50, limits


def test_consumers():
    made = kinesis.register_stream_consumer(StreamARN=ARN, ConsumerName="fan", Tags={"a": "1"})["Consumer"]
    assert made["ConsumerARN"].startswith(ARN + "/consumer/fan:") and made["ConsumerName"] == "fan", made
    kinesis.register_stream_consumer(StreamARN=ARN, ConsumerName="other")
    with raises(errors.ResourceInUseException, 400, "Consumer fan under stream " + ARN + " already exists"):
        kinesis.register_stream_consumer(StreamARN=ARN, ConsumerName="fan")
    assert pages("list_stream_consumers", "Consumers[].ConsumerName", kinesis, StreamARN=ARN) == ["fan", "other"]
    by_name = kinesis.describe_stream_consumer(StreamARN=ARN, ConsumerName="fan")["ConsumerDescription"]
    by_arn = kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]
    assert by_name == by_arn == made | {"StreamARN": ARN, "ConsumerStatus": "ACTIVE"}, (by_name, by_arn)
    assert summary()["ConsumerCount"] == 2

    tags = {"ResourceARN": made["ConsumerARN"]}
    kinesis.tag_resource(**tags, Tags={"b": "2"})
    kinesis.untag_resource(**tags, TagKeys=["a"])
    assert kinesis.list_tags_for_resource(**tags)["Tags"] == [{"Key": "b", "Value": "2"}]

    with raises(errors.ResourceInUseException, 400, "Stream wide under account 111111111111 has 2 registered consumers"):
        kinesis.delete_stream(StreamName="wide")
    kinesis.deregister_stream_consumer(StreamARN=ARN, ConsumerName="other")
    with raises(errors.ResourceNotFoundException, 400, "Consumer other, account 111111111111 not found."):
        kinesis.describe_stream_consumer(StreamARN=ARN, ConsumerName="other")


def subscribe(consumer, shard, **position):
    return kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=position)["EventStream"]


def test_subscribe():
    fan = kinesis.describe_stream_consumer(StreamARN=ARN, ConsumerName="fan")["ConsumerDescription"]["ConsumerARN"]
    first, *_ = kinesis.get_records(ShardIterator=iterator())["Records"]
    after = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": first["SequenceNumber"]}
    with contextlib.closing(subscribe(fan, "shardId-000000000000", **after)) as stream:
        with raises(errors.ResourceInUseException, 400, "Another active subscription exists for this consumer: 111111111111:wide:fan:"):
            subscribe(fan, "shardId-000000000000", Type="LATEST")
        events = (event["SubscribeToShardEvent"] for event in stream)
        event = next(events)
        assert [r["Data"] for r in event["Records"]] == [b"two", b"three"] and event["MillisBehindLatest"] == 0, event
        put = kinesis.put_record(StreamName="wide", PartitionKey="p", ExplicitHashKey="0", Data=b"pushed")
        event = next(e for e in events if e["Records"])  # the others only say that it is alive
        [record] = event["Records"]
        assert (record["Data"], record["PartitionKey"], record["SequenceNumber"]) == (b"pushed", "p", put["SequenceNumber"]), event
        assert event["ContinuationSequenceNumber"] >= put["SequenceNumber"], event
        assert abs(time.time() - record["ApproximateArrivalTimestamp"].timestamp()) < 60, event
    with raises(errors.ResourceNotFoundException, 400, "Shard shardId-000000000007 in stream wide under account 111111111111 does not exist"):
        subscribe(fan, "shardId-000000000007", Type="LATEST")


def test_subscribe_to_the_end():
    narrow = ARN.replace("wide", "narrow")
    fan = kinesis.register_stream_consumer(StreamARN=narrow, ConsumerName="fan")["Consumer"]["ConsumerARN"]
    events = [event["SubscribeToShardEvent"] for event in subscribe(fan, "shardId-000000000000", Type="TRIM_HORIZON")]
    assert [r["Data"] for event in events for r in event["Records"]] == [b"before"], events
    assert "ContinuationSequenceNumber" not in events[-1], events
    children = [(c["ShardId"], c["ParentShards"], c["HashKeyRange"]["StartingHashKey"]) for c in events[-1]["ChildShards"]]
    assert children == [("shardId-000000000001", ["shardId-000000000000"], "0"), ("shardId-000000000002", ["shardId-000000000000"], MIDDLE)], children
    kinesis.deregister_stream_consumer(ConsumerARN=fan)
    assert kinesis.list_stream_consumers(StreamARN=narrow)["Consumers"] == []


def test_retention():
    kinesis.increase_stream_retention_period(StreamName="wide", RetentionPeriodHours=48)
    assert summary()["RetentionPeriodHours"] == 48
    with raises(errors.InvalidArgumentException, 400, "Requested retention period (36 hours) for stream wide can not be shorter"):
        kinesis.increase_stream_retention_period(StreamName="wide", RetentionPeriodHours=36)
    kinesis.decrease_stream_retention_period(StreamName="wide", RetentionPeriodHours=24)
    assert summary()["RetentionPeriodHours"] == 24
    with raises(errors.InvalidArgumentException, 400, "Minimum allowed retention period is 24 hours."):
        kinesis.decrease_stream_retention_period(StreamName="wide", RetentionPeriodHours=23)
    with raises(errors.InvalidArgumentException, 400, "Maximum allowed retention period is 8760 hours."):
        kinesis.increase_stream_retention_period(StreamName="wide", RetentionPeriodHours=8761)


def test_tags():
    kinesis.add_tags_to_stream(StreamName="wide", Tags={"a": "1", "b": "2", "c": "3"})
    kinesis.remove_tags_from_stream(StreamName="wide", TagKeys=["b", "none"])
    first = kinesis.list_tags_for_stream(StreamName="wide", Limit=1)
    assert first["Tags"] == [{"Key": "a", "Value": "1"}] and first["HasMoreTags"], first
    rest = kinesis.list_tags_for_stream(StreamName="wide", ExclusiveStartTagKey="a")
    assert rest["Tags"] == [{"Key": "c", "Value": "3"}] and not rest["HasMoreTags"], rest
    assert kinesis.list_tags_for_resource(ResourceARN=ARN)["Tags"] == first["Tags"] + rest["Tags"]
    with raises(errors.InvalidArgumentException, 400, "Failed to add tags to " + ARN):
        kinesis.tag_resource(ResourceARN=ARN, Tags={f"k{i}": "v" for i in range(49)})


def test_monitoring():
    on = kinesis.enable_enhanced_monitoring(StreamName="wide", ShardLevelMetrics=["IncomingBytes", "OutgoingBytes"])
    assert on["CurrentShardLevelMetrics"] == [] and set(on["DesiredShardLevelMetrics"]) == {"IncomingBytes", "OutgoingBytes"}, on
    off = kinesis.disable_enhanced_monitoring(StreamName="wide", ShardLevelMetrics=["OutgoingBytes"])
    assert len(off["CurrentShardLevelMetrics"]) == 2 and off["DesiredShardLevelMetrics"] == ["IncomingBytes"], off
    assert summary()["EnhancedMonitoring"] == [{"ShardLevelMetrics": ["IncomingBytes"]}]
    with raises(errors.ValidationException, 400):
        kinesis.enable_enhanced_monitoring(StreamName="wide", ShardLevelMetrics=["Gossip"])


def test_encryption():
    assert summary()["EncryptionType"] == "NONE" and "KeyId" not in summary()
    kinesis.start_stream_encryption(StreamName="wide", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert (summary()["EncryptionType"], summary()["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert kinesis.put_record(StreamName="wide", PartitionKey="k", Data=b"x")["EncryptionType"] == "KMS"
    kinesis.stop_stream_encryption(StreamName="wide", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert summary()["EncryptionType"] == "NONE" and "KeyId" not in summary()


def test_policy():
    statement = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kinesis:DescribeStreamSummary", "Resource": ARN}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert kinesis.get_resource_policy(ResourceARN=ARN)["Policy"] == "{}"
    kinesis.put_resource_policy(ResourceARN=ARN, Policy=policy)
    assert json.loads(kinesis.get_resource_policy(ResourceARN=ARN)["Policy"]) == json.loads(policy)
    with raises(errors.InvalidArgumentException, 400):
        kinesis.put_resource_policy(ResourceARN=ARN, Policy="{")
    kinesis.delete_resource_policy(ResourceARN=ARN)
    with raises(errors.ResourceNotFoundException, 400, "No resource policy found for resource ARN " + ARN):
        kinesis.delete_resource_policy(ResourceARN=ARN)


def test_record_size():
    large = {"StreamName": "wide", "PartitionKey": "k", "Data": bytes(1500 << 10)}
    with raises(errors.ValidationException, 400):
        kinesis.put_record(**large)
    kinesis.update_max_record_size(StreamARN=ARN, MaxRecordSizeInKiB=2048)
    assert summary()["MaxRecordSizeInKiB"] == 2048
    assert kinesis.put_record(**large)["ShardId"].startswith("shardId-")


def test_mode():
    with raises(errors.ValidationException, 400):
        kinesis.update_stream_warm_throughput(StreamARN=ARN, WarmThroughputMiBps=100)
    kinesis.update_stream_mode(StreamARN=ARN, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert summary()["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"} and summary()["OpenShardCount"] == 3, summary()
    warm = kinesis.update_stream_warm_throughput(StreamARN=ARN, WarmThroughputMiBps=100)
    assert warm["StreamName"] == "wide" and warm["WarmThroughput"]["TargetMiBps"] == 100, warm
    assert summary()["WarmThroughput"]["TargetMiBps"] == 100
    with raises(errors.ValidationException, 400, "Request is invalid. Stream wide under account 111111111111 is in On-Demand mode."):
        kinesis.update_shard_count(StreamName="wide", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    limits = kinesis.describe_limits()
    assert limits["OpenShardCount"] == 2 and limits["OnDemandStreamCount"] == 1, limits
    kinesis.update_stream_mode(StreamARN=ARN, StreamModeDetails={"StreamMode": "PROVISIONED"})
    assert summary()["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}, summary()
    assert kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]["Status"] == "DISABLED"


def test_delete():
    for name in ("narrow", "wide"):
        kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)
        kinesis.get_waiter("stream_not_exists").wait(StreamName=name)
    with raises(errors.ResourceNotFoundException, 400):
        kinesis.delete_stream(StreamName="wide")
