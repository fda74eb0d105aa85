// Feature flags. Asking never fails: a flag that is missing or of another type gives the default, and `resolve` says why.

import { host } from "#host";

/** The contract's form of a value, by the type that it has. */
function tagged(value) {
  if (typeof value === "boolean" || typeof value === "string" || typeof value === "number") {
    return { tag: typeof value, val: value };
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return { tag: "object", val: JSON.stringify(value) };
  }
  throw new TypeError("a flag's default is a boolean, a string, a number or an object");
}

function plain({ tag, val }) {
  return tag === "object" ? JSON.parse(val) : val;
}

export const flags = {
  getBoolean(key, fallback) {
    return host.flags.getBoolean(key, Boolean(fallback));
  },

  getString(key, fallback) {
    return host.flags.getString(key, String(fallback));
  },

  getNumber(key, fallback) {
    return host.flags.getNumber(key, Number(fallback));
  },

  getObject(key, fallback) {
    return JSON.parse(host.flags.getObject(key, tagged(fallback).val));
  },

  resolve(key, fallback) {
    const { value, variant, reason, errorCode, errorMessage, metadata } = host.flags.resolve(key, tagged(fallback));
    return {
      value: plain(value),
      variant: variant ?? null,
      reason,
      errorCode: errorCode?.replaceAll("-", "_").toUpperCase() ?? null,
      errorMessage: errorMessage ?? null,
      metadata: JSON.parse(metadata),
    };
  },

  addContext(attributes) {
    const json = Object.entries(attributes).map(([name, value]) => [name, JSON.stringify(value)]);
    // What has no JSON form is left out by JSON itself; here it would be a text that is none.
    return json.every(([, text]) => text !== undefined) && host.flags.addContext(json);
  },
};
