const get = async (path) => (await fetch(process.env.AWS_ENDPOINT_URL + path)).text();

export const handler = awslambda.streamifyResponse(async (event, out, context) => {
  out.write("first ");
  switch (event.why) {
    case "raise":
      throw new RangeError("no good: today");
    case "exit":
      await new Promise((resolve) => setTimeout(resolve, 50)); // a write is on its way when it returns, no sooner
      process.exit(7);
    case "sleep":
      await new Promise((resolve) => setTimeout(resolve, 60000));
      break;
    case "large":
      for (const piece = Buffer.alloc(1 << 20); ; ) await new Promise((resolve) => out.write(piece, resolve));
    case "unfinished":
      return;
    case "early":
      out.end(context.awsRequestId);
      await get("/gate");
      return;
  }
  await get("/gate");
  out.end("second");
});

export const http = awslambda.streamifyResponse(async (event, out) => {
  out = awslambda.HttpResponseStream.from(out, event);
  if (event.body) out.write(event.body);
  out.end();
});

export const silent = awslambda.streamifyResponse(async () => {
  throw new TypeError("before the first byte");
});

export const sync = awslambda.streamifyResponse(() => "at once");

export const typed = awslambda.streamifyResponse(async (event, out) => {
  out.setContentType("text/event-stream");
  out.write({ an: "object" });
  out.end();
});
