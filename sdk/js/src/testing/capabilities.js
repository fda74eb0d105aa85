// The contract's functions over what a test gave: the same names and shapes as the imports of a component.

import { headerToBytes, headerToText } from "../bytes.js";
import { failure } from "./failure.js";

export function capabilities(test) {
  return {
    log: {
      write: (level, message, fields) => void test.lines.push({ level, message, fields: Object.fromEntries(fields) }),
    },
    config: {
      get: (key) => test.config.find(([its]) => its === key)?.[1],
      all: () => [...test.config].sort(([one], [other]) => (one < other ? -1 : 1)),
    },
    context: {
      get: () => ({ ...test.exchange }),
      deadlineLeftMs: () => BigInt(test.deadlineLeftMs),
    },
    kv: stores(test.stores),
    http: { send: (request) => send(test.http, request) },
  };
}

/** Every function of a store, with the store's name in front. */
function stores(granted) {
  return new Proxy(
    {},
    {
      get:
        (_, name) =>
        (store, ...args) => {
          if (granted.has(store)) return granted.get(store)[name](...args);
          throw failure(
            "denied",
            `store "${store}" is not granted: add it to grant = { kv = ["${store}"] } of plugin test`,
          );
        },
    },
  );
}

/** Outbound HTTP, answered by the test; an HttpError it throws is the host's. */
async function send(answer, { method, url, headers, body }) {
  const { origin } = new URL(url);
  if (!answer) {
    throw failure("denied", `outbound HTTP to ${origin} is not granted; to allow it: grant = { http = ["${origin}"] }`);
  }
  const fields = headers.map(([name, value]) => [name, headerToText(value)]);
  const init = { method, headers: fields, body: body.length > 0 ? body : undefined };
  const response = await answered(answer, new Request(url, init));
  return {
    status: response.status,
    headers: [...response.headers].map(([name, value]) => [name, headerToBytes(value)]),
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

async function answered(answer, request) {
  try {
    return await answer(request);
  } catch (error) {
    if (error?.name !== "HttpError") throw error;
    throw failure(error.code.replaceAll("_", "-"), error.message);
  }
}
