// What the gate tells a handler and lends it: who asks, what it may, how often, and what need not be made twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CacheError, RateLimitError, authz, cache, context, rateLimit } from "ostler";
import { Host } from "ostler/testing";

test("the principal is as it was proved", () => {
  const since = new Date(1_700_000_000_123);
  const ada = { subject: "ada", tenant: "acme", roles: ["clerk"], authenticatedAt: since, claims: { level: 3 } };
  new Host({ principal: ada }).run(() => {
    assert.deepEqual(context.principal, { ...ada, scopes: [], method: "jwt" });
  });
  new Host().run(() => assert.equal(context.principal, null));
});

test("parameters have the type of their document", async () => {
  const host = new Host({ parameters: { limit: 20, status: ["open", "paid"] } });
  const handler = (request, env, ctx) => Response.json([ctx.parameter("limit"), ctx.parameters]);
  const response = await host.fetch(handler, "/");
  assert.deepEqual(await response.json(), [20, { limit: 20, status: ["open", "paid"] }]);
  host.run(() => assert.equal(context.parameter("other"), undefined));
});

test("what is allowed is allowed on its resource only", () => {
  const allow = ["orders:read", { permission: "orders:write", resource: "orders/17" }];
  new Host({ allow }).run(() => {
    assert.deepEqual([authz.allows("orders:read"), authz.allows("orders:read", "orders/3")], [true, true]);
    assert.equal(authz.check("orders:write", "orders/17").allowed, true);
    assert.equal(authz.check("orders:write", "orders/18").allowed, false);
    assert.match(authz.check("orders:write").reason, /./);
    authz.require("orders:write", "orders/17");
  });
});

test("the missing permission is named to those who are known", async () => {
  const refuse = () => authz.require("orders:write", "orders/17");
  const known = await new Host({ principal: { subject: "ada" } }).fetch(refuse, "/");
  assert.equal(known.status, 403);
  const problem = await known.json();
  assert.deepEqual(
    [problem.code, problem.detail],
    ["forbidden", "this needs the permission orders:write on orders/17"],
  );
  const stranger = await (await new Host().fetch(refuse, "/")).json();
  assert.equal(stranger.detail, "this is not allowed");
});

test("each key has its own count until its time is over", () =>
  new Host({ limits: { exports: { admits: 3, perMs: 60_000 } } }).run(async () => {
    assert.deepEqual(await rateLimit.check("exports", "ada", 2), { admitted: true, remaining: 1, retryAfterMs: 0 });
    assert.equal((await rateLimit.check("exports", "ada", 2)).admitted, false);
    assert.equal((await rateLimit.check("exports", "ben", 3)).admitted, true);
    await assert.rejects(
      rateLimit.check("other", "ada"),
      (error) => error instanceof RateLimitError && error.code === "denied",
    );
    await assert.rejects(rateLimit.check("exports", "", 1), { code: "invalid" });
    await assert.rejects(rateLimit.check("exports", "ada", 0), { code: "invalid" });
  }));

test("a refusal says when to come back", async () => {
  const host = new Host({ limits: { exports: { admits: 1, perMs: 60_000 } } });
  const handler = async () => new Response(String(await rateLimit.require("exports", "ada")));
  assert.equal(await (await host.fetch(handler, "/")).text(), "0");
  host.advance(500);
  const refused = await host.fetch(handler, "/");
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "60"]);
  assert.equal((await refused.json()).code, "rate_limited");
  host.advance(59_500);
  assert.equal((await host.fetch(handler, "/")).status, 200);
});

/** Runs `work` with an empty cache. */
const withCache = (work) => {
  const host = new Host({ cache: ["c"] });
  return host.run(() => work(cache.open("c"), host));
};

test("values are kept for their time and dropped with their tag", () =>
  withCache(async (c, host) => {
    await c.set("a", "1", { ttlMs: 60_000, tags: ["x", "y"] });
    await c.setJson("b", { n: 2 }, { tags: ["y"] });
    await c.deleteTag("x");
    assert.deepEqual([await c.get("a"), await c.getJson("b")], [null, { n: 2 }]);
    await c.set("a", "3", { ttlMs: 60_000 });
    assert.equal(await c.getText("a"), "3");
    host.advance(60_000);
    assert.deepEqual([await c.getText("a"), host.cached("c", "b")], [null, '{"n":2}']);
    await c.delete("b");
    assert.equal(host.cached("c", "b"), null);
  }));

test("a value is made once until its tag is dropped", () =>
  withCache(async (c) => {
    let made = 0;
    const ask = () => c.getOrComputeJson("k", { ttlMs: 60_000, tags: ["t"] }, async () => ({ made: ++made }));
    assert.deepEqual([await ask(), await ask()], [{ made: 1 }, { made: 1 }]);
    await c.deleteTag("t");
    assert.deepEqual(await ask(), { made: 2 });
  }));

test("the right to make a value is given back when that fails", () =>
  withCache(async (c, host) => {
    const fail = () => {
      throw new RangeError("not now");
    };
    await assert.rejects(c.getOrCompute("k", {}, fail), RangeError);
    assert.equal(host.isLocked("c", "k"), false);
    await assert.rejects(c.getOrCompute("k", {}, () => new Uint8Array((1 << 20) + 1)), { code: "invalid" });
    assert.equal(host.isLocked("c", "k"), false);
    assert.equal(await c.getOrLock("k"), null);
    assert.equal(host.isLocked("c", "k"), true);
    await c.set("k", "1");
    assert.equal(host.isLocked("c", "k"), false);
  }));

test("a cache out of reach is done without", () =>
  withCache(async (c, host) => {
    host.loseCache("c");
    assert.equal(await c.getOrComputeJson("k", {}, () => 7), 7);
    await assert.rejects(c.get("k"), { code: "unavailable" });
  }));

test("what is not granted or out of bounds is refused", () =>
  withCache(async (c) => {
    await assert.rejects(cache.open("other").get("k"), (error) => error instanceof CacheError && /other/.test(error));
    await assert.rejects(c.set("", "1"), { code: "invalid" });
    await assert.rejects(c.set("k", "1", { ttlMs: 0 }), { code: "invalid" });
    await assert.rejects(c.set("k", "1", { tags: [""] }), { code: "invalid" });
    await assert.rejects(c.set("k", "1", { ttlMs: 1.5 }), TypeError);
  }));
