// A key-value store in memory that keeps the host's rules: limits, byte order, time to live, whole batches.

import { failure } from "./failure.js";

const KEY_MAX = 512;
const VALUE_MAX = 1 << 20;
const BATCH_MAX = 1000;
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

const same = (one, other) => Buffer.compare(one, other) === 0;
const inBytes = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other));

export class Store {
  #entries = new Map();
  #now;

  constructor(now) {
    this.#now = now;
  }

  get(key) {
    checkKey(key);
    const entry = this.#entries.get(key);
    return entry && entry.until > this.#now() ? entry.value.slice() : undefined;
  }

  set(key, value, ttlMs) {
    checkKey(key);
    checkValue(value);
    const until = ttlMs === undefined ? Infinity : this.#now() + Number(ttlMs);
    this.#entries.set(key, { value: Uint8Array.from(value), until });
  }

  delete(key) {
    const was = this.get(key) !== undefined;
    this.#entries.delete(key);
    return was;
  }

  exists(key) {
    return this.get(key) !== undefined;
  }

  /** The cursor is the last key of the page before. */
  listKeys(prefix, cursor, limit) {
    const live = [...this.#entries.keys()].filter((key) => key.startsWith(prefix) && this.exists(key));
    const after = live.filter((key) => cursor === undefined || inBytes(key, cursor) > 0).sort(inBytes);
    const keys = after.slice(0, Math.min(limit, BATCH_MAX));
    return { keys, cursor: keys.length < after.length ? keys.at(-1) : undefined };
  }

  increment(key, delta) {
    const text = Buffer.from(this.get(key) ?? "0").toString();
    const sum = /^[+-]?\d+$/.test(text) ? BigInt(text) + delta : undefined;
    if (sum === undefined || sum < MIN || sum > MAX) throw failure("not-a-number");
    const until = this.exists(key) ? this.#entries.get(key).until : Infinity;
    this.#entries.set(key, { value: Uint8Array.from(Buffer.from(String(sum))), until });
    return sum;
  }

  compareAndSwap(key, expected, value) {
    const present = this.get(key);
    const equal = expected === undefined || present === undefined ? expected === present : same(expected, present);
    if (!equal) return false;
    if (value === undefined) this.delete(key);
    else this.set(key, value);
    return true;
  }

  getMany(keys) {
    checkBatch(keys);
    return keys.map((key) => this.get(key));
  }

  setMany(entries) {
    checkBatch(entries);
    for (const { key, value } of entries) {
      checkKey(key);
      checkValue(value);
    }
    for (const { key, value } of entries) this.set(key, value);
  }

  deleteMany(keys) {
    checkBatch(keys);
    for (const key of keys) checkKey(key);
    for (const key of keys) this.delete(key);
  }
}

export function checkKey(key) {
  const size = Buffer.byteLength(key);
  if (size < 1 || size > KEY_MAX) throw failure("invalid", `the key has ${size} bytes; 1 to ${KEY_MAX} are accepted`);
}

export function checkValue(value) {
  if (value.length > VALUE_MAX)
    throw failure("invalid", `the value has ${value.length} bytes; ${VALUE_MAX} at most are accepted`);
}

function checkBatch(entries) {
  if (entries.length > BATCH_MAX)
    throw failure("invalid", `the batch has ${entries.length} entries; ${BATCH_MAX} at most are accepted`);
}
