// The capabilities in a component: the contract's imports, whose bindings componentize-js generates.

import * as authz from "ostler:plugin/authz@0.1.0";
import * as cache from "ostler:plugin/cache@0.1.0";
import * as config from "ostler:plugin/config@0.1.0";
import * as context from "ostler:plugin/context@0.1.0";
import * as experiment from "ostler:plugin/experiment@0.1.0";
import * as flags from "ostler:plugin/flags@0.1.0";
import * as http from "ostler:plugin/http-client@0.1.0";
import * as kv from "ostler:plugin/kv@0.1.0";
import * as log from "ostler:plugin/log@0.1.0";
import * as rateLimit from "ostler:plugin/rate-limit@0.1.0";

let begun = false;

/** Said with the first request. Modules are evaluated while the component is made, where no host is there to be asked. */
export function begin() {
  begun = true;
}

function guarded(name, imported) {
  const guard =
    (key, call) =>
    (...args) => {
      if (begun) return call(...args);
      throw new Error(
        `${name}.${key} was called while a module was loaded, which happens in the build: call it within fetch`,
      );
    };
  return Object.fromEntries(Object.entries(imported).map(([key, call]) => [key, guard(key, call)]));
}

export const host = {
  authz: guarded("authz", authz),
  cache: guarded("cache", cache),
  config: guarded("config", config),
  context: guarded("context", context),
  experiment: guarded("experiment", experiment),
  flags: guarded("flags", flags),
  http: guarded("http", http),
  kv: guarded("kv", kv),
  log: guarded("log", log),
  rateLimit: guarded("rateLimit", rateLimit),
};
