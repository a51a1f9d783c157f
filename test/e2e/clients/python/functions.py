"""Functions: created, read, changed, listed, deleted."""

import os
import urllib.request

from support import ROLE, client, code, create, errors, package, pages, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:function:"


def test_create():
    first = code("return 1")
    created = create("made", Code={"ZipFile": first}, Tags={"team": "blue"}, Environment={"Variables": {"KEY": "v"}})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert created["State"] == "Pending" and created["StateReasonCode"] == "Creating" and "LastUpdateStatus" not in created
    assert created["FunctionArn"] == ARN + "made" and created["Version"] == "$LATEST"
    for waiter in ("function_exists", "function_active", "function_active_v2", "function_updated", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName="made")
    got = client.get_function(FunctionName="made")
    assert got["Tags"] == {"team": "blue"} and got["Code"]["RepositoryType"] == "S3", got
    assert urllib.request.urlopen(got["Code"]["Location"]).read() == first
    configuration = client.get_function_configuration(FunctionName="made")
    del configuration["ResponseMetadata"]
    assert configuration == got["Configuration"]
    assert configuration["State"] == "Active" and configuration["LastUpdateStatus"] == "Successful"
    assert configuration["Environment"] == {"Variables": {"KEY": "v"}}


def test_create_refused():
    with raises(errors.ResourceConflictException, 409, "Function already exist: made"):
        create("made")
    with raises(errors.InvalidParameterValueException, 400, "Could not unzip uploaded file."):
        create("new", Code={"ZipFile": b"garbage"})
    with raises(errors.InvalidParameterValueException, 400, "Value cobol at 'runtime' failed to satisfy constraint"):
        create("new", Runtime="cobol")
    with raises(errors.CodeStorageExceededException, 400, "Code storage limit exceeded."):
        create("new", Code={"ZipFile": package(os.urandom(20_000_000))})
    with unmodelled("ValidationException", 400, "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint"):
        create("new", Role="r1")
    with unmodelled("ValidationException", 400, "2 validation errors detected: Value "):
        create("new", MemorySize=1, Timeout=0)
    with unmodelled("RequestEntityTooLargeException", 413, "Zipped size must be smaller than 52428800 bytes"):
        create("new", Code={"ZipFile": bytes(52428801)})
    with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + "new"):
        client.get_function(FunctionName="new")


def test_update():
    created = create("changed", "return 1")
    updated = client.update_function_code(FunctionName="changed", ZipFile=code("return 2"))
    assert updated["LastUpdateStatus"] == "InProgress" and updated["CodeSha256"] != created["CodeSha256"]
    client.get_waiter("function_updated_v2").wait(FunctionName="changed")
    updated = client.update_function_configuration(FunctionName="changed", Timeout=10, Description="d")
    assert updated["LastUpdateStatus"] == "InProgress" and updated["Timeout"] == 10 and updated["Role"] == ROLE
    client.get_waiter("function_updated").wait(FunctionName="changed")
    revision = client.get_function_configuration(FunctionName="changed")["RevisionId"]
    assert revision not in (created["RevisionId"], updated["RevisionId"])

    stale = {"FunctionName": "changed", "RevisionId": created["RevisionId"]}
    with raises(errors.PreconditionFailedException, 412, "The Revision Id provided does not match the latest Revision Id."):
        client.update_function_code(ZipFile=code("return 3"), **stale)
    with raises(errors.PreconditionFailedException, 412):
        client.update_function_configuration(Timeout=3, **stale)
    with raises(errors.InvalidParameterValueException, 400):
        client.update_function_configuration(FunctionName="changed", Timeout=901)
    with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + "nope"):
        client.update_function_code(FunctionName="nope", ZipFile=code("return 3"))
    assert client.get_function_configuration(FunctionName="changed")["RevisionId"] == revision


def test_list():
    for name in ("listed-a", "listed-b"):
        create(name)
    names = pages("list_functions", "Functions[].FunctionName")
    assert names == sorted(names) and {"listed-a", "listed-b", "made"} <= set(names), names
    arns = pages("list_functions", "Functions[].FunctionArn", FunctionVersion="ALL")
    assert ARN + "listed-a:$LATEST" in arns, arns
    with raises(errors.InvalidParameterValueException, 400, "Invalid Marker: garbage."):
        client.list_functions(Marker="garbage")


def test_names():
    for name in ("made", "function:made", "111111111111:made", "111111111111:function:made", ARN + "made"):
        for qualifier in ("", ":$LATEST"):
            got = client.get_function(FunctionName=name + qualifier)["Configuration"]
            assert got["FunctionArn"] == ARN + "made" + qualifier, got
    with raises(errors.ResourceNotFoundException, 404, "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"):
        client.get_function(FunctionName=ARN.replace("us-east-1", "eu-west-1") + "made")
    with raises(errors.InvalidParameterValueException, 400, "The derived qualifier from the function name does not match"):
        client.get_function(FunctionName="made:1", Qualifier="2")


def test_delete():
    create("gone")
    deleted = client.delete_function(FunctionName="gone")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204 and deleted["StatusCode"] == 204, deleted
    with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + "gone"):
        client.delete_function(FunctionName="gone")
    with raises(errors.InvalidParameterValueException, 400, "$LATEST version cannot be deleted without deleting the function."):
        client.delete_function(FunctionName="made", Qualifier="$LATEST")
