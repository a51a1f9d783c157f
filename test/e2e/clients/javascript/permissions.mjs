// Resource policies.
import assert from "node:assert/strict";
import {
  AddPermissionCommand, GetPolicyCommand, InvalidParameterValueException, PolicyLengthExceededException, PreconditionFailedException,
  RemovePermissionCommand, ResourceConflictException, ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import { arn, create, refused, send, unmodelled } from "./support.mjs";

const FunctionName = "guarded";
const statement = { FunctionName, StatementId: "s", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", SourceArn: "arn:aws:s3:::b" };

async function policy() {
  await create(FunctionName);
  await refused(ResourceNotFoundException, 404, "The resource you requested does not exist.", GetPolicyCommand, { FunctionName });
  const { Statement } = await send(AddPermissionCommand, statement);
  const { Policy, RevisionId } = await send(GetPolicyCommand, { FunctionName });
  assert.deepEqual(JSON.parse(Policy).Statement, [JSON.parse(Statement)]);
  assert.equal(JSON.parse(Statement).Resource, arn(FunctionName));
  await refused(PreconditionFailedException, 412, "The Revision Id provided", RemovePermissionCommand, { FunctionName, StatementId: "s", RevisionId: "stale" });
  await send(RemovePermissionCommand, { FunctionName, StatementId: "s", RevisionId });
}

async function refusals() {
  await send(AddPermissionCommand, statement);
  await refused(ResourceConflictException, 409, "The statement id (s) provided already exists.", AddPermissionCommand, statement);
  await refused(InvalidParameterValueException, 400, "The provided principal was invalid.", AddPermissionCommand, { ...statement, StatementId: "t", Principal: "nobody" });
  await unmodelled("ValidationException", 400, "1 validation error detected: ", AddPermissionCommand, { ...statement, StatementId: "a.b" });
  const fill = async () => {
    for (let i = 100; i < 300; i++) await send(AddPermissionCommand, { ...statement, StatementId: "s".repeat(97) + i });
  };
  await assert.rejects(fill, (error) => error instanceof PolicyLengthExceededException && error.message.startsWith("The final policy size ("));
}

export default [policy, refusals];
