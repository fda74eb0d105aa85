// Durable key-value stores of `grant = { kv = [...] }`.
//
// The calls are done when they return; they give promises because that is how such stores look in JavaScript, and so that a
// host which answers later changes nothing for handlers.

import { host } from "#host";
import { toBytes, toJson, toText } from "./bytes.js";
import { payload } from "./payload.js";

/** Keys per page, the host's own limit. */
const PAGE = 1000;

export class KvError extends Error {
  name = "KvError";

  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const WORDS = { "not-a-number": "the value is no decimal integer, or the sum does not fit 64 bits" };

/** Calls the host; its error becomes a KvError. */
function call(name, ...args) {
  try {
    return host.kv[name](...args);
  } catch (error) {
    const { tag, val } = payload(error);
    throw new KvError(tag.replaceAll("-", "_"), val ?? WORDS[tag] ?? tag);
  }
}

function ttl(options) {
  const ms = options?.ttlMs;
  if (ms === undefined) return undefined;
  if (!Number.isSafeInteger(ms) || ms < 0) throw new TypeError(`ttlMs is ${ms}: give whole milliseconds`);
  return BigInt(ms);
}

const optional = (value) => (value === null || value === undefined ? undefined : toBytes(value));

class Store {
  constructor(name) {
    this.name = name;
  }

  async get(key) {
    return call("get", this.name, key) ?? null;
  }

  async getText(key) {
    const bytes = await this.get(key);
    return bytes && toText(bytes);
  }

  async getJson(key) {
    const bytes = await this.get(key);
    return bytes && JSON.parse(toText(bytes));
  }

  async set(key, value, options) {
    call("set", this.name, key, toBytes(value), ttl(options));
  }

  async setJson(key, value, options) {
    call("set", this.name, key, toBytes(toJson(value)), ttl(options));
  }

  async delete(key) {
    return call("delete", this.name, key);
  }

  async exists(key) {
    return call("exists", this.name, key);
  }

  async list({ prefix = "", cursor, limit = PAGE } = {}) {
    const page = call("listKeys", this.name, prefix, cursor ?? undefined, limit);
    return { keys: page.keys, cursor: page.cursor ?? null };
  }

  async *keys(prefix = "") {
    let cursor;
    do {
      const page = await this.list({ prefix, cursor });
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor);
  }

  async increment(key, delta = 1) {
    const sum = call("increment", this.name, key, BigInt(delta));
    if (typeof delta === "bigint") return sum;
    const number = Number(sum);
    if (Number.isSafeInteger(number)) return number;
    throw new RangeError(`${key} is now ${sum}, which is no safe integer: give delta as a bigint`);
  }

  async compareAndSwap(key, expected, value) {
    return call("compareAndSwap", this.name, key, optional(expected), optional(value));
  }

  async setIfAbsent(key, value) {
    return call("compareAndSwap", this.name, key, undefined, toBytes(value));
  }

  async getMany(keys) {
    return call("getMany", this.name, keys).map((value) => value ?? null);
  }

  async setMany(entries) {
    const pairs = typeof entries[Symbol.iterator] === "function" ? [...entries] : Object.entries(entries);
    call(
      "setMany",
      this.name,
      pairs.map(([key, value]) => ({ key, value: toBytes(value) })),
    );
  }

  async deleteMany(keys) {
    call("deleteMany", this.name, keys);
  }
}

export const kv = {
  open(store) {
    return new Store(store);
  },
};
