// An Express application, as it is anywhere else, behind an adapter from npm.
const express = require("express");
const serverless = require("serverless-http");

const app = express();
app.use(express.json());
app.get("/hello/:name", (request, response) => {
  response.set("X-Powered-By", "a function").json({ hello: request.params.name, greeting: request.query.greeting ?? "none" });
});
app.post("/sum", (request, response) => response.status(201).send(String(request.body.reduce((a, b) => a + b, 0))));
app.get("/fails", () => {
  throw new Error("no good");
});

exports.handler = serverless(app);
