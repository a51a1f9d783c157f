// AWS's SDK for JavaScript, version 3, as it is against an engine.
// Usage: node client.mjs PACKAGE, the endpoint and keys in the environment.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  CreateAliasCommand, CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, InvokeCommand, LambdaClient,
  PublishVersionCommand, PutFunctionConcurrencyCommand, ResourceConflictException, ResourceNotFoundException,
  TooManyRequestsException, paginateListVersionsByFunction, waitUntilFunctionActiveV2, waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";

const client = new LambdaClient({ maxAttempts: 1 });
const FunctionName = "javascript";
const text = (bytes) => Buffer.from(bytes).toString();

await client.send(new CreateFunctionCommand({
  FunctionName, Runtime: "python3.13", Handler: "app.handler", Role: "arn:aws:iam::000000000000:role/r",
  Code: { ZipFile: readFileSync(process.argv[2]) },
}));
await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });
const { Version } = await client.send(new PublishVersionCommand({ FunctionName }));
await waitUntilPublishedVersionActive({ client, maxWaitTime: 20 }, { FunctionName, Qualifier: Version });
await client.send(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: Version }));

const out = await client.send(new InvokeCommand({ FunctionName, Qualifier: "live", Payload: JSON.stringify({ name: "Ada" }), LogType: "Tail" }));
assert.equal(out.StatusCode, 200);
assert.equal(out.ExecutedVersion, "1");
assert.equal(out.FunctionError, undefined);
assert.equal(JSON.parse(text(out.Payload)), "version 1 greets Ada");
assert.match(Buffer.from(out.LogResult, "base64").toString(), /^START RequestId: [^]*\nREPORT RequestId: /);

const failed = await client.send(new InvokeCommand({ FunctionName, Payload: "[]" }));
assert.equal(failed.FunctionError, "Unhandled");
assert.equal(JSON.parse(text(failed.Payload)).errorType, "TypeError");
assert.equal((await client.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload: "{}" }))).StatusCode, 202);

const refused = async (command, type, status, message) => {
  const error = await client.send(command).then(() => assert.fail("not refused"), (e) => e);
  assert.ok(error instanceof type, `${error} is no ${type.name}`);
  assert.equal(error.$metadata.httpStatusCode, status);
  assert.ok(error.$metadata.requestId);
  assert.match(error.message, message);
  return error;
};
await refused(new GetFunctionCommand({ FunctionName: "nope" }), ResourceNotFoundException, 404, /^Function not found: arn:/);
await refused(new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: "1" }), ResourceConflictException, 409, /^Alias already exists: /);
await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
const throttled = await refused(new InvokeCommand({ FunctionName }), TooManyRequestsException, 429, /^Rate Exceeded\.$/);
assert.equal(throttled.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
assert.ok(Number(throttled.retryAfterSeconds) > 0, "no Retry-After");

const versions = [];
for await (const page of paginateListVersionsByFunction({ client, pageSize: 1 }, { FunctionName })) {
  versions.push(...page.Versions.map((v) => v.Version));
}
assert.deepEqual(versions, ["$LATEST", "1"]);
await client.send(new DeleteFunctionCommand({ FunctionName }));
console.log("ok");
