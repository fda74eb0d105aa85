// Feature flags, and what experiments are decided by.

import assert from "node:assert/strict";
import { test } from "node:test";

import { experiment, flags } from "ostler";
import { Host } from "ostler/testing";

test("a flag says what the test says", async () => {
  const host = new Host({ flags: { on: true, color: "green", most: 12, limits: { a: 1 } } });
  const handler = () =>
    Response.json([
      flags.getBoolean("on", false),
      flags.getString("color", "red"),
      flags.getNumber("most", 1),
      flags.getObject("limits", {}),
    ]);
  assert.deepEqual(await (await host.fetch(handler, "/")).json(), [true, "green", 12, { a: 1 }]);
  host.setFlag("on", false);
  host.run(() => assert.equal(flags.getBoolean("on", true), false));
});

test("a missing flag and another type give the fallback and the reason", () => {
  new Host({ flags: { color: "green" } }).run(() => {
    assert.deepEqual([flags.getBoolean("none", true), flags.getNumber("color", 3)], [true, 3]);
    assert.deepEqual(flags.getObject("color", { b: 2 }), { b: 2 });
    const missing = flags.resolve("none", "red");
    assert.deepEqual(
      [missing.value, missing.variant, missing.reason, missing.errorCode],
      ["red", null, "ERROR", "FLAG_NOT_FOUND"],
    );
    assert.equal(flags.resolve("color", { b: 2 }).errorCode, "TYPE_MISMATCH");
    assert.throws(() => flags.resolve("color", [1]), TypeError);
  });
});

test("the detailed form has no error when there was none", () => {
  new Host({ flags: { limits: { a: 1 } } }).run(() => {
    const { value, reason, errorCode, errorMessage, metadata } = flags.resolve("limits", {});
    assert.deepEqual([value, reason, errorCode, errorMessage, metadata], [{ a: 1 }, "STATIC", null, null, {}]);
  });
});

test("attributes are added whole or not at all", () => {
  const host = new Host();
  host.run(() => {
    assert.equal(flags.addContext({ plan: "pro", seats: 12 }), true);
    assert.equal(flags.addContext({ plan: "free" }), true);
    assert.equal(flags.addContext(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`a${n}`, n]))), false);
    assert.equal(flags.addContext({ long: "x".repeat(16 * 1024) }), false);
    assert.equal(flags.addContext({ nothing: undefined }), false);
  });
  assert.deepEqual(host.flagContext, { plan: "free", seats: 12 });
});

test("what is tracked is kept in order, and what is out of bounds refused", () => {
  const host = new Host();
  host.run(() => {
    assert.deepEqual([experiment.track("cart.value", 12.5), experiment.track("cart.value")], [true, true]);
    for (const name of ["", "Cart", "a b", "m".repeat(65)]) assert.equal(experiment.track(name, 1), false, name);
    assert.equal(experiment.track("cart.value", NaN), false);
  });
  assert.deepEqual(host.tracked("cart.value"), [12.5, 1]);
});
