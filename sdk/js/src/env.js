// The second argument of `fetch`, as Workers know it: configuration by name, and the stores under `KV`.

import { config } from "./config.js";
import { kv } from "./kv.js";

/** Asks the host only for what is looked at. */
export const env = new Proxy(Object.freeze({}), {
  get: (_, key) => (key === "KV" ? kv : typeof key === "string" ? config.get(key) : undefined),
  has: (_, key) => key === "KV" || (typeof key === "string" && config.get(key) !== undefined),
});
