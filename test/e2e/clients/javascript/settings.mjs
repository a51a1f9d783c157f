// What is set beside a function's configuration, as far as it has errors of its own.
import assert from "node:assert/strict";
import {
  CodeSigningConfigNotFoundException, CodeVerificationFailedException, CreateCodeSigningConfigCommand, DeleteProvisionedConcurrencyConfigCommand,
  GetAccountSettingsCommand, GetFunctionCodeSigningConfigCommand, GetFunctionEventInvokeConfigCommand, GetProvisionedConcurrencyConfigCommand,
  ProvisionedConcurrencyConfigNotFoundException, PutFunctionCodeSigningConfigCommand, PutFunctionEventInvokeConfigCommand,
  PutProvisionedConcurrencyConfigCommand, ResourceNotFoundException, UpdateFunctionCodeCommand,
} from "@aws-sdk/client-lambda";
import { arn, create, layer, refused, send } from "./support.mjs";

const FunctionName = "settings";
const version = { FunctionName, Qualifier: "1" };

async function provisionedConcurrency() {
  await create(FunctionName, { Publish: true });
  await refused(ProvisionedConcurrencyConfigNotFoundException, 404, "No Provisioned Concurrency Config found for this function", GetProvisionedConcurrencyConfigCommand, version);
  const { $metadata, Status } = await send(PutProvisionedConcurrencyConfigCommand, { ...version, ProvisionedConcurrentExecutions: 1 });
  assert.deepEqual([$metadata.httpStatusCode, Status], [202, "IN_PROGRESS"]);
  await send(DeleteProvisionedConcurrencyConfigCommand, version);
}

async function eventInvoke() {
  const put = await send(PutFunctionEventInvokeConfigCommand, { FunctionName, MaximumRetryAttempts: 0 });
  assert.equal(put.FunctionArn, arn(`${FunctionName}:$LATEST`));
  assert.deepEqual(put.DestinationConfig, { OnSuccess: {}, OnFailure: {} });
  assert.ok(Math.abs(Date.now() - put.LastModified) < 60_000);
  await refused(ResourceNotFoundException, 404, `The function ${arn(FunctionName)}:1 doesn't have an EventInvokeConfig`, GetFunctionEventInvokeConfigCommand, version);
}

async function codeSigning() {
  assert.equal((await send(GetFunctionCodeSigningConfigCommand, { FunctionName })).CodeSigningConfigArn, undefined);
  const { CodeSigningConfig: { CodeSigningConfigArn } } = await send(CreateCodeSigningConfigCommand, {
    AllowedPublishers: { SigningProfileVersionArns: ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/abc"] },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Enforce" },
  });
  const other = CodeSigningConfigArn.slice(0, -17) + "0".repeat(17);
  await refused(CodeSigningConfigNotFoundException, 404, "The code signing configuration cannot be found.", PutFunctionCodeSigningConfigCommand, { FunctionName, CodeSigningConfigArn: other });
  await send(PutFunctionCodeSigningConfigCommand, { FunctionName, CodeSigningConfigArn });
  await refused(CodeVerificationFailedException, 400, "Lambda cannot deploy the function.", UpdateFunctionCodeCommand, { FunctionName, ZipFile: layer });
}

async function account() {
  const { AccountUsage } = await send(GetAccountSettingsCommand);
  assert.ok(AccountUsage.FunctionCount > 0 && AccountUsage.TotalCodeSize > 0);
}

export default [provisionedConcurrency, eventInvoke, codeSigning, account];
