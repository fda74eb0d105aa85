// Outbound HTTP by the contract's own client: errors name the missing grant, and a timeout can be set. The global `fetch`
// reaches the same origins, several at once.

import { host } from "#host";
import { headerToBytes, headerToText } from "./bytes.js";
import { payload } from "./payload.js";

/** Statuses whose Response must have no body. */
const BODILESS = [204, 205, 304];

const WORDS = {
  timeout: "no answer in time",
  "too-large": "the response is larger than the host accepts",
};

export class HttpError extends Error {
  name = "HttpError";

  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function outbound(request, timeoutMs) {
  return {
    method: request.method,
    url: request.url,
    headers: [...request.headers].map(([name, value]) => [name, headerToBytes(value)]),
    body: new Uint8Array(await request.arrayBuffer()),
    timeoutMs: timeoutMs === undefined ? undefined : BigInt(timeoutMs),
  };
}

function inbound({ status, headers, body }) {
  const fields = new Headers();
  for (const [name, value] of headers) fields.append(name, headerToText(value));
  return new Response(BODILESS.includes(status) ? null : body, { status, headers: fields });
}

export const http = {
  async fetch(input, { timeoutMs, ...init } = {}) {
    const request = await outbound(new Request(input, init), timeoutMs);
    try {
      return inbound(await host.http.send(request)); // at once in a component; a test may take its time
    } catch (error) {
      const { tag, val } = payload(error);
      throw new HttpError(tag.replaceAll("-", "_"), val ?? WORDS[tag] ?? tag);
    }
  },
};
