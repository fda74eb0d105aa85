// The contract's functions over what a test gave: the same names and shapes as the imports of a component.

import { headerToBytes, headerToText } from "../bytes.js";
import { failure } from "./failure.js";
import { experiment, flags } from "./flag.js";

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
      getPrincipal: () => principal(test.principal),
      getParameters: () => Object.entries(test.parameters).map(([name, value]) => [name, JSON.stringify(value)]),
    },
    authz: { check: (permission, resource) => decision(test.allow, permission, resource) },
    rateLimit: {
      check: (limit, ...args) => {
        if (test.limits.has(limit)) return test.limits.get(limit).check(...args);
        throw failure(
          "denied",
          `limit "${limit}" is not granted: add it to grant = { limits = ["${limit}"] } of plugin test`,
        );
      },
    },
    kv: named("store", "kv", test.stores),
    cache: named("cache", "cache", test.caches),
    flags: flags(test.flags, test.flagContext),
    experiment: experiment(test.tracked),
    http: { send: (request) => send(test.http, request) },
  };
}

/** The contract's form of what a test says of who asks. */
function principal(told) {
  if (!told) return undefined;
  const { subject, tenant, roles = [], scopes = [], method = "jwt", authenticatedAt = new Date(0), claims = {} } = told;
  const authenticatedAtMs = BigInt(authenticatedAt.getTime());
  return { subject, tenant: tenant ?? undefined, roles, scopes, method, authenticatedAtMs, claims: JSON.stringify(claims) };
}

function decision(allow, permission, resource) {
  const fits = (entry) => entry.permission === permission && ["", resource].includes(entry.resource ?? "");
  const allowed = allow.some(fits);
  return { allowed, reason: allowed ? "the test allows it" : "nothing in the test allows it" };
}

/** Every function of a store or cache, with its name in front. */
function named(kind, grant, granted) {
  return new Proxy(
    {},
    {
      get:
        (_, name) =>
        (which, ...args) => {
          if (granted.has(which)) return granted.get(which)[name](...args);
          throw failure(
            "denied",
            `${kind} "${which}" is not granted: add it to grant = { ${grant} = ["${which}"] } of plugin test`,
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
