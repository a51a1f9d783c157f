// Calls another function with the SDK, of whose set-up it knows nothing.
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";

const client = new LambdaClient();

export const handler = async (event) => {
  const answer = await client.send(new InvokeCommand({ FunctionName: event.function, Payload: JSON.stringify(event.payload) }));
  return { answer: JSON.parse(Buffer.from(answer.Payload)), status: answer.StatusCode };
};
