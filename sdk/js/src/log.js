// Log lines. The host adds plugin, release and request id to each.

import { host } from "#host";

/** Fields are texts on the host's side; what is no scalar is written as JSON, an error with its stack. */
function text(value) {
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // cyclic, or it holds a bigint
  }
}

function write(level, message, fields = {}) {
  host.log.write(
    level,
    String(message),
    Object.entries(fields).map(([name, value]) => [name, text(value)]),
  );
}

export const log = {
  trace: (message, fields) => write("trace", message, fields),
  debug: (message, fields) => write("debug", message, fields),
  info: (message, fields) => write("info", message, fields),
  warn: (message, fields) => write("warn", message, fields),
  error: (message, fields) => write("error", message, fields),
};
