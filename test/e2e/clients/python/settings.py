"""What is set beside a function's configuration: tags, concurrency, events, signing, runtimes, loops."""

from support import client, code, create, errors, eventually, pages, raises, unmodelled

ARN = "arn:aws:lambda:us-east-1:111111111111:function:"
PUBLISHERS = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:111111111111:/signing-profiles/p/abc"]}


def test_tags():
    create("tagged")
    assert client.list_tags(Resource=ARN + "tagged")["Tags"] == {}
    client.tag_resource(Resource=ARN + "tagged", Tags={"a": "1", "b": "2"})
    client.untag_resource(Resource=ARN + "tagged", TagKeys=["a", "absent"])
    assert client.list_tags(Resource=ARN + "tagged")["Tags"] == {"b": "2"}
    with raises(errors.InvalidParameterValueException, 400, "Tags on function aliases and versions are not supported."):
        client.tag_resource(Resource=ARN + "tagged:1", Tags={"a": "1"})
    with raises(errors.ResourceNotFoundException, 404):
        client.list_tags(Resource=ARN + "nope")


def test_reserved_concurrency():
    create("limited", Publish=True)
    assert client.put_function_concurrency(FunctionName="limited", ReservedConcurrentExecutions=5)["ReservedConcurrentExecutions"] == 5
    assert client.get_function(FunctionName="limited")["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert client.get_function_concurrency(FunctionName="limited")["ReservedConcurrentExecutions"] == 5
    client.delete_function_concurrency(FunctionName="limited")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="limited")
    with raises(errors.InvalidParameterValueException, 400, "This operation is permitted on Lambda functions only."):
        client.put_function_concurrency(FunctionName="limited:1", ReservedConcurrentExecutions=5)
    with raises(errors.InvalidParameterValueException, 400, "Specified ReservedConcurrentExecutions for function decreases account's"):
        client.put_function_concurrency(FunctionName="limited", ReservedConcurrentExecutions=1000)


def test_provisioned_concurrency():
    client.update_function_code(FunctionName="limited", ZipFile=code("return 2"), Publish=True)
    one, two = ({"FunctionName": "limited", "Qualifier": qualifier} for qualifier in "12")
    with raises(errors.ProvisionedConcurrencyConfigNotFoundException, 404, "No Provisioned Concurrency Config found for this function"):
        client.get_provisioned_concurrency_config(**one)
    with raises(errors.InvalidParameterValueException, 400):
        client.put_provisioned_concurrency_config(FunctionName="limited", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
    for version in (one, two):
        put = client.put_provisioned_concurrency_config(**version, ProvisionedConcurrentExecutions=1)
        assert put["Status"] == "IN_PROGRESS" and put["RequestedProvisionedConcurrentExecutions"] == 1, put
    eventually(lambda: client.get_provisioned_concurrency_config(**one)["Status"] == "READY", "an environment is ready")
    arns = pages("list_provisioned_concurrency_configs", "ProvisionedConcurrencyConfigs[].FunctionArn", FunctionName="limited")
    assert arns == [ARN + "limited:1", ARN + "limited:2"], arns
    for version in (one, two):
        client.delete_provisioned_concurrency_config(**version)


def test_event_invoke():
    name = {"FunctionName": "limited"}
    unset = {"OnSuccess": {}, "OnFailure": {}}
    with raises(errors.ResourceNotFoundException, 404, f"The function {ARN}limited:$LATEST doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(**name)
    put = client.put_function_event_invoke_config(**name, MaximumRetryAttempts=0)
    assert put["FunctionArn"] == ARN + "limited:$LATEST" and put["DestinationConfig"] == unset, put
    updated = client.update_function_event_invoke_config(**name, MaximumEventAgeInSeconds=60)
    assert updated["MaximumRetryAttempts"] == 0 and updated["MaximumEventAgeInSeconds"] == 60, updated
    got = client.get_function_event_invoke_config(**name)
    assert got["LastModified"] == updated["LastModified"]
    client.put_function_event_invoke_config(**name, Qualifier="1", MaximumRetryAttempts=1)
    assert len(pages("list_function_event_invoke_configs", "FunctionEventInvokeConfigs[]", **name)) == 2
    client.delete_function_event_invoke_config(**name)
    with raises(errors.ResourceNotFoundException, 404):
        client.delete_function_event_invoke_config(**name)
    with raises(errors.InvalidParameterValueException, 400):
        client.put_function_event_invoke_config(**name)
    with unmodelled("ValidationException", 400):
        client.put_function_event_invoke_config(**name, MaximumRetryAttempts=3)


def test_code_signing():
    made = client.create_code_signing_config(AllowedPublishers=PUBLISHERS, Description="d")["CodeSigningConfig"]
    arn = made["CodeSigningConfigArn"]
    assert made["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}, made
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == made
    client.create_code_signing_config(AllowedPublishers=PUBLISHERS)
    assert arn in pages("list_code_signing_configs", "CodeSigningConfigs[].CodeSigningConfigArn")

    for name in ("signed-a", "signed-b"):
        create(name)
        assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName=name)
        client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
        assert client.get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == arn
    arns = pages("list_functions_by_code_signing_config", "FunctionArns[]", CodeSigningConfigArn=arn)
    assert arns == [ARN + "signed-a", ARN + "signed-b"], arns
    client.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"})
    with raises(errors.CodeVerificationFailedException, 400, "Lambda cannot deploy the function."):
        client.update_function_code(FunctionName="signed-a", ZipFile=code("return 2"))
    with raises(errors.ResourceConflictException, 409):
        client.delete_code_signing_config(CodeSigningConfigArn=arn)
    for name in ("signed-a", "signed-b"):
        client.delete_function_code_signing_config(FunctionName=name)
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    with raises(errors.ResourceNotFoundException, 404):
        client.get_code_signing_config(CodeSigningConfigArn=arn)
    with raises(errors.CodeSigningConfigNotFoundException, 404, "The code signing configuration cannot be found."):
        client.put_function_code_signing_config(FunctionName="signed-a", CodeSigningConfigArn=arn)


def test_runtime_management():
    version = "arn:aws:lambda:us-east-1::runtime:" + "0" * 64
    assert client.get_runtime_management_config(FunctionName="limited")["UpdateRuntimeOn"] == "Auto"
    client.put_runtime_management_config(FunctionName="limited", UpdateRuntimeOn="Manual", RuntimeVersionArn=version)
    assert client.get_runtime_management_config(FunctionName="limited")["RuntimeVersionArn"] == version
    with raises(errors.InvalidParameterValueException, 400):
        client.put_runtime_management_config(FunctionName="limited", UpdateRuntimeOn="Manual")
    with raises(errors.ResourceNotFoundException, 404):
        client.get_runtime_management_config(FunctionName="nope")


def test_recursion():
    assert client.get_function_recursion_config(FunctionName="limited")["RecursiveLoop"] == "Terminate"
    assert client.put_function_recursion_config(FunctionName="limited", RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName="limited")["RecursiveLoop"] == "Allow"
    with raises(errors.ResourceNotFoundException, 404):
        client.get_function_recursion_config(FunctionName="nope")
    with unmodelled("ValidationException", 400):
        client.put_function_recursion_config(FunctionName="limited", RecursiveLoop="Sometimes")


def test_account():
    account = client.get_account_settings()
    assert account["AccountLimit"]["ConcurrentExecutions"] == 1000 and account["AccountLimit"]["TotalCodeSize"] == 20000000, account
    assert account["AccountUsage"]["FunctionCount"] > 5 and account["AccountUsage"]["TotalCodeSize"] > 0, account
