// A cache in memory that keeps the host's rules: limits, time to live, tags, one who makes a value.

import { failure } from "./failure.js";
import { checkKey, checkValue } from "./store.js";

const TTL_MAX = 31_536_000_000n;

export class Cache {
  #entries = new Map();
  #now;
  locked = new Set();
  /** Whether every call is to answer that the shared store is gone. */
  lost = false;

  constructor(now) {
    this.#now = now;
  }

  get(key) {
    this.#check(key);
    const entry = this.#entries.get(key);
    return entry && entry.until > this.#now() ? entry.value.slice() : undefined;
  }

  set(key, value, ttlMs, tags) {
    this.#check(key);
    checkValue(value);
    if (ttlMs !== undefined && !(ttlMs >= 1n && ttlMs <= TTL_MAX)) {
      throw failure("invalid", `a time to live is 1 ms to 365 days, this one ${ttlMs} ms`);
    }
    if (tags.includes("")) throw failure("invalid", "a tag has at least 1 byte");
    const until = ttlMs === undefined ? Infinity : this.#now() + Number(ttlMs);
    this.#entries.set(key, { value: Uint8Array.from(value), until, tags: [...tags] });
    this.locked.delete(key);
  }

  delete(key) {
    this.#check(key);
    this.#entries.delete(key);
  }

  deleteTag(tag) {
    this.#reach();
    for (const [key, entry] of this.#entries) if (entry.tags.includes(tag)) this.#entries.delete(key);
  }

  /** Nobody waits here: whoever asks for what is not there gets the right to make it. */
  getOrComputeLock(key) {
    const value = this.get(key);
    if (value !== undefined) return { tag: "value", val: value };
    this.locked.add(key);
    return { tag: "compute" };
  }

  unlock(key) {
    this.#check(key);
    this.locked.delete(key);
  }

  #check(key) {
    this.#reach();
    checkKey(key);
  }

  #reach() {
    if (this.lost) throw failure("unavailable", "the shared store is gone");
  }
}
