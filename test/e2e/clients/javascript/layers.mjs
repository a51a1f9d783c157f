// Layers, their versions and policies, and functions that use them.
import assert from "node:assert/strict";
import {
  AddLayerVersionPermissionCommand, DeleteLayerVersionCommand, GetLayerVersionByArnCommand, GetLayerVersionCommand,
  GetLayerVersionPolicyCommand, InvalidParameterValueException, InvokeCommand, PublishLayerVersionCommand,
  RemoveLayerVersionPermissionCommand, ResourceConflictException, ResourceNotFoundException, UpdateFunctionConfigurationCommand,
  paginateListLayerVersions, paginateListLayers,
} from "@aws-sdk/client-lambda";
import { all, create, layer, refused, send, text } from "./support.mjs";

const LayerName = "tools";
const LayerArn = "arn:aws:lambda:us-east-1:000000000000:layer:tools";
const first = { LayerName, VersionNumber: 1 };

async function versions() {
  const made = await send(PublishLayerVersionCommand, { LayerName, Content: { ZipFile: layer }, CompatibleRuntimes: ["python3.13"] });
  assert.deepEqual([made.Version, made.LayerArn, made.LayerVersionArn], [1, LayerArn, `${LayerArn}:1`]);
  assert.deepEqual(Buffer.from(await (await fetch(made.Content.Location)).arrayBuffer()), layer);
  for (const name of [LayerName, "other"]) await send(PublishLayerVersionCommand, { LayerName: name, Content: { ZipFile: layer } });
  const byARN = await send(GetLayerVersionByArnCommand, { Arn: `${LayerArn}:1` });
  for (const got of [await send(GetLayerVersionCommand, first), byARN]) {
    assert.equal(got.CreatedDate, made.CreatedDate);
    assert.equal(got.Content.CodeSha256, made.Content.CodeSha256);
    assert.deepEqual(got.CompatibleRuntimes, ["python3.13"]);
  }
  assert.deepEqual(await all(paginateListLayers, {}, (page) => page.Layers.map((l) => l.LayerName)), ["other", LayerName]);
  assert.deepEqual(await all(paginateListLayerVersions, { LayerName }, (page) => page.LayerVersions.map((v) => v.Version)), [2, 1]);
}

async function use() {
  const FunctionName = "layered";
  const { Layers } = await create(FunctionName, { Handler: "app.tool", Layers: [`${LayerArn}:1`] });
  assert.deepEqual(Layers, [{ Arn: `${LayerArn}:1`, CodeSize: layer.length }]);
  assert.equal(text((await send(InvokeCommand, { FunctionName })).Payload), '"from the layer"');
  await refused(InvalidParameterValueException, 400, `Layer version ${LayerArn}:9 does not exist.`, UpdateFunctionConfigurationCommand, { FunctionName, Layers: [`${LayerArn}:9`] });
}

async function policy() {
  const statement = { ...first, StatementId: "all", Action: "lambda:GetLayerVersion", Principal: "*" };
  const { Statement, RevisionId } = await send(AddLayerVersionPermissionCommand, statement);
  const { Policy } = await send(GetLayerVersionPolicyCommand, first);
  assert.deepEqual(JSON.parse(Policy).Statement, [JSON.parse(Statement)]);
  await refused(ResourceConflictException, 409, "The statement id (all) provided already exists.", AddLayerVersionPermissionCommand, statement);
  await send(RemoveLayerVersionPermissionCommand, { ...first, StatementId: "all", RevisionId });
  await refused(ResourceNotFoundException, 404, "No policy is associated with the given resource.", GetLayerVersionPolicyCommand, first);
}

async function deletion() {
  await send(DeleteLayerVersionCommand, first);
  await refused(ResourceNotFoundException, 404, "The resource you requested does not exist.", GetLayerVersionCommand, first);
}

export default [versions, use, policy, deletion];
