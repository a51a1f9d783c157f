"""Layers, their versions and policies, and functions that use them."""

import json
import urllib.request

from support import client, create, errors, package, pages, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:layer:tools"
CONTENT = package("says = 'from the layer'\n", "python/tool.py")


def test_versions():
    made = client.publish_layer_version(
        LayerName="tools", Content={"ZipFile": CONTENT}, Description="d", LicenseInfo="MIT",
        CompatibleRuntimes=["python3.13"], CompatibleArchitectures=["x86_64"],
    )  # fmt: skip
    assert made["LayerArn"] == ARN and made["LayerVersionArn"] == ARN + ":1" and made["Version"] == 1, made
    assert urllib.request.urlopen(made["Content"]["Location"]).read() == CONTENT
    client.publish_layer_version(LayerName="tools", Content={"ZipFile": CONTENT})
    client.publish_layer_version(LayerName="other", Content={"ZipFile": CONTENT})
    got = client.get_layer_version(LayerName="tools", VersionNumber=1)
    by_arn = client.get_layer_version_by_arn(Arn=ARN + ":1")
    for answer in (got, by_arn):
        assert answer["CreatedDate"] == made["CreatedDate"] and answer["Content"]["CodeSha256"] == made["Content"]["CodeSha256"]
        assert answer["CompatibleRuntimes"] == ["python3.13"] and answer["LicenseInfo"] == "MIT", answer
    assert pages("list_layers", "Layers[].[LayerName, LatestMatchingVersion.Version]") == [["other", 1], ["tools", 2]]
    assert pages("list_layer_versions", "LayerVersions[].Version", LayerName="tools") == [2, 1]
    assert len(client.list_layer_versions(LayerName="tools", CompatibleRuntime="python3.13")["LayerVersions"]) == 1


def test_function():
    body = "import tool; return tool.says"
    created = create("layered", body, Layers=[ARN + ":1"])
    assert created["Layers"] == [{"Arn": ARN + ":1", "CodeSize": len(CONTENT)}], created
    assert json.load(client.invoke(FunctionName="layered")["Payload"]) == "from the layer"
    with raises(errors.InvalidParameterValueException, 400, f"Layer version {ARN}:9 does not exist."):
        client.update_function_configuration(FunctionName="layered", Layers=[ARN + ":9"])
    with raises(errors.InvalidParameterValueException, 400, "Cannot reference more than 5 layers."):
        client.update_function_configuration(FunctionName="layered", Layers=[ARN + ":1"] * 6)


def test_policy():
    version = {"LayerName": "tools", "VersionNumber": 1}
    statement = {"StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    with raises(errors.ResourceNotFoundException, 404, "No policy is associated with the given resource."):
        client.get_layer_version_policy(**version)
    added = client.add_layer_version_permission(**version, **statement)
    policy = client.get_layer_version_policy(**version)
    assert json.loads(policy["Policy"])["Statement"] == [json.loads(added["Statement"])], policy
    assert policy["RevisionId"] == added["RevisionId"]
    with raises(errors.ResourceConflictException, 409, "The statement id (all) provided already exists."):
        client.add_layer_version_permission(**version, **statement)
    with raises(errors.PreconditionFailedException, 412):
        client.remove_layer_version_permission(**version, StatementId="all", RevisionId="stale")
    client.remove_layer_version_permission(**version, StatementId="all", RevisionId=policy["RevisionId"])
    with raises(errors.PolicyLengthExceededException, 400):
        for i in range(200):
            client.add_layer_version_permission(**version, **(statement | {"StatementId": f"{i:0100}"}))


def test_delete():
    for _ in range(2):
        assert client.delete_layer_version(LayerName="tools", VersionNumber=2)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with raises(errors.ResourceNotFoundException, 404, "The resource you requested does not exist."):
        client.get_layer_version(LayerName="tools", VersionNumber=2)
    with raises(errors.InvalidParameterValueException, 400, "Layer Version Cannot be less than 1"):
        client.delete_layer_version(LayerName="tools", VersionNumber=0)
    with unmodelled("ValidationException", 400):
        client.get_layer_version_by_arn(Arn="tools:1")
    assert client.publish_layer_version(LayerName="tools", Content={"ZipFile": CONTENT})["Version"] == 3
