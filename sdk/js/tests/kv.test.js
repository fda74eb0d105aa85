// The stand-in store keeps the rules of the real one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { kv } from "ostler";
import { Host } from "ostler/testing";

/** Runs `work` with an empty store. */
const withStore = (work) => {
  const host = new Host({ kv: ["s"] });
  return host.run(() => work(kv.open("s"), host));
};

test("values come back as they were stored", () =>
  withStore(async (store, host) => {
    await store.set("text", "é");
    await store.set("bytes", new Uint8Array([0, 255]));
    await store.setJson("json", { a: [1] });
    assert.equal(await store.getText("text"), "é");
    assert.deepEqual(await store.get("bytes"), new Uint8Array([0, 255]));
    assert.deepEqual(await store.getJson("json"), { a: [1] });
    assert.deepEqual(
      [await store.get("none"), await store.getText("none"), await store.getJson("none")],
      [null, null, null],
    );
    assert.deepEqual(
      [await store.exists("text"), await store.delete("text"), await store.delete("text")],
      [true, true, false],
    );
    assert.equal(host.value("s", "json"), '{"a":[1]}');
    assert.throws(() => host.value("other", "x"), /new Host/);
    await assert.rejects(store.set("n", 1), TypeError);
  }));

test("a value with a time to live disappears", () =>
  withStore(async (store, host) => {
    await store.set("k", "v", { ttlMs: 10 });
    host.advance(9);
    assert.equal(await store.exists("k"), true);
    host.advance(1);
    assert.deepEqual([await store.exists("k"), (await store.list()).keys], [false, []]);
    await assert.rejects(store.set("k", "v", { ttlMs: 0.5 }), TypeError);
  }));

test("keys are listed in byte order, in pages", () =>
  withStore(async (store, host) => {
    for (const key of ["a/2", "b/1", "a/10", "a/1", "a/é"]) host.put("s", key, "");
    assert.deepEqual(await store.list({ prefix: "a/", limit: 2 }), { keys: ["a/1", "a/10"], cursor: "a/10" });
    assert.deepEqual(await store.list({ prefix: "a/", limit: 2, cursor: "a/10" }), {
      keys: ["a/2", "a/é"],
      cursor: null,
    });
    assert.deepEqual(await store.list({ prefix: "a/", cursor: "a/é" }), { keys: [], cursor: null });
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`m/${at}`, ""]));
    await store.setMany(many);
    await store.set("m/x", "");
    let count = 0;
    for await (const key of store.keys("m/")) count += key.startsWith("m/") ? 1 : 0;
    assert.equal(count, 1001);
  }));

test("numbers are added atomically and as wide as they are", () =>
  withStore(async (store) => {
    assert.deepEqual([await store.increment("n"), await store.increment("n", -3)], [1, -2]);
    assert.equal(await store.increment("n", 2n ** 62n), 2n ** 62n - 2n);
    await assert.rejects(store.increment("n", 1), RangeError);
    await assert.rejects(store.increment("n", 2n ** 62n + 2n), { code: "not_a_number" });
    await store.set("t", "text");
    await assert.rejects(store.increment("t"), { name: "KvError", code: "not_a_number", message: /decimal/ });
  }));

test("compare-and-swap changes what is as expected and nothing else", () =>
  withStore(async (store) => {
    assert.deepEqual([await store.setIfAbsent("k", "1"), await store.setIfAbsent("k", "2")], [true, false]);
    assert.deepEqual(
      [await store.compareAndSwap("k", "2", "3"), await store.compareAndSwap("k", "1", "3")],
      [false, true],
    );
    assert.deepEqual(
      [await store.compareAndSwap("k", null, "4"), await store.compareAndSwap("k", "3", null)],
      [false, true],
    );
    assert.equal(await store.exists("k"), false);
  }));

test("batches are whole, in order and limited", () =>
  withStore(async (store) => {
    await store.setMany({ a: "1", b: "2" });
    await store.setMany([["c", "3"]]);
    const texts = (await store.getMany(["c", "x", "a"])).map((bytes) => bytes && new TextDecoder().decode(bytes));
    assert.deepEqual(texts, ["3", null, "1"]);
    await store.deleteMany(["a", "x"]);
    assert.equal(await store.exists("a"), false);
    await assert.rejects(store.setMany({ d: "4", ["k".repeat(513)]: "5" }), { code: "invalid" });
    assert.equal(await store.exists("d"), false);
    await assert.rejects(store.getMany(Array(1001).fill("a")), { code: "invalid" });
  }));

test("a store that is not granted is denied, and its grant named", () =>
  withStore(() =>
    assert.rejects(kv.open("other").get("k"), { code: "denied", message: /grant = { kv = \["other"\] }/ }),
  ));
