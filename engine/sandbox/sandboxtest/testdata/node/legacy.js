// Handlers in the callback style.
exports.later = (event, context, callback) => {
  setTimeout(() => callback(null, "later"), 20);
};
exports.waits = (event, context, callback) => {
  setTimeout(() => {}, 300);
  callback(null, "waited");
};
exports.hurries = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => {}, 60000);
  callback(null, "hurried");
};
exports.silent = () => {};
exports.fails = (event, context, callback) => callback(new Error("called back"));
exports.strings = (event, context, callback) => callback("just text");
exports.throws = () => {
  throw new TypeError("thrown");
};
exports.uncaught = (event, context, callback) => {
  setTimeout(() => {
    throw new Error("nobody catches");
  }, 1);
};
exports.succeeds = (event, context) => context.succeed({ ok: true });
exports.circular = (event, context, callback) => {
  const o = {};
  o.o = o;
  callback(null, o);
};
