// AWS's SDK for JavaScript, version 3, as it is against an engine.
// Usage: node main.mjs CODE LAYER STREAM-ARN, the endpoint and keys in the environment.
import functions from "./functions.mjs";
import invocation from "./invocation.mjs";
import layers from "./layers.mjs";
import mappings from "./mappings.mjs";
import permissions from "./permissions.mjs";
import settings from "./settings.mjs";
import urls from "./urls.mjs";

for (const [topic, tests] of Object.entries({ functions, invocation, permissions, layers, urls, mappings, settings })) {
  for (const test of tests) {
    try {
      await test();
      console.log(`ok ${topic}.${test.name}`);
    } catch (error) {
      console.log(`FAIL ${topic}.${test.name}:`, error);
      process.exitCode = 1;
    }
  }
}
