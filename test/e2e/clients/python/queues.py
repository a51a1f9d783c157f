"""The local SQS."""

import hashlib
import json

from support import connect, eventually, pages, raises, unmodelled

sqs = connect("sqs")
errors = sqs.exceptions
ARN = "arn:aws:sqs:us-east-1:111111111111:"
BOB = "arn:aws:iam::222222222222:user/bob"


def queue(name):
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def attributes(name, *names):
    return sqs.get_queue_attributes(QueueUrl=queue(name), AttributeNames=names or ("All",))["Attributes"]


def send(name, body, **arguments):
    return sqs.send_message(QueueUrl=queue(name), MessageBody=body, **arguments)


def receive(name, **arguments):
    asked = {"QueueUrl": queue(name), "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    return sqs.receive_message(**(asked | arguments)).get("Messages", [])


def bodies(messages):
    return [m["Body"] for m in messages]


def delete(name, messages):
    entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
    deleted = sqs.delete_message_batch(QueueUrl=queue(name), Entries=entries)
    assert len(deleted["Successful"]) == len(messages) and "Failed" not in deleted, deleted


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def test_queues():
    made = sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "60"}, tags={"team": "a"})["QueueUrl"]
    assert made.endswith("/111111111111/jobs") and queue("jobs") == made, made
    assert sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "60"})["QueueUrl"] == made
    with raises(errors.QueueNameExists, 400, "A queue already exists with the same name and a different value for attribute VisibilityTimeout"):
        sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "61"})
    for name in ("dead", "jobs-too"):
        sqs.create_queue(QueueName=name)
    sqs.create_queue(QueueName="line.fifo", Attributes={"FifoQueue": "true"})
    assert [url.rsplit("/", 1)[1] for url in pages("list_queues", "QueueUrls[]", sqs)] == ["dead", "jobs", "jobs-too", "line.fifo"]
    assert sqs.list_queues(QueueNamePrefix="jobs")["QueueUrls"] == [made, made + "-too"]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="none")
    with unmodelled("InvalidParameterValue", 400, "Can only include alphanumeric characters, hyphens, or underscores."):
        sqs.create_queue(QueueName="line.fifo", Attributes={})


def test_attributes():
    url = queue("jobs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "45", "MaximumMessageSize": "2048"})
    got = attributes("jobs")
    assert (got["VisibilityTimeout"], got["MaximumMessageSize"], got["QueueArn"]) == ("45", "2048", ARN + "jobs"), got
    assert got["MessageRetentionPeriod"] == "345600" and "FifoQueue" not in got, got
    assert int(got["LastModifiedTimestamp"]) >= int(got["CreatedTimestamp"]), got
    assert attributes("jobs", "DelaySeconds", "ReceiveMessageWaitTimeSeconds") == {"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0"}
    assert attributes("line.fifo", "FifoQueue", "DeduplicationScope") == {"FifoQueue": "true", "DeduplicationScope": "queue"}
    with raises(errors.InvalidAttributeValue, 400, "Invalid value for the parameter VisibilityTimeout."):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "43201"})
    with raises(errors.InvalidAttributeName, 400, "Unknown Attribute Colour."):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Colour": "red"})
    with raises(errors.InvalidAttributeName, 400, "Unknown Attribute Colour."):
        attributes("jobs", "Colour")


def test_tags():
    url = queue("jobs")
    sqs.tag_queue(QueueUrl=url, Tags={"team": "b", "stage": "test"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "b", "stage": "test"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "test"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["stage"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)
    with unmodelled("InvalidParameterValue", 400, "Too many tags added for queue"):
        sqs.tag_queue(QueueUrl=url, Tags={str(i): "" for i in range(51)})


def test_messages():
    given = {
        "text": {"DataType": "String", "StringValue": "ü"},
        "count": {"DataType": "Number.int", "StringValue": "7"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sent = send("jobs", "first ü", MessageAttributes=given, MessageSystemAttributes=trace)
    assert sent["MD5OfMessageBody"] == md5("first ü") and "SequenceNumber" not in sent, sent
    [message] = receive("jobs")
    assert (message["MessageId"], message["Body"], message["MD5OfBody"]) == (sent["MessageId"], "first ü", md5("first ü")), message
    assert message["MessageAttributes"] == given and message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"], message
    system = message["Attributes"]
    assert (system["ApproximateReceiveCount"], system["SenderId"]) == ("1", "111111111111"), system
    assert system["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"], system
    assert int(system["ApproximateFirstReceiveTimestamp"]) >= int(system["SentTimestamp"]), system
    assert receive("jobs") == [] and attributes("jobs")["ApproximateNumberOfMessagesNotVisible"] == "1"
    sqs.delete_message(QueueUrl=queue("jobs"), ReceiptHandle=message["ReceiptHandle"])
    assert attributes("jobs")["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_visibility():
    send("jobs", "again")
    [first] = receive("jobs")
    sqs.change_message_visibility(QueueUrl=queue("jobs"), ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    [second] = receive("jobs", MessageAttributeNames=[])
    assert second["MessageId"] == first["MessageId"] and second["ReceiptHandle"] != first["ReceiptHandle"], second
    assert second["Attributes"]["ApproximateReceiveCount"] == "2", second
    entries = [
        {"Id": "good", "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 0},
        {"Id": "bad", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0},
    ]
    changed = sqs.change_message_visibility_batch(QueueUrl=queue("jobs"), Entries=entries)
    [failure] = changed["Failed"]
    assert changed["Successful"] == [{"Id": "good"}] and failure["Id"] == "bad", changed
    assert failure["SenderFault"] and failure["Code"] == "ReceiptHandleIsInvalid", changed
    with unmodelled("InvalidParameterValue", 400, "Value 43201 for parameter VisibilityTimeout is invalid."):
        sqs.change_message_visibility(QueueUrl=queue("jobs"), ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=43201)
    third = receive("jobs", WaitTimeSeconds=1)
    assert third[0]["Attributes"]["ApproximateReceiveCount"] == "3", third
    delete("jobs", third)


def test_batches():
    entries = [{"Id": f"e{i}", "MessageBody": f"body {i}"} for i in range(3)] + [{"Id": "late", "MessageBody": "x", "DelaySeconds": 901}]
    sent = sqs.send_message_batch(QueueUrl=queue("jobs"), Entries=entries)
    assert [(s["Id"], s["MD5OfMessageBody"]) for s in sent["Successful"]] == [(f"e{i}", md5(f"body {i}")) for i in range(3)], sent
    [failure] = sent["Failed"]
    assert (failure["Id"], failure["Code"], failure["SenderFault"]) == ("late", "InvalidParameterValue", True), sent
    got = receive("jobs")
    assert sorted(bodies(got)) == ["body 0", "body 1", "body 2"], got
    delete("jobs", got)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue("jobs"))


def test_delay_and_purge():
    send("jobs", "now")
    send("jobs", "later", DelaySeconds=900)
    counts = attributes("jobs")
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesDelayed"]) == ("1", "1"), counts
    sqs.purge_queue(QueueUrl=queue("jobs"))
    counts = attributes("jobs")
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesDelayed"]) == ("0", "0"), counts


def test_refused():
    jobs = {"QueueUrl": queue("jobs")}
    with raises(errors.QueueDoesNotExist, 400, "The specified queue does not exist."):
        queue("nope")
    with raises(errors.QueueDoesNotExist, 400, "The specified queue does not exist."):
        sqs.send_message(QueueUrl=queue("jobs") + "-nope", MessageBody="x")
    with raises(errors.InvalidMessageContents, 400, "Invalid characters found."):
        send("jobs", "\x00")
    with unmodelled("InvalidParameterValue", 400, "One or more parameters are invalid. Reason: Message must be shorter than 2048 bytes."):
        send("jobs", "x" * 2049)
    with unmodelled("MissingParameter", 400, "The request must contain the parameter MessageBody."):
        sqs.send_message(**jobs)
    with raises(errors.UnsupportedOperation, 400):
        send("jobs", "x", MessageAttributes={"list": {"DataType": "String", "StringListValues": ["a"]}})
    with raises(errors.ReceiptHandleIsInvalid, 400, 'The input receipt handle "nonsense" is not a valid receipt handle.'):
        sqs.delete_message(**jobs, ReceiptHandle="nonsense")
    with unmodelled("InvalidParameterValue", 400, "Value 11 for parameter MaxNumberOfMessages is invalid."):
        receive("jobs", MaxNumberOfMessages=11)
    with raises(errors.EmptyBatchRequest, 400, "There should be at least one"):
        sqs.send_message_batch(**jobs, Entries=[])
    with raises(errors.TooManyEntriesInBatchRequest, 400, "Maximum number of entries per request are 10. You have sent 11."):
        sqs.send_message_batch(**jobs, Entries=[{"Id": str(i), "MessageBody": "x"} for i in range(11)])
    with raises(errors.InvalidBatchEntryId, 400, "A batch entry id can only contain"):
        sqs.delete_message_batch(**jobs, Entries=[{"Id": "a b", "ReceiptHandle": "x"}])
    with raises(errors.BatchEntryIdsNotDistinct, 400, "Id a repeated."):
        sqs.change_message_visibility_batch(**jobs, Entries=[{"Id": "a", "ReceiptHandle": "x", "VisibilityTimeout": 0}] * 2)
    with raises(errors.BatchRequestTooLong, 400, "Batch requests cannot be longer than 1048576 bytes."):
        sqs.send_message_batch(QueueUrl=queue("dead"), Entries=[{"Id": i, "MessageBody": "x" * 600_000} for i in "ab"])


def test_fifo():
    line = {"QueueUrl": queue("line.fifo")}
    one = send("line.fifo", "one", MessageGroupId="a", MessageDeduplicationId="1")
    again = send("line.fifo", "one", MessageGroupId="a", MessageDeduplicationId="1")
    assert again["MessageId"] == one["MessageId"] and again["SequenceNumber"] == one["SequenceNumber"], (one, again)
    entries = [{"Id": n, "MessageBody": n, "MessageGroupId": g, "MessageDeduplicationId": n} for n, g in (("two", "a"), ("other", "b"))]
    sent = sqs.send_message_batch(**line, Entries=entries)["Successful"]
    assert one["SequenceNumber"] < sent[0]["SequenceNumber"] < sent[1]["SequenceNumber"] and len(one["SequenceNumber"]) == 20, sent
    [first] = receive("line.fifo", MaxNumberOfMessages=1)
    system = first["Attributes"]
    assert (first["Body"], system["MessageGroupId"], system["MessageDeduplicationId"]) == ("one", "a", "1"), first
    assert system["SequenceNumber"] == one["SequenceNumber"], (first, one)
    other = receive("line.fifo")  # group a waits for its first
    assert bodies(other) == ["other"], other
    delete("line.fifo", [first])
    rest = receive("line.fifo")
    assert bodies(rest) == ["two"], rest
    handle = {"ReceiptHandle": rest[0]["ReceiptHandle"], "VisibilityTimeout": 0}
    sqs.change_message_visibility(**line, **handle)
    with raises(errors.MessageNotInflight, 400):
        sqs.change_message_visibility(**line, **handle)
    with unmodelled("MissingParameter", 400, "The request must contain the parameter MessageGroupId."):
        send("line.fifo", "x")
    with unmodelled("InvalidParameterValue", 400, "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId"):
        send("line.fifo", "x", MessageGroupId="a")
    sqs.set_queue_attributes(**line, Attributes={"ContentBasedDeduplication": "true"})
    assert send("line.fifo", "x", MessageGroupId="c")["MessageId"] == send("line.fifo", "x", MessageGroupId="c")["MessageId"]


def test_permissions():
    bob = connect("sqs", aws_access_key_id="AKIABOB", aws_secret_access_key="bob's")
    jobs = {"QueueUrl": queue("jobs")}
    denied = f"User: {BOB} is not authorized to perform: sqs:sendmessage on resource: {ARN}jobs"
    with unmodelled("AccessDenied", 400, denied):
        bob.send_message(**jobs, MessageBody="x")
    sqs.add_permission(**jobs, Label="bob", AWSAccountIds=["222222222222"], Actions=["SendMessage", "GetQueueUrl"])
    [statement] = json.loads(attributes("jobs", "Policy")["Policy"])["Statement"]
    assert statement == {
        "Sid": "bob", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": ["SQS:SendMessage", "SQS:GetQueueUrl"], "Resource": ARN + "jobs",
    }  # fmt: skip
    assert bob.get_queue_url(QueueName="jobs", QueueOwnerAWSAccountId="111111111111")["QueueUrl"] == queue("jobs")
    bob.send_message(**jobs, MessageBody="from bob")
    [message] = receive("jobs")
    assert message["Body"] == "from bob" and message["Attributes"]["SenderId"] != "111111111111", message
    delete("jobs", [message])
    with unmodelled("AccessDenied", 400):
        bob.receive_message(**jobs)
    with unmodelled("InvalidParameterValue", 400, "Value bob for parameter Label is invalid. Reason: Already exists."):
        sqs.add_permission(**jobs, Label="bob", AWSAccountIds=["222222222222"], Actions=["SendMessage"])
    sqs.remove_permission(**jobs, Label="bob")
    with unmodelled("AccessDenied", 400, denied):
        bob.send_message(**jobs, MessageBody="x")
    with unmodelled("InvalidParameterValue", 400, "Value bob for parameter Label is invalid. Reason: can't find label."):
        sqs.remove_permission(**jobs, Label="bob")


def bury(*texts):
    """Has messages of the queue jobs come to the queue dead."""
    before = int(attributes("dead")["ApproximateNumberOfMessages"])
    for text in texts:
        send("jobs", text)
    assert sorted(bodies(receive("jobs", VisibilityTimeout=0))) == sorted(texts)
    assert receive("jobs") == []
    eventually(lambda: int(attributes("dead")["ApproximateNumberOfMessages"]) == before + len(texts), "the messages are dead letters")


def task(**arguments):
    return sqs.list_message_move_tasks(SourceArn=ARN + "dead", **arguments)["Results"]


def test_dead_letters():
    policy = json.dumps({"deadLetterTargetArn": ARN + "dead", "maxReceiveCount": 1})
    for name in ("jobs", "jobs-too"):
        sqs.set_queue_attributes(QueueUrl=queue(name), Attributes={"RedrivePolicy": policy})
    assert pages("list_dead_letter_source_queues", "queueUrls[]", sqs, QueueUrl=queue("dead")) == [queue("jobs"), queue("jobs-too")]
    bury("poison")
    [letter] = receive("dead", VisibilityTimeout=0)
    assert letter["Body"] == "poison" and letter["Attributes"]["DeadLetterQueueSourceArn"] == ARN + "jobs", letter
    with unmodelled("InvalidParameterValue", 400, "Value {"):
        sqs.set_queue_attributes(QueueUrl=queue("jobs"), Attributes={"RedrivePolicy": policy.replace("dead", "nope", 1)})


def test_move_tasks():
    handle = sqs.start_message_move_task(SourceArn=ARN + "dead")["TaskHandle"]
    eventually(lambda: task()[0]["Status"] == "COMPLETED", "the task is complete")
    [done] = task()
    assert done["ApproximateNumberOfMessagesMoved"] == done["ApproximateNumberOfMessagesToMove"] == 1, done
    assert done["SourceArn"] == ARN + "dead" and "TaskHandle" not in done and "DestinationArn" not in done, done
    back = receive("jobs")
    assert bodies(back) == ["poison"] and back[0]["Attributes"]["ApproximateReceiveCount"] == "1", back
    delete("jobs", back)
    with raises(errors.ResourceNotFoundException, 404, "Task does not exist."):
        sqs.cancel_message_move_task(TaskHandle=handle)

    bury(*"abcdefghij")
    slow = {"SourceArn": ARN + "dead", "DestinationArn": ARN + "jobs-too", "MaxNumberOfMessagesPerSecond": 1}
    sqs.start_message_move_task(**slow)
    [running] = task()
    assert (running["Status"], running["DestinationArn"], running["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", ARN + "jobs-too", 1), running
    with unmodelled("InvalidParameterValue", 400, "There is already a task running."):
        sqs.start_message_move_task(**slow)
    moved = sqs.cancel_message_move_task(TaskHandle=running["TaskHandle"])["ApproximateNumberOfMessagesMoved"]
    assert 0 <= moved < 10, moved
    eventually(lambda: task()[0]["Status"] == "CANCELLED", "the task is cancelled")
    assert [t["Status"] for t in task(MaxResults=10)] == ["CANCELLED", "COMPLETED"]
    with unmodelled("InvalidParameterValue", 400, "Source queue must be configured as a Dead Letter Queue."):
        sqs.start_message_move_task(SourceArn=ARN + "jobs")
    with raises(errors.ResourceNotFoundException, 404, "The resource that you specified for the SourceArn parameter doesn't exist."):
        sqs.start_message_move_task(SourceArn=ARN + "nope")


def test_delete():
    for name in ("jobs", "jobs-too", "dead", "line.fifo"):
        url = queue(name)
        sqs.delete_queue(QueueUrl=url)
        with raises(errors.QueueDoesNotExist, 400, "The specified queue does not exist."):
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert "QueueUrls" not in sqs.list_queues()
