// Invocations of every kind, and what comes of those that fail.
import assert from "node:assert/strict";
import {
  CreateAliasCommand, DeleteFunctionConcurrencyCommand, InvalidRequestContentException, InvokeAsyncCommand, InvokeCommand,
  InvokeWithResponseStreamCommand, PutFunctionConcurrencyCommand, ResourceNotFoundException, TooManyRequestsException,
} from "@aws-sdk/client-lambda";
import { arn, create, refused, send, text, unbase64, unmodelled } from "./support.mjs";

const FunctionName = "echo";

async function invoke() {
  await create(FunctionName, { Publish: true });
  await send(CreateAliasCommand, { FunctionName, Name: "live", FunctionVersion: "1" });
  const out = await send(InvokeCommand, { FunctionName, Qualifier: "live", Payload: JSON.stringify({ name: "Ada" }), LogType: "Tail" });
  assert.equal(out.StatusCode, 200);
  assert.equal(out.ExecutedVersion, "1");
  assert.equal(out.FunctionError, undefined);
  assert.deepEqual(JSON.parse(text(out.Payload)), { name: "Ada" });
  assert.match(unbase64(out.LogResult), /^START RequestId: [^]*\nEND RequestId: [^]*\nREPORT RequestId: /);
}

async function kinds() {
  const event = await send(InvokeCommand, { FunctionName, InvocationType: "Event", Payload: "{}" });
  assert.deepEqual([event.StatusCode, event.Payload], [202, null]);
  assert.equal((await send(InvokeCommand, { FunctionName, InvocationType: "DryRun" })).StatusCode, 204);
  assert.equal((await send(InvokeAsyncCommand, { FunctionName, InvokeArgs: "{}" })).Status, 202);
}

async function functionError() {
  await create("failing", { Handler: "app.fail" });
  const out = await send(InvokeCommand, { FunctionName: "failing", Payload: '"no good"' });
  assert.deepEqual([out.StatusCode, out.FunctionError], [200, "Unhandled"]);
  const { errorType, errorMessage } = JSON.parse(text(out.Payload));
  assert.deepEqual([errorType, errorMessage], ["ValueError", "no good"]);
}

async function stream(input) {
  const { EventStream, ...head } = await send(InvokeWithResponseStreamCommand, input);
  const chunks = [];
  let complete;
  for await (const event of EventStream) {
    assert.equal(complete, undefined, "an event behind the last one");
    if (event.PayloadChunk) chunks.push(text(event.PayloadChunk.Payload));
    complete = event.InvokeComplete;
  }
  return { ...head, complete, body: chunks.join("") };
}

async function streams() {
  const good = await stream({ FunctionName, Qualifier: "live", Payload: '"Ada"', LogType: "Tail" });
  assert.deepEqual([good.StatusCode, good.ExecutedVersion, good.body], [200, "1", '"Ada"']);
  assert.equal(good.complete.ErrorCode, undefined);
  assert.match(unbase64(good.complete.LogResult), /\nREPORT RequestId: /);
  const bad = await stream({ FunctionName: "failing", Payload: '"no good"' });
  assert.equal(bad.complete.ErrorCode, "Unhandled");
  assert.equal(JSON.parse(bad.complete.ErrorDetails).errorMessage, "no good");
}

async function refusals() {
  for (const Command of [InvokeCommand, InvokeWithResponseStreamCommand]) {
    await refused(ResourceNotFoundException, 404, `Function not found: ${arn("nope:$LATEST")}`, Command, { FunctionName: "nope" });
    await refused(InvalidRequestContentException, 400, "Could not parse request body into json: ", Command, { FunctionName, Payload: "{bad" });
    await unmodelled("RequestEntityTooLargeException", 413, "Request must be smaller than 6291456 bytes", Command, { FunctionName, Payload: `"${"x".repeat(6291455)}"` });
  }
}

async function throttling() {
  await send(PutFunctionConcurrencyCommand, { FunctionName, ReservedConcurrentExecutions: 0 });
  for (const Command of [InvokeCommand, InvokeWithResponseStreamCommand]) {
    const error = await refused(TooManyRequestsException, 429, "Rate Exceeded.", Command, { FunctionName });
    assert.equal(error.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
    assert.ok(Number(error.retryAfterSeconds) > 0, "no Retry-After");
  }
  await send(DeleteFunctionConcurrencyCommand, { FunctionName });
}

export default [invoke, kinds, functionError, streams, refusals, throttling];
