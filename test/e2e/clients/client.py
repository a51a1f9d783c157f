"""boto3 as it is against an engine: waiters, tails, typed exceptions, paginators.

Usage: client.py PACKAGE1 PACKAGE2, the endpoint and keys in the environment.
"""

import base64
import io
import json
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

client = boto3.client("lambda")
packages = [open(path, "rb").read() for path in sys.argv[1:3]]
NAME = "boto"


def create():
    created = client.create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": packages[0]},
        Tags={"team": "blue"},
    )
    assert created["State"] == "Pending", created
    for waiter in ("function_exists", "function_active", "function_active_v2"):
        client.get_waiter(waiter).wait(FunctionName=NAME)
    got = client.get_function(FunctionName=NAME)
    assert got["Configuration"]["State"] == "Active", got
    assert got["Tags"] == {"team": "blue"}, got
    assert urllib.request.urlopen(got["Code"]["Location"]).read() == packages[0]


def publish():
    version = client.publish_version(FunctionName=NAME)["Version"]
    client.get_waiter("published_version_active").wait(FunctionName=NAME, Qualifier=version)
    client.create_alias(FunctionName=NAME, Name="live", FunctionVersion=version)
    client.update_function_code(FunctionName=NAME, ZipFile=packages[1])
    for waiter in ("function_updated", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=NAME)
    assert client.publish_version(FunctionName=NAME)["Version"] == "2"


def invoke():
    out = client.invoke(FunctionName=NAME, Qualifier="live", Payload=json.dumps({"name": "Ada"}), LogType="Tail")
    assert out["StatusCode"] == 200 and out["ExecutedVersion"] == "1" and "FunctionError" not in out, out
    assert json.load(out["Payload"]) == "version 1 greets Ada"
    tail = base64.b64decode(out["LogResult"]).decode()
    assert tail.startswith("START RequestId: " + out["ResponseMetadata"]["RequestId"]), tail
    assert "\nREPORT RequestId: " in tail, tail

    failed = client.invoke(FunctionName=NAME, Payload=io.BytesIO(b"[]"))
    assert failed["FunctionError"] == "Unhandled", failed
    assert json.load(failed["Payload"])["errorType"] == "TypeError"
    assert client.invoke(FunctionName=NAME, InvocationType="Event", Payload="{}")["StatusCode"] == 202
    assert client.invoke(FunctionName=NAME, InvocationType="DryRun")["StatusCode"] == 204
    assert client.invoke_async(FunctionName=NAME, InvokeArgs=b"{}")["Status"] == 202


def expect(exception, status, call, **arguments):
    try:
        call(**arguments)
    except exception as e:
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == status, e.response
        return e.response["Error"]["Message"]
    raise AssertionError(f"{arguments} is no {exception.__name__}")


def errors():
    e = client.exceptions
    assert expect(e.ResourceNotFoundException, 404, client.get_function, FunctionName="nope").startswith("Function not found: arn:")
    expect(e.ResourceConflictException, 409, client.create_alias, FunctionName=NAME, Name="live", FunctionVersion="1")
    expect(e.ResourceConflictException, 409, client.delete_function, FunctionName=NAME, Qualifier="1")
    expect(e.InvalidParameterValueException, 400, client.delete_function, FunctionName=NAME, Qualifier="$LATEST")
    expect(e.PreconditionFailedException, 412, client.publish_version, FunctionName=NAME, RevisionId="stale")
    expect(e.InvalidRequestContentException, 400, client.invoke, FunctionName=NAME, Payload="{bad")
    expect(ClientError, 400, client.create_alias, FunctionName=NAME, Name="123", FunctionVersion="1")
    client.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)
    assert expect(e.TooManyRequestsException, 429, client.invoke, FunctionName=NAME) == "Rate Exceeded."
    client.delete_function_concurrency(FunctionName=NAME)


def pages():
    for i in range(7):
        client.create_alias(FunctionName=NAME, Name=f"alias-{i}", FunctionVersion="2")
    aliases = client.get_paginator("list_aliases").paginate(FunctionName=NAME, PaginationConfig={"PageSize": 3})
    assert [a["Name"] for a in aliases.search("Aliases[]")] == [f"alias-{i}" for i in range(7)] + ["live"]
    versions = client.get_paginator("list_versions_by_function").paginate(FunctionName=NAME, PaginationConfig={"PageSize": 1})
    assert [v["Version"] for v in versions.search("Versions[]")] == ["$LATEST", "1", "2"]
    functions = client.get_paginator("list_functions").paginate().search("Functions[].FunctionName")
    assert NAME in list(functions)


for step in (create, publish, invoke, errors, pages):
    step()
    print("ok", step.__name__)
client.delete_function(FunctionName=NAME)
