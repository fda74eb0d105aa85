// What `import ... from "ostler"` gives a handler. One file per capability; types and their documentation are in index.d.ts.

export { authz } from "./authz.js";
export { cache, CacheError } from "./cache.js";
export { config } from "./config.js";
export { context } from "./context.js";
export { experiment } from "./experiment.js";
export { flags } from "./flags.js";
export { http, HttpError } from "./http.js";
export { kv, KvError } from "./kv.js";
export { log } from "./log.js";
export { matchPath } from "./path.js";
export { Problem } from "./problem.js";
export { rateLimit, RateLimitError } from "./rate-limit.js";
export { readJson } from "./read.js";
export { html, json, noContent, redirect, text } from "./responses.js";
export { Router } from "./router.js";
