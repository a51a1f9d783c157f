"""Resource policies, and whom they let in."""

import json

from support import client, connect, create, errors, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:function:guarded"
BOB = "arn:aws:iam::222222222222:user/bob"

bob = connect("lambda", aws_access_key_id="AKIABOB", aws_secret_access_key="bob's")


def add(**arguments):
    defaults = {"FunctionName": "guarded", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "222222222222"}
    return client.add_permission(**(defaults | arguments))


def policy(**arguments):
    return json.loads(client.get_policy(FunctionName="guarded", **arguments)["Policy"])


def test_policy():
    create("guarded", Publish=True)
    client.create_alias(FunctionName="guarded", Name="live", FunctionVersion="1")
    bucket = {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "111111111111"}
    statement = json.loads(add(StatementId="bucket", Qualifier="live", **bucket)["Statement"])
    assert statement == {
        "Sid": "bucket", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction",
        "Resource": ARN + ":live",
        "Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}},
    }  # fmt: skip
    assert policy(Qualifier="live") == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    with raises(errors.ResourceNotFoundException, 404, "The resource you requested does not exist."):
        policy()


def test_callers():
    with unmodelled("AccessDeniedException", 403, f"User: {BOB} is not authorized to perform: lambda:InvokeFunction on resource: {ARN}"):
        bob.invoke(FunctionName=ARN)
    statement = json.loads(add()["Statement"])
    assert statement["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}, statement
    assert bob.invoke(FunctionName=ARN, Payload=b"1")["Payload"].read() == b"1"
    with unmodelled("AccessDeniedException", 403):
        bob.invoke(FunctionName=ARN, Qualifier="live")
    with unmodelled("AccessDeniedException", 403):
        bob.get_function(FunctionName=ARN)
    assert client.remove_permission(FunctionName="guarded", StatementId="s")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with unmodelled("AccessDeniedException", 403):
        bob.invoke(FunctionName=ARN)


def test_refused():
    add()
    with raises(errors.ResourceConflictException, 409, "The statement id (s) provided already exists."):
        add()
    with raises(errors.PreconditionFailedException, 412):
        add(StatementId="t", RevisionId="stale")
    with raises(errors.InvalidParameterValueException, 400, "The provided principal was invalid."):
        add(StatementId="t", Principal="nobody")
    with raises(errors.InvalidParameterValueException, 400, "We currently do not support adding policies for $LATEST."):
        add(StatementId="t", Qualifier="$LATEST")
    with raises(errors.ResourceNotFoundException, 404, "Cannot find alias arn: " + ARN + ":ghost"):
        add(StatementId="t", Qualifier="ghost")
    with unmodelled("ValidationException", 400):
        add(StatementId="t", Action="s3:GetObject")
    with raises(errors.PolicyLengthExceededException, 400, "The final policy size ("):
        for i in range(200):
            add(StatementId=f"{i:0100}")
    with raises(errors.ResourceNotFoundException, 404, "Statement t is not found in resource policy."):
        client.remove_permission(FunctionName="guarded", StatementId="t")
    with raises(errors.PreconditionFailedException, 412):
        client.remove_permission(FunctionName="guarded", StatementId="s", RevisionId="stale")
