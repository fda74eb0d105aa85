// Flags in memory, each with one value whatever the context, and the metrics that were tracked.

const ATTRIBUTES = 64;
const ATTRIBUTE_BYTES = 16 * 1024;

const KINDS = { boolean: "a boolean", string: "a string", number: "a number", object: "an object" };

/** `values` by key; `context` gets what a handler adds. */
export function flags(values, context) {
  const resolve = (key, fallback) => {
    if (!values.has(key)) return refuse(fallback, "flag-not-found", `flag "${key}" is not there`);
    const value = values.get(key);
    const tag = typeof value;
    if (tag !== fallback.tag) {
      return refuse(fallback, "type-mismatch", `flag "${key}" is ${KINDS[tag]}, not ${KINDS[fallback.tag]}`);
    }
    return { value: { tag, val: tag === "object" ? JSON.stringify(value) : value }, reason: "STATIC", metadata: "{}" };
  };
  const get = (tag) => (key, fallback) => resolve(key, { tag, val: fallback }).value.val;
  return {
    getBoolean: get("boolean"),
    getString: get("string"),
    getNumber: get("number"),
    getObject: get("object"),
    resolve,
    addContext: (attributes) => add(context, attributes),
  };
}

export function experiment(tracked) {
  return {
    track: (metric, value) => {
      const taken = /^[a-z0-9._-]{1,64}$/.test(metric) && Number.isFinite(value);
      if (taken) tracked.push([metric, value]);
      return taken;
    },
  };
}

function refuse(value, errorCode, errorMessage) {
  return { value, reason: "ERROR", errorCode, errorMessage, metadata: "{}" };
}

/** All of them or none, as the host does. */
function add(context, attributes) {
  const after = { ...context, ...Object.fromEntries(attributes.map(([name, json]) => [name, JSON.parse(json)])) };
  const bytes = Object.entries(after).map(([name, value]) => Buffer.byteLength(name + JSON.stringify(value)));
  const fits = bytes.length <= ATTRIBUTES && bytes.reduce((sum, each) => sum + each, 0) <= ATTRIBUTE_BYTES;
  if (fits) Object.assign(context, after);
  return fits;
}
