// The component's side: the typed contract on one hand, Request and Response on the other. Only bundles made by `ostler build`
// load this file.

import { begin } from "./host/component.js";
import { headerToBytes, headerToText } from "./bytes.js";
import { handlerOf, respond } from "./respond.js";

/** The implementation of `ostler:plugin/http-handler` for the default export of a project. */
export function serve(exported) {
  const handler = handlerOf(exported);
  return {
    async handle(request) {
      begin();
      try {
        return await fromResponse(await respond(handler, toRequest(request)));
      } catch (error) {
        // A string is the contract's `err`: the host logs it and the client gets a 500 without it.
        throw described(error);
      }
    },
  };
}

/** The contract tells no scheme; routes and origins of the host do, so handlers see http. */
function toRequest({ method, target, headers, body }) {
  const fields = new Headers();
  for (const [name, value] of headers) fields.append(name, headerToText(value));
  const init = { method, headers: fields };
  if (body.length > 0 && method !== "GET" && method !== "HEAD") init.body = body;
  return new Request(`http://${fields.get("host") ?? "localhost"}${target.startsWith("/") ? target : "/"}`, init);
}

async function fromResponse(response) {
  const headers = [];
  for (const [name, value] of response.headers) headers.push([name, headerToBytes(value)]);
  const body = response.body === null ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers, body };
}

/** An error with its cause and where it was thrown. */
function described(error) {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const cause = error.cause === undefined ? "" : `, caused by ${error.cause}`;
  return `${error}${cause}\n${error.stack ?? ""}`.trimEnd();
}

/** The engine says only that there was a network error; which grant may be missing is worth a word. */
function hinted(fetch) {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      if (!/NetworkError/.test(error?.message)) throw error;
      const { origin } = new URL(input?.url ?? input);
      throw new TypeError(`${origin} was not reached: is it granted (grant = { http = ["${origin}"] }) and up?`, {
        cause: error,
      });
    }
  };
}

globalThis.fetch = hinted(globalThis.fetch.bind(globalThis));
