// Event source mappings.
import assert from "node:assert/strict";
import {
  CreateEventSourceMappingCommand, DeleteEventSourceMappingCommand, GetEventSourceMappingCommand, InvalidParameterValueException,
  ListTagsCommand, PublishVersionCommand, ResourceConflictException, ResourceNotFoundException, TagResourceCommand,
  UntagResourceCommand, UpdateEventSourceMappingCommand, paginateListEventSourceMappings,
} from "@aws-sdk/client-lambda";
import { all, arn, create, refused, send, stream, unmodelled } from "./support.mjs";

const FunctionName = "fed";
const source = { EventSourceArn: stream, FunctionName, StartingPosition: "LATEST" };
let UUID;

// settled waits until the mapping is in a state.
async function settled(state) {
  for (const deadline = Date.now() + 30_000; (await send(GetEventSourceMappingCommand, { UUID })).State !== state; ) {
    assert.ok(Date.now() < deadline, `waited in vain until the mapping is ${state}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function life() {
  await create(FunctionName);
  const made = await send(CreateEventSourceMappingCommand, { ...source, BatchSize: 5 });
  ({ UUID } = made);
  assert.deepEqual([made.$metadata.httpStatusCode, made.State, made.BatchSize, made.FunctionArn], [202, "Creating", 5, arn(FunctionName)]);
  assert.ok(Math.abs(Date.now() - made.LastModified) < 60_000);
  await settled("Enabled");
  assert.equal((await send(UpdateEventSourceMappingCommand, { UUID, Enabled: false })).State, "Disabling");
  await settled("Disabled");
  const Resource = made.EventSourceMappingArn;
  await send(TagResourceCommand, { Resource, Tags: { a: "1", b: "2" } });
  await send(UntagResourceCommand, { Resource, TagKeys: ["a"] });
  assert.deepEqual((await send(ListTagsCommand, { Resource })).Tags, { b: "2" });
}

async function list() {
  await send(PublishVersionCommand, { FunctionName });
  const { UUID: other } = await send(CreateEventSourceMappingCommand, { ...source, FunctionName: `${FunctionName}:1`, Enabled: false });
  const found = await all(paginateListEventSourceMappings, { EventSourceArn: stream }, (page) => page.EventSourceMappings.map((m) => m.UUID));
  assert.deepEqual(found, [UUID, other].sort());
}

async function refusals() {
  await refused(ResourceConflictException, 409, 'The event source arn (" ', CreateEventSourceMappingCommand, source);
  await refused(InvalidParameterValueException, 400, "Function does not exist", CreateEventSourceMappingCommand, { ...source, FunctionName: "nope" });
  await unmodelled("ValidationException", 400, "1 validation error detected: ", UpdateEventSourceMappingCommand, { UUID, BatchSize: 0 });
  assert.equal((await send(DeleteEventSourceMappingCommand, { UUID })).State, "Deleting");
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    try {
      await send(GetEventSourceMappingCommand, { UUID });
    } catch {
      break; // gone
    }
  }
  for (const Command of [GetEventSourceMappingCommand, UpdateEventSourceMappingCommand, DeleteEventSourceMappingCommand]) {
    await refused(ResourceNotFoundException, 404, "The resource you requested does not exist.", Command, { UUID });
  }
}

export default [life, list, refusals];
