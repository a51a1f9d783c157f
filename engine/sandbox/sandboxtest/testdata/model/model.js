// One handler for every way to answer: the event's "do" says which.
const ring = {};
ring.ring = ring;

class Refusal extends Error {
  constructor(message) {
    super(message);
    this.name = "Refusal";
    this.code = "E_NO";
    this.hint = { try: "again" };
  }
}

let before; // the callback of the invocation before
let late = [];

const ways = {
  // the callback
  "callback()": (e, c, callback) => callback(),
  "callback(null)": (e, c, callback) => callback(null),
  "callback(null, undefined)": (e, c, callback) => callback(null, undefined),
  "callback(undefined, 1)": (e, c, callback) => callback(undefined, 1),
  "callback(null, object)": (e, c, callback) => callback(null, { a: 1 }),
  "callback later": (e, c, callback) => setTimeout(callback, 10, null, "later"),
  "callback(text)": (e, c, callback) => callback("boom"),
  "callback(empty text)": (e, c, callback) => callback(""),
  "callback(0)": (e, c, callback) => callback(0),
  "callback(false)": (e, c, callback) => callback(false),
  "callback(object)": (e, c, callback) => callback({ code: 1 }),
  "callback(bare object)": (e, c, callback) => callback(Object.create(null)),
  "callback(Error)": (e, c, callback) => callback(new Error("x")),
  "callback(Error, result)": (e, c, callback) => callback(new Error("x"), "ignored"),
  "callback(own Error)": (e, c, callback) => callback(new Refusal("not today")),
  "callback(like an Error)": (e, c, callback) => callback({ name: "Alike", message: "looks so", stack: "Alike: looks so\n    at home" }),
  "callback(Error without stack)": (e, c, callback) => callback(Object.assign(new Error("x"), { stack: undefined })),
  "callback(circular)": (e, c, callback) => callback(null, ring),
  "first of two results": (e, c, callback) => { callback(null, 1); callback(null, 2); },
  "result before error": (e, c, callback) => { callback(null, 1); callback(new Error("late")); },
  "error before result": (e, c, callback) => { callback("early"); callback(null, 1); },
  "succeed before callback": (e, c, callback) => { c.succeed(1); callback(null, 2); c.fail("x"); c.done("x"); },
  "callback before promise": async (e, c, callback) => { callback(null, "callback"); return "promise"; },
  "nothing": () => {},
  "returns": () => 5,
  "keep callback": (e, c, callback) => { c.callbackWaitsForEmptyEventLoop = false; before = callback; },
  "call callback of before": (e, c, callback) => { before(null, "of before"); callback(null, "of now"); },
  // the event loop
  "waits": (e, c, callback) => { setTimeout(() => {}, 150); callback(null, "waited"); },
  "error does not wait": (e, c, callback) => { setTimeout(() => {}, 400); callback("at once"); },
  "hurries": (e, c, callback) => { c.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 60000); callback(null, "hurried"); },
  "async does not wait": async () => { setTimeout(() => {}, 60000); return "at once"; },
  "leaves work": (e, c) => { setTimeout(() => { late.push(c.awsRequestId); console.log("late work"); }, 100); c.succeed("at once"); },
  "sees work": async () => { await new Promise((done) => setTimeout(done, 200)); return late.splice(0); },
  "never drains": (e, c, callback) => { setInterval(() => {}, 1000); callback(null, 1); },
  "waits setting": (e, c, callback) => { const was = c.callbackWaitsForEmptyEventLoop; c.callbackWaitsForEmptyEventLoop = false; callback(null, [was, c.callbackWaitsForEmptyEventLoop]); },
  // the context
  "succeed()": (e, c) => c.succeed(),
  "succeed(null)": (e, c) => c.succeed(null),
  "succeed(object)": (e, c) => c.succeed({ ok: true }),
  "succeed(circular)": (e, c) => c.succeed(ring),
  "fail(text)": (e, c) => c.fail("no"),
  "fail(Error)": (e, c) => c.fail(new RangeError("no")),
  "fail()": (e, c) => c.fail(),
  "fail(null)": (e, c) => c.fail(null),
  "done()": (e, c) => c.done(),
  "done(null)": (e, c) => c.done(null),
  "done(null, result)": (e, c) => c.done(null, "ok"),
  "done(error, result)": (e, c) => c.done("no", "ignored"),
  "context": async (e, c) => ({
    keys: Object.keys(c).sort(),
    ...c,
    functions: ["succeed", "fail", "done", "getRemainingTimeInMillis"].map((name) => typeof c[name]),
    kinds: ["clientContext", "identity", "tenantId"].map((name) => typeof c[name]),
  }),
  "remaining": async (e, c) => [c.getRemainingTimeInMillis(), await new Promise((done) => setTimeout(() => done(c.getRemainingTimeInMillis()), 300))],
  // promises and throws
  "throws": () => { throw new TypeError("thrown"); },
  "throws text": () => { throw "text"; },
  "throws null": () => { throw null; },
  "rejects": async () => { throw new Refusal("async"); },
  "rejects undefined": async () => { throw undefined; },
  "thenable": () => ({ then: (resolve) => resolve("thenable") }),
  "never settles": () => new Promise(() => {}),
  "uncaught": () => { setTimeout(() => { throw new Error("nobody catches"); }, 1); },
  "unhandled": async () => { Promise.reject(new Error("nobody handles")); await new Promise((done) => setTimeout(done, 1000)); },
  "exits 0": () => process.exit(0),
  "exits 5": async () => process.exit(5),
  "kills itself": () => process.kill(process.pid, "SIGKILL"),
  // what results may be
  "undefined": async () => undefined,
  "NaN": async () => NaN,
  "Infinity": async () => [Infinity],
  "Buffer": async () => Buffer.from([1, 2]),
  "Date": async () => new Date(0),
  "Map": async () => new Map([[1, 2]]),
  "undefined inside": async () => ({ a: undefined, b: [undefined], c: () => 1 }),
  "half a pair": async () => "\ud800",
  "pairs": async () => "ü€😀\u2028",
  "circular": async () => ring,
  "BigInt": async () => 1n,
  "function": async () => () => 1,
  // the log
  "levels": async () => {
    for (const level of ["trace", "debug", "log", "info", "warn", "error", "fatal"]) console[level](`a ${level}`);
  },
  "formats": async () => {
    console.log("value1 =", 1, { a: [1, "x"] });
    console.log("%s is %d", "one", 1);
    console.log();
    console.log("two\nlines");
    console.log(new Error("shown").message, undefined, null);
    process.stdout.write("plain\n");
    process.stdout.write("no line break");
  },
  "stderr": async () => {
    process.stderr.write("to stderr\n");
    process.stderr.write("no line break");
  },
  "objects": async () => {
    console.log({ a: 1 });
    console.log(new RangeError("alone"));
    console.warn("with", new RangeError("company"));
    console.error(ring);
  },
  "huge": async () => { throw new Error("x".repeat(300 << 10)); },
  // the environment
  "environment": async () => ({ ...process.env, cwd: process.cwd(), home: require("os").homedir(), data: require("fs").readFileSync("data.txt", "utf8") }),
};

exports.handler = (event, context, callback) => ways[event.do](event, context, callback);
exports.value = 5;
exports.deep = { er: { handler: async () => "deep" } };
