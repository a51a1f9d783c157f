"""Function URLs: their configurations, and requests to them."""

import os
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from support import client, create, errors, pages, raises, unmodelled


def local(url):
    """The same URL without a name that this machine might not resolve."""
    return f"{os.environ['AWS_ENDPOINT_URL']}/_engine/url/{urlsplit(url).hostname.split('.')[0]}/"


def fetch(url, headers=()):
    with urllib.request.urlopen(urllib.request.Request(local(url), headers=dict(headers))) as response:
        return response.status, response.read().decode()


def forbidden(url):
    try:
        return f"answered {fetch(url)}"
    except urllib.error.HTTPError as e:
        assert e.code == 403 and e.headers["x-amzn-ErrorType"] == "AccessDeniedException", e.headers
        return e.read().decode()


def test_configurations():
    create("served", "return {'statusCode': 201, 'body': event['requestContext'].get('authorizer', {}).get('iam', {}).get('accountId', 'nobody')}", Publish=True)
    client.create_alias(FunctionName="served", Name="live", FunctionVersion="1")
    made = client.create_function_url_config(FunctionName="served", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201 and "InvokeMode" not in made and made["Cors"] == {"AllowOrigins": ["*"]}, made
    got = client.get_function_url_config(FunctionName="served")
    assert got["FunctionUrl"] == made["FunctionUrl"] and got["InvokeMode"] == "BUFFERED", got
    changed = client.update_function_url_config(FunctionName="served", Cors={}, InvokeMode="RESPONSE_STREAM")
    assert "Cors" not in changed and changed["InvokeMode"] == "RESPONSE_STREAM" and changed["AuthType"] == "NONE", changed
    client.update_function_url_config(FunctionName="served", InvokeMode="BUFFERED")
    client.create_function_url_config(FunctionName="served", Qualifier="live", AuthType="AWS_IAM")
    arns = pages("list_function_url_configs", "FunctionUrlConfigs[].FunctionArn", FunctionName="served")
    assert [arn.removeprefix("arn:aws:lambda:us-east-1:111111111111:function:") for arn in arns] == ["served", "served:live"], arns


def test_open():
    url = client.get_function_url_config(FunctionName="served")["FunctionUrl"]
    assert forbidden(url).startswith('{"Message":"Forbidden. For troubleshooting Function URL authorization issues')
    client.add_permission(
        FunctionName="served", StatementId="FunctionURLAllowPublicAccess", Action="lambda:InvokeFunctionUrl",
        Principal="*", FunctionUrlAuthType="NONE",
    )  # fmt: skip
    assert fetch(url) == (201, "nobody")


def test_signed():
    url = client.get_function_url_config(FunctionName="served", Qualifier="live")["FunctionUrl"]
    assert forbidden(url).startswith('{"Message":"Forbidden. ')
    request = AWSRequest("GET", local(url))
    SigV4Auth(boto3.Session().get_credentials(), "lambda", "us-east-1").add_auth(request)
    assert fetch(url, request.headers.items()) == (201, "111111111111")


def test_refused():
    with raises(errors.ResourceConflictException, 409, "Failed to create function url config for [functionArn = "):
        client.create_function_url_config(FunctionName="served", AuthType="NONE")
    with raises(errors.ResourceNotFoundException, 404, "Function does not exist"):
        client.create_function_url_config(FunctionName="nope", AuthType="NONE")
    with unmodelled("ValidationException", 400):
        client.create_function_url_config(FunctionName="served", AuthType="NONE", Qualifier="1")
    with raises(errors.InvalidParameterValueException, 400, "The derived qualifier from the function name does not match"):
        client.update_function_url_config(FunctionName="served:live", Qualifier="other")


def test_delete():
    assert client.delete_function_url_config(FunctionName="served")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with raises(errors.ResourceNotFoundException, 404, "The resource you requested does not exist."):
        client.get_function_url_config(FunctionName="served")
    with raises(errors.ResourceNotFoundException, 404, "The resource you requested does not exist."):
        client.delete_function_url_config(FunctionName="served")
