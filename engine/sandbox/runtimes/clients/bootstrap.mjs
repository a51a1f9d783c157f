// Runs a Node.js function: AWS Lambda's runtime interface, on Node.js 18 or later.
//
// It answers as AWS's own Node.js runtime does: the same log lines, error bodies,
// error types and context, for async and callback handlers, CommonJS and ES modules.
// It speaks to the Runtime API over one connection, which does not keep the event
// loop alive while a handler runs: an empty loop means that the function is done.

import fs from "node:fs";
import module, { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import util from "node:util";

const ROOT = "/2018-06-01/runtime/";

/** The Runtime API: one kept-alive HTTP connection. Bodies are of known length but for streamed responses. */
class Api {
  constructor(address) {
    const [host, port] = address.split(":");
    this.sock = net.connect({ host, port: Number(port), noDelay: true });
    this.sock.on("data", (chunk) => this.receive(chunk));
    this.sock.on("error", () => process.exit(1)); // the environment is being taken down
    this.sock.on("close", () => process.exit(1));
    this.chunks = [];
    this.size = 0;
    this.head = null;
    this.done = null;
  }

  /** Sends a request and hands (status, headers, body) to done. */
  call(method, url, body, headers, done) {
    this.done = done;
    this.sock.ref();
    const data = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
    const head = `${method} ${ROOT}${url} HTTP/1.1\r\nHost: lambda\r\nContent-Length: ${data.length}\r\n${headers}\r\n`;
    if (data.length > 16384) {
      this.sock.write(head);
      this.sock.write(data);
    } else {
      this.sock.write(Buffer.concat([Buffer.from(head), data]));
    }
  }

  /** Begins a request whose body follows in chunks. */
  open(method, url, headers) {
    this.sock.write(`${method} ${ROOT}${url} HTTP/1.1\r\nHost: lambda\r\nTransfer-Encoding: chunked\r\n${headers}\r\n`);
  }

  /** Sends a chunk; written is called once the engine has made room for it. */
  chunk(data, written) {
    if (data.length === 0) {
      written?.(); // an empty chunk would end the body
      return;
    }
    this.sock.cork();
    this.sock.write(`${data.length.toString(16)}\r\n`);
    this.sock.write(data);
    this.sock.write("\r\n", written);
    this.sock.uncork();
  }

  /** Ends a body in chunks and hands the answer to done. */
  close(trailers, done) {
    this.done = done;
    this.sock.ref();
    this.sock.write(`0\r\n${trailers}\r\n`);
  }

  receive(chunk) {
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (!this.head) {
      const data = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
      const end = data.indexOf("\r\n\r\n");
      if (end < 0) {
        this.chunks = [data];
        return;
      }
      const [first, ...lines] = data.toString("utf8", 0, end).split("\r\n");
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(":");
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      this.head = { status: Number(first.split(" ")[1]), headers, length: Number(headers["content-length"] ?? 0) };
      this.chunks = [data.subarray(end + 4)];
      this.size = this.chunks[0].length;
    }
    if (this.size < this.head.length) return;
    const { status, headers } = this.head;
    const body = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.head = null;
    this.chunks = [];
    this.size = 0;
    this.sock.unref();
    this.done(status, headers, body);
  }
}

const stdout = (text) => {
  const data = Buffer.from(text);
  for (let at = 0; at < data.length; ) {
    try {
      at += fs.writeSync(1, data, at);
    } catch (e) {
      if (e.code !== "EAGAIN") throw e;
    }
  }
};

// ---- console -------------------------------------------------------------

const LEVELS = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 5 };
const jsonLogs = (process.env.AWS_LAMBDA_LOG_FORMAT ?? "").toUpperCase() === "JSON";
const lowest = LEVELS[(process.env.AWS_LAMBDA_LOG_LEVEL ?? "").toUpperCase()] ?? -1;
let requestId;

const textLine = (level, message) =>
  // A carriage return keeps the lines of a message together as one log event.
  stdout(`${new Date().toISOString()}\t${requestId}\t${level}\t${message.replace(/\r?\n/g, "\r")}\n`);

const jsonLine = (level, args) => {
  const line = { timestamp: new Date().toISOString(), level, requestId };
  const error = args.find((a) => a instanceof Error);
  if (args.length === 1 && !error) line.message = args[0];
  else line.message = util.format(...args);
  if (error) Object.assign(line, { errorType: error.name, errorMessage: error.message, stackTrace: stackOf(error) });
  let text;
  try {
    text = JSON.stringify(line);
  } catch {
    text = JSON.stringify({ ...line, message: util.format(...args) });
  }
  stdout(text + "\n");
};

const log = (level, args) => {
  if (LEVELS[level] < lowest) return;
  if (jsonLogs) jsonLine(level, args);
  else textLine(level, util.format(...args));
};

console.log = console.info = (...args) => log("INFO", args);
console.debug = (...args) => log("DEBUG", args);
console.warn = (...args) => log("WARN", args);
console.error = (...args) => log("ERROR", args);
console.fatal = (...args) => log("FATAL", args);
console.trace = (...args) => {
  const at = {};
  Error.captureStackTrace(at, console.trace);
  log("TRACE", [`${util.format(...args)}\n${at.stack}`]);
};

// ---- errors --------------------------------------------------------------

class Fault extends Error {
  constructor(name, message, stack) {
    super(message);
    this.name = name;
    if (stack) this.stack = stack;
  }
}

const isError = (e) =>
  e instanceof Error || (e && typeof e === "object" && typeof e.name === "string" && typeof e.message === "string" && typeof e.stack === "string");

const stackOf = (e) => String(e.stack).split("\n");

/** What the caller of the function gets. */
const describe = (e) => {
  if (isError(e)) return { errorType: e.name.replace(/\x7f/g, "%7F"), errorMessage: e.message, trace: stackOf(e) };
  return { errorType: typeof e, errorMessage: String(e), trace: [] };
};

/** What the log gets: the error with its own properties. */
const inLog = (e) => {
  if (!isError(e)) return JSON.stringify({ errorType: typeof e, errorMessage: util.inspect(e), stack: [] });
  const { name, message, stack, ...rest } = e;
  try {
    return JSON.stringify({ errorType: e.name, errorMessage: e.message, ...rest, stack: stackOf(e) });
  } catch {
    return JSON.stringify({ errorType: e.name, errorMessage: e.message, stack: stackOf(e) });
  }
};

const typeHeader = (body) => `Lambda-Runtime-Function-Error-Type: ${body.errorType.replace(/[^\x20-\x7e]/g, "?")}\r\n`;
const errorHeaders = (body) => `Content-Type: application/json\r\n${typeHeader(body)}`;

const logError = (title, e) => {
  if (jsonLogs) jsonLine("ERROR", [e]);
  else textLine("ERROR", `${title}\t${inLog(e)}`);
};

// ---- the function's module -----------------------------------------------

const isModule = (file) => {
  if (file.endsWith(".mjs")) return true;
  if (file.endsWith(".cjs")) return false;
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const manifest = path.join(dir, "package.json");
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, "utf8")).type === "module";
      } catch {
        return false;
      }
    }
    if (dir === path.dirname(dir)) return false;
  }
};

/** Lets import find what require finds by NODE_PATH, as on AWS: the packages of layers. */
const importFromLayers = () => {
  const shelves = (process.env.NODE_PATH ?? "").split(path.delimiter).filter((dir) => path.basename(dir) === "node_modules" && fs.existsSync(dir));
  if (shelves.length === 0 || !module.register) return;
  const parents = shelves.map((dir) => pathToFileURL(path.join(path.dirname(dir), "noop.js")).href);
  const hooks = `export const resolve = async (name, context, next) => {
    try {
      return await next(name, context);
    } catch (e) {
      if (e.code !== "ERR_MODULE_NOT_FOUND" || /^[./]|:/.test(name)) throw e;
      for (const parentURL of ${JSON.stringify(parents)}) {
        try {
          return await next(name, { ...context, parentURL });
        } catch {}
      }
      throw e;
    }
  };`;
  module.register(`data:text/javascript,${encodeURIComponent(hooks)}`);
};

const load = async (root, name) => {
  const base = path.resolve(root, name);
  const isFile = (f) => fs.statSync(f, { throwIfNoEntry: false })?.isFile();
  const file = [base, `${base}.js`, `${base}.mjs`, `${base}.cjs`].find(isFile);
  if (file && isModule(file)) {
    importFromLayers();
    return import(pathToFileURL(file));
  }
  const require = createRequire(path.join(root, "noop.js"));
  return require(file ?? require.resolve(name, { paths: [root, path.dirname(base)] }));
};

const findHandler = async (root, spec) => {
  if (spec.includes("..")) throw new Fault("Runtime.MalformedHandlerName", `'${spec}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const dir = path.dirname(spec);
  const match = /^([^.]*)\.(.*)$/.exec(path.basename(spec));
  if (!match) throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  let module;
  try {
    module = await load(root, path.join(dir, match[1]));
  } catch (e) {
    if (e instanceof SyntaxError) throw new Fault("Runtime.UserCodeSyntaxError", `${e}`, e.stack);
    if (e?.code === "MODULE_NOT_FOUND" || e?.code === "ERR_MODULE_NOT_FOUND") throw new Fault("Runtime.ImportModuleError", `${e}`, e.stack);
    throw e;
  }
  const walk = (from) => match[2].split(".").reduce((o, key) => o?.[key], from);
  const handler = walk(module) ?? walk(module?.default);
  if (handler === undefined) throw new Fault("Runtime.HandlerNotFound", `${spec} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("Runtime.HandlerNotFound", `${spec} is not a function`);
  return handler;
};

// ---- response streaming ----------------------------------------------------

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP_RESPONSE = "application/vnd.awslambda.http-integration-response";

/** The response of a streaming handler, which goes out as it is written. */
class ResponseStream extends Writable {
  begun = false;
  contentType = "application/octet-stream";
  prelude = Buffer.alloc(0);

  constructor(id) {
    super({ highWaterMark: handler[HIGH_WATER_MARK] });
    this.id = id;
  }

  setContentType(type) {
    if (this.begun) throw new Fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.contentType = type;
  }

  write(chunk, ...rest) {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) chunk = JSON.stringify(chunk);
    return super.write(chunk, ...rest);
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    const headers = "Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
    api.open("POST", `invocation/${this.id}/response`, `${headers}Content-Type: ${this.contentType}\r\n`);
    api.chunk(this.prelude);
  }

  _write(chunk, encoding, done) {
    this.begin();
    api.chunk(chunk, done);
  }

  _final(done) {
    this.begin();
    current = null;
    api.close("", () => done());
  }

  /** Ends what has been written with an error. */
  abort(body, then) {
    const encoded = Buffer.from(JSON.stringify(body)).toString("base64");
    api.close(`${typeHeader(body)}Lambda-Runtime-Function-Error-Body: ${encoded}\r\n`, then);
  }
}

globalThis.awslambda = {
  streamifyResponse: (handler, options) => {
    handler[STREAMING] = "response";
    if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = Number(options.highWaterMark);
    return handler;
  },
  HttpResponseStream: {
    from: (stream, prelude) => {
      stream.setContentType(HTTP_RESPONSE);
      stream.prelude = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
      return stream;
    },
  },
};

// ---- invocations -----------------------------------------------------------

const api = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
let current = null; // the invocation that has no answer yet
let lingering = null; // asks for the next event, once a handler that goes on after its answer has ended

const json = (header, name) => {
  if (!header) return undefined;
  try {
    return JSON.parse(header);
  } catch (e) {
    throw new Fault("Runtime.LambdaContextUnmarshalError", `Cannot parse ${name}: ${e.message}`);
  }
};

class Invocation {
  constructor(headers) {
    this.id = headers["lambda-runtime-aws-request-id"];
    this.headers = headers;
    this.waits = true;
    this.settled = false; // the handler has answered
    this.drained = null; // what to do once the event loop is empty
  }

  context() {
    const h = this.headers;
    const deadline = Number(h["lambda-runtime-deadline-ms"]);
    const self = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return self.waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        self.waits = value;
      },
      succeed: (result) => this.atOnce(null, result),
      fail: (error) => this.atOnce(error ?? "handled"),
      done: (error, result) => this.atOnce(error, result),
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: json(h["lambda-runtime-client-context"], "ClientContext"),
      identity: json(h["lambda-runtime-cognito-identity"], "CognitoIdentity"),
      invokedFunctionArn: h["lambda-runtime-invoked-function-arn"],
      awsRequestId: this.id,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
  }

  /** context.succeed, fail and done do not wait for the event loop. */
  atOnce(error, result) {
    this.waits = false;
    this.callback(error, result);
  }

  /** The handler's callback: the first call counts. */
  callback(error, result) {
    if (this.settled) return;
    this.settled = true;
    const answer = () => (error === null || error === undefined ? this.succeed(result) : this.fail(error));
    if (this.waits && (error === null || error === undefined)) this.drained = answer;
    else answer();
  }

  succeed(result) {
    let body;
    try {
      body = JSON.stringify(result === undefined ? null : result);
      if (body === undefined) body = "null";
    } catch (e) {
      this.fail(new Fault("Runtime.MarshalError", "Unable to stringify response body"));
      return;
    }
    if (current !== this) return;
    current = null;
    api.call("POST", `invocation/${this.id}/response`, body, "Content-Type: application/json\r\n", (status) => {
      if (status === 413) {
        const fault = new Fault("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes).");
        current = this;
        this.fail(fault);
        return;
      }
      next();
    });
  }

  fail(error, then = next) {
    if (current !== this) return;
    current = null;
    logError(error?.title ?? "Invoke Error ", error);
    const body = describe(error);
    this.out?.destroy(); // nothing that is still to be written goes out
    if (this.out?.begun) this.out.abort(body, then);
    else api.call("POST", `invocation/${this.id}/error`, JSON.stringify(body), errorHeaders(body), then);
  }

  run(payload) {
    this.settledByPromise = false;
    const context = this.context();
    let event;
    try {
      event = JSON.parse(payload.toString("utf8"));
    } catch (e) {
      throw new Fault("Runtime.UnmarshalError", `Unable to parse event: ${e.message}`);
    }
    if (handler[STREAMING]) {
      this.stream(event, context);
      return;
    }
    const result = handler(event, context, (error, value) => this.callback(error, value));
    if (typeof result?.then === "function") {
      result.then(
        (value) => this.atOnce(null, value),
        (error) => this.atOnce(error ?? new Error(String(error))),
      );
    }
  }

  /** The next event is asked for once the response has ended and the handler has returned. */
  stream(event, context) {
    this.out = new ResponseStream(this.id);
    const result = handler(event, this.out, context);
    if (typeof result?.then !== "function") {
      this.fail("Streaming does not support non-async handlers.");
      return;
    }
    const finished = new Promise((resolve) => this.out.once("finish", resolve));
    const returned = result.then(
      (value) => {
        if (value !== undefined) console.warn("Streaming handlers ignore return values.");
      },
      (error) => (current === this ? this.fail(error) : logError("Invoke Error ", error)),
    );
    finished.then(() => {
      const proceed = () => {
        if (lingering !== proceed) return;
        lingering = null;
        next();
      };
      lingering = proceed;
      returned.then(proceed);
    });
  }
}

function next() {
  api.call("GET", "invocation/next", undefined, "", (status, headers, payload) => {
    if (status !== 200) process.exit(1);
    requestId = headers["lambda-runtime-aws-request-id"];
    const trace = headers["lambda-runtime-trace-id"];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    current = new Invocation(headers);
    try {
      current.run(payload);
    } catch (e) {
      current?.atOnce(e);
    }
  });
}

// An empty event loop ends an invocation: with the result that was waiting for
// it, or with null when the handler never gave one.
process.on("beforeExit", () => {
  const inv = current;
  if (!inv) lingering?.();
  else if (inv.out) inv.fail("Response stream is not finished.");
  else if (inv.drained) inv.drained();
  else inv.atOnce(null, null);
});

const crash = (title, error, code) => {
  if (current) {
    error.title = title;
    current.fail(error, () => process.exit(code));
    return;
  }
  logError(title, error);
  const body = describe(error);
  api.call("POST", "init/error", JSON.stringify(body), errorHeaders(body), () => process.exit(code));
};

process.on("uncaughtException", (error) => crash("Uncaught Exception ", isError(error) ? error : new Error(String(error)), 129));
process.on("unhandledRejection", (reason, promise) => {
  const error = new Fault("Runtime.UnhandledPromiseRejection", reason?.toString());
  error.reason = reason;
  error.promise = promise;
  crash("Unhandled Promise Rejection ", error, 128);
});

let handler;
try {
  handler = await findHandler(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER);
  next();
} catch (e) {
  crash("Uncaught Exception ", isError(e) ? e : new Error(String(e)), 1);
}
