// Texts, JSON and bytes into each other.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of a text (UTF-8), an ArrayBuffer, or any view of one. */
export function toBytes(value, what = "the value") {
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`${what} is ${value === null ? "null" : typeof value}: give a string or bytes`);
}

export function toText(bytes) {
  return decoder.decode(bytes);
}

/** JSON as a string; what JSON has no word for (undefined, a function) is refused rather than lost. */
export function toJson(value) {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${typeof value} cannot be written as JSON`);
  return text;
}

/** A header's value as Fetch has it: one character per byte. */
export function headerToText(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export function headerToBytes(text) {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
