"""CloudWatch Logs: groups, streams and events, of functions and of others."""

import time

from support import client, connect, create, eventually, pages, raises

logs = connect("logs")
errors = logs.exceptions
ARN = "arn:aws:logs:us-east-1:111111111111:log-group:"
NOW = int(time.time() * 1000)


def put(group, stream, *messages, at=NOW):
    events = [{"timestamp": at + i, "message": message} for i, message in enumerate(messages)]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_groups():
    logs.create_log_group(logGroupName="/made/a", tags={"team": "blue"})
    logs.create_log_group(logGroupName="/made/b", logGroupClass="INFREQUENT_ACCESS")
    with raises(errors.ResourceAlreadyExistsException, 400, "The specified log group already exists"):
        logs.create_log_group(logGroupName="/made/a")
    assert pages("describe_log_groups", "logGroups[].logGroupName", logs, logGroupNamePrefix="/made/") == ["/made/a", "/made/b"]
    got = logs.describe_log_groups(logGroupNamePattern="de/b")["logGroups"]
    assert [g["arn"] for g in got] == [ARN + "/made/b:*"] and got[0]["logGroupClass"] == "INFREQUENT_ACCESS", got
    got = logs.describe_log_groups(logGroupIdentifiers=[ARN + "/made/a"])["logGroups"]
    assert [g["logGroupName"] for g in got] == ["/made/a"] and "retentionInDays" not in got[0], got
    assert abs(got[0]["creationTime"] - NOW) < 600_000 and got[0]["storedBytes"] == 0, got
    first = logs.list_log_groups(logGroupNamePattern="^/made", limit=1)
    rest = logs.list_log_groups(logGroupNamePattern="^/made", nextToken=first["nextToken"])
    assert [g["logGroupArn"] for g in first["logGroups"] + rest["logGroups"]] == [ARN + "/made/a", ARN + "/made/b"] and "nextToken" not in rest
    with raises(errors.InvalidParameterException, 400, "1 validation error detected: Value 'a b' at 'logGroupName' failed"):
        logs.create_log_group(logGroupName="a b")
    with raises(errors.InvalidParameterException, 400, "LogGroup name prefix and LogGroup name pattern are mutually exclusive"):
        logs.describe_log_groups(logGroupNamePrefix="a", logGroupNamePattern="b")


def test_retention():
    logs.put_retention_policy(logGroupName="/made/a", retentionInDays=14)
    assert logs.describe_log_groups(logGroupNamePrefix="/made/a")["logGroups"][0]["retentionInDays"] == 14
    with raises(errors.InvalidParameterException, 400, "1 validation error detected: Value '4' at 'retentionInDays'"):
        logs.put_retention_policy(logGroupName="/made/a", retentionInDays=4)
    logs.delete_retention_policy(logGroupName="/made/a")
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix="/made/a")["logGroups"][0]
    with raises(errors.ResourceNotFoundException, 400, "The specified log group does not exist."):
        logs.put_retention_policy(logGroupName="nope", retentionInDays=1)


def test_tags():
    assert logs.list_tags_for_resource(resourceArn=ARN + "/made/a")["tags"] == {"team": "blue"}
    logs.tag_resource(resourceArn=ARN + "/made/a", tags={"x": "1", "y": "2"})
    logs.untag_resource(resourceArn=ARN + "/made/a", tagKeys=["x", "absent"])
    logs.tag_log_group(logGroupName="/made/a", tags={"z": "3"})
    logs.untag_log_group(logGroupName="/made/a", tags=["team"])
    assert logs.list_tags_log_group(logGroupName="/made/a")["tags"] == {"y": "2", "z": "3"}
    with raises(errors.TooManyTagsException, 400):
        logs.tag_resource(resourceArn=ARN + "/made/a", tags={f"k{i}": "v" for i in range(50)})
    with raises(errors.ResourceNotFoundException, 400):
        logs.list_tags_for_resource(resourceArn=ARN + "nope")
    with raises(errors.AccessDeniedException, 400):
        logs.list_tags_for_resource(resourceArn=ARN.replace("1" * 12, "2" * 12) + "x")


def test_streams():
    for name in ("one", "two", "three"):
        logs.create_log_stream(logGroupName="/made/a", logStreamName=name)
    with raises(errors.ResourceAlreadyExistsException, 400, "The specified log stream already exists"):
        logs.create_log_stream(logGroupName="/made/a", logStreamName="one")
    with raises(errors.ResourceNotFoundException, 400, "The specified log group does not exist."):
        logs.create_log_stream(logGroupName="nope", logStreamName="one")
    put("/made/a", "two", "x")
    put("/made/a", "one", "x", at=NOW - 1000)
    names = "logStreams[].logStreamName"
    assert pages("describe_log_streams", names, logs, logGroupName="/made/a") == ["one", "three", "two"]
    assert pages("describe_log_streams", names, logs, logGroupName="/made/a", orderBy="LastEventTime", descending=True) == ["two", "one", "three"]
    assert pages("describe_log_streams", names, logs, logGroupIdentifier="/made/a", logStreamNamePrefix="t") == ["three", "two"]
    one = logs.describe_log_streams(logGroupName="/made/a", logStreamNamePrefix="one")["logStreams"][0]
    assert one["firstEventTimestamp"] == one["lastEventTimestamp"] == NOW - 1000 and one["arn"] == ARN + "/made/a:log-stream:one", one
    with raises(errors.InvalidParameterException, 400, "Cannot order by LastEventTime with a logStreamNamePrefix."):
        logs.describe_log_streams(logGroupName="/made/a", logStreamNamePrefix="t", orderBy="LastEventTime")
    logs.delete_log_stream(logGroupName="/made/a", logStreamName="two")
    with raises(errors.ResourceNotFoundException, 400, "The specified log stream does not exist."):
        put("/made/a", "two", "x")


def test_put():
    hour = 3_600_000
    with raises(errors.InvalidParameterException, 400, "Log events in a single PutLogEvents request must be in chronological order."):
        logs.put_log_events(logGroupName="/made/b", logStreamName="s", logEvents=[{"timestamp": NOW - i, "message": "m"} for i in range(2)])
    with raises(errors.InvalidParameterException, 400, "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."):
        logs.put_log_events(logGroupName="/made/b", logStreamName="s", logEvents=[{"timestamp": NOW + i * 25 * hour, "message": "m"} for i in range(2)])
    with raises(errors.InvalidParameterException, 400, "Upload too large: 1048577 bytes exceeds limit of 1048576"):
        put("/made/b", "s", "x" * ((1 << 20) - 25))
    logs.create_log_stream(logGroupName="/made/b", logStreamName="s")
    stamps = [NOW - 2000, NOW + 3 * hour]
    got = logs.put_log_events(logGroupName="/made/b", logStreamName="s", logEvents=[{"timestamp": t, "message": "m"} for t in stamps])
    assert got["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}, got
    stamps = [NOW - 14 * 24 * hour - hour, NOW - 14 * 24 * hour - hour + 1, NOW - 14 * 24 * hour + hour]
    got = logs.put_log_events(logGroupName="/made/b", logStreamName="s", logEvents=[{"timestamp": t, "message": "m"} for t in stamps])
    assert got["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}, got
    logs.put_retention_policy(logGroupName="/made/b", retentionInDays=1)
    got = logs.put_log_events(logGroupName="/made/b", logStreamName="s", logEvents=[{"timestamp": stamps[2], "message": "m"}])
    assert got["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}, got
    assert len(logs.get_log_events(logGroupName="/made/b", logStreamName="s")["events"]) == 1


def test_get():
    logs.create_log_stream(logGroupName="/made/a", logStreamName="many")
    put("/made/a", "many", *(str(i) for i in range(10)))
    where = {"logGroupName": "/made/a", "logStreamName": "many", "limit": 4}

    def read(**more):
        got = logs.get_log_events(**(where | more))
        return "".join(e["message"] for e in got["events"]), got

    newest, got = read()
    assert newest == "6789", newest
    assert read(nextToken=got["nextForwardToken"])[0] == ""
    assert read(nextToken=got["nextForwardToken"])[1]["nextForwardToken"] == got["nextForwardToken"]
    before, got = read(nextToken=got["nextBackwardToken"])
    assert before == "2345" and read(nextToken=got["nextForwardToken"])[0] == "6789"
    first, got = read(nextToken=got["nextBackwardToken"])
    assert first == "01", first
    assert read(nextToken=got["nextBackwardToken"])[1]["nextBackwardToken"] == got["nextBackwardToken"]
    oldest, got = read(startFromHead=True)
    assert oldest == "0123", oldest
    token = got["nextForwardToken"]
    put("/made/a", "many", "new", at=NOW + 10)
    assert read(nextToken=token)[0] == "4567"
    assert read(startFromHead=True, startTime=NOW + 2, endTime=NOW + 4)[0] == "23"  # without its end
    for bad in ("x", "f/1/s", "f/" + "x" * 56 + "/s"):
        with raises(errors.InvalidParameterException, 400, "The specified nextToken is invalid."):
            read(nextToken=bad)
    with raises(errors.ResourceNotFoundException, 400, "The specified log stream does not exist."):
        read(logStreamName="nope")


def test_filter():
    for stream in ("x-1", "x-2", "y"):
        logs.create_log_stream(logGroupName="/made/a", logStreamName=stream)
    for i in range(6):
        put("/made/a", ("x-1", "x-2", "y")[i % 3], f'{{"n":{i},"level":"{"ERROR" if i % 2 else "INFO"}"}}', at=NOW + 1000 + i)

    def numbers(**more):
        found = pages("filter_log_events", "events[].message", logs, logGroupName="/made/a", startTime=NOW + 1000, **more)
        return "".join(m[5] for m in found)

    assert numbers() == "012345"
    assert numbers(logStreamNamePrefix="x-") == "0134"
    assert numbers(logStreamNames=["x-1", "y"]) == "0235"
    assert numbers(endTime=NOW + 1003) == "0123"  # with its end
    assert numbers(filterPattern='{ $.level = "ERROR" && $.n > 1 }') == "35"
    assert numbers(filterPattern="ERROR") == "135"
    assert numbers(filterPattern='-ERROR -"n\\":0"') == "24"
    got = logs.filter_log_events(logGroupName="/made/a", startTime=NOW + 1000, limit=2)
    ids = [e["eventId"] for e in got["events"]]
    assert ids == sorted(set(ids)) and all(len(i) == 56 and i.isdigit() for i in ids), ids
    assert got["events"][1]["logStreamName"] == "x-2" and got["events"][1]["timestamp"] == NOW + 1001, got
    with raises(errors.InvalidParameterException, 400, "Invalid filter pattern"):
        logs.filter_log_events(logGroupName="/made/a", filterPattern="{ $.a = }")
    with raises(errors.ResourceNotFoundException, 400, "The specified log group does not exist."):
        logs.filter_log_events(logGroupName="nope")
    with raises(errors.InvalidParameterException, 400, "The specified nextToken is invalid."):
        logs.filter_log_events(logGroupName="/made/a", nextToken="nonsense!")


def test_function():
    create("logging", 'print("hello"); return 1')
    answer = client.invoke(FunctionName="logging")
    request = answer["ResponseMetadata"]["RequestId"]
    group = "/aws/lambda/logging"
    eventually(lambda: len(logs.filter_log_events(logGroupName=group)["events"]) == 4, "the call is logged")
    lines = [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]
    assert lines[0] == f"START RequestId: {request} Version: $LATEST" and lines[1] == "hello", lines
    assert lines[2] == f"END RequestId: {request}" and lines[3].startswith(f"REPORT RequestId: {request}\t"), lines


def test_follow():
    """What `aws logs tail --follow` of the AWS CLI asks for, again and again."""
    create("followed", "print(event)")
    arguments = {"logGroupName": "/aws/lambda/followed", "interleaved": True}
    seen = set()
    printed = []
    for call in range(5):
        client.invoke(FunctionName="followed", Payload=str(call))
        while True:
            answer = logs.filter_log_events(**arguments)
            printed += [e for e in answer["events"] if e["eventId"] not in seen]
            seen |= {e["eventId"] for e in answer["events"]}
            if "nextToken" not in answer:
                arguments.pop("nextToken", None)
                arguments["startTime"] = max(e["timestamp"] for e in printed)
                break
            arguments["nextToken"] = answer["nextToken"]
    assert [e["message"] for e in printed if e["message"].isdigit()] == list("01234") and len(printed) == 20, printed


def test_live_tail():
    live = connect("logs", inject_host_prefix=False)  # or it would look for a host stream-127.0.0.1
    stream = live.start_live_tail(logGroupIdentifiers=[ARN + "/made/a"], logEventFilterPattern="tail")["responseStream"]
    for event in stream:
        if "sessionStart" in event:
            assert event["sessionStart"]["logEventFilterPattern"] == "tail", event
            put("/made/a", "many", "no", "a tail", at=NOW + 2000)
        elif results := event["sessionUpdate"]["sessionResults"]:
            assert [r["message"] for r in results] == ["a tail"] and results[0]["logStreamName"] == "many", results
            break
    stream.close()
    with raises(errors.ResourceNotFoundException, 400):
        live.start_live_tail(logGroupIdentifiers=[ARN + "nope"])


def test_delete():
    logs.put_log_group_deletion_protection(logGroupIdentifier="/made/b", deletionProtectionEnabled=True)
    with raises(errors.ValidationException, 400):
        logs.delete_log_group(logGroupName="/made/b")
    logs.put_log_group_deletion_protection(logGroupIdentifier="/made/b", deletionProtectionEnabled=False)
    for name in ("/made/a", "/made/b"):
        logs.delete_log_group(logGroupName=name)
    with raises(errors.ResourceNotFoundException, 400, "The specified log group does not exist."):
        logs.delete_log_group(logGroupName="/made/a")
    assert logs.describe_log_groups(logGroupNamePrefix="/made/")["logGroups"] == []
    logs.create_log_group(logGroupName="/made/a")
    assert logs.filter_log_events(logGroupName="/made/a")["events"] == []
    logs.delete_log_group(logGroupName="/made/a")
