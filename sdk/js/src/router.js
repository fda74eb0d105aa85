// Which function answers which method and path. A router is a handler itself: `export default router`.

import { matchPath } from "./path.js";
import { Problem } from "./problem.js";

export class Router {
  #routes = [];

  /** A field, so that it may be torn off: `export const { fetch } = router`. */
  fetch = async (request, env, ctx) => {
    const path = new URL(request.url).pathname;
    const allow = [];
    for (const { method, pattern, handler } of this.#routes) {
      const params = matchPath(pattern, path);
      if (!params) continue;
      if (method === "*" || method === request.method) return handler(request, { params, env, ctx });
      allow.push(method);
    }
    if (allow.length > 0) throw Problem.methodNotAllowed([...new Set(allow)]);
    throw Problem.notFound(`nothing is at ${path}`);
  };

  on(method, pattern, handler) {
    this.#routes.push({ method, pattern, handler });
    return this;
  }

  get(pattern, handler) {
    return this.on("GET", pattern, handler);
  }

  head(pattern, handler) {
    return this.on("HEAD", pattern, handler);
  }

  post(pattern, handler) {
    return this.on("POST", pattern, handler);
  }

  put(pattern, handler) {
    return this.on("PUT", pattern, handler);
  }

  patch(pattern, handler) {
    return this.on("PATCH", pattern, handler);
  }

  delete(pattern, handler) {
    return this.on("DELETE", pattern, handler);
  }

  all(pattern, handler) {
    return this.on("*", pattern, handler);
  }
}
