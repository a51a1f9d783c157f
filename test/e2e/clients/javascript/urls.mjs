// Function URLs: their configurations, and requests to them.
import assert from "node:assert/strict";
import {
  AddPermissionCommand, CreateAliasCommand, CreateFunctionUrlConfigCommand, DeleteFunctionUrlConfigCommand, GetFunctionUrlConfigCommand,
  ResourceConflictException, ResourceNotFoundException, UpdateFunctionUrlConfigCommand, paginateListFunctionUrlConfigs,
} from "@aws-sdk/client-lambda";
import { all, arn, create, refused, send, unmodelled } from "./support.mjs";

const FunctionName = "served";

// local is a URL without a name that this machine might not resolve.
const local = (url) => `${process.env.AWS_ENDPOINT_URL}/_engine/url/${new URL(url).hostname.split(".")[0]}/`;

async function configurations() {
  await create(FunctionName, { Publish: true });
  const made = await send(CreateFunctionUrlConfigCommand, { FunctionName, AuthType: "NONE", Cors: { AllowOrigins: ["*"], MaxAge: 5 } });
  assert.deepEqual([made.$metadata.httpStatusCode, made.FunctionArn, made.InvokeMode], [201, arn(FunctionName), undefined]);
  assert.deepEqual(made.Cors, { AllowOrigins: ["*"], MaxAge: 5 });
  const got = await send(GetFunctionUrlConfigCommand, { FunctionName });
  assert.deepEqual([got.FunctionUrl, got.CreationTime, got.InvokeMode], [made.FunctionUrl, made.CreationTime, "BUFFERED"]);
  assert.equal((await send(UpdateFunctionUrlConfigCommand, { FunctionName, InvokeMode: "RESPONSE_STREAM" })).InvokeMode, "RESPONSE_STREAM");
  await send(CreateAliasCommand, { FunctionName, Name: "live", FunctionVersion: "1" });
  await send(CreateFunctionUrlConfigCommand, { FunctionName, Qualifier: "live", AuthType: "AWS_IAM" });
  const arns = await all(paginateListFunctionUrlConfigs, { FunctionName }, (page) => page.FunctionUrlConfigs.map((c) => c.FunctionArn));
  assert.deepEqual(arns, [arn(FunctionName), arn(`${FunctionName}:live`)]);
}

async function requests() {
  const { FunctionUrl } = await send(GetFunctionUrlConfigCommand, { FunctionName });
  assert.equal((await fetch(local(FunctionUrl))).status, 403);
  await send(AddPermissionCommand, { FunctionName, StatementId: "url", Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: "NONE" });
  const response = await fetch(`${local(FunctionUrl)}path?q=1`, { method: "POST", body: "hello" });
  const { version, rawPath, rawQueryString, body } = await response.json();
  assert.deepEqual([response.status, version, rawPath, rawQueryString, body], [200, "2.0", "/path", "q=1", "hello"]);
}

async function refusals() {
  await refused(ResourceConflictException, 409, "Failed to create function url config for ", CreateFunctionUrlConfigCommand, { FunctionName, AuthType: "NONE" });
  await unmodelled("ValidationException", 400, "1 validation error detected: ", GetFunctionUrlConfigCommand, { FunctionName, Qualifier: "1" });
  await send(DeleteFunctionUrlConfigCommand, { FunctionName });
  await refused(ResourceNotFoundException, 404, "The resource you requested does not exist.", GetFunctionUrlConfigCommand, { FunctionName });
}

export default [configurations, requests, refusals];
