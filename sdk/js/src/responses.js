// Responses of the usual kinds. All are ordinary Response objects of the Fetch standard.

import { toJson } from "./bytes.js";

/** `init` with the content type, unless it has one. */
function typed(type, init = {}) {
  const headers = new Headers(init.headers);
  if (!headers.has("content-type")) headers.set("content-type", type);
  return { ...init, headers };
}

export function text(body, init) {
  return new Response(body, typed("text/plain; charset=utf-8", init));
}

export function html(body, init) {
  return new Response(body, typed("text/html; charset=utf-8", init));
}

export function json(value, init) {
  return new Response(toJson(value), typed("application/json", init));
}

export function redirect(location, status = 302) {
  return new Response(null, { status, headers: { location: String(location) } });
}

export function noContent(init = {}) {
  return new Response(null, { ...init, status: 204 });
}
