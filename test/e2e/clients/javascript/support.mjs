// What the topics share: the client, functions to work on, and expectations.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CreateFunctionCommand, LambdaClient, LambdaServiceException, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";

const [, , first, second, stream] = process.argv;
export const code = readFileSync(first); // Python with the handlers app.echo, app.fail and app.tool
export const layer = readFileSync(second); // has what app.tool imports; as code it is just another
export { stream };

export const client = new LambdaClient({ maxAttempts: 1 });
export const arn = (name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

export const send = (Command, input = {}) => client.send(new Command(input));
export const text = (bytes) => Buffer.from(bytes).toString();
export const unbase64 = (s) => Buffer.from(s, "base64").toString();

// create makes a function that is ready to be changed.
export async function create(FunctionName, more = {}) {
  const created = await send(CreateFunctionCommand, {
    FunctionName, Runtime: "python3.13", Handler: "app.echo", Role: "arn:aws:iam::000000000000:role/r", Code: { ZipFile: code }, ...more,
  });
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });
  return created;
}

// all collects what a paginator finds when there is one item on a page.
export async function all(paginate, input, items) {
  const pages = [];
  for await (const page of paginate({ client, pageSize: 1 }, input)) pages.push(page);
  assert.ok(pages.length > 1, `${paginate.name} has answered in one page`);
  return pages.flatMap(items);
}

// refused expects an error to be caught as a type of the SDK's, and returns it.
export async function refused(Type, status, message, Command, input) {
  const error = await failure(status, message, Command, input);
  assert.ok(error instanceof Type && error.name === Type.name, `${error} is no ${Type.name}`);
  return error;
}

// unmodelled expects an error that AWS sends although its model has no type for it.
export async function unmodelled(name, status, message, Command, input) {
  const error = await failure(status, message, Command, input);
  assert.ok(error.constructor === LambdaServiceException && error.name === name, `${error} is no plain ${name}`);
}

async function failure(status, message, Command, input) {
  const error = await send(Command, input).then(() => assert.fail(`not refused: ${message}`), (e) => e);
  assert.equal(error.$metadata?.httpStatusCode, status, `${error}`);
  assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
  assert.ok(error.message.startsWith(message), `${error.message} is not ${message}`);
  return error;
}
