import fs from "node:fs";
import os from "node:os";
import path from "node:path";

let count = 0;
let ticks = 0;
let ticker;

export const handler = async (event, context) => {
  count++;
  switch (event?.op ?? "echo") {
    case "echo":
      return event;
    case "raise":
      throw new RangeError(`no good: ${event.why}`);
    case "exit":
      process.exit(7);
    case "sleep":
      await new Promise((resolve) => setTimeout(resolve, event.seconds * 1000));
      return "slept";
    case "print":
      for (let i = 0; i < event.lines; i++) process.stdout.write(`line ${i}\n`);
      process.stdout.write("no line break");
      return null;
    case "log":
      console.error("it hurts");
      return null;
    case "large":
      return "x".repeat(event.size);
    case "length":
      return event.data.length;
    case "count":
      return count;
    case "tick":
      ticker ??= setInterval(() => ticks++, 10);
      return ticks;
    case "eat":
      for (const eaten = []; ; ) eaten.push(Buffer.alloc(8 << 20, 1));
    case "tmp": {
      const file = path.join(os.tmpdir(), "mark");
      const there = fs.existsSync(file);
      fs.writeFileSync(file, "x");
      return there;
    }
    case "write":
      try {
        fs.writeFileSync(event.path, "x");
      } catch (e) {
        return e.code;
      }
      return "written";
    case "context":
      return {
        id: context.awsRequestId,
        arn: context.invokedFunctionArn,
        remaining: context.getRemainingTimeInMillis(),
        name: context.functionName,
        custom: context.clientContext?.custom ?? null,
        identity: context.identity?.cognitoIdentityId ?? null,
        trace: process.env._X_AMZN_TRACE_ID,
        uid: process.getuid(),
        cwd: process.cwd(),
        task: process.env.LAMBDA_TASK_ROOT,
      };
    case "get":
      return (await fetch(process.env.AWS_ENDPOINT_URL + event.path)).text();
  }
  throw new TypeError(event.op);
};
