"""Event source mappings from the local Kinesis to a function."""

from support import client, connect, create, errors, eventually, pages, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:function:fed"
NOWHERE = "00000000-0000-0000-0000-000000000000"

kinesis = connect("kinesis")


def stream(name):
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    return f"arn:aws:kinesis:us-east-1:111111111111:stream/{name}"


def get(uuid):
    return client.get_event_source_mapping(UUID=uuid)


def test_life():
    create("fed", "return len(event['Records'])")
    source = stream("source")
    mapping = client.create_event_source_mapping(
        EventSourceArn=source, FunctionName="fed", StartingPosition="TRIM_HORIZON", BatchSize=5, Tags={"a": "1"}
    )
    uuid = mapping["UUID"]
    assert mapping["State"] == "Creating" and mapping["BatchSize"] == 5 and mapping["FunctionArn"] == ARN, mapping
    assert mapping["LastProcessingResult"] == "No records processed" and mapping["ResponseMetadata"]["HTTPStatusCode"] == 202
    eventually(lambda: get(uuid)["State"] == "Enabled", "the mapping is enabled")
    kinesis.put_record(StreamName="source", PartitionKey="k", Data=b"x")
    eventually(lambda: get(uuid)["LastProcessingResult"] == "OK", "a batch has been processed")

    tags = {"Resource": mapping["EventSourceMappingArn"]}
    client.tag_resource(**tags, Tags={"b": "2"})
    client.untag_resource(**tags, TagKeys=["a"])
    assert client.list_tags(**tags)["Tags"] == {"b": "2"}

    off = client.update_event_source_mapping(UUID=uuid, Enabled=False, BatchSize=7)
    assert off["State"] == "Disabling" and off["BatchSize"] == 7, off
    eventually(lambda: get(uuid)["State"] == "Disabled", "the mapping is disabled")
    gone = client.delete_event_source_mapping(UUID=uuid)
    assert gone["State"] == "Deleting" and gone["UUID"] == uuid, gone
    eventually(lambda: not there(uuid), "the mapping is gone")
    with raises(errors.ResourceNotFoundException, 404, "The resource you requested does not exist."):
        get(uuid)


def there(uuid):
    try:
        return get(uuid)
    except errors.ResourceNotFoundException:
        return None


def test_list():
    made = {
        client.create_event_source_mapping(EventSourceArn=stream(name), FunctionName="fed", StartingPosition="LATEST", Enabled=False)["UUID"]
        for name in ("one", "two")
    }
    assert set(pages("list_event_source_mappings", "EventSourceMappings[].UUID", FunctionName=ARN)) == made


def test_refused():
    new = {"EventSourceArn": "arn:aws:kinesis:us-east-1:111111111111:stream/one", "FunctionName": "fed", "StartingPosition": "LATEST"}
    with raises(errors.ResourceConflictException, 409, 'The event source arn (" '):
        client.create_event_source_mapping(**new)
    with raises(errors.InvalidParameterValueException, 400, "Function does not exist"):
        client.create_event_source_mapping(**(new | {"FunctionName": "nope"}))
    with raises(errors.InvalidParameterValueException, 400, "Stream not found: "):
        client.create_event_source_mapping(**(new | {"EventSourceArn": new["EventSourceArn"].replace("/one", "/nope")}))
    with unmodelled("ValidationException", 400, "1 validation error detected: Value 'NEWEST' at 'startingPosition'"):
        client.create_event_source_mapping(**(new | {"StartingPosition": "NEWEST"}))
    for call in (get, lambda uuid: client.delete_event_source_mapping(UUID=uuid), lambda uuid: client.update_event_source_mapping(UUID=uuid, BatchSize=1)):
        with raises(errors.ResourceNotFoundException, 404, "The resource you requested does not exist."):
            call(NOWHERE)
