// Unit tests without a host and without Wasm: every capability as an in-memory stand-in. As on the real host, what was not
// granted is denied. Types and documentation are in testing.d.ts.

import { current } from "./host/standin.js";
import { capabilities } from "./testing/capabilities.js";
import { Cache } from "./testing/cache.js";
import { Limit } from "./testing/limit.js";
import { Store } from "./testing/store.js";
import { toBytes, toText } from "./bytes.js";
import { handlerOf, respond } from "./respond.js";

export class Host {
  lines = [];
  flagContext = {};
  #flags;
  #tracked = [];
  #stores = new Map();
  #caches = new Map();
  #now = 0;

  constructor({
    kv = [],
    cache = [],
    limits = {},
    flags = {},
    config = {},
    principal = null,
    parameters = {},
    allow = [],
    http,
    requestId = "test-request",
    route = "/{*rest}",
    clientAddress = "127.0.0.1",
    deadlineLeftMs = 2000,
  } = {}) {
    for (const store of kv) this.#stores.set(store, new Store(() => this.#now));
    for (const name of cache) this.#caches.set(name, new Cache(() => this.#now));
    this.#flags = new Map(Object.entries(flags));
    const limit = ([name, { admits, perMs }]) => [name, new Limit(admits, perMs, () => this.#now)];
    this.capabilities = capabilities({
      lines: this.lines,
      stores: this.#stores,
      caches: this.#caches,
      limits: new Map(Object.entries(limits).map(limit)),
      flags: this.#flags,
      flagContext: this.flagContext,
      tracked: this.#tracked,
      principal,
      parameters,
      allow: allow.map((entry) => (typeof entry === "string" ? { permission: entry, resource: "" } : entry)),
      config: Object.entries(config).map(([key, value]) => [key, String(value)]),
      http,
      exchange: { requestId, route, plugin: "test", release: `sha256:${"0".repeat(64)}`, clientAddress },
      deadlineLeftMs,
    });
    this.http = http;
  }

  run(work) {
    return current.run(this, work);
  }

  fetch(handler, input, init) {
    const request = typeof input === "string" && input.startsWith("/") ? `http://test.local${input}` : input;
    return this.run(() => respond(handlerOf(handler), new Request(request, init)));
  }

  value(store, key) {
    const bytes = this.#store(store).get(key);
    return bytes === undefined ? null : toText(bytes);
  }

  put(store, key, value) {
    this.#store(store).set(key, toBytes(value));
    return this;
  }

  cached(cache, key) {
    const bytes = this.#cache(cache).get(key);
    return bytes === undefined ? null : toText(bytes);
  }

  isLocked(cache, key) {
    return this.#cache(cache).locked.has(key);
  }

  loseCache(cache) {
    this.#cache(cache).lost = true;
  }

  setFlag(key, value) {
    this.#flags.set(key, value);
  }

  tracked(metric) {
    return this.#tracked.filter(([name]) => name === metric).map(([, value]) => value);
  }

  advance(ms) {
    this.#now += ms;
  }

  #store(name) {
    const store = this.#stores.get(name);
    if (!store) throw new Error(`the test grants no store ${name}: new Host({ kv: ["${name}"] })`);
    return store;
  }

  #cache(name) {
    const cache = this.#caches.get(name);
    if (!cache) throw new Error(`the test grants no cache ${name}: new Host({ cache: ["${name}"] })`);
    return cache;
  }
}

/** Within a Host, the global fetch reaches what the Host answers and nothing else. */
const outside = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const host = current.getStore();
  if (!host) return outside(input, init);
  const request = new Request(input, init);
  if (host.http) return host.http(request);
  throw new TypeError(
    `${new URL(request.url).origin} was not reached: the test answers no requests; give new Host({ http: (request) => new Response() })`,
  );
};
