// Lets import find what require finds by NODE_PATH, as on AWS: the packages of
// layers, and those that the runtime brings.

import fs from "node:fs";
import module from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const parents = (process.env.NODE_PATH ?? "")
  .split(path.delimiter)
  .filter((dir) => path.basename(dir) === "node_modules" && fs.existsSync(dir))
  .map((dir) => pathToFileURL(path.join(path.dirname(dir), "noop.js")).href);

const elsewhere = (error, name) => error.code === "ERR_MODULE_NOT_FOUND" && !/^[./]|:/.test(name);

/** Whether opening is so cheap that every function may have it. */
export const cheap = typeof module.registerHooks === "function";

/** Opens the shelves to import. */
export const open = () => {
  if (parents.length === 0) return;
  if (cheap) {
    module.registerHooks({ resolve });
    return;
  }
  // Node.js before 22.15 asks hooks of a thread of their own.
  const hooks = `const parents = ${JSON.stringify(parents)};
    const elsewhere = ${elsewhere};
    export const resolve = async (name, context, next) => {
      try {
        return await next(name, context);
      } catch (error) {
        if (!elsewhere(error, name)) throw error;
        for (const parentURL of parents) {
          try {
            return await next(name, { ...context, parentURL });
          } catch {}
        }
        throw error;
      }
    };`;
  module.register?.(`data:text/javascript,${encodeURIComponent(hooks)}`);
};

const resolve = (name, context, next) => {
  try {
    return next(name, context);
  } catch (error) {
    if (!elsewhere(error, name)) throw error;
    for (const parentURL of parents) {
      try {
        return next(name, { ...context, parentURL });
      } catch {}
    }
    throw error;
  }
};
