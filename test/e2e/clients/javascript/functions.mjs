// Functions, their versions and aliases.
import assert from "node:assert/strict";
import {
  CreateAliasCommand, CreateFunctionCommand, DeleteAliasCommand, DeleteFunctionCommand, GetAliasCommand, GetFunctionCommand,
  GetFunctionConfigurationCommand, InvalidParameterValueException, PreconditionFailedException, PublishVersionCommand,
  ResourceConflictException, ResourceNotFoundException, UpdateAliasCommand, UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand, paginateListAliases, paginateListFunctions, paginateListVersionsByFunction,
  waitUntilFunctionActive, waitUntilFunctionExists, waitUntilFunctionUpdated, waitUntilFunctionUpdatedV2, waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import { all, arn, client, code, create, layer, refused, send, unmodelled } from "./support.mjs";

const FunctionName = "released";
const waiter = { client, maxWaitTime: 20 };

async function creation() {
  const created = await create(FunctionName, { Tags: { team: "blue" } });
  assert.equal(created.$metadata.httpStatusCode, 201);
  assert.equal(created.State, "Pending");
  for (const wait of [waitUntilFunctionExists, waitUntilFunctionActive, waitUntilFunctionUpdated, waitUntilFunctionUpdatedV2]) {
    assert.equal((await wait(waiter, { FunctionName })).state, "SUCCESS");
  }
  const { Configuration, Code, Tags } = await send(GetFunctionCommand, { FunctionName });
  assert.deepEqual(Tags, { team: "blue" });
  assert.deepEqual(Buffer.from(await (await fetch(Code.Location)).arrayBuffer()), code);
  const { $metadata, ...flat } = await send(GetFunctionConfigurationCommand, { FunctionName });
  assert.deepEqual(flat, Configuration);
  await create("another");
  assert.deepEqual(await all(paginateListFunctions, {}, (page) => page.Functions.map((f) => f.FunctionName)), ["another", FunctionName]);
}

async function versions() {
  const { Version } = await send(PublishVersionCommand, { FunctionName });
  await waitUntilPublishedVersionActive(waiter, { FunctionName, Qualifier: Version });
  await send(UpdateFunctionCodeCommand, { FunctionName, ZipFile: layer });
  await waitUntilFunctionUpdatedV2(waiter, { FunctionName });
  await send(UpdateFunctionConfigurationCommand, { FunctionName, Timeout: 10 });
  await waitUntilFunctionUpdated(waiter, { FunctionName });
  assert.equal((await send(PublishVersionCommand, { FunctionName })).FunctionArn, arn("released:2"));
  assert.deepEqual(await all(paginateListVersionsByFunction, { FunctionName }, (page) => page.Versions.map((v) => v.Version)), ["$LATEST", "1", "2"]);
}

async function aliases() {
  const { AliasArn } = await send(CreateAliasCommand, { FunctionName, Name: "live", FunctionVersion: "1" });
  assert.equal(AliasArn, arn("released:live"));
  await send(CreateAliasCommand, { FunctionName, Name: "beta", FunctionVersion: "2" });
  const RoutingConfig = { AdditionalVersionWeights: { 2: 0.25 } };
  assert.deepEqual((await send(UpdateAliasCommand, { FunctionName, Name: "live", RoutingConfig })).RoutingConfig, RoutingConfig);
  assert.equal((await send(UpdateAliasCommand, { FunctionName, Name: "live", RoutingConfig: {} })).RoutingConfig, undefined);
  assert.equal((await send(GetAliasCommand, { FunctionName, Name: "live" })).FunctionVersion, "1");
  assert.deepEqual(await all(paginateListAliases, { FunctionName }, (page) => page.Aliases.map((a) => a.Name)), ["beta", "live"]);
}

async function refusals() {
  await refused(ResourceNotFoundException, 404, `Function not found: ${arn("nope")}`, GetFunctionCommand, { FunctionName: "nope" });
  await refused(ResourceConflictException, 409, "Alias already exists: ", CreateAliasCommand, { FunctionName, Name: "live", FunctionVersion: "1" });
  await refused(PreconditionFailedException, 412, "The Revision Id provided does not match", PublishVersionCommand, { FunctionName, RevisionId: "stale" });
  await refused(InvalidParameterValueException, 400, "Could not unzip uploaded file.", UpdateFunctionCodeCommand, { FunctionName, ZipFile: Buffer.from("x") });
  await refused(ResourceConflictException, 409, "Function already exist: released", CreateFunctionCommand, {
    FunctionName, Runtime: "python3.13", Handler: "app.echo", Role: "arn:aws:iam::000000000000:role/r", Code: { ZipFile: code },
  });
  await unmodelled("ValidationException", 400, "1 validation error detected: ", CreateAliasCommand, { FunctionName, Name: "123", FunctionVersion: "1" });
}

async function deletion() {
  await refused(ResourceConflictException, 409, "Unable to delete version because", DeleteFunctionCommand, { FunctionName, Qualifier: "1" });
  assert.equal((await send(DeleteAliasCommand, { FunctionName, Name: "live" })).$metadata.httpStatusCode, 204);
  assert.equal((await send(DeleteFunctionCommand, { FunctionName, Qualifier: "1" })).$metadata.httpStatusCode, 204);
  await send(DeleteFunctionCommand, { FunctionName });
  await refused(ResourceNotFoundException, 404, "Function not found: ", DeleteFunctionCommand, { FunctionName });
}

export default [creation, versions, aliases, refusals, deletion];
