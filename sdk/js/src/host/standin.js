// The capabilities without a host, under Node: those of the testing Host that the running test belongs to (testing.js).

import { AsyncLocalStorage } from "node:async_hooks";

/** One per flow of calls, so that tests may run side by side. */
export const current = new AsyncLocalStorage();

function capability(name) {
  const call =
    (_, key) =>
    (...args) => {
      const host = current.getStore();
      if (host) return host.capabilities[name][key](...args);
      throw new Error(
        `${name}.${String(key)} was called without a host: in a test, call the handler by \`new Host().fetch(handler, "/path")\` of "ostler/testing"`,
      );
    };
  return new Proxy({}, { get: call });
}

export const host = {
  authz: capability("authz"),
  cache: capability("cache"),
  config: capability("config"),
  context: capability("context"),
  experiment: capability("experiment"),
  flags: capability("flags"),
  http: capability("http"),
  kv: capability("kv"),
  log: capability("log"),
  rateLimit: capability("rateLimit"),
};
