// Rate limits of `grant = { limits = [...] }`, for what costs inside a handler.

import { host } from "#host";
import { payload } from "./payload.js";
import { Problem } from "./problem.js";

export class RateLimitError extends Error {
  name = "RateLimitError";

  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const rateLimit = {
  async check(limit, key, cost = 1) {
    try {
      const { admitted, remaining, retryAfterMs } = host.rateLimit.check(limit, key, cost);
      return { admitted, remaining: Number(remaining), retryAfterMs: Number(retryAfterMs) };
    } catch (error) {
      const { tag, val } = payload(error);
      throw new RateLimitError(tag, val);
    }
  },

  async require(limit, key, cost = 1) {
    const decision = await rateLimit.check(limit, key, cost).catch(unavailable);
    if (decision.admitted) return decision.remaining;
    const seconds = Math.max(1, Math.ceil(decision.retryAfterMs / 1000));
    throw new Problem(429, `too many of these; try again in ${seconds} s`, {
      code: "rate_limited",
      headers: { "retry-after": String(seconds) },
    });
  },
};

function unavailable(error) {
  if (error.code !== "unavailable") throw error;
  throw Problem.unavailable("the limit on this cannot be checked at the moment", { code: "limit_unavailable" });
}
