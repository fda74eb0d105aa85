// Caches of `grant = { cache = [...] }`: values that can be made again, and may be gone at any time. Promises for the reason that
// kv.js tells.

import { host } from "#host";
import { toBytes, toJson, toText } from "./bytes.js";
import { payload } from "./payload.js";

const WAIT_MAX = 2 ** 32 - 1;

export class CacheError extends Error {
  name = "CacheError";

  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Calls the host; its error becomes a CacheError. */
function call(name, ...args) {
  try {
    return host.cache[name](...args);
  } catch (error) {
    const { tag, val } = payload(error);
    throw new CacheError(tag, val);
  }
}

function whole(name, ms) {
  if (Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new TypeError(`${name} is ${ms}: give whole milliseconds`);
}

/** A cache that is out of reach is done without. */
function unlessUnavailable(error) {
  if (error?.code !== "unavailable") throw error;
}

class Cache {
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

  async set(key, value, { ttlMs, tags = [] } = {}) {
    const ttl = ttlMs === undefined ? undefined : BigInt(whole("ttlMs", ttlMs));
    call("set", this.name, key, toBytes(value), ttl, tags);
  }

  async setJson(key, value, options) {
    await this.set(key, toJson(value), options);
  }

  async delete(key) {
    call("delete", this.name, key);
  }

  async deleteTag(tag) {
    call("deleteTag", this.name, tag);
  }

  async getOrCompute(key, options, make) {
    const wait = Math.floor(Number(host.context.deadlineLeftMs()) / 2);
    const found = await this.getOrLock(key, { waitMs: wait }).catch(unlessUnavailable);
    if (found === undefined) return toBytes(await make());
    if (found !== null) return found;
    let kept = false;
    try {
      const value = toBytes(await make());
      await this.set(key, value, options).then(() => (kept = true), unlessUnavailable);
      return value;
    } finally {
      if (!kept) await this.unlock(key).catch(() => {}); // the first failure is the one to tell
    }
  }

  async getOrComputeJson(key, options, make) {
    return JSON.parse(toText(await this.getOrCompute(key, options, async () => toJson(await make()))));
  }

  async getOrLock(key, { waitMs = 0 } = {}) {
    const found = call("getOrComputeLock", this.name, key, Math.min(whole("waitMs", waitMs), WAIT_MAX));
    return found.tag === "value" ? found.val : null;
  }

  async unlock(key) {
    call("unlock", this.name, key);
  }
}

export const cache = {
  open(name) {
    return new Cache(name);
  },
};
