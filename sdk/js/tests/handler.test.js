// A request through a handler: what comes back, and what the handler is given.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  HttpError,
  Problem,
  Router,
  config,
  context,
  http,
  json,
  kv,
  log,
  matchPath,
  noContent,
  readJson,
  redirect,
  text,
} from "ostler";
import { Host } from "ostler/testing";

test("a handler gets the request, the environment and the exchange", async () => {
  const host = new Host({ kv: ["seen"], config: { greeting: "Hi" }, requestId: "r-1", deadlineLeftMs: 77 });
  const handler = {
    async fetch(request, env, ctx) {
      assert.equal("greeting" in env && !("other" in env), true);
      const seen = await env.KV.open("seen").increment("n");
      return json({
        greeting: env.greeting,
        none: env.other ?? null,
        seen,
        id: ctx.requestId,
        left: ctx.deadlineLeftMs(),
        body: await request.text(),
      });
    },
  };
  const response = await host.fetch(handler, "/", { method: "POST", body: "x" });
  assert.deepEqual(await response.json(), { greeting: "Hi", none: null, seen: 1, id: "r-1", left: 77, body: "x" });
});

test("a thrown problem is a response, another error is not", async () => {
  const host = new Host({ requestId: "r-2" });
  const refuse = () => {
    throw Problem.conflict("there is one", { code: "twice", headers: { "x-a": "b" } });
  };
  const response = await host.fetch(refuse, "/");
  assert.equal(response.status, 409);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("x-a"), "b");
  assert.deepEqual(await response.json(), {
    type: "about:blank",
    title: "Conflict",
    status: 409,
    detail: "there is one",
    code: "twice",
    request_id: "r-2",
  });
  const fail = async () => {
    throw new RangeError("boom");
  };
  await assert.rejects(host.fetch(fail, "/"), RangeError);
  await assert.rejects(
    host.fetch(async () => "text", "/"),
    /returned string: return a Response/,
  );
  assert.throws(() => host.fetch({}, "/"), /export default/);
  assert.throws(() => new Problem(200, "fine"), RangeError);
});

test("work passed to waitUntil is done before the response", async () => {
  const host = new Host();
  let done = false;
  const later = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done = true;
  };
  await host.fetch(
    (_, __, ctx) => (ctx.waitUntil(later()), ctx.waitUntil(Promise.reject(new Error("late"))), text("x")),
    "/",
  );
  assert.equal(done, true);
  assert.match(host.lines[0].fields.error, /late/);
});

test("routes are found by method and path", async () => {
  const router = new Router()
    .get("/todos", () => text("all"))
    .post("/todos", () => text("new"))
    .get("/todos/{id}", (_, { params }) => text(params.id))
    .all("/files/{*rest}", (_, { params }) => text(params.rest));
  const host = new Host();
  const body = async (path, method) => (await host.fetch(router, path, { method })).text();
  assert.equal(await body("/todos"), "all");
  assert.equal(await body("/todos", "POST"), "new");
  assert.equal(await body("/todos/a%20b?x=1"), "a b");
  assert.equal(await body("/files/a/b", "PUT"), "a/b");
  const wrong = await host.fetch(router, "/todos", { method: "PUT" });
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "GET, POST"]);
  assert.equal((await wrong.json()).code, "method_not_allowed");
  for (const path of ["/", "/todos/", "/todos/1/2"]) {
    const missing = await host.fetch(router, path);
    assert.deepEqual([missing.status, (await missing.json()).code], [404, "not_found"]);
  }
});

test("patterns match whole paths and no more", () => {
  assert.deepEqual(matchPath("/a.b/{id}", "/a.b/%"), { id: "%" });
  assert.equal(matchPath("/a.b/{id}", "/axb/1"), null);
  assert.equal(matchPath("/{id}", "/"), null);
  assert.deepEqual(matchPath("/{*rest}", "/"), { rest: "" });
  assert.deepEqual(matchPath("/x", new Request("http://h/x?y=1")), {});
});

test("the usual responses", async () => {
  assert.equal(json({}, { status: 201 }).status, 201);
  assert.equal(json({}, { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
  assert.equal(redirect("/x").headers.get("location"), "/x");
  assert.equal(noContent().status, 204);
  assert.throws(() => json(undefined), TypeError);
  const request = (body) => new Request("http://h/", { method: "POST", body });
  assert.deepEqual(await readJson(request('{"a":1}')), { a: 1 });
  await assert.rejects(readJson(request("{")), (error) => error.status === 400 && error.code === "invalid_json");
});

test("log lines, configuration and context come from the host of the test", async () => {
  const host = new Host({ config: { b: "2", a: "1" }, clientAddress: "10.0.0.9" });
  await host.run(async () => {
    log.info("text", { n: 1, o: { p: [2] }, nothing: undefined });
    log.error("bad", { error: new Error("why") });
    assert.deepEqual(config.all(), { a: "1", b: "2" });
    assert.deepEqual([config.get("c"), config.get("c", "x")], [undefined, "x"]);
    assert.deepEqual([context.clientAddress, context.plugin], ["10.0.0.9", "test"]);
  });
  assert.deepEqual(host.lines[0], {
    level: "info",
    message: "text",
    fields: { n: "1", o: '{"p":[2]}', nothing: "undefined" },
  });
  assert.match(host.lines[1].fields.error, /why[^]*handler.test.js/);
  assert.throws(() => log.info("nobody hears"), /new Host\(\)/);
});

test("outbound requests are answered by the test, or denied", async () => {
  const answers = async (request) =>
    new Response(`${request.method} ${request.url} ${await request.text()}`, { status: 201 });
  await new Host({ http: answers }).run(async () => {
    const response = await http.fetch("https://a.example/x", { method: "POST", body: "hey", timeoutMs: 5 });
    assert.deepEqual([response.status, await response.text()], [201, "POST https://a.example/x hey"]);
    assert.equal(await (await fetch("https://a.example/y")).text(), "GET https://a.example/y ");
  });
  const late = () => {
    throw new HttpError("too_large", "big");
  };
  await new Host({ http: late }).run(() =>
    assert.rejects(http.fetch("https://a.example/"), { name: "HttpError", code: "too_large", message: "big" }),
  );
  await new Host().run(async () => {
    await assert.rejects(http.fetch("https://a.example/"), {
      code: "denied",
      message: /grant = { http = \["https:\/\/a.example"\] }/,
    });
    await assert.rejects(fetch("https://a.example/"), /not reached/);
  });
  assert.equal(kv.open("x").name, "x");
});
