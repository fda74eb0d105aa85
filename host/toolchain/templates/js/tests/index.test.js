// The handler without a host and without Wasm: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Host } from "ostler/testing";

import handler from "../src/index.js";

test("a guest is greeted and counted", async () => {
  const host = new Host({ kv: ["greeted"], config: { greeting: "Hi" } });
  const response = await host.fetch(handler, "/hello/you");
  assert.deepEqual(await response.json(), { greeting: "Hi, you!", times: 1 });
  assert.equal(host.value("greeted", "you"), "1");
});

test("an unknown path is a 404", async () => {
  const response = await new Host().fetch(handler, "/nowhere");
  assert.equal(response.status, 404);
});
