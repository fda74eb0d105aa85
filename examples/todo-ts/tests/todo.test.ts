// The list without a host and without Wasm: `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Host } from "ostler/testing";

import type { Todo } from "../src/todo.ts";
import handler from "../src/index.ts";

interface Answer {
  status: number;
  headers: Headers;
  body: any;
}

/** A client of an empty list: `call("POST", "/todos", { title: "milk" })` gives status, headers and body. */
function client(host = new Host({ kv: ["todos"] })) {
  return async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const response = await host.fetch(handler, path, { method, body: text });
    const answer = await response.text();
    return { status: response.status, headers: response.headers, body: answer && JSON.parse(answer) };
  };
}

test("a to-do is added, listed, changed and deleted", async () => {
  const host = new Host({ kv: ["todos"] });
  const call = client(host);
  const added = await call("POST", "/todos", { title: "  milk " });
  assert.deepEqual([added.status, added.headers.get("location")], [201, "/todos/1"]);
  assert.deepEqual(added.body, { id: 1, title: "milk", done: false });
  assert.equal(host.value("todos", "todo/000000000001"), '{"id":1,"title":"milk","done":false}');
  await call("POST", "/todos", { title: "bread" });
  const changed = await call("PATCH", "/todos/1", { done: true, colour: "red" });
  assert.deepEqual([changed.status, changed.body], [200, { id: 1, title: "milk", done: true }]);
  const listed = await call("GET", "/todos");
  assert.equal(listed.headers.get("content-type"), "application/json");
  assert.deepEqual(
    listed.body.todos.map(({ id, done }: Todo) => [id, done]),
    [
      [1, true],
      [2, false],
    ],
  );
  const deleted = await call("DELETE", "/todos/1");
  assert.deepEqual([deleted.status, deleted.body], [204, ""]);
  assert.equal((await call("GET", "/todos/1")).status, 404);
  assert.deepEqual(
    host.lines.map(({ message, fields }) => [message, fields.id]),
    [
      ["added", "1"],
      ["added", "2"],
      ["changed", "1"],
      ["deleted", "1"],
    ],
  );
});

test("what cannot be is refused with its code", async () => {
  const call = client();
  await call("POST", "/todos", { title: "milk" });
  for (const [method, path, body, status, code] of [
    ["POST", "/todos", "{", 400, "invalid_json"],
    ["POST", "/todos", [], 400, "invalid_json"],
    ["POST", "/todos", {}, 422, "invalid_title"],
    ["POST", "/todos", { title: 1 }, 422, "invalid_title"],
    ["POST", "/todos", { title: " " }, 422, "invalid_title"],
    ["POST", "/todos", { title: "é".repeat(201) }, 422, "invalid_title"],
    ["PATCH", "/todos/1", {}, 422, "nothing_to_change"],
    ["PATCH", "/todos/1", { done: "yes" }, 422, "invalid_done"],
    ["PATCH", "/todos/1", { title: "" }, 422, "invalid_title"],
    ["PATCH", "/todos/7", "{", 404, "not_found"],
    ["GET", "/todos/0", undefined, 404, "not_found"],
    ["GET", "/todos/x", undefined, 404, "not_found"],
    ["DELETE", "/todos/7", undefined, 404, "not_found"],
    ["GET", "/", undefined, 404, "not_found"],
  ] as const) {
    const answer = await call(method, path, body);
    assert.deepEqual([answer.status, answer.body.code], [status, code], `${method} ${path} ${JSON.stringify(body)}`);
  }
  assert.equal((await call("POST", "/todos", { title: "😀".repeat(200) })).status, 201);
});

test("other methods are told which would do", async () => {
  const call = client();
  for (const [path, allow] of [
    ["/todos", "GET, POST"],
    ["/todos/1", "GET, PATCH, DELETE"],
  ] as const) {
    const answer = await call("PUT", path, {});
    assert.deepEqual(
      [answer.status, answer.headers.get("allow"), answer.body.code],
      [405, allow, "method_not_allowed"],
    );
  }
});

test("changes at the same time are both kept", async () => {
  const call = client();
  await call("POST", "/todos", { title: "milk" });
  await Promise.all([call("PATCH", "/todos/1", { done: true }), call("PATCH", "/todos/1", { title: "oat milk" })]);
  assert.deepEqual((await call("GET", "/todos/1")).body, { id: 1, title: "oat milk", done: true });
});

test("no to-dos are taken while the flag says so", async () => {
  const host = new Host({ kv: ["todos"], flags: { "todos-closed": true } });
  const call = client(host);
  const refused = await call("POST", "/todos", { title: "milk" });
  assert.deepEqual([refused.status, refused.body.code, host.flagContext], [503, "closed", { title: "milk" }]);
  host.setFlag("todos-closed", false);
  assert.equal((await call("POST", "/todos", { title: "milk" })).status, 201);
  assert.deepEqual(host.tracked("todos.added"), [1]);
});
