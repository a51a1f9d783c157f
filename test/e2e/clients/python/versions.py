"""Versions and the aliases that point at them."""

from support import client, code, create, errors, pages, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:function:released"


def test_publish():
    created = create("released", "return 1", Publish=True)
    assert created["Version"] == "1" and created["FunctionArn"] == ARN
    client.get_waiter("published_version_active").wait(FunctionName="released", Qualifier="1")
    same = client.publish_version(FunctionName="released", Description="ignored")
    assert same["Version"] == "1" and same["FunctionArn"] == ARN + ":1" and same["Description"] == ""
    updated = client.update_function_code(FunctionName="released", ZipFile=code("return 2"), Publish=True)
    assert updated["Version"] == "2" and updated["FunctionArn"] == ARN + ":2"
    client.get_waiter("function_updated_v2").wait(FunctionName="released")
    versions = pages("list_versions_by_function", "Versions[].[Version, FunctionArn]", FunctionName="released")
    assert versions == [[v, f"{ARN}:{v}"] for v in ("$LATEST", "1", "2")], versions

    with raises(errors.PreconditionFailedException, 412):
        client.publish_version(FunctionName="released", RevisionId="stale")
    with raises(errors.InvalidParameterValueException, 400, "CodeSHA256 (d3Jvbmc=) is different from current CodeSHA256 in $LATEST"):
        client.publish_version(FunctionName="released", CodeSha256="d3Jvbmc=")
    with raises(errors.ResourceNotFoundException, 404):
        client.publish_version(FunctionName="nope")
    with raises(errors.ResourceNotFoundException, 404):
        client.list_versions_by_function(FunctionName="nope")


def test_aliases():
    made = client.create_alias(FunctionName="released", Name="live", FunctionVersion="1", Description="d")
    assert made["AliasArn"] == ARN + ":live" and "RoutingConfig" not in made
    weights = {"AdditionalVersionWeights": {"2": 0.25}}
    moved = client.update_alias(FunctionName="released", Name="live", RoutingConfig=weights, RevisionId=made["RevisionId"])
    assert moved["RoutingConfig"] == weights and moved["Description"] == "d" and moved["RevisionId"] != made["RevisionId"]
    moved = client.update_alias(FunctionName="released", Name="live", FunctionVersion="2", RoutingConfig={})
    got = client.get_alias(FunctionName="released", Name="live")
    assert got["FunctionVersion"] == "2" and "RoutingConfig" not in got and got["RevisionId"] == moved["RevisionId"]
    for name in ("a", "b"):
        client.create_alias(FunctionName="released", Name=name, FunctionVersion="1")
    assert pages("list_aliases", "Aliases[].Name", FunctionName="released") == ["a", "b", "live"]
    assert client.list_aliases(FunctionName="released", FunctionVersion="2")["Aliases"][0]["Name"] == "live"


def test_aliases_refused():
    with raises(errors.ResourceConflictException, 409, "Alias already exists: " + ARN + ":live"):
        client.create_alias(FunctionName="released", Name="live", FunctionVersion="1")
    with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + ":9"):
        client.create_alias(FunctionName="released", Name="new", FunctionVersion="9")
    with raises(errors.InvalidParameterValueException, 400, "Number of items in AdditionalVersionWeights cannot be greater than 1"):
        weights = {"AdditionalVersionWeights": {"1": 0.1, "2": 0.1}}
        client.create_alias(FunctionName="released", Name="new", FunctionVersion="$LATEST", RoutingConfig=weights)
    with unmodelled("ValidationException", 400, "1 validation error detected: Value '123' at 'name' failed to satisfy constraint"):
        client.create_alias(FunctionName="released", Name="123", FunctionVersion="1")
    with raises(errors.PreconditionFailedException, 412):
        client.update_alias(FunctionName="released", Name="live", RevisionId="stale")
    with raises(errors.ResourceNotFoundException, 404, "Alias not found: " + ARN + ":nope"):
        client.update_alias(FunctionName="released", Name="nope")
    with raises(errors.ResourceNotFoundException, 404, "Cannot find alias arn: " + ARN + ":nope"):
        client.get_alias(FunctionName="released", Name="nope")


def test_delete():
    with raises(errors.ResourceConflictException, 409, "Unable to delete version because the following aliases reference it: [live]"):
        client.delete_function(FunctionName="released", Qualifier="2")
    with raises(errors.InvalidParameterValueException, 400, "Deletion of aliases is not currently supported."):
        client.delete_function(FunctionName="released", Qualifier="live")
    for _ in range(2):
        assert client.delete_alias(FunctionName="released", Name="live")["ResponseMetadata"]["HTTPStatusCode"] == 204
    client.delete_function(FunctionName="released", Qualifier="2")
    with raises(errors.ResourceNotFoundException, 404, "Function not found: " + ARN + ":2"):
        client.get_function(FunctionName="released", Qualifier="2")
