// One request through a handler: what a component and a test have in common.

import { context } from "./context.js";
import { env } from "./env.js";
import { log } from "./log.js";
import { Problem } from "./problem.js";

/** The handler's function. Throws if a module exports none: while the component is made, not at the first request. */
export function handlerOf(exported) {
  if (typeof exported === "function") return exported;
  if (typeof exported?.fetch === "function") return (request, env, ctx) => exported.fetch(request, env, ctx);
  throw new TypeError(
    "the default export has no fetch: write `export default { async fetch(request, env, ctx) { ... } }`",
  );
}

/** The handler's Response; a Problem it threw becomes one, anything else is thrown on. */
export async function respond(handler, request) {
  const pending = [];
  const response = await answer(handler, request, exchange(pending));
  if (typeof response?.arrayBuffer !== "function" || typeof response.status !== "number") {
    throw new TypeError(`the handler returned ${response === null ? "null" : typeof response}: return a Response`);
  }
  await settled(pending);
  return response;
}

async function answer(handler, request, ctx) {
  try {
    return await handler(request, env, ctx);
  } catch (error) {
    if (error instanceof Problem) return error.toResponse(context.requestId);
    throw error;
  }
}

/** The third argument of `fetch`. */
function exchange(pending) {
  const failed = (error) => log.warn("what was passed to waitUntil failed", { error });
  return Object.create(context, {
    waitUntil: { value: (promise) => void pending.push(Promise.resolve(promise).catch(failed)) },
    passThroughOnException: { value: () => {} },
  });
}

/** An instance does nothing between requests, so what was begun is finished before the response is handed over. */
async function settled(pending) {
  for (let done = 0; done < pending.length; done++) await pending[done];
}
