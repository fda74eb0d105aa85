// A rate limit in memory: a number for each key, and the same again when its time is over.

import { failure } from "./failure.js";

export class Limit {
  #taken = new Map();

  constructor(admits, perMs, now) {
    Object.assign(this, { admits, perMs, now });
  }

  check(key, cost) {
    const length = Buffer.byteLength(key);
    if (length < 1 || length > 512) throw failure("invalid", `a key has 1 to 512 bytes, this one ${length}`);
    if (!(cost >= 1 && cost <= 1_000_000)) throw failure("invalid", `a cost is 1 to 1,000,000, this one ${cost}`);
    const now = this.now();
    let count = this.#taken.get(key);
    if (!count || now >= count.since + this.perMs) this.#taken.set(key, (count = { taken: 0, since: now }));
    const admitted = count.taken + cost <= this.admits;
    if (admitted) count.taken += cost;
    const retryAfterMs = BigInt(admitted ? 0 : count.since + this.perMs - now);
    return { admitted, remaining: BigInt(this.admits - count.taken), retryAfterMs };
  }
}
