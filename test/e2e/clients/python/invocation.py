"""Invocations of every kind, and what comes of those that fail."""

import base64
import io
import json
import zipfile

from support import client, connect, create, errors, package, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:function:"


def test_invoke():
    create("echo", "print('in the handler'); return [event, context.function_version]", Publish=True)
    client.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
    out = client.invoke(FunctionName="echo", Qualifier="live", Payload=json.dumps({"name": "Ada"}), LogType="Tail")
    assert out["StatusCode"] == 200 and out["ExecutedVersion"] == "1" and "FunctionError" not in out, out
    assert json.load(out["Payload"]) == [{"name": "Ada"}, "1"]
    tail = base64.b64decode(out["LogResult"]).decode()
    assert tail.startswith("START RequestId: " + out["ResponseMetadata"]["RequestId"]), tail
    assert "\nin the handler\nEND RequestId: " in tail and "\nREPORT RequestId: " in tail, tail
    out = client.invoke(FunctionName="echo")
    assert json.load(out["Payload"]) == [{}, "$LATEST"] and "LogResult" not in out


def test_kinds():
    event = client.invoke(FunctionName="echo", InvocationType="Event", Payload=b"{}")
    assert event["StatusCode"] == 202 and event["Payload"].read() == b"", event
    dry = client.invoke(FunctionName="echo", InvocationType="DryRun")
    assert dry["StatusCode"] == 204 and dry["Payload"].read() == b"", dry
    assert client.invoke_async(FunctionName="echo", InvokeArgs=b"{}")["Status"] == 202


def test_function_error():
    create("failing", "return 1 / event['by']")
    out = client.invoke(FunctionName="failing", Payload=io.BytesIO(b'{"by": 0}'))
    assert out["StatusCode"] == 200 and out["FunctionError"] == "Unhandled", out
    failure = json.load(out["Payload"])
    assert failure["errorType"] == "ZeroDivisionError" and failure["errorMessage"] == "division by zero", failure


def test_stream():
    streamed = client.invoke_with_response_stream(FunctionName="echo", Qualifier="live", Payload=b"1", LogType="Tail")
    assert streamed["StatusCode"] == 200 and streamed["ExecutedVersion"] == "1", streamed
    *chunks, end = streamed["EventStream"]
    assert json.loads(b"".join(c["PayloadChunk"]["Payload"] for c in chunks)) == [1, "1"]
    assert b"REPORT RequestId: " in base64.b64decode(end["InvokeComplete"]["LogResult"]) and "ErrorCode" not in end["InvokeComplete"]
    *_, end = client.invoke_with_response_stream(FunctionName="failing", Payload=b'{"by": 0}')["EventStream"]
    assert end["InvokeComplete"]["ErrorCode"] == "Unhandled", end
    assert json.loads(end["InvokeComplete"]["ErrorDetails"])["errorType"] == "ZeroDivisionError", end


def test_refused():
    for call in (client.invoke, client.invoke_with_response_stream):
        with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + "nope:$LATEST"):
            call(FunctionName="nope")
        with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + "echo:9"):
            call(FunctionName="echo", Qualifier="9")
        with raises(errors.InvalidRequestContentException, 400, "Could not parse request body into json: "):
            call(FunctionName="echo", Payload=b"{bad")
        with unmodelled("RequestEntityTooLargeException", 413, "Request must be smaller than 6291456 bytes for the InvokeFunction operation"):
            call(FunctionName="echo", Payload=b'"' + bytes(6291456) + b'"')
        with unmodelled("ValidationException", 400, "1 validation error detected: Value 'Sync' at 'invocationType'"):
            call(FunctionName="echo", InvocationType="Sync")
    with raises(errors.InvalidRequestContentException, 400):
        client.invoke_async(FunctionName="echo", InvokeArgs=b"{bad")


def test_media_type():
    other = connect("lambda")
    other.meta.events.register("before-call.lambda.Invoke", lambda params, **_: params["headers"].update({"Content-Type": "text/xml"}))
    with raises(errors.UnsupportedMediaTypeException, 415):
        other.invoke(FunctionName="echo", Payload=b"<a/>")


def test_throttled():
    client.put_function_concurrency(FunctionName="echo", ReservedConcurrentExecutions=0)
    for call in (client.invoke, client.invoke_with_response_stream):
        with raises(errors.TooManyRequestsException, 429, "Rate Exceeded.") as response:
            call(FunctionName="echo")
        assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded", response
        assert int(response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) > 0, response
    client.delete_function_concurrency(FunctionName="echo")
    assert client.invoke(FunctionName="echo")["StatusCode"] == 200


def test_damaged_package():
    good = package("def handler(event, context): return 1\n")
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        start = archive.infolist()[0].header_offset + 30 + len("app.py")
    client.create_function(
        FunctionName="damaged", Runtime="python3.13", Role="arn:aws:iam::111111111111:role/r", Handler="app.handler",
        Code={"ZipFile": good[:start] + b"\xff\xff\xff\xff" + good[start + 4:]},
    )  # fmt: skip
    with raises(errors.InvalidZipFileException, 502):
        client.invoke(FunctionName="damaged")
