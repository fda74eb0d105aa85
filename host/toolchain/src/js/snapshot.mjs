// Starts a core module and writes one that begins where its start ended: what wizer does, under Node.js, and with nothing in it
// that differs from run to run. Clocks and random numbers are given and files have no times, so that the same sources make the
// same component everywhere.
//
// It takes modules as componentize-js has them (one memory, active data segments, tables that the start leaves alone) and refuses
// others.

import { closeSync, openSync } from "node:fs";
import { WASI } from "node:wasi";

const TABLE = 4;
const MEMORY = 5;
const GLOBAL = 6;
const EXPORT = 7;
const DATA_COUNT = 12;
const DATA = 11;

const I32 = 0x7f;
const I32_CONST = 0x41;
const END = 0x0b;
const PAGE = 65536;

/** Zeros between two stretches of memory that are worth a segment of their own. */
const GAP = 64;

/** The export that is called before all others, once. */
const CONSTRUCTORS = "_initialize";

/** The name under which the stack pointer is looked at. */
const STACK = "ostler:stack";

/**
 * Runs the export `start` of `module` and puts what it left into the module `into`, which differs in imports only. `root` is its
 * file system, the file `input` its standard input, the file `output` takes what it prints; random numbers follow from `seed`.
 */
export async function snapshot(module, { into, start, root, env, input, output, seed }) {
  const sections = split(module);
  const target = split(into);
  checkTwins(sections, target);
  const entries = readExports(sections);
  const visible = await WebAssembly.compile(
    joined(sections, { [EXPORT]: writeExports([...entries, { name: encode(STACK), kind: 3, index: 0 }]) }),
  );
  const files = [openSync(input, "r"), openSync(output, "w")];
  try {
    const wasi = new WASI({
      version: "preview1",
      env,
      preopens: { "/": root },
      stdin: files[0],
      stdout: files[1],
      stderr: files[1],
      returnOnExit: true,
    });
    const instance = await WebAssembly.instantiate(
      visible,
      imports(visible, wasi.wasiImport, seed, () => instance.exports.memory.buffer),
    );
    wasi.initialize(instance); // its constructors
    instance.exports[start]();
    return frozen(target, instance.exports, start);
  } finally {
    files.forEach(closeSync);
  }
}

/** WASI without what differs from run to run; nothing else may be called. */
function imports(module, wasi, seed, memory) {
  const view = () => new DataView(memory());
  let time = 0n;
  const given = {
    ...wasi,
    clock_time_get(_clock, _precision, to) {
      view().setBigUint64(to, (time += 1000n), true);
      return 0;
    },
    random_get(to, length) {
      for (const [at, byte] of [...random(seed, length)].entries()) view().setUint8(to + at, byte);
      return 0;
    },
    path_filestat_get: (...args) => timeless(wasi.path_filestat_get(...args), view(), args[4]),
    fd_filestat_get: (...args) => timeless(wasi.fd_filestat_get(...args), view(), args[1]),
  };
  const found = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const refuse = () => {
      throw new Error(`${from} ${name} was called while the project was loaded`);
    };
    (found[from] ??= {})[name] = (from === "wasi_snapshot_preview1" && given[name]) || refuse;
  }
  return found;
}

/** Bytes of a xorshift generator, which goes on from call to call. */
function* random(seed, length) {
  for (let at = 0; at < length; at++) {
    seed.state ^= seed.state << 13;
    seed.state ^= seed.state >>> 17;
    seed.state ^= seed.state << 5;
    yield seed.state & 0xff;
  }
}

/** Hides device, number and times in what WASI says of a file. */
function timeless(verdict, view, at) {
  for (const field of [0, 8, 40, 48, 56]) view.setBigUint64(at + field, 0n, true);
  return verdict;
}

/** The module with what a start left: memory as data and the stack pointer. It has no start any more. */
function frozen(sections, exports, start) {
  const memory = new Uint8Array(exports.memory.buffer);
  const stack = exports[STACK].value;
  // The stack lies below all data (a linker's --stack-first), and what is left of calls that have returned is nothing.
  if (lowestData(sections) >= stack) memory.fill(0, 0, stack);
  const segments = [...stretches(memory)];
  const data = segments.map(([from, to]) => [
    [0, I32_CONST],
    signed(from),
    [END],
    unsigned(to - from),
    memory.subarray(from, to),
  ]);
  return joined(sections, {
    [MEMORY]: [[1, 0], unsigned(memory.length / PAGE)],
    [GLOBAL]: [[1, I32, 1, I32_CONST], signed(stack), [END]],
    [EXPORT]: writeExports(readExports(sections).filter(({ name }) => ![start, CONSTRUCTORS].includes(decode(name)))),
    [DATA_COUNT]: [unsigned(segments.length)],
    [DATA]: [unsigned(segments.length), ...data.flat()],
  });
}

/** Where memory is not zero: `[from, to]` each, to the width of a word. */
function* stretches(memory) {
  const words = new Uint32Array(memory.buffer);
  let from = -1;
  let last = -1;
  for (let at = 0; at < words.length; at++) {
    if (words[at] === 0) continue;
    if (from >= 0 && at - last > GAP / 4) {
      yield [from * 4, (last + 1) * 4];
      from = -1;
    }
    if (from < 0) from = at;
    last = at;
  }
  if (from >= 0) yield [from * 4, (last + 1) * 4];
}

/** Sections in their order: `{ id, body }`. */
function split(module) {
  const sections = [];
  const reader = new Reader(module, 8);
  while (!reader.done) {
    const id = reader.byte();
    sections.push({ id, body: reader.bytes() });
  }
  return sections;
}

/** A module of the same sections, some with other contents (lists of byte lists). */
function joined(sections, others) {
  const parts = [Buffer.from("\0asm\x01\0\0\0", "latin1")];
  for (const { id, body } of sections) {
    const contents = others[id] ? Buffer.concat(others[id].map((part) => Buffer.from(part))) : body;
    parts.push(Buffer.from([id, ...unsigned(contents.length)]), contents);
  }
  return Buffer.concat(parts);
}

const bodyOf = (sections, wanted) => sections.find(({ id }) => id === wanted)?.body ?? Buffer.alloc(0);

/** One global, the stack pointer, is all that a start may leave changed beside memory; tables must mean the same to both. */
function checkTwins(one, other) {
  for (const sections of [one, other]) {
    const [count, type, mutable] = bodyOf(sections, GLOBAL);
    if (count !== 1 || type !== I32 || mutable !== 1)
      throw new Error("the engine has other globals than a stack pointer");
  }
  if (!bodyOf(one, TABLE).equals(bodyOf(other, TABLE))) throw new Error("the engine's two forms have different tables");
}

/** The lowest address of a data segment. */
function lowestData(sections) {
  const reader = new Reader(bodyOf(sections, DATA), 0);
  let lowest = Infinity;
  for (let left = reader.unsigned(); left > 0; left--) {
    if (reader.byte() !== 0 || reader.byte() !== I32_CONST) throw new Error("the engine has data that is not active");
    lowest = Math.min(lowest, reader.unsigned());
    if (reader.byte() !== END) throw new Error("the engine has data at a computed address");
    reader.bytes();
  }
  return lowest;
}

function readExports(sections) {
  const reader = new Reader(bodyOf(sections, EXPORT), 0);
  const entries = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    entries.push({ name: reader.bytes(), kind: reader.byte(), index: reader.unsigned() });
  }
  return entries;
}

function writeExports(entries) {
  const written = entries.map(({ name, kind, index }) => [unsigned(name.length), name, [kind], unsigned(index)]);
  return [unsigned(entries.length), ...written.flat()];
}

const encode = (text) => Buffer.from(text);
const decode = (bytes) => bytes.toString();

/** A number in LEB128. */
function unsigned(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** The same with a sign bit, for `i32.const`. */
function signed(value) {
  const bytes = unsigned(value);
  return bytes.at(-1) & 0x40 ? [...bytes.slice(0, -1), bytes.at(-1) | 0x80, 0] : bytes;
}

class Reader {
  constructor(bytes, at) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get done() {
    return this.at >= this.buffer.length;
  }

  byte() {
    return this.buffer[this.at++];
  }

  unsigned() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** As many as the number in front of them says. */
  bytes() {
    const length = this.unsigned();
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }
}
