// Runs a Node.js function: AWS Lambda's runtime interface, on Node.js 18 or later.
//
// It answers as AWS's own Node.js runtime does: the same log lines, error bodies,
// error types and context, for async and callback handlers, CommonJS and ES modules.
// From nodejs24.x on, AWS's runtime knows no callbacks, and this one follows it there.
// It speaks to the Runtime API over one connection, which does not keep the event
// loop alive while a handler runs: an empty loop means that the function is done.

import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import util from "node:util";

import * as shelves from "./shelves.mjs";

const ROOT = "/2018-06-01/runtime/";
const modern = Number(/^AWS_Lambda_nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1] ?? 0) >= 24;

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

const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
const jsonLogs = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
const lowest = LEVELS[process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? LEVELS.TRACE;
let requestId = modern ? "-" : undefined;
let tenantId;

const linesOf = (stack) => (typeof stack === "string" ? stack.split("\n") : stack);
const className = (e) => e.constructor?.name ?? "UnknownError";

const errorInJSON = (key, value) =>
  value instanceof Error ? { errorType: className(value), errorMessage: value.message, stackTrace: linesOf(value.stack), ...value } : value;

const jsonMessage = (level, args) => {
  const line = { timestamp: new Date().toISOString(), level, requestId, ...(tenantId && { tenantId }) };
  if (args.length === 1) {
    try {
      return JSON.stringify({ ...line, message: args[0] }, errorInJSON);
    } catch {
      return JSON.stringify({ ...line, message: util.format(args[0]) });
    }
  }
  line.message = util.format(...args);
  const error = args.find((a, i) => a instanceof Error && (i > 0 || !modern));
  if (error) Object.assign(line, { errorType: className(error), errorMessage: error.message, stackTrace: linesOf(error.stack) ?? [] });
  return JSON.stringify(line);
};

const log = (level, args) => {
  if (LEVELS[level] < lowest && level !== "FATAL") return;
  if (args.length === 0) args = [undefined];
  const text = jsonLogs ? jsonMessage(level, args) : `${new Date().toISOString()}\t${requestId}\t${level}\t${util.format(...args)}`;
  // A carriage return keeps the lines of a message together as one log event.
  stdout(text.replace(/\n/g, "\r") + "\n");
};

for (const level of Object.keys(LEVELS)) console[level.toLowerCase()] = (...args) => log(level, args);
console.log = console.info;

// ---- errors --------------------------------------------------------------

/** An error whose name is none of JavaScript's. */
class Fault extends Error {
  constructor(name, message, stack) {
    super(message);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
    if (stack) this.stack = stack;
    else Error.captureStackTrace(this, Fault);
  }
}

const isText = (v) => typeof v === "string" && v !== "";
const isError = (e) => util.types.isNativeError(e) || (isText(e?.name) && isText(e?.message) && isText(e?.stack));
const escaped = (text) => text?.replace(/\x7f/g, "%7F");

/** What the caller of the function gets. */
const describe = (e) => {
  try {
    if (!isError(e)) return { errorType: typeof e, errorMessage: e.toString(), trace: [] };
    return { errorType: escaped(e.name), errorMessage: escaped(e.message), trace: escaped(e.stack).split("\n") };
  } catch {
    return {
      errorType: "handled",
      errorMessage: "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack",
    };
  }
};

const withProperties = (key, e) => {
  if (!(e instanceof Error)) return e;
  const fields = { errorType: e.name, errorMessage: e.message, code: e.code, ...e };
  if (typeof e.stack === "string") fields.stack = linesOf(e.stack);
  return fields;
};

/** What the log gets: the error with its own properties. */
const inLog = (e) => {
  try {
    return JSON.stringify(e, withProperties);
  } catch {
    return JSON.stringify(describe(e));
  }
};

const typeHeader = (body) => `Lambda-Runtime-Function-Error-Type: ${String(body.errorType).replace(/[^\x20-\x7e]/g, "?")}\r\n`;
const errorHeaders = (body) => `Content-Type: application/json\r\n${typeHeader(body)}`;

const logError = (title, e) => {
  if (!(e instanceof Error)) e = new Error(e);
  log("ERROR", jsonLogs ? [e] : [title, `\t${inLog(e)}`]);
};

// ---- the function's module -----------------------------------------------

const require = createRequire(import.meta.url);

/** Whether .js files in a directory are ES modules. */
const isModule = (dir) => {
  if (dir.endsWith("/node_modules")) return false;
  const manifest = path.join(dir, "package.json");
  if (fs.existsSync(manifest)) {
    try {
      return JSON.parse(fs.readFileSync(manifest, "utf8"))?.type === "module";
    } catch (e) {
      console.warn(`${manifest} cannot be read, it will be ignored for ES module detection purposes.`, e);
      return false;
    }
  }
  return dir === path.dirname(dir) ? false : isModule(path.dirname(dir));
};

const importFile = (file) => {
  if (!shelves.cheap) shelves.open();
  return import(pathToFileURL(file));
};

const load = async (root, dir, name) => {
  const base = path.resolve(root, dir, name);
  const found = ["", ".js", ".mjs", ".cjs"].find((extension) => fs.existsSync(base + extension));
  if (found !== undefined) {
    const file = base + found;
    if (modern || found === ".mjs" || (found === ".js" && isModule(path.dirname(base)))) return importFile(file);
    return require(file);
  }
  return require(require.resolve(name, { paths: [root, modern ? path.join(root, dir) : dir] }));
};

const findHandler = async (root, spec) => {
  if (spec.includes("..")) throw new Fault("Runtime.MalformedHandlerName", `'${spec}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const match = /^([^.]*)\.(.*)$/.exec(path.basename(spec));
  if (!match) throw new Fault("Runtime.MalformedHandlerName", "Bad handler");
  let module;
  try {
    module = await load(root, path.dirname(spec), match[1]);
  } catch (e) {
    if (e instanceof SyntaxError) throw new Fault("Runtime.UserCodeSyntaxError", String(e), modern ? e.stack : undefined);
    if (e?.code === "MODULE_NOT_FOUND") throw new Fault("Runtime.ImportModuleError", String(e));
    throw e;
  }
  const walk = (from) => match[2].split(".").reduce((o, key) => o && o[key], from);
  const handler = walk(module) || (modern && walk(module?.default));
  if (!handler) throw new Fault("Runtime.HandlerNotFound", `${spec} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("Runtime.HandlerNotFound", `${spec} is not a function`);
  if (handler[STREAMING] && handler[STREAMING] !== "response") throw new Fault("Runtime.MalformedStreamingHandler", "Only response streaming is supported.");
  if (modern && handler.length >= 3 && !handler[STREAMING]) {
    throw new Fault(
      "Runtime.CallbackHandlerDeprecated",
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    );
  }
  return handler;
};

// ---- response streaming ----------------------------------------------------

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP_RESPONSE = "application/vnd.awslambda.http-integration-response";

/** The response of a streaming handler, which goes out as it is written. */
class ResponseStream extends Writable {
  begun = false;
  written = false;
  contentType = "application/octet-stream";

  constructor(id) {
    super({ highWaterMark: handler[HIGH_WATER_MARK] });
    this.id = id;
  }

  setContentType(type) {
    if (this.written) throw new Fault("Runtime.InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.contentType = type;
  }

  write(chunk, ...rest) {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) chunk = JSON.stringify(chunk);
    if (!this.written) {
      this.written = true;
      this._onBeforeFirstWrite?.((data) => super.write(data));
    }
    return super.write(chunk, ...rest);
  }

  begin() {
    if (this.begun) return;
    this.begun = true;
    const headers = "Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n";
    api.open("POST", `invocation/${this.id}/response`, `${headers}Content-Type: ${this.contentType}\r\n`);
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
    this.begin();
    const encoded = Buffer.from(JSON.stringify(body)).toString("base64");
    api.close(`${typeHeader(body)}Lambda-Runtime-Function-Error-Body: ${encoded}\r\n`, then);
  }
}

if (!["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
  globalThis.awslambda = {
    streamifyResponse: (handler, options) => {
      handler[STREAMING] = "response";
      if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream: {
      // The metadata goes out with the first write: who writes nothing sends none.
      from: (stream, metadata) => {
        stream.setContentType(HTTP_RESPONSE);
        const text = JSON.stringify(metadata);
        stream._onBeforeFirstWrite = (write) => {
          write(text);
          write(new Uint8Array(8));
        };
        return stream;
      },
    },
  };
}

// ---- invocations -----------------------------------------------------------

const api = new Api(process.env.AWS_LAMBDA_RUNTIME_API);
let current = null; // the invocation that has no answer yet
let drained = null; // what to do once the event loop is empty

const json = (header, name) => {
  if (header === undefined) return undefined;
  try {
    return JSON.parse(header);
  } catch (e) {
    throw new Error(`Cannot parse ${name} as json: ${e}`);
  }
};

const stringify = (result) => {
  let body;
  try {
    body = JSON.stringify(result === undefined ? null : result);
  } catch {
    throw modern ? new Fault("Runtime.JSONStringifyError", "Unable to stringify response body") : new Error("Unable to stringify response body");
  }
  if (body === undefined) throw new TypeError("Wrong arguments"); // a function or a symbol
  return body;
};

class Invocation {
  waits = true;
  settled = false; // the handler has answered
  completed = false; // with a result

  constructor(headers) {
    this.id = headers["lambda-runtime-aws-request-id"];
    this.headers = headers;
  }

  context() {
    const h = this.headers;
    const deadline = Number(h["lambda-runtime-deadline-ms"]);
    const self = this;
    const callbacks = {
      get callbackWaitsForEmptyEventLoop() {
        return self.waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        self.waits = value;
      },
    };
    if (!handler[STREAMING]) {
      callbacks.succeed = this.first((result) => this.done(null, result));
      callbacks.fail = this.first((error) => this.done(error ?? "handled"));
      callbacks.done = this.first((error, result) => this.done(error, result));
    }
    return Object.assign(modern ? {} : callbacks, {
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      clientContext: json(h["lambda-runtime-client-context"], "ClientContext"),
      identity: json(h["lambda-runtime-cognito-identity"], "CognitoIdentity"),
      invokedFunctionArn: h["lambda-runtime-invoked-function-arn"],
      awsRequestId: this.id,
      tenantId: h["lambda-runtime-aws-tenant-id"],
      ...(modern && { xRayTraceId: h["lambda-runtime-trace-id"] }),
      getRemainingTimeInMillis: () => deadline - Date.now(),
    });
  }

  /** Of all ways to answer only the first call counts, unless it throws. */
  first(answer) {
    return (...args) => {
      if (this.settled) return;
      answer(...args);
      this.settled = true;
    };
  }

  /** What context.succeed, fail and done do: they do not wait for the event loop. */
  done(error, result) {
    drained = null;
    if (error !== undefined && error !== null) this.fail(error);
    else this.complete(result);
  }

  /** The handler's callback, whose result waits until the event loop is empty. */
  callback(error, result) {
    if ((error !== undefined && error !== null) || !this.waits) this.done(error, result);
    else drained = () => setImmediate(() => this.complete(result));
  }

  complete(result) {
    if (this.completed) {
      console.error("Invocation has already been reported as done. Cannot call complete more than once per invocation.");
      return;
    }
    this.completed = true;
    const body = stringify(result);
    if (current !== this) return;
    current = null;
    api.call("POST", `invocation/${this.id}/response`, body, "Content-Type: application/json\r\n", next);
  }

  fail(error) {
    logError("Invoke Error", error);
    if (current === this) this.report(error, next);
  }

  /** Sends an error to whoever waits for the answer, if anybody still does. */
  report(error, then) {
    if (current !== this) {
      then();
      return;
    }
    current = null;
    const body = describe(error);
    this.out?.destroy(); // nothing that is still to be written goes out
    if (this.out) this.out.abort(body, then);
    else api.call("POST", `invocation/${this.id}/error`, JSON.stringify(body), errorHeaders(body), then);
  }

  run(payload) {
    const event = JSON.parse(payload.toString("utf8"));
    const context = this.context();
    if (handler[STREAMING]) {
      this.stream(event, context);
      return;
    }
    if (modern) {
      (async () => this.complete(await handler(event, context)))().catch((error) => this.fail(error));
      return;
    }
    // A handler that never answers answers null, once nothing is left to run.
    drained = () => this.complete(null);
    const result = handler(event, context, this.answer);
    if (typeof result?.then === "function") result.then(context.succeed, context.fail).catch(context.fail);
  }

  answer = this.first((error, result) => this.callback(error, result));

  /** The next event is asked for once the response has ended and the handler has returned. */
  stream(event, context) {
    this.out = new ResponseStream(this.id);
    api.sock.ref(); // a response that does not end is waited for
    const finished = new Promise((resolve) => this.out.once("finish", resolve));
    const proceed = () => {
      if (this.waits && !modern) drained = next;
      else next();
    };
    const failed = (error) => {
      logError("Invoke Error", error);
      this.report(error, proceed);
    };
    let result;
    try {
      result = handler(event, this.out, context);
    } catch (error) {
      failed(error);
      return;
    }
    if (typeof result?.then !== "function") {
      failed(modern ? new Error("Streaming does not support non-async handlers.") : "Streaming does not support non-async handlers.");
      return;
    }
    result.then(async (value) => {
      if (value !== undefined) console.warn("Streaming handlers ignore return values.");
      await finished;
      proceed();
    }, failed);
  }
}

function next() {
  drained = null;
  api.call("GET", "invocation/next", undefined, "", (status, headers, payload) => {
    if (status !== 200) process.exit(1);
    requestId = headers["lambda-runtime-aws-request-id"];
    tenantId = headers["lambda-runtime-aws-tenant-id"];
    const trace = headers["lambda-runtime-trace-id"];
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
    current = new Invocation(headers);
    try {
      current.run(payload);
    } catch (e) {
      current?.answer(e);
    }
  });
}

const crash = (title, error, code) => {
  logError(title, error);
  const exit = () => process.exit(code);
  if (current) {
    current.report(error, exit);
    return;
  }
  if (started) exit();
  const body = describe(error);
  api.call("POST", "init/error", JSON.stringify(body), errorHeaders(body), exit);
};

if (!modern) {
  process.on("beforeExit", () => {
    const then = drained;
    drained = null;
    then?.();
  });
  process.on("uncaughtException", (error) => crash("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) =>
    crash("Unhandled Promise Rejection", Object.assign(new Fault("Runtime.UnhandledPromiseRejection", reason), { reason, promise }), 128),
  );
}

let handler;
let started = false;
try {
  if (shelves.cheap) shelves.open();
  handler = await findHandler(process.env.LAMBDA_TASK_ROOT ?? process.cwd(), process.env._HANDLER);
  started = true;
  next();
} catch (e) {
  if (modern) crash("Init Error", e, 1);
  else crash("Uncaught Exception", e, 129);
}
